// The label desk: draws a pair, takes one answer for it, sends it, draws the next.
//
// Invariant: an answer carries the lease that was on the screen and a token made when it was drawn,
// so that sending it twice counts once, and a press before the next pair is drawn counts not at all.
// Runs as the `js_on_load` of the frame; `element` is the frame's.
const SEEN_AFTER_MS = 250; // nobody has read a pair sooner
const CUE_MS = 1500;
const IDLE_AFTER_MS = 5 * 60 * 1000; // without a sign of a person the lease is left to run out
const LONGEST_DIFFERENCE = 4_000_000; // cells of the word table
const PENDING = "blender-ui-label-pending";
const DRAFT = "blender-ui-label-draft";
// One Gradio session for all: these requests keep nothing in it, and making one takes the server 15 ms.
const SESSION = "label";
const OUTCOMES = { a: "left", ArrowLeft: "left", b: "right", ArrowRight: "right", t: "tie", n: "both_bad" };
const SAID = { left: "left", right: "right", tie: "a tie", both_bad: "both bad" };

const root = (window.gradio_config?.root ?? "").replace(/\/$/, "");
const desk = element.querySelector(".desk");
const find = (selector) => desk.querySelector(selector);
const reason = find(".reason");

let key = null;
let pair = null; // the one on the screen, with its token and the time at which it was drawn
let phase = "loading"; // loading, ready, sending, empty
let isDiffering = false;
let lastActive = performance.now();
let counts = null;

// ---- Server --------------------------------------------------------------------------------------
class Refusal extends Error {}

