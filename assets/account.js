// The account page: sign in, take an invitation or a reset link, change the name and the password, sign out.
//
// Invariant: a token that comes back goes into this browser's memory and nowhere else.
const { blenderUi } = window;
const frame = element.querySelector(".account");
const find = (selector) => frame.querySelector(selector);
const query = new URLSearchParams(location.search);
// Kept in this tab until it is taken, because signing in may lead to another host and back.
const INVITATION = "blender-ui-invitation";
if (query.get("invite")) sessionStorage.setItem(INVITATION, query.get("invite"));
let invitation = sessionStorage.getItem(INVITATION);
const isHub = frame.dataset.hub === "yes";
const resetToken = query.get("reset");
const PAGES = ["", "label", "train", "inspect", "data", "projects", "people", "quality"];

function say(text, isWrong = false) {
  const line = find(".bu-said");
  line.textContent = text;
  line.hidden = !text;
  line.className = `bu-said bu-notice${isWrong ? " bu-warning" : ""}`;
}

function show(part) {
  for (const name of ["signed-in", "sign-in", "invited", "reset"]) find(`.${name}`).hidden = name !== part;
  find(".known").hidden = part !== "invited";
}

function forgetInvitation() {
  sessionStorage.removeItem(INVITATION);
  invitation = null;
}

// To the invitation's project, else where one wanted to go.
function goTo(reply, terms) {
  forgetInvitation();
  if (terms?.project_id) {
    location.assign(`${blenderUi.root()}/label?project=${terms.project_id}`);
    return;
  }
  const next = query.get("next") ?? (reply.role === "admin" ? "projects" : "label");
  location.assign(`${blenderUi.root()}/${PAGES.includes(next) ? next : "label"}`);
}

async function goOn(reply) {
  blenderUi.keep(reply.token);
  showAccount(reply); // seen only where the link cannot be taken
  goTo(reply, await join());
}

// The terms of the invitation, taken with one's own account; null where there is none.
const join = async () => invitation && blenderUi.call("account_join", blenderUi.key, invitation);

const forms = {
  signIn: async (sent) => goOn(await blenderUi.call("account_sign_in", sent.username, sent.password)),
  accept: async (sent) => goOn(await blenderUi.call("account_accept", invitation, sent.username, sent.password, sent.name)),
  reset: async (sent) => {
    blenderUi.keep((await blenderUi.call("account_reset", resetToken, sent.password)).token);
    location.replace(`${blenderUi.root()}/label`);
  },
  name: async (sent) => {
    const { name } = await blenderUi.call("account_name", blenderUi.key, sent.name);
    find(".who").textContent = name;
    document.querySelector("[data-account]").textContent = name;
    say(tr("Your name is saved."));
  },
  password: async (sent) => {
    const reply = await blenderUi.call("account_password", blenderUi.key, sent.old, sent.new);
    blenderUi.keep(reply.token);
    say(tr("Your password is changed, and your other browsers are signed out."));
  },
};

frame.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true;
  say("");
  try {
    await forms[form.dataset.form](Object.fromEntries(new FormData(form)));
    if (form.dataset.form !== "name") form.reset();
  } catch (error) {
    say(error.message, true);
  } finally {
    button.disabled = false;
  }
});

frame.addEventListener("click", async (event) => {
  if (event.target.dataset.act === "known") show("sign-in");
  if (event.target.dataset.act !== "leave") return;
  say("");
  try {
    await blenderUi.call("account_sign_out", blenderUi.key);
  } catch (error) {
    return say(tr("You were not signed out: {why}", { why: error.message }), true);
  }
  blenderUi.keep(null);
  // A browser that is still signed in at Hugging Face would be signed in again at once.
  location.assign(`${blenderUi.root()}${isHub ? "/logout?_target_url=/account" : "/account"}`);
});

function showAccount(me) {
  find(".who").textContent = me.name;
  find("[data-form=name] input").value = me.name;
  find(".role").textContent = tr(me.role);
  show("signed-in");
}

async function begin() {
  if (resetToken) {
    find(".reset-name").textContent = (await blenderUi.call("account_reset_look", resetToken)).username;
    show("reset");
    return;
  }
  const me = await blenderUi.call("account_me", blenderUi.key);
  if (isHub && !me.has_account) {
    const reply = await blenderUi.call("account_hub").catch((error) => say(error.message, true));
    if (reply?.token) return goOn(reply);
  }
  if (me.has_account) {
    showAccount(me);
    if (invitation) goTo(me, await join());
    return;
  }
  if (invitation) {
    const terms = await blenderUi.call("account_invitation", invitation);
    find(".terms").textContent = terms.project
      ? tr("You will be {role} of the project {project}.", { role: tr(terms.role), project: terms.project })
      : tr("Your role will be {role}.", { role: tr(terms.role) });
    show("invited");
  } else if (me.mode === "open") {
    say(tr("No sign-in is needed here: everybody who opens this page may do everything. BLENDER_UI_ACCESS=accounts changes that."));
  } else show("sign-in");
}

begin().catch((error) => {
  forgetInvitation();
  say(error.message, true);
  if (find(".signed-in").hidden) show("sign-in");
});
