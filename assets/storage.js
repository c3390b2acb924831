// Where a browser keeps nothing for a page, as for a frame of another site, a page keeps things until it is left.
//
// Without this each script that remembers something, Gradio's too, would end at its first line.
// Whoever asks, votes or wants to sign in there is told, once, that the next page takes them for somebody new.
// Non-goal: to be remembered; somebody who comes back is somebody new, and their votes count as such.
(() => {
  "use strict";
  const VOTES = "blender-ui-label-outbox"; // what label.js calls it; a vote goes there first
  let isTold = false;

  function tell() {
    const header = document.querySelector(".bu-header");
    if (isTold || !header) return;
    isTold = true;
    const said = document.createElement("p");
    said.className = "bu-notice bu-warning bu-forgetful";
    said.setAttribute("role", "status");
    said.textContent = `${tr("Your browser keeps nothing for this page. What you did counts, but the next page takes you for somebody new.")} `;
    if (window.self === window.top) said.append(tr("Allow this site to store data to be remembered."));
    else {
      const link = Object.assign(document.createElement("a"), { href: location.href, target: "_blank", rel: "noopener" });
      link.textContent = tr("Open it in a tab of its own");
      said.append(link);
    }
    (document.querySelector(".bu-tour") ?? header).after(said);
    // The label page fits the screen, so it gives the room.
    document.documentElement.style.setProperty("--bu-forgetful", `${said.offsetHeight + 10}px`);
  }

  const makeStorage = () => {
    const kept = new Map();
    return {
      getItem: (name) => kept.get(String(name)) ?? null,
      setItem: (name, value) => {
        kept.set(String(name), String(value));
        if (name === VOTES) tell();
      },
      removeItem: (name) => void kept.delete(String(name)),
      clear: () => kept.clear(),
      key: (place) => [...kept.keys()][place] ?? null,
      get length() { return kept.size; },
    };
  };

  let isForgetful = false;
  for (const name of ["localStorage", "sessionStorage"]) {
    try {
      window[name].getItem("");
    } catch {
      isForgetful = true;
      Object.defineProperty(window, name, { value: makeStorage(), configurable: true });
    }
  }
  if (!isForgetful) return;

  document.addEventListener("blend-vote-ended", tell);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#blend-ask, #blend-go")) tell();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && event.target.closest?.("#blend-prompt, #blend-next")) tell();
  });
  document.addEventListener("blender-ui-arrived", ({ detail: me }) => {
    if (window.blenderUi.page() === "account" && me.mode !== "open") tell();
  });
})();
