// What the label page asks beside the outcome, answers set aside, past answers, and scrolling in step.
// Part of label.js' script.
const CHOICES = ["left", "tie", "right"];
const STRENGTHS = [[1 / 3, tr("slightly")], [2 / 3, tr("clearly")], [1, tr("much")]];
const STEP = "blender-ui-label-step";

let extras = { criteria: {}, strength: null, spans: [] };

// ---- Project ---------------------------------------------------------------------------------------
function showProject(next) {
  project = next;
  window.blenderUi.showProject(project.project_id); // who works in all of them labels one
  find(".own-guidelines").innerHTML = project.guidelines;
  find(".app-guidelines").hidden = project.guidelines !== "";
  reason.hidden = !project.questions.reason;
  drawQuestions();
}

// ---- Criteria, strength, spans -------------------------------------------------------------------
function makeButton(text, act, isOn) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = text;
  button.setAttribute("aria-pressed", isOn);
  button.addEventListener("click", (event) => { event.stopPropagation(); act(); });
  return button;
}

function makeGroup(title, number, buttons) {
  const group = document.createElement("div");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", title);
  const name = document.createElement("span");
  name.textContent = title;
  const hint = document.createElement("kbd");
  hint.textContent = number;
  group.append(name, hint, ...buttons);
  return group;
}

function answer(criterion, choice) {
  if (extras.criteria[criterion] === choice) delete extras.criteria[criterion];
  else extras.criteria[criterion] = choice;
  keepDraft();
  drawQuestions();
}

function setStrength(value) {
  extras.strength = extras.strength === value ? null : value;
  keepDraft();
  drawQuestions();
}

function drawQuestions() {
  const { criteria, strength, spans } = project.questions;
  const groups = criteria.map((criterion, index) =>
    makeGroup(criterion, index + 1, CHOICES.map((choice) =>
      makeButton(tr(choice), () => answer(criterion, choice), extras.criteria[criterion] === choice))),
  );
  if (strength) {
    groups.push(makeGroup(tr("better"), 9, STRENGTHS.map(([value, word]) =>
      makeButton(word, () => setStrength(value), extras.strength === value))));
  }
  if (spans) {
    groups.push(makeGroup(tr("mark"), 0, [
      makeButton(tr("good"), () => markSelection("good"), false),
      makeButton(tr("bad"), () => markSelection("bad"), false),
      ...extras.spans.map((span, index) => makeButton(
        `${tr(span.label)}: ${span.text.slice(0, 24)}${span.text.length > 24 ? "…" : ""} ×`, () => dropSpan(index), true)),
    ]));
  }
  find(".questions").replaceChildren(...groups);
  find(".questions").hidden = groups.length === 0;
  paintSpans();
}

// A number key gives the next answer to its question; after the last one, none.
function answerByNumber(number) {
  const criterion = project?.questions.criteria[number - 1];
  if (criterion) {
    const at = CHOICES.indexOf(extras.criteria[criterion]);
    answer(criterion, CHOICES[at + 1] ?? CHOICES[at]);
    return true;
  }
  if (number === 9 && project?.questions.strength) {
    const at = STRENGTHS.findIndex(([value]) => value === extras.strength);
    setStrength(STRENGTHS[at + 1]?.[0] ?? extras.strength);
    return true;
  }
  if (number === 0 && project?.questions.spans) {
    markSelection("bad");
    return true;
  }
  return false;
}

const sideText = (side) => find(`.answer.${side} .text`);

