// What pages do without asking the server: the light switch, and keys that press buttons.
(() => {
  "use strict";

  // ---- Light switch: the system's wish unless the person chose otherwise. -----------------------
  const LIGHT_KEY = "blender-ui-light";
  const remembered = localStorage.getItem(LIGHT_KEY);
  const paint = (light) => document.body.classList.toggle("dark", light === "dark");
  if (remembered) paint(remembered);

  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-light-switch]")) return;
    const light = document.body.classList.contains("dark") ? "light" : "dark";
    localStorage.setItem(LIGHT_KEY, light);
    paint(light);
  });

  // ---- Keys. A button with the class "key-x" is pressed by x ("key-left" by the left arrow). -----
  // A vote needs a pair that a person has seen: keys with the class "key-votes" as well work once
  // for each value of the nearest visible [data-pair], and not in the first moment after it is drawn.
  const NAMES = { ArrowLeft: "left", ArrowRight: "right" };
  const SEEN_AFTER_MS = 250;
  let pair = null;
  let drawnAt = 0;
  let votedOn = null;

  const visible = (element) => element.offsetParent !== null;
  const currentPair = () =>
    [...document.querySelectorAll("[data-pair]")].find(visible)?.dataset.pair ?? null;

  new MutationObserver(() => {
    const now = currentPair();
    if (now !== pair) {
      pair = now;
      drawnAt = performance.now();
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-pair"] });

  const isTyping = (target) =>
    target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);

  const mayVote = () => pair !== null && pair !== votedOn && performance.now() - drawnAt >= SEEN_AFTER_MS;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return;
    const name = NAMES[event.key] ?? event.key.toLowerCase();
    if (!/^[a-z0-9]+$/.test(name)) return;
    const button = [...document.querySelectorAll(`button.key-${name}`)].find(
      (candidate) => visible(candidate) && !candidate.disabled,
    );
    if (!button) return;
    event.preventDefault();
    if (button.classList.contains("key-votes") && !mayVote()) return;
    button.click();
  });

  // A question that was sent needs the keyboard no more: from now on keys are votes.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    const box = event.target;
    if (box.closest?.("#blend-prompt")) setTimeout(() => box.blur());
  });

  // Who would be asked is said after a pause in typing: a look for each key would slow the typing down.
  const PAUSE_MS = 450;
  let pausing = null;
  const lookSoon = (event) => {
    if (!event.target.closest?.("#blend-prompt, #blend-input, #blend-examples")) return;
    clearTimeout(pausing);
    pausing = setTimeout(() => document.querySelector("#blend-look")?.click(), PAUSE_MS);
  };
  document.addEventListener("input", lookSoon);
  document.addEventListener("click", lookSoon);

  // A click counts like a key, so that a double click never votes on the next pair.
  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest?.("button.key-votes");
      if (!button) return;
      if (!mayVote()) {
        event.preventDefault();
        event.stopImmediatePropagation();
        return;
      }
      votedOn = pair;
    },
    true,
  );

  // A vote that came to nothing leaves its pair on the screen, to be voted on again; one that counted
  // has the moment in which the page draws what comes next.
  document.addEventListener("blend-vote-ended", () => {
    const ended = votedOn;
    setTimeout(() => {
      if (votedOn === ended) votedOn = null;
    }, SEEN_AFTER_MS);
  });
})();
