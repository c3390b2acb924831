// The label page: draws a pair or a set of answers, takes one answer for it, sends it, draws the next.
//
// Invariant: an answer carries the lease that was on the screen and a token made when it was drawn,
// so that sending it twice counts once, and a press before the next pair is drawn counts not at all.
// The next pair is leased before the answer to this one is given, and drawn at once.
// Runs as the `js_on_load` of the frame, after label_text.js and before label_extras.js, label_set.js and label_reading.js;
// `element` is the frame's.
const SEEN_AFTER_MS = 250; // nobody has read a pair sooner
const CUE_MS = 1500;
const IDLE_AFTER_MS = 5 * 60 * 1000; // without a sign of a person the lease is left to run out
const OUTBOX = "blender-ui-label-outbox";
const SET_ASIDE = "blender-ui-label-set-aside";
const BREAKDOWNS = 5; // as often as the server may break down over one request until it is given up
const DRAFT = "blender-ui-label-draft";
const OUTCOMES = { a: "left", ArrowLeft: "left", b: "right", ArrowRight: "right", t: "tie", n: "both_bad" };
const SAID = { left: tr("left"), right: tr("right"), tie: tr("a tie"), both_bad: tr("both bad") };

const { call, Refusal, SignedOut, Trouble, leaveToSignIn } = window.blenderUi;
const root = window.blenderUi.root();
const key = window.blenderUi.key;
const frame = element.querySelector(".label-frame");
const find = (selector) => frame.querySelector(selector);
const reason = find(".reason");

let project = null; // what is labelled: project_id, name, guidelines, questions
let pair = null; // the one on the screen, or the set of answers (label_set.js), with its token and the time at which it was drawn
let ahead = null; // the pair after it, leased already; drawn the moment the answer is given
let phase = "loading"; // loading, drawing, ready, sending, empty
let isDiffering = false;
let lastActive = performance.now();
let counts = null;