async function call(endpoint, ...data) {
  const response = await fetch(`${root}/gradio_api/run/${endpoint}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ data: [key, ...data], session_hash: SESSION }),
  });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const [reply] = (await response.json()).data;
  if (reply.error) throw new Refusal(reply.error);
  return reply;
}

// Only for requests that may be sent twice.
async function insist(endpoint, ...data) {
  for (let wait = 500; ; wait = Math.min(wait * 2, 5000)) {
    try {
      const reply = await call(endpoint, ...data);
      alarm("");
      return reply;
    } catch (error) {
      if (error instanceof Refusal) throw error;
      alarm("No connection to the server. Nothing is lost: it is tried again until it answers.");
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

// ---- Drawing -------------------------------------------------------------------------------------
function enter(next) {
  phase = next;
  desk.dataset.phase = next;
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
  find(".instruction").innerHTML = pair.instruction;
  find(".input").innerHTML = pair.input;
  for (const side of ["left", "right"]) find(`.answer.${side} .text`).innerHTML = pair[side];
  drawFormulas();
  if (isDiffering) markDifferences();
}

function draw(turn) {
  delete desk.dataset.chosen;
  pair = turn.pair && { ...turn.pair, token: makeToken(turn.pair.lease_id) };
  find(".empty").hidden = pair !== null;
  if (turn.reveal) {
    const { left_member: left, right_member: right, outcome } = turn.reveal;
    tell("Before: left was ", strong(left), ", right was ", strong(right), `. You said ${SAID[outcome]}.`);
  } else tell(...(turn.notice ? [turn.notice] : []));
  if (pair === null) {
    delete desk.dataset.lease;
    enter("empty");
    return;
  }
  drawTexts();
  reason.value = readDraft(pair.lease_id);
  for (const node of desk.querySelectorAll(".answer, .prompt-text")) node.scrollTop = 0;
  desk.classList.remove("unfolded");
  if (desk.getBoundingClientRect().top < 0) desk.scrollIntoView(); // on a phone the whole page scrolls
  enter("drawing");
  requestAnimationFrame(() => {
    const text = find(".prompt-text");
    find(".unfold").hidden = text.scrollHeight <= text.clientHeight + 4;
    // A task after the frame's callback runs when the frame is painted.
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      pair.drawnAt = performance.now();
      desk.dataset.lease = pair.lease_id;
      enter("ready");
      desk.dispatchEvent(new CustomEvent("pair-drawn", { bubbles: true, detail: pair.drawnAt }));
    };
    channel.port2.postMessage(null);
  });
}

function makeToken(leaseId) {
  const noise = crypto.getRandomValues(new Uint32Array(3));
  return `${leaseId}-${[...noise].map((part) => part.toString(36)).join("")}`;
}

let katex = null;
async function drawFormulas() {
  const formulas = desk.querySelectorAll(".formula:not(.drawn)");
  if (formulas.length === 0 || !desk.dataset.katex) return;
  katex ??= import(root + desk.dataset.katex).then((module) => module.default);
  const { renderToString } = await katex;
  for (const formula of formulas) {
    const displayMode = "display" in formula.dataset;
    formula.innerHTML = renderToString(formula.textContent, { displayMode, throwOnError: false });
    formula.classList.add("drawn");
  }
}

// ---- Answering -----------------------------------------------------------------------------------
let cueTimer = null;
function refuse(text) {
  const cue = find(".cue");
  cue.textContent = text;
  cue.hidden = false;
  desk.classList.add("refused");
  clearTimeout(cueTimer);
  cueTimer = setTimeout(() => {
    cue.hidden = true;
    desk.classList.remove("refused");
  }, CUE_MS);
}

function mayAnswer() {
  if (phase === "empty" || phase === "loading") return false;
  if (phase !== "ready") refuse("Not counted: the next pair was not on the screen yet");
  else if (performance.now() - pair.drawnAt < SEEN_AFTER_MS) {
    refuse("Not counted: this pair had only just been drawn");
  } else return true;
  return false;
}

async function take(request) {
  enter("sending");
  try {
    draw(await request());
  } catch (error) {
    if (!(error instanceof Refusal)) console.error(error);
    await reopen(error.message);
  }
}

async function reopen(message) {
  const welcome = await insist("label_open");
  find(".name").textContent = welcome.name;
  draw({ ...welcome.turn, notice: message || welcome.turn.notice });
  refreshProgress();
}

async function vote(outcome) {
  if (!mayAnswer()) return;
  const sent = {
    lease_id: pair.lease_id,
    outcome,
    token: pair.token,
    reason: reason.value.trim() || null,
    seconds: (performance.now() - pair.drawnAt) / 1000,
  };
  desk.dataset.chosen = outcome;
  localStorage.setItem(PENDING, JSON.stringify(sent));
  await take(() => sendVote(sent));
}

async function sendVote(sent) {
  try {
    const turn = await insist("label_vote", sent);
    if (turn.reveal) countOne();
    return turn;
  } finally {
    localStorage.removeItem(PENDING);
    localStorage.removeItem(DRAFT);
  }
}

async function skip() {
  if (mayAnswer()) await take(() => insist("label_skip", pair.lease_id));
}

// Not insisted on: sent twice it would take two answers back.
async function undo() {
  if (phase === "empty" || mayAnswer()) await take(() => call("label_undo"));
  refreshProgress();
}

// ---- Progress, lease, name -----------------------------------------------------------------------
let progressTimer = null;
function refreshProgress(wait = 0) {
  progressTimer ??= setTimeout(async () => {
    progressTimer = null;
    counts = await call("label_progress").catch(() => counts);
    drawCounts();
  }, wait);
}

function drawCounts() {
  for (const node of desk.querySelectorAll("[data-count]")) {
    if (counts) node.textContent = counts[node.dataset.count].toLocaleString("en");
  }
}

function countOne() {
  if (counts) {
    const { n_mine, n_mine_today, n_standing, n_open } = counts;
    counts = { n_mine: n_mine + 1, n_mine_today: n_mine_today + 1, n_standing: n_standing + 1, n_open: Math.max(n_open - 1, 0) };
    drawCounts();
  }
  refreshProgress(2000);
}

async function keepLease() {
  const isActive = performance.now() - lastActive < IDLE_AFTER_MS && document.visibilityState === "visible";
  if (!isActive || phase !== "ready") return;
  const held = pair.lease_id;
  try {
    const { is_kept: isKept } = await call("label_keep", held);
    if (!isKept && phase === "ready" && pair.lease_id === held) await reopen("Your time for the pair before was over.");
    alarm("");
  } catch (error) {
    alarm("No connection to the server; the pair stays, and your answer will be sent when it is back.");
  }
}

function rename() {
  const button = find(".name");
  const box = document.createElement("input");
  box.value = button.textContent;
  box.maxLength = 128;
  box.setAttribute("aria-label", "Your name");
  button.replaceWith(box);
  box.select();
  const finish = async (isWanted) => {
    box.replaceWith(button);
    if (!isWanted || !box.value.trim() || box.value === button.textContent) return;
    try {
      button.textContent = (await call("label_rename", box.value)).name;
    } catch (error) {
      alarm(`The name was not changed: ${error.message}`);
    }
  };
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") box.blur();
    if (event.key === "Escape") { box.value = ""; box.blur(); }
  });
  box.addEventListener("blur", () => finish(true), { once: true });
}

function readDraft(leaseId) {
  const draft = JSON.parse(localStorage.getItem(DRAFT) ?? "null");
  return draft?.lease_id === leaseId ? draft.text : "";
}

// ---- Differences: the words that one answer has and the other has not, marked where they stand ----
function readWords(text) {
  const words = [];
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement.closest(".formula") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  );
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const found of node.data.matchAll(/\S+/g)) {
      words.push({ node, start: found.index, end: found.index + found[0].length, word: found[0], isShared: false });
    }
  }
  return words;
}

// Longest common subsequence; ends that are equal anyway are taken off first. False if too long.
function findShared(left, right) {
  let start = 0;
  let [endLeft, endRight] = [left.length, right.length];
  const share = (i, j) => (left[i].isShared = right[j].isShared = true);
  while (start < endLeft && start < endRight && left[start].word === right[start].word) share(start, start++);
  while (start < endLeft && start < endRight && left[endLeft - 1].word === right[endRight - 1].word) share(--endLeft, --endRight);
  const [n, m] = [endLeft - start, endRight - start];
  if (n * m > LONGEST_DIFFERENCE) return false;
  const width = m + 1;
  const table = new Uint16Array((n + 1) * width);
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      const isSame = left[start + i].word === right[start + j].word;
      table[i * width + j] = isSame
        ? table[(i + 1) * width + j + 1] + 1
        : Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
    }
  }
  for (let i = 0, j = 0; i < n && j < m; ) {
    if (left[start + i].word === right[start + j].word) share(start + i++, start + j++);
    else if (table[(i + 1) * width + j] >= table[i * width + j + 1]) i++;
    else j++;
  }
  return true;
}

function markWords(words) {
  // From the end, so that the places before a mark stay where they are.
  for (let last = words.length - 1; last >= 0; last--) {
    if (words[last].isShared) continue;
    let first = last;
    while (first > 0 && !words[first - 1].isShared && words[first - 1].node === words[last].node) first--;
    const range = document.createRange();
    range.setStart(words[first].node, words[first].start);
    range.setEnd(words[last].node, words[last].end);
    range.surroundContents(document.createElement("mark"));
    last = first;
  }
}

function markDifferences() {
  const [left, right] = ["left", "right"].map((side) => readWords(find(`.answer.${side} .text`)));
  if (!findShared(left, right)) {
    tell("These answers are too long to be compared word by word.");
    return;
  }
  markWords(left);
  markWords(right);
}

function toggleDifferences() {
  isDiffering = !isDiffering;
  find("[data-act=diff]").setAttribute("aria-pressed", isDiffering);
  if (pair) drawTexts();
}

// ---- Keys and clicks -----------------------------------------------------------------------------
function toggleDrawer(name) {
  for (const drawer of desk.querySelectorAll(".drawer")) {
    drawer.hidden = !(drawer.classList.contains(name) && drawer.hidden);
  }
  for (const button of desk.querySelectorAll(".tools [aria-expanded]")) {
    button.setAttribute("aria-expanded", !find(`.drawer.${button.dataset.act}`).hidden);
  }
}

const acts = {
  skip,
  undo,
  rename,
  diff: toggleDifferences,
  help: () => toggleDrawer("help"),
  guidelines: () => toggleDrawer("guidelines"),
  reason: () => reason.focus(),
  unfold: () => desk.classList.toggle("unfolded"),
  retry: () => reopen(""),
};
const ACT_KEYS = { s: "skip", u: "undo", d: "diff", r: "reason", g: "guidelines", p: "unfold", "?": "help" };

const isTyping = (target) => target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);

function press(event) {
  if (!desk.isConnected) {
    document.removeEventListener("keydown", press);
    return;
  }
  if (event.target === reason && ["Escape", "Enter"].includes(event.key)) reason.blur();
  if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") toggleDrawer("");
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!(name in OUTCOMES) && !(name in ACT_KEYS)) return;
  event.preventDefault();
  if (event.repeat) return; // a key that is held down is one press
  if (name in OUTCOMES) vote(OUTCOMES[name]);
  else acts[ACT_KEYS[name]]();
}

desk.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.outcome) vote(button.dataset.outcome);
  else if (button?.dataset.act) acts[button.dataset.act]();
});
reason.addEventListener("input", () => {
  if (pair) localStorage.setItem(DRAFT, JSON.stringify({ lease_id: pair.lease_id, text: reason.value }));
});
document.addEventListener("keydown", press);
for (const sign of ["keydown", "pointermove", "pointerdown", "wheel"]) {
  document.addEventListener(sign, () => { lastActive = performance.now(); }, { passive: true });
}
setInterval(keepLease, Number(desk.dataset.keepSeconds) * 1000);

async function start(secret) {
  if (key !== null) return;
  key = secret;
  const pending = JSON.parse(localStorage.getItem(PENDING) ?? "null");
  let notice = "";
  if (pending) {
    // A vote that was on its way when the page went; its token makes sending it again harmless.
    notice = await sendVote(pending).then((turn) => turn.notice || "Your last answer was sent.", (error) => error.message);
  }
  await reopen(notice);
}

window.addEventListener("label-key", (event) => start(event.detail), { once: true });
if (window.blenderLabelKey) start(window.blenderLabelKey);
