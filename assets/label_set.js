// Several answers at once: their order by keys, buttons or drag, or the best, or the best and the worst.
// Part of label.js' script. What has been said so far is `extras.order`: groups of answers by their place on
// the page from 0, the best group first; answers of one group tie.
const DRAG_FROM_PX = 6; // a press that moves less is a click
const ORDINALS = [tr("1st"), tr("2nd"), tr("3rd"), tr("4th"), tr("5th"), tr("6th"), tr("7th"), tr("8th")];
const rail = find(".rail");

const isSet = () => Boolean(pair?.answers);
const groups = () => (extras.order ??= []);
const nPlaced = () => groups().flat().length;
const isPlaced = (index) => groups().flat().includes(index);
const nWanted = () => ({ best: 1, best_worst: 2 })[pair.ask] ?? pair.answers.length;
const placeOf = (group) => 1 + groups().slice(0, group).flat().length;

// Of each answer as shown, 1 is best: what the server is sent.
function readPlaces() {
  const others = pair.ask === "order" ? 0 : 2; // beside the best and the worst, nothing is said
  const places = pair.answers.map(() => others);
  groups().forEach((group, number) => group.forEach((index) => {
    places[index] = pair.ask === "best_worst" && number === 1 ? 3 : placeOf(number);
  }));
  return places;
}

// ---- Drawing -------------------------------------------------------------------------------------
function drawSet() {
  find(".set").replaceChildren(...pair.answers.map((text, index) => {
    const card = document.createElement("article");
    card.className = "card";
    card.tabIndex = 0;
    card.setAttribute("aria-label", tr("Answer {number}", { number: index + 1 }));
    const head = document.createElement("header");
    const name = document.createElement("h2");
    name.textContent = tr("Answer {number}", { number: index + 1 });
    const badge = document.createElement("span");
    badge.className = "badge";
    const button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => (isPlaced(index) ? takeOut(index) : putNext(index)));
    head.append(name, badge, button);
    const body = document.createElement("div");
    body.className = "text bu-prose";
    body.innerHTML = text;
    card.append(head, body);
    return card;
  }));
}

function drawOrder() {
  const wanted = nWanted();
  const isOrder = pair.ask === "order";
  [...find(".set").children].forEach((card, index) => {
    const group = groups().findIndex((one) => one.includes(index));
    const place = isOrder ? ORDINALS[placeOf(group) - 1] : [tr("best"), tr("worst")][group];
    card.classList.toggle("placed", group >= 0);
    card.querySelector(".badge").textContent = group < 0 ? "" : place;
    const next = isOrder ? tr("Put next") : nPlaced() === 0 ? tr("Best") : tr("Worst");
    const [button, hint] = [card.querySelector("button"), document.createElement("kbd")];
    hint.textContent = index + 1;
    button.replaceChildren(group < 0 ? `${next} ` : tr("Take out"), ...(group < 0 ? [hint] : []));
    button.setAttribute("aria-label", tr("{what}: answer {number}", { what: group < 0 ? next : tr("Take out"), number: index + 1 }));
  });
  rail.hidden = !isOrder;
  rail.replaceChildren(...(isOrder ? groups().flatMap(makeChips) : []));
  const left = pair.answers.length - nPlaced();
  find(".order-hint").textContent = isOrder
    ? nPlaced() === wanted ? tr("Drag to change the order, or send it.") : tr("Best first: put {n} more in order.", { n: left })
    : nPlaced() === 0 ? tr("Which is the best?") : tr("Which is the worst?");
  find("[data-act=tie]").hidden = find("[data-act=send]").hidden = !isOrder;
  find("[data-act=tie]").setAttribute("aria-pressed", (groups().at(-1)?.length ?? 0) > 1);
  find("[data-act=tie]").disabled = nPlaced() < 2;
  find("[data-act=send]").disabled = nPlaced() < wanted;
  find("[data-act=back]").disabled = nPlaced() === 0;
}

function makeChips(group, number) {
  return group.map((index, at) => {
    const item = document.createElement("li");
    item.classList.toggle("tied", at > 0);
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "chip";
    chip.dataset.index = index;
    chip.textContent = tr("{what}: answer {number}", { what: ORDINALS[placeOf(number) - 1], number: index + 1 });
    chip.setAttribute("aria-label", tr("{what}. Arrow keys move it, Delete takes it out.", { what: chip.textContent }));
    item.append(chip);
    return item;
  });
}

// ---- Saying --------------------------------------------------------------------------------------
function change(act) {
  if (!mayAnswer()) return;
  act();
  extras.order = groups().filter((group) => group.length > 0);
  keepDraft();
  drawOrder();
}

function putNext(index) {
  if (index >= pair.answers.length) return;
  if (isPlaced(index)) return refuse(tr("Answer {number} is placed already; Backspace removes the last one", { number: index + 1 }));
  if (nPlaced() === nWanted()) return;
  change(() => groups().push([index]));
  if (pair.ask !== "order" && nPlaced() === nWanted()) sendSet(); // as one key is enough for a pair
}