// ---- Server --------------------------------------------------------------------------------------
// Only for requests that may be sent twice. A refusal is final; anything else is tried again, but what
// the server breaks down over again and again would block everything behind it.
async function insist(endpoint, ...data) {
  let nBreakdowns = 0;
  for (let wait = 500; ; wait = Math.min(wait * 2, 5000)) {
    try {
      const reply = await call(endpoint, key, ...data);
      alarm("");
      return reply;
    } catch (error) {
      if (error instanceof Refusal) {
        alarm("");
        throw error;
      }
      nBreakdowns += error.status === 500;
      if (nBreakdowns === BREAKDOWNS) {
        alarm("");
        throw new Refusal(tr("{why}, {n} times", { why: error.message, n: BREAKDOWNS }));
      }
      const why = error instanceof Trouble ? tr("The server says: {said}.", { said: error.message }) : tr("No connection to the server.");
      alarm(tr("{why} Nothing is lost: it is tried again until it answers.", { why }));
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

// ---- Drawing -------------------------------------------------------------------------------------
function enter(next) {
  phase = next;
  frame.dataset.phase = next;
}

function alarm(text) {
  find(".alarm").textContent = text;
  find(".alarm").hidden = !text;
}

function tell(...parts) {
  find(".strip").replaceChildren(...parts);
  find(".strip").hidden = parts.length === 0;
}

function strong(text) {
  const node = document.createElement("b");
  node.textContent = text;
  return node;
}

function drawTexts() {
  find(".history").innerHTML = pair.history;
  find(".instruction").innerHTML = pair.instruction;
  find(".input").innerHTML = pair.input;
  frame.dataset.shows = isSet() ? "set" : "pair";
  if (isSet()) return drawSet();
  for (const side of ["left", "right"]) find(`.answer.${side} .text`).innerHTML = pair[side];
  if (isDiffering) markDifferences();
  paintSpans();
}

function say(turn) {
  if (turn.reveal?.places) tell(...tellOrder(turn.reveal));
  else if (turn.reveal) {
    const { left_member: left, right_member: right, outcome } = turn.reveal;
    if (!left) tell(tr("Counted: you said {said}. {when}", { said: SAID[outcome], when: whenTold() }));
    else tell(...trParts("Before: left was {left}, right was {right}. You said {said}.", { left: strong(left), right: strong(right), said: SAID[outcome] }));
  } else tell(...(turn.notice ? [turn.notice] : []));
}

// What a project that tells no names after a vote says instead.
function whenTold() {
  return project.reveal === "end"
    ? tr("This project tells who wrote what when nothing of it is left for you; see My answers then.")
    : tr("This project does not tell who wrote what.");
}

function draw(next, empty = null) {
  delete frame.dataset.chosen;
  pair = next && { ...next, token: makeToken(next.lease_id) };
  find(".empty").hidden = pair !== null;
  if (pair === null) {
    delete frame.dataset.lease;
    showEmpty(empty);
    enter("empty");
    return;
  }
  showWritten(false);
  find(".practice").hidden = !pair.is_practice;
  find(".lesson").hidden = true;
  drawTexts();
  showDraft(readDraft(pair.lease_id));
  for (const node of frame.querySelectorAll(".answer, .card, .prompt-text")) node.scrollTop = 0;
  frame.classList.remove("unfolded");
  if (frame.getBoundingClientRect().top < 0) frame.scrollIntoView(); // on a phone the whole page scrolls
  enter("drawing");
  if (!isSet()) chooseTabs(); // its height is known only now that it is shown
  requestAnimationFrame(() => {
    const text = find(".prompt-text");
    find(".unfold").hidden = text.scrollHeight <= text.clientHeight + 4;
    // A task after the frame's callback runs when the frame is painted.
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      pair.drawnAt = performance.now();
      frame.dataset.lease = pair.lease_id;
      enter("ready");
      frame.dispatchEvent(new CustomEvent("pair-drawn", { bubbles: true, detail: pair.drawnAt }));
    };
    channel.port2.postMessage(null);
  });
}

// Why there is no pair, and the pages that this person may open next.
function showEmpty(empty) {
  drawSitting();
  if (empty) {
    find(".why").textContent = empty.text;
    find(".ways").replaceChildren(...empty.ways.map(makeWay));
  }
  find(".empty [data-act=undo]").hidden = !counts?.n_mine;
}

function makeWay({ title, address, rest }) {
  const link = document.createElement("a");
  link.href = address;
  link.textContent = title;
  const line = document.createElement("li");
  line.append(link, rest);
  return line;
}

// A text as a database can keep it: a paste can bring a NUL, and a cut halves an emoji.
function wellFormed(text) {
  return text.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\uFFFD");
}

function makeToken(leaseId) {
  const noise = crypto.getRandomValues(new Uint32Array(3));
  return `${leaseId}-${[...noise].map((part) => part.toString(36)).join("")}`;
}

// ---- Answering -----------------------------------------------------------------------------------
let cueTimer = null;
function refuse(text) {
  const cue = find(".cue");
  cue.textContent = text;
  cue.hidden = false;
  frame.classList.add("refused");
  clearTimeout(cueTimer);
  cueTimer = setTimeout(() => {
    cue.hidden = true;
    frame.classList.remove("refused");
  }, CUE_MS);
}

function mayAnswer() {
  if (["empty", "loading", "lesson"].includes(phase)) return false;
  if (phase !== "ready") refuse(tr("Not counted: the next pair was not on the screen yet"));
  else if (performance.now() - pair.drawnAt < SEEN_AFTER_MS) {
    refuse(tr("Not counted: this pair had only just been drawn"));
  } else return true;
  return false;
}

// Answers that are given and not yet acknowledged, the oldest first; a reload finds them again. They
// are sent one after the other, each until the server has answered, and a token makes twice once.
const readOutbox = () => JSON.parse(localStorage.getItem(OUTBOX) ?? "[]");
const isVote = (sent) => Boolean(sent.outcome || sent.places); // or a skip
const writeOutbox = (waiting) => localStorage.setItem(OUTBOX, JSON.stringify(waiting));
let sending = null;

function send() {
  sending ??= empty().finally(() => { sending = null; });
  return sending;
}

// Gives what the server said of answers that were sent while the page was loading.
async function empty() {
  const said = new Set();
  for (let [first] = readOutbox(); first; [first] = readOutbox()) {
    const shown = pair && pair.lease_id !== first.lease_id ? pair.lease_id : null;
    let turn = null;
    try {
      const { about, ...vote } = first;
      turn = await (isVote(first)
        ? insist("label_vote", { ...vote, shown })
        : insist("label_skip", first.lease_id, { project_id: first.project_id, shown }));
    } catch (error) {
      if (error instanceof SignedOut) {
        leaveToSignIn(); // the answer waits in the outbox for the next sign-in
        break;
      }
      if (!(error instanceof Refusal)) console.error(error);
      const notice = isVote(first)
        ? tr("Not counted: {why}", { why: error.message })
        : tr("Not skipped: {why}", { why: error.message });
      turn = { pair: null, notice, isRefused: true };
    }
    if (isVote(first) && !turn.reveal) setAside(first, turn.notice);
    writeOutbox(readOutbox().filter((one) => one.token !== first.token));
    if (turn.reveal) countOne(turn.reveal.n_pairs ?? 1, first);
    if (phase === "loading") { // the page has only just come; what it shows is asked for anew
      if (turn.notice) said.add(turn.notice);
    } else if (turn.isRefused) await reopen(turn.notice);
    else goOn(turn, shown);
  }
  return [...said].join(" ");
}

function goOn(turn, shown) {
  if (turn.lesson && phase === "sending") return teach(turn);
  say(turn);
  if (phase === "sending") { // no pair was ahead, so this one is awaited
    ahead = null;
    draw(turn.pair, turn.empty);
    lookAhead();
  }
  else if (pair && pair.lease_id === shown) ahead = turn.pair;
}

function give(answer) {
  writeOutbox([...readOutbox(), answer]);
  localStorage.removeItem(DRAFT);
  frame.dataset.chosen = answer.outcome ?? "";
  if (ahead && !(pair.is_practice && isVote(answer))) { // whoever practises hears first what is right
    draw(ahead);
    ahead = null;
  } else enter("sending");
  send();
}

async function lookAhead() {
  const held = pair?.lease_id;
  if (!held) return;
  const turn = await call("label_ahead", key, project.project_id, held).catch(() => null);
  if (turn && pair?.lease_id === held && !ahead) ahead = turn.pair;
}

async function reopen(message) {
  const wanted = Number(window.blenderUi.asked()) || null;
  let welcome = null;
  try {
    welcome = await insist("label_open", wanted);
  } catch (error) {
    if (error instanceof SignedOut) return leaveToSignIn();
    say({ notice: message });
    return alarm(error.message);
  }
  find(".name").textContent = welcome.name;
  find(".name").classList.toggle("is-shown-above", window.blenderUi.me?.has_account ?? false);
  showProject(welcome.project);
  ahead = null;
  draw(welcome.turn.pair, welcome.turn.empty);
  say({ ...welcome.turn, notice: message || welcome.turn.notice });
  lookAhead();
  refreshProgress();
}

function vote(outcome) {
  if (!mayAnswer()) return;
  const extras = readExtras(outcome);
  give({
    lease_id: pair.lease_id,
    project_id: project.project_id,
    outcome,
    token: pair.token,
    reason: wellFormed(reason.value).trim() || null,
    about: wellFormed(find(".instruction").textContent.trim().slice(0, 80)),
    seconds: (performance.now() - pair.drawnAt) / 1000,
    ...extras,
  });
}

function skip() {
  if (mayAnswer()) give({ lease_id: pair.lease_id, project_id: project.project_id, token: pair.token });
}

// Not insisted on: sent twice it would take two answers back.
async function undo() {
  if (phase !== "empty" && !mayAnswer()) return;
  await drawAnew("label_undo");
  refreshProgress();
}

// What an endpoint answers takes the place of the pair on the screen and of the one that waits behind it.
async function drawAnew(endpoint) {
  enter("sending");
  await send();
  try {
    const turn = await call(endpoint, key, project.project_id);
    ahead = null;
    draw(turn.pair, turn.empty);
    say(turn);
    lookAhead();
  } catch (error) {
    await reopen(error.message);
  }
}

// ---- Progress, lease, name -----------------------------------------------------------------------
let progressTimer = null;
function refreshProgress(wait = 0) {
  progressTimer ??= setTimeout(async () => {
    progressTimer = null;
    counts = await call("label_progress", key, project.project_id).catch(() => counts);
    drawCounts();
  }, wait);
}

function drawCounts() {
  if (phase === "empty") showEmpty(null);
  for (const node of frame.querySelectorAll("[data-count]")) {
    if (counts) node.textContent = sayNumber(counts[node.dataset.count]);
  }
  if (counts) {
    const minutes = Math.round(counts.seconds_today / 60);
    find("[data-time]").textContent = minutes < 60
      ? tr("{minutes} min", { minutes })
      : tr("{hours} h {minutes} min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
    showWarning(counts.warning ?? "");
  }
}

function countOne(nPairs, sent) {
  countInSitting(sent);
  if (counts) {
    const { n_mine, n_mine_today, n_standing, n_open } = counts;
    counts = { ...counts, n_mine: n_mine + 1, n_mine_today: n_mine_today + 1, n_standing: n_standing + 1, n_open: Math.max(n_open - nPairs, 0) };
    drawCounts();
  }
  refreshProgress(2000);
}

async function keepLease() {
  const isActive = performance.now() - lastActive < IDLE_AFTER_MS && document.visibilityState === "visible";
  if (!isActive || phase !== "ready") return;
  const held = pair.lease_id;
  try {
    const { is_kept: isKept } = await call("label_keep", key, held);
    if (!isKept && phase === "ready" && pair.lease_id === held) await reopen(tr("Your time for the pair before was over."));
    alarm("");
  } catch (error) {
    if (error instanceof SignedOut) return leaveToSignIn();
    const why = error instanceof Trouble ? tr("The server says: {said}.", { said: error.message }) : tr("No connection to the server.");
    alarm(tr("{why} The pair stays, and your answer will be sent when it is back.", { why }));
  }
}

function rename() {
  const button = find(".name");
  const box = document.createElement("input");
  box.value = button.textContent;
  box.maxLength = 128;
  box.setAttribute("aria-label", tr("Your name"));
  button.replaceWith(box);
  box.select();
  const finish = async (isWanted) => {
    box.replaceWith(button);
    if (!isWanted || !box.value.trim() || box.value === button.textContent) return;
    try {
      button.textContent = (await call("label_rename", key, box.value)).name;
    } catch (error) {
      alarm(tr("The name was not changed: {why}", { why: error.message }));
    }
  };
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") box.blur();
    if (event.key === "Escape") { box.value = ""; box.blur(); }
  });
  box.addEventListener("blur", () => finish(true), { once: true });
}

// ---- Keys and clicks -----------------------------------------------------------------------------
function toggleDrawer(name) {
  for (const drawer of frame.querySelectorAll(".drawer")) {
    drawer.hidden = !(drawer.classList.contains(name) && drawer.hidden);
  }
  for (const button of frame.querySelectorAll(".tools [aria-expanded]")) {
    button.setAttribute("aria-expanded", !find(`.drawer.${button.dataset.act}`).hidden);
  }
}

const acts = {
  skip,
  undo,
  rename,
  diff: toggleDifferences,
  tie: () => tieLast(),
  back: () => takeLast(),
  send: () => sendSet(),
  help: () => toggleDrawer("help"),
  guidelines: () => toggleDrawer("guidelines"),
  reason: () => reason.focus(),
  unfold: () => frame.classList.toggle("unfolded"),
  retry: () => reopen(""),
  mine: toggleMine,
  step: toggleStep,
  written: toggleWritten,
  sitting: () => { toggleDrawer("sitting"); drawSitting(); },
  anew: beginSitting,
  begin: endPractice,
  onward: leaveLesson,
};
const ACT_KEYS = { s: "skip", u: "undo", d: "diff", r: "reason", m: "mine", l: "step", g: "guidelines", p: "unfold", w: "written", i: "sitting", "?": "help" };

const isTyping = (target) => target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);

