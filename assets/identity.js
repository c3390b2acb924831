// Who sits here: a key that this browser keeps and that goes with every request to the app.
//
// Beside it goes the project of the page's address, so that two tabs may show two projects.
//
// Before anybody signs in it is a secret of this browser's own; after that, the sign-in's token.
// Invariant: the key goes to this app alone, in a header, never in an address.
(() => {
  "use strict";
  const STORED = "blender-ui-key";
  const API = "/gradio_api/";

  const makeKey = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32)))).replace(/[+/=]/g, "-");
  let key = localStorage.getItem(STORED);
  const keep = (next) => localStorage.setItem(STORED, (key = next ?? makeKey()));
  if (!key) keep(null);

  // The project that the page's address asks for: a number, "all", or null where it says nothing.
  const asked = () => /^(\d+|all)$/.exec(new URLSearchParams(location.search).get("project") ?? "")?.[0] ?? null;

  const plainFetch = window.fetch.bind(window);
  window.fetch = (input, options) => {
    const address = new URL(input instanceof Request ? input.url : input, document.baseURI);
    if (address.origin !== location.origin || !address.pathname.includes(API)) return plainFetch(input, options);
    const request = new Request(input, options);
    request.headers.set("x-blender-key", key);
    if (asked()) request.headers.set("x-blender-project", asked());
    return plainFetch(request);
  };

  // A link carries no header, so a file of the app's is fetched with one and then handed to the browser.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || !new URL(link.href, document.baseURI).pathname.includes(`${API}file=`)) return;
    event.preventDefault();
    const response = await fetch(link.href).catch(() => null);
    if (!response?.ok) {
      const said = await response?.json().catch(() => null);
      window.alert(said?.error ?? tr("The file could not be fetched. Is the app running? Try again."));
      return;
    }
    const file = document.createElement("a");
    file.href = URL.createObjectURL(await response.blob());
    file.download = link.download || decodeURIComponent(link.pathname.split("/").pop());
    file.click();
    setTimeout(() => URL.revokeObjectURL(file.href), 60_000);
  }, true);

  const root = () => (window.gradio_config?.root ?? "").replace(/\/$/, "");

  // A Refusal is final: the same request would be refused again. Any other error may pass.
  class Refusal extends Error {}
  class SignedOut extends Refusal {}
  class Trouble extends Error {} // the server's own: its disk or its database; the message says which
  const FINAL = new Set([400, 413, 422]); // the server could not even read the request

  // After signing in one comes back here.
  const leaveToSignIn = () => location.replace(`${root()}/account?next=${encodeURIComponent(page())}`);

  async function call(endpoint, ...data) {
    const response = await fetch(`${root()}${API}run/${endpoint}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ data }), // the server chooses the session
    });
    if (!response.ok) {
      const error = new (FINAL.has(response.status) ? Refusal : Error)(tr("the server answered {status}", { status: response.status }));
      throw Object.assign(error, { status: response.status });
    }
    const [reply] = (await response.json()).data;
    if (reply.error) throw new (reply.must_sign_in ? SignedOut : reply.try_again ? Trouble : Refusal)(reply.error);
    return reply;
  }

  const invitation = new URLSearchParams(location.search).get("invite");
  const page = () => location.pathname.slice(new URL(root() || "/", location.origin).pathname.replace(/\/$/, "").length + 1).replace(/\/$/, "");

  function drawBarred(me, title) {
    const said = document.createElement("section");
    said.className = "bu-notice bu-warning bu-barred";
    said.setAttribute("role", "alert");
    const head = document.createElement("h1");
    head.textContent = title;
    const text = document.createElement("p");
    text.textContent = me.has_account
      ? tr("This page is not for the role {role}. An admin gives roles on the People page.", { role: tr(me.role) })
      : tr("This page is not for visitors. Sign in with an account that has a higher role.");
    const ways = me.has_account ? [] : [[tr("Sign in"), `account?next=${encodeURIComponent(page())}`]];
    for (const [name, path] of [...ways, ["Blend", ""], ["Label", "label"]]) {
      const link = document.createElement("a");
      link.href = `${root()}/${path}`;
      link.textContent = tr(name);
      text.append(" ", link);
    }
    said.append(head, text);
    return said;
  }

  let who = null; // what the server said of this browser; null until it has
  function show(me) {
    who = me;
    const corner = document.querySelector("[data-account]");
    const nav = document.querySelector(".bu-header nav");
    if (!corner || !nav) return;
    corner.hidden = me.mode === "open";
    corner.textContent = me.name || tr("Sign in");
    const isBarred = page() !== "account" && !me.pages.includes(page());
    document.body.classList.toggle("bu-is-barred", isBarred);
    if (isBarred && !document.querySelector(".bu-barred")) {
      nav.closest(".bu-header").after(drawBarred(me, nav.querySelector("[aria-current]")?.textContent ?? ""));
    }
    drawProjects(me);
    for (const link of nav.querySelectorAll("a")) {
      const path = link.getAttribute("href").replace("./", "").split("?")[0];
      link.hidden = !me.pages.includes(path);
      if (asked()) link.href = `./${path}?project=${asked()}`;
    }
  }

  // ---- The project in which one works. --------------------------------------------------------------
  const ALL = "all";
  const isLabelled = () => page() === "label"; // one labels one project, whoever sees all

  function drawProjects(me) {
    const select = document.querySelector("[data-project]");
    if (!select) return;
    const options = me.projects.map(([id, name]) => new Option(name, id));
    if (me.sees_all && !isLabelled()) options.unshift(new Option(tr("All projects"), ALL));
    select.replaceChildren(...options);
    select.closest("label").hidden = me.projects.length < 2 || !page() || page() === "account";
    showProject(labelled ?? me.project_id);
    select.onchange = () => workIn(select.value);
    if (select.closest("label").hidden || !me.project_id || asked()) return;
    const address = new URL(location); // so that a copied link shows the same
    address.searchParams.set("project", me.project_id);
    history.replaceState(history.state, "", address);
  }

  let labelled = null; // what the label page shows
  function showProject(id) {
    labelled = isLabelled() ? id : null;
    const select = document.querySelector("[data-project]");
    if (select) select.value = id ?? ALL;
  }

  // Everything on the page is of the other project then, so the page is opened anew.
  async function workIn(chosen) {
    await call("account_work_in", key, chosen === ALL ? null : Number(chosen)).catch((error) => window.alert(error.message));
    const address = new URL(location);
    address.search = `?project=${chosen}`; // a page's other wishes may be of the project before
    location.assign(address);
  }

  async function arrive() {
    if (page() !== "account" && invitation) {
      location.replace(`${root()}/account?invite=${encodeURIComponent(invitation)}`);
      return;
    }
    const me = await call("account_me", key).catch((error) => console.warn(`who one is could not be asked: ${error.message}`));
    if (!me) return;
    if (me.must_sign_in && page() !== "account") {
      leaveToSignIn();
      return;
    }
    // What a link asks for is from now on where one works.
    const chosen = asked() && asked() !== String(me.project_id ?? ALL) ? null : asked();
    if (chosen) call("account_work_in", key, me.project_id).catch(() => {});
    show(me);
    document.dispatchEvent(new CustomEvent("blender-ui-arrived", { detail: me }));
    // Gradio draws the header when it is ready, and again when one goes to another page.
    new MutationObserver(() => {
      if (document.querySelector("[data-account]:empty")) show(me);
    }).observe(document.body, { childList: true, subtree: true });
  }

  window.blenderUi = { get key() { return key; }, get me() { return who; }, keep, call, Refusal, SignedOut, Trouble, leaveToSignIn, root, page, asked, showProject };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", arrive);
  else arrive(); // Gradio puts this script into the page when it has built it
})();