const takeOut = (index) => change(() => { extras.order = groups().map((group) => group.filter((one) => one !== index)); });

function takeLast() {
  if (nPlaced()) takeOut(groups().at(-1).at(-1));
}

// The last one ties with those before it, or no longer.
function tieLast() {
  if (nPlaced() < 2) return refuse(tr("Put two answers in order first; then the last one can tie with the one before"));
  change(() => {
    const last = groups().pop();
    if (last.length > 1) groups().push(last.slice(0, -1), last.slice(-1));
    else groups().at(-1).push(...last);
  });
}

// The answer stands alone before the answer that is now at that place of the row; ties of others stay.
function moveTo(index, at) {
  change(() => {
    const rest = groups().map((group) => group.filter((one) => one !== index)).filter((group) => group.length);
    let seen = 0;
    let before = 0;
    while (before < rest.length && seen + rest[before].length / 2 < at) seen += rest[before++].length;
    extras.order = [...rest.slice(0, before), [index], ...rest.slice(before)];
  });
  rail.querySelector(`[data-index="${index}"]`)?.focus();
}

function sendSet() {
  if (nPlaced() < nWanted()) return refuse(tr("Put all {n} answers in order first", { n: pair.answers.length }));
  if (!mayAnswer()) return;
  give({
    lease_id: pair.lease_id,
    project_id: project.project_id,
    places: readPlaces(),
    ask: pair.ask,
    token: pair.token,
    reason: wellFormed(reason.value).trim() || null,
    about: wellFormed(find(".instruction").textContent.trim().slice(0, 80)),
    seconds: (performance.now() - pair.drawnAt) / 1000,
  });
}

// A key that means something here; false for those that are the same as of pairs.
function pressInSet(event) {
  const { key: name, target } = event;
  if (target.closest?.(".rail") && ["ArrowLeft", "ArrowRight", "Delete"].includes(name)) {
    const index = Number(target.dataset.index);
    const at = groups().flat().indexOf(index);
    if (name === "Delete") takeOut(index);
    else moveTo(index, Math.max(at + (name === "ArrowLeft" ? -1 : 1), 0));
  } else if (/^[1-8]$/.test(name)) {
    if (!event.repeat) putNext(Number(name) - 1);
  } else if (name === "Backspace") takeLast();
  else if (name === "Enter" && target.tagName !== "BUTTON") {
    if (!event.repeat && pair.ask === "order") sendSet();
  } else if (name.toLowerCase() === "t" && pair.ask === "order") {
    if (!event.repeat) tieLast();
  } else return ["a", "b", "n", "t", "d", "l", "ArrowLeft", "ArrowRight", "0", "9"].includes(name); // no sides
  event.preventDefault();
  return true;
}

// What was said, for the line after it and for answers that were not taken.
function tellOrder({ ask, places, members }) {
  if (!members.length) return [tr("Counted. {when}", { when: whenTold() })];
  const named = members.map(strong);
  if (ask === "best") return inWords("Before: you called {best} the best of {others}.", { best: [named[0]], others: commas(named.slice(1)) });
  if (ask === "best_worst") {
    return inWords("Before: you called {best} the best and {worst} the worst. Between: {others}.", { best: [named[0]], worst: [named.at(-1)], others: commas(named.slice(1, -1)) });
  }
  return [tr("Before, best first:"), " ", ...named.flatMap((name, at) => [at === 0 ? "" : places[at] === places[at - 1] ? " = " : ", ", name]), "."];
}
const inWords = (message, values) => trParts(message, values).flat();
const commas = (parts) => parts.flatMap((part, at) => (at ? [", ", part] : [part]));
const saidOf = (answer) => (answer.places ? tr("{what} of {n}", { what: tr(answer.ask.replace("_", " and ")), n: answer.places.length }) : SAID[answer.outcome]);

// ---- Drag, by mouse and by touch -----------------------------------------------------------------
let drag = null;
rail.addEventListener("pointerdown", (event) => {
  const chip = event.target.closest(".chip");
  if (chip && event.button === 0) drag = { chip, x: event.clientX, y: event.clientY, isMoving: false };
});
document.addEventListener("pointermove", (event) => {
  if (!drag || !frame.isConnected) return;
  const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
  drag.isMoving ||= Math.hypot(x, y) > DRAG_FROM_PX;
  if (drag.isMoving) drag.chip.style.transform = `translate(${x}px, ${y}px)`;
});
document.addEventListener("pointerup", (event) => {
  if (!drag || !frame.isConnected) return;
  const { chip, isMoving } = drag;
  drag = null;
  if (!isMoving) return;
  chip.style.transform = "";
  const others = [...rail.querySelectorAll(".chip")].filter((one) => one !== chip);
  const isBefore = (box) => (event.clientY > box.bottom || (event.clientY >= box.top && event.clientX > box.left + box.width / 2));
  moveTo(Number(chip.dataset.index), others.filter((one) => isBefore(one.getBoundingClientRect())).length);
});
document.addEventListener("pointercancel", () => {
  if (drag) drag.chip.style.transform = "";
  drag = null;
});