function press(event) {
  if (!frame.isConnected) {
    document.removeEventListener("keydown", press);
    return;
  }
  if (event.target === reason && ["Escape", "Enter"].includes(event.key)) reason.blur();
  if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") toggleDrawer("");
  if (phase === "lesson" && [" ", "Enter"].includes(event.key)) {
    event.preventDefault();
    if (!event.repeat) leaveLesson();
    return;
  }
  if (isSet() && phase !== "empty" && pressInSet(event)) return;
  if (scrollLonger(event)) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (/^[0-9]$/.test(name)) {
    if (!event.repeat && answerByNumber(Number(name))) event.preventDefault();
    return;
  }
  if (!(name in OUTCOMES) && !(name in ACT_KEYS)) return;
  event.preventDefault();
  if (event.repeat) return; // a key that is held down is one press
  if (name in OUTCOMES) vote(OUTCOMES[name]);
  else acts[ACT_KEYS[name]]();
}

frame.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.side) showSide(button.dataset.side);
  else if (button?.dataset.outcome) vote(button.dataset.outcome);
  else if (button?.dataset.act) acts[button.dataset.act]();
});
reason.addEventListener("input", keepDraft);
document.addEventListener("keydown", press);
for (const sign of ["keydown", "pointermove", "pointerdown", "wheel"]) {
  document.addEventListener(sign, () => { lastActive = performance.now(); }, { passive: true });
}
setInterval(keepLease, Number(frame.dataset.keepSeconds) * 1000);

async function start() {
  drawAside();
  // Answers that were on their way when the page went.
  const hadAny = readOutbox().length > 0;
  await reopen(hadAny ? (await send()) || tr("Your last answer was sent.") : "");
}

queueMicrotask(start); // after the other scripts have been read, too
