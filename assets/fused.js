// Where a fused answer came from: a stretch that is pointed at, focused or tapped lights the same words
// in its member's column. The lighting is a CSS highlight, so nothing in the page is changed.
(() => {
  "use strict";
  if (typeof Highlight === "undefined") return;

  const NAME = "bu-source-light";
  const WORD = /[\p{L}\p{N}]+/gu;
  const LEAST_WORDS = 3;

  const plain = (word) => word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const wordsOf = (text) => [...text.matchAll(WORD)].map((match) => plain(match[0]));

  // Every word of a column with the text node and the place where it stands.
  const placedWords = (root) => {
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      for (const match of node.data.matchAll(WORD)) {
        found.push({ word: plain(match[0]), node, start: match.index, end: match.index + match[0].length });
      }
    }
    return found;
  };

  // The runs of wanted words that the column has, each as long as it goes, three words at least
  // (fewer where no more are wanted).
  const runsIn = (column, wanted) => {
    const least = Math.min(LEAST_WORDS, wanted.length);
    const runs = [];
    for (let start = 0; start < wanted.length; ) {
      let best = { length: 0, at: 0 };
      for (let at = 0; at < column.length; at += 1) {
        let length = 0;
        while (start + length < wanted.length && column[at + length]?.word === wanted[start + length]) length += 1;
        if (length > best.length) best = { length, at };
      }
      if (best.length >= least) runs.push(best);
      start += best.length >= least ? best.length : 1;
    }
    return runs;
  };

  const columnOf = (member) =>
    [...document.querySelectorAll(".bu-column")].find(
      (column) => column.querySelector(".bu-column-head h2")?.textContent === member,
    );

  const dim = () => {
    CSS.highlights.delete(NAME);
    document.querySelectorAll(".bu-lit").forEach((element) => element.classList.remove("bu-lit"));
  };

  const light = (stretch) => {
    dim();
    const column = columnOf(stretch.dataset.lightMember);
    if (!column) return;
    column.classList.add("bu-lit");
    stretch.classList.add("bu-lit");
    const words = placedWords(column.querySelector(".bu-prose") ?? column);
    const ranges = runsIn(words, wordsOf(stretch.textContent)).map(({ length, at }) => {
      const range = new Range();
      range.setStart(words[at].node, words[at].start);
      range.setEnd(words[at + length - 1].node, words[at + length - 1].end);
      return range;
    });
    if (ranges.length) CSS.highlights.set(NAME, new Highlight(...ranges));
  };

  const stretchAt = (target) => target.closest?.("[data-light-member]");
  for (const name of ["mouseover", "focusin"]) {
    document.addEventListener(name, (event) => {
      const stretch = stretchAt(event.target);
      if (stretch) light(stretch);
    });
  }
  for (const name of ["mouseout", "focusout"]) {
    document.addEventListener(name, (event) => {
      if (stretchAt(event.target)) dim();
    });
  }
  // A tap has no pointer that stays, and on a phone the column is far away: go there.
  document.addEventListener("click", (event) => {
    const stretch = stretchAt(event.target);
    if (!stretch || !matchMedia("(hover: none)").matches) return;
    light(stretch);
    columnOf(stretch.dataset.lightMember)?.scrollIntoView({ behavior: "smooth", block: "center" });
  });
})();
