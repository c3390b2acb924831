// How a person reads a pair and gets through a sitting: scrolling by keys, two tabs on a phone, the texts as
// they were written, practice with a researcher's word, a goal and a summary. Part of label.js' script.
const GOAL = "blender-ui-label-goal";
const SITTING = "blender-ui-label-sitting";
const SITTING_OVER_MS = 60 * 60 * 1000; // after an hour without an answer another sitting begins
const LINE_PX = 60;
const SWIPE_PX = 60;

// ---- Scrolling: the keys move what is longer, wherever the focus is ----------------------------------
const STEPS = {
  ArrowDown: () => LINE_PX,
  ArrowUp: () => -LINE_PX,
  PageDown: (box) => 0.9 * box.clientHeight,
  PageUp: (box) => -0.9 * box.clientHeight,
  " ": (box) => 0.9 * box.clientHeight,
  End: (box) => box.scrollHeight,
  Home: (box) => -box.scrollHeight,
};

const hidden = (box) => box.scrollHeight - box.clientHeight; // how much of it is out of sight

// Whether the key was one that scrolls; a text that has the focus, or a button, does what it always does.
function scrollLonger(event) {
  const step = STEPS[event.key];
  if (!step || phase === "empty" || event.target.closest?.(".answer, .card, .drawer, button, a, summary")) return false;
  const boxes = [...frame.querySelectorAll(isSet() ? ".set, .card" : ".answer")];
  const longest = boxes.reduce((one, other) => (hidden(other) > hidden(one) ? other : one));
  if (hidden(longest) <= 0 || getComputedStyle(longest).overflowY === "visible") return false;
  event.preventDefault();
  longest.scrollTop += (event.shiftKey && event.key === " " ? -1 : 1) * step(longest);
  return true;
}

// ---- Two tabs, where a phone would show one answer far below the other -------------------------------
function chooseTabs() {
  frame.classList.remove("tabbed");
  const isNarrow = matchMedia("(max-width: 720px)").matches;
  const isLong = isNarrow && find(".answers").offsetHeight > window.innerHeight;
  frame.classList.toggle("tabbed", isLong);
  find(".sides").hidden = !isLong;
  showSide("left");
}

function showSide(side) {
  frame.dataset.side = side;
  for (const tab of frame.querySelectorAll(".sides button")) tab.setAttribute("aria-selected", tab.dataset.side === side);
}

let touch = null;
find(".answers").addEventListener("touchstart", ({ touches: [one] }) => { touch = { x: one.clientX, y: one.clientY }; }, { passive: true });
find(".answers").addEventListener("touchend", ({ changedTouches: [one] }) => {
  if (!touch || !frame.classList.contains("tabbed")) return;
  const [x, y] = [one.clientX - touch.x, one.clientY - touch.y];
  const isScrolled = document.getSelection().toString() || Math.abs(x) < SWIPE_PX || Math.abs(x) < 2 * Math.abs(y);
  if (!isScrolled) showSide(x < 0 ? "right" : "left");
}, { passive: true });

// ---- As written ------------------------------------------------------------------------------------
let isWritten = false;
function showWritten(isWanted) {
  isWritten = isWanted;
  find("[data-act=written]").setAttribute("aria-pressed", isWanted);
  for (const node of frame.querySelectorAll(".written")) node.classList.remove("written");
}

async function toggleWritten() {
  if (phase !== "ready") return;
  const held = pair.lease_id;
  showWritten(!isWritten);
  if (!isWritten) return drawAgain();
  try {
    const { instruction, input, answers } = await call("label_written", key, held);
    if (pair?.lease_id !== held || !isWritten) return;
    const texts = isSet() ? [...frame.querySelectorAll(".card .text")] : ["left", "right"].map((side) => find(`.answer.${side} .text`));
    const nodes = [find(".instruction"), find(".input"), ...texts];
    [instruction, input, ...answers].forEach((text, index) => {
      nodes[index].textContent = text;
      nodes[index].classList.add("written");
    });
  } catch (error) {
    showWritten(false);
    alarm(tr("The texts as they were written did not come: {why}", { why: error.message }));
  }
}

function drawAgain() {
  drawTexts();
  if (isSet()) drawOrder();
}