function markSelection(label) {
  const selection = document.getSelection();
  const range = selection.rangeCount ? selection.getRangeAt(0) : null;
  const side = ["left", "right"].find((one) => range && sideText(one).contains(range.commonAncestorContainer));
  if (side) takeWholeFormulas(range);
  const text = side ? textOf(range) : "";
  if (!text.trim()) {
    refuse(tr("Select words in one of the answers first"));
    return;
  }
  const before = document.createRange();
  before.setStart(sideText(side), 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = textOf(before).length;
  extras.spans.push({ side, start, end: start + text.length, text: wellFormed(text.slice(0, 4000)), label });
  selection.removeAllRanges();
  keepDraft();
  drawQuestions();
}

function dropSpan(index) {
  extras.spans.splice(index, 1);
  keepDraft();
  drawQuestions();
}

// The range of characters [start, end) of a text; null where it is shorter.
function findRange(root, start, end) {
  const range = document.createRange();
  let at = 0;
  let hasStart = false;
  for (const { node, text, isFormula } of piecesOf(root)) {
    if (!hasStart && start < at + text.length) {
      if (isFormula) range.setStartBefore(node);
      else range.setStart(node, start - at);
      hasStart = true;
    }
    if (hasStart && end <= at + text.length) {
      if (isFormula) range.setEndAfter(node);
      else range.setEnd(node, end - at);
      return range;
    }
    at += text.length;
  }
  return null;
}

function paintSpans() {
  if (!CSS.highlights) return; // the list of marks says the same
  for (const label of ["good", "bad"]) {
    const ranges = extras.spans
      .filter((span) => span.label === label)
      .map((span) => findRange(sideText(span.side), span.start, span.end))
      .filter(Boolean);
    CSS.highlights.set(`label-${label}`, new Highlight(...ranges));
  }
}

function readExtras(outcome) {
  const { criteria, spans, strength } = extras;
  const isWin = outcome === "left" || outcome === "right";
  return {
    criteria: Object.keys(criteria).length ? criteria : null,
    spans: spans.length ? spans : null,
    strength: isWin ? strength : null,
  };
}

// ---- Drafts: what was said of a pair before its vote survives a reload ---------------------------
function keepDraft() {
  if (pair) localStorage.setItem(DRAFT, JSON.stringify({ lease_id: pair.lease_id, text: reason.value, extras }));
}

function readDraft(leaseId) {
  const draft = JSON.parse(localStorage.getItem(DRAFT) ?? "null");
  return draft?.lease_id === leaseId ? draft : null;
}

function showDraft(draft) {
  reason.value = draft?.text ?? "";
  extras = draft?.extras ?? { criteria: {}, strength: null, spans: [] };
  if (isSet()) drawOrder();
  else drawQuestions();
}

// ---- A gentle word, where the statistics have one --------------------------------------------------
function showWarning(text) {
  find(".warning").textContent = text;
  find(".warning").hidden = !text;
}

// ---- Set aside -----------------------------------------------------------------------------------
// Answers that the server would not take. They stay in view until they are sent again or thrown away.
const readAside = () => JSON.parse(localStorage.getItem(SET_ASIDE) ?? "[]");
function writeAside(answers) {
  localStorage.setItem(SET_ASIDE, JSON.stringify(answers));
  drawAside();
}

function setAside(answer, why) {
  writeAside([...readAside().filter((one) => one.answer.token !== answer.token), { answer, why }]);
}

function drawAside() {
  const aside = readAside();
  find(".set-aside").hidden = aside.length === 0;
  find(".set-aside ul").replaceChildren(...aside.map(({ answer, why }) => {
    const item = document.createElement("li");
    const words = answer.reason ? ` ${tr("Your reason: {reason}", { reason: answer.reason })}` : "";
    item.append(strong(`${saidOf(answer)}, “${answer.about ?? ""}”`), ` ${why}${words} `,
      makeButton(tr("Send again"), () => takeBack(answer, true), false),
      makeButton(tr("Throw away"), () => takeBack(answer, false), false));
    return item;
  }));
}

function takeBack(answer, isSent) {
  if (isSent) writeOutbox([...readOutbox(), answer]);
  writeAside(readAside().filter((one) => one.answer.token !== answer.token));
  if (isSent) send().then(reopen); // its pair may be the one on the screen
}

// ---- Past answers ----------------------------------------------------------------------------------
async function toggleMine() {
  toggleDrawer("mine");
  if (!find(".drawer.mine").hidden) await listMine(null);
}

async function listMine(beforeId) {
  const list = find(".past");
  await send();
  try {
    const { answers } = await call("label_mine", key, project.project_id, beforeId);
    if (beforeId === null) list.replaceChildren();
    list.append(...answers.map(makePast));
    find(".no-past").hidden = list.children.length > 0;
    find(".older").hidden = answers.length < 20;
    find(".older").onclick = () => listMine(answers.at(-1).preference_id);
  } catch (error) {
    alarm(error.message);
  }
}

function makePast(past) {
  const item = document.createElement("details");
  const summary = document.createElement("summary");
  const question = document.createElement("div");
  question.innerHTML = past.instruction;
  const earlier = past.n_earlier ? trn(", changed once", ", changed {n} times", past.n_earlier) : "";
  summary.textContent = `${question.textContent.trim().slice(0, 70)} · ${SAID[past.outcome]} (${past.at}${earlier})`;
  const texts = document.createElement("div");
  texts.className = "text bu-prose";
  texts.innerHTML = `${past.history}<h3>${tr("Left")}</h3>${past.left}<h3>${tr("Right")}</h3>${past.right}`;
  if (past.left_member) {
    const who = document.createElement("p");
    who.append(...trParts("Left was {left}, right was {right}.", { left: strong(past.left_member), right: strong(past.right_member) }));
    texts.append(who);
  }
  if (past.reason) {
    const why = document.createElement("p");
    why.textContent = tr("Your reason: {reason}", { reason: past.reason });
    texts.append(why);
  }
  const buttons = ["left", "tie", "both_bad", "right"].map((outcome) =>
    makeButton(SAID[outcome], () => changePast(past, outcome), outcome === past.outcome));
  item.append(summary, texts, ...buttons);
  return item;
}

async function changePast(past, outcome) {
  if (outcome === past.outcome) return;
  try {
    await call("label_relabel", key, past.preference_id, outcome, makeToken(past.preference_id));
    tell(tr("Your answer is changed; the earlier one is kept as history."));
    await listMine(null);
  } catch (error) {
    alarm(error.message);
  }
}

// ---- Scrolling in step -----------------------------------------------------------------------------
let isInStep = localStorage.getItem(STEP) === "yes";
function toggleStep() {
  isInStep = !isInStep;
  localStorage.setItem(STEP, isInStep ? "yes" : "no");
  find("[data-act=step]").setAttribute("aria-pressed", isInStep);
}
find("[data-act=step]").setAttribute("aria-pressed", isInStep);

let leading = null; // the side that a person scrolls; the other one's own event is not theirs
for (const side of ["left", "right"]) {
  find(`.answer.${side}`).addEventListener("scroll", ({ target }) => {
    if (!isInStep || (leading && leading !== side)) return;
    leading = side;
    const other = find(`.answer.${side === "left" ? "right" : "left"}`);
    const share = target.scrollTop / Math.max(target.scrollHeight - target.clientHeight, 1);
    other.scrollTop = share * (other.scrollHeight - other.clientHeight);
    requestAnimationFrame(() => requestAnimationFrame(() => { leading = null; }));
  }, { passive: true });
}
