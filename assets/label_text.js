// The texts of the frame: what counts as their characters and words, and the words in which two
// answers differ. Part of label.js' script.
const LONGEST_DIFFERENCE = 4_000_000; // cells of the word table

// ---- Characters: a formula counts as its TeX, whether it is drawn already or not --------------------
const texOf = (formula) => formula.dataset.tex ?? formula.textContent;

// The text nodes and formulas of a text, in reading order.
function piecesOf(root) {
  const pieces = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, (node) => {
    if (node.nodeType === Node.TEXT_NODE || node.matches(".formula")) return NodeFilter.FILTER_ACCEPT;
    return node.parentElement.closest(".formula") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP;
  });
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const isFormula = node.nodeType === Node.ELEMENT_NODE;
    if (!isFormula && node.parentElement.closest(".formula")) continue;
    pieces.push({ node, isFormula, text: isFormula ? texOf(node) : node.data });
  }
  return pieces;
}

// A selection ends where a formula does: what KaTeX draws has no places that would still be there later.
function takeWholeFormulas(range) {
  const formulaAt = (node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement).closest(".formula");
  const [first, last] = [formulaAt(range.startContainer), formulaAt(range.endContainer)];
  if (first) range.setStartBefore(first);
  if (last) range.setEndAfter(last);
}

function textOf(range) {
  const part = range.cloneContents();
  for (const formula of part.querySelectorAll(".formula")) formula.textContent = texOf(formula);
  return part.textContent;
}

// ---- Differences: the words that one answer has and the other has not, marked where they stand ----
function readWords(root) {
  const words = [];
  for (const { node, isFormula, text } of piecesOf(root)) {
    if (isFormula) words.push({ node, isFormula, word: text, isShared: false });
    else for (const found of text.matchAll(/\S+/g)) {
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
    if (words[last].isFormula) range.selectNode(words[last].node);
    else {
      range.setStart(words[first].node, words[first].start);
      range.setEnd(words[last].node, words[last].end);
    }
    range.surroundContents(document.createElement("mark"));
    last = first;
  }
}

function markDifferences() {
  const [left, right] = ["left", "right"].map((side) => readWords(find(`.answer.${side} .text`)));
  if (!findShared(left, right)) {
    tell(tr("These answers are too long to be compared word by word."));
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