// ---- Practice: the first pairs, with a researcher's word ---------------------------------------------
let afterLesson = null;
function teach(turn) {
  const { outcome, reason } = turn.lesson;
  const said = frame.dataset.chosen;
  afterLesson = turn;
  find(".lesson-said").textContent = said === outcome
    ? tr("Right: a researcher says {right}, too.", { right: SAID[outcome] })
    : tr("You said {said}. A researcher says {right}.", { said: SAID[said], right: SAID[outcome] });
  find(".lesson-why").innerHTML = reason;
  find(".lesson").hidden = false;
  enter("lesson");
  find(".lesson").scrollIntoView({ block: "nearest" });
}

function leaveLesson() {
  const turn = afterLesson;
  if (phase !== "lesson" || !turn) return;
  afterLesson = ahead = null;
  say(turn);
  draw(turn.pair, turn.empty);
  lookAhead();
}

async function endPractice() {
  if (phase === "ready") await drawAnew("label_begin");
}

// ---- A sitting and its goal: what this browser saw acknowledged ---------------------------------------
const ONE_DIGIT = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
const noSitting = () => ({ n: 0, n_ties: 0, seconds: [], tokens: [], last: Date.now(), n_goals: 0 });
function readSitting() {
  const kept = JSON.parse(localStorage.getItem(SITTING) ?? "null");
  return kept && Date.now() - kept.last < SITTING_OVER_MS ? kept : noSitting();
}
const readGoal = () => Number(localStorage.getItem(GOAL)) || 25;

// A vote that is sent again after a reload counts once here, too.
function countInSitting(sent) {
  const sitting = readSitting();
  if (sitting.tokens.includes(sent.token)) return;
  sitting.n += 1;
  sitting.n_ties += sent.outcome === "tie";
  if (sent.seconds) sitting.seconds = [...sitting.seconds, Math.round(sent.seconds * 10) / 10].slice(-1000);
  sitting.tokens = [...sitting.tokens, sent.token].slice(-50);
  sitting.last = Date.now();
  const isReached = sitting.n % readGoal() === 0;
  sitting.n_goals += isReached;
  localStorage.setItem(SITTING, JSON.stringify(sitting));
  drawSitting();
  if (isReached && find(".drawer.sitting").hidden) toggleDrawer("sitting");
}

function beginSitting() {
  localStorage.setItem(SITTING, JSON.stringify(noSitting()));
  drawSitting();
  toggleDrawer("");
}

function drawSitting() {
  const [sitting, goal] = [readSitting(), readGoal()];
  find(".goal-said").textContent = tr("{n} of {all}", { n: sitting.n, all: goal });
  find(".goal-bar i").style.width = `${Math.min(100, (100 * sitting.n) / goal)}%`;
  find(".goal-wish").value = goal;
  const sorted = [...sitting.seconds].sort((one, other) => one - other);
  const total = sorted.reduce((sum, one) => sum + Math.min(one, 300), 0);
  const rows = [
    [tr("Answers"), sayNumber(sitting.n)],
    [tr("Of the goal"), `${Math.round((100 * sitting.n) / goal)} %`],
    [tr("Time on them"), total < 90 ? `${Math.round(total)} s` : tr("{minutes} min", { minutes: Math.round(total / 60) })],
    [tr("Half took less than"), sorted.length ? `${sayNumber(sorted[Math.floor(sorted.length / 2)], ONE_DIGIT)} s` : "–"],
    [tr("Ties"), sitting.n ? `${sitting.n_ties} (${Math.round((100 * sitting.n_ties) / sitting.n)} %)` : "–"],
  ];
  for (const box of frame.querySelectorAll(".summary")) {
    const list = document.createElement("dl");
    list.append(...rows.flatMap(([name, value]) => [["dt", name], ["dd", value]].map(([tag, text]) => {
      const node = document.createElement(tag);
      node.textContent = text;
      return node;
    })));
    const thanks = document.createElement("p");
    thanks.textContent = sitting.n_goals ? tr("You reached your goal. Go on, or take a rest.") : "";
    box.replaceChildren(...(sitting.n ? [thanks, list] : []));
  }
}

find(".goal-wish").addEventListener("change", ({ target }) => {
  const wish = Math.round(Number(target.value));
  if (wish >= 1 && wish <= 1000) localStorage.setItem(GOAL, wish);
  drawSitting();
});
drawSitting();
