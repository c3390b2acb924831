// Texts from outside, as `prose.py` has made them: draws their formulas, copies them as they were written.
//
// Invariant: a formula stays one element, `.formula`, whose TeX is its text until it is drawn and its
// `data-tex` after that, so that places in a text mean the same before and after.
(() => {
  "use strict";
  const root = () => window.blenderUi.root();
  const MOST_EM = 10; // a rule or gap of a formula; without a limit one covers the page

  let katex = null; // the module, once it is here
  let loading = null;
  function load() {
    const [script, style] = document.querySelector("meta[name=blender-ui-katex]").content.split(" ");
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = `${root()}/assets/${style}`;
    document.head.append(link);
    return import(`${root()}/assets/${script}`).then((module) => { katex = module.default; });
  }

  // In TeX a bare percent sign begins a comment: the rest of the line would vanish. Models mean the sign.
  const percents = (tex) => tex.replace(/\\.|%/gs, (part) => (part === "%" ? "\\%" : part));

  async function drawFormulas() {
    const waiting = ".bu-prose .formula:not(.drawn)";
    if (!document.querySelector(waiting)) return;
    if (!katex) await (loading ??= load()).catch(() => { loading = null; });
    if (!katex) return; // then the TeX stays
    for (const formula of document.querySelectorAll(waiting)) {
      const tex = formula.textContent;
      const displayMode = "display" in formula.dataset;
      try {
        formula.innerHTML = katex.renderToString(percents(tex), { displayMode, throwOnError: true, maxSize: MOST_EM });
      } catch { /* what is no TeX stays as the model wrote it */ }
      formula.dataset.tex = tex;
      formula.classList.add("drawn");
    }
  }
  new MutationObserver(() => { drawFormulas(); colourSoon(); }).observe(document, { subtree: true, childList: true });

  // ---- Colours of code: highlights over the text, which stays as it is, so places in it mean the same. ----
  const LANGUAGES = { // what begins a comment, by what a fence says
    "#": "python py bash sh shell zsh yaml yml toml ruby rb r perl makefile dockerfile ini conf julia",
    "//": "js javascript jsx ts typescript tsx java kotlin c cpp c++ cs csharp go rust rs swift php scala dart css scss json jsonc",
    "--": "sql lua haskell hs ada elm",
  };
  const KEYWORDS = new Set((
    "and as async await begin bool break case catch char class const continue def default del do done double elif " +
    "else elsif end enum except export extends extern false fi final finally float fn for foreach from func function " +
    "global go goto if impl implements import in include inherit instanceof int interface is join lambda let long loop " +
    "match module mut namespace new nil none not null of on or order package pass private protected pub public raise " +
    "return select self short static string struct super switch template then this throw trait true try type typedef " +
    "typeof union unsigned until use using var void volatile when where while with yield group by insert into update " +
    "delete create table values set limit"
  ).split(" "));
  const MOST_COLOURED = 20_000; // characters of one block

  const commentOf = (info) => {
    const language = info.trim().toLowerCase().split(/[\s{:]/)[0];
    return language && Object.keys(LANGUAGES).find((sign) => LANGUAGES[sign].split(" ").includes(language));
  };

  function* tokensOf(text, comment) {
    const sign = comment.replace(/[/-]/g, "\\$&");
    const block = comment === "//" ? "/\\*[\\s\\S]*?\\*/|" : "";
    const string = comment === "--" ? `'(?:[^'\\n]|'')*'|"[^"\\n]*"` : `"""[\\s\\S]*?"""|"(?:\\\\.|[^"\\\\\\n])*"|'(?:\\\\.|[^'\\\\\\n])*'|\`(?:\\\\.|[^\`\\\\])*\``;
    const parts = new RegExp(`(${block}${sign}.*)|(${string})|(\\b\\d[\\w.]*)|([A-Za-z_]\\w*)`, "g");
    for (const found of text.matchAll(parts)) {
      const kind = found[1] ? "comment" : found[2] ? "string" : found[3] ? "number" : KEYWORDS.has(found[4].toLowerCase()) && "keyword";
      if (kind) yield [kind, found.index, found.index + found[0].length];
    }
  }

  function colour() {
    const ranges = { comment: [], string: [], number: [], keyword: [] };
    for (const code of document.querySelectorAll(".bu-prose pre[data-info] > code")) {
      const [comment, node] = [commentOf(code.parentElement.dataset.info), code.firstChild];
      if (!comment || code.childNodes.length !== 1 || node.nodeType !== Node.TEXT_NODE || node.data.length > MOST_COLOURED) continue;
      for (const [kind, start, end] of tokensOf(node.data, comment)) {
        const range = new StaticRange({ startContainer: node, startOffset: start, endContainer: node, endOffset: end });
        ranges[kind].push(range);
      }
    }
    for (const [kind, found] of Object.entries(ranges)) CSS.highlights.set(`code-${kind}`, new Highlight(...found));
  }

  let isColouring = false;
  function colourSoon() { // once for a burst of changes, and after the text is on the screen
    if (isColouring || !CSS.highlights) return;
    isColouring = true;
    setTimeout(() => { isColouring = false; colour(); }, 50);
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copy]");
    if (!button) return;
    const fold = button.parentElement.querySelector("details");
    const written = fold.querySelector("pre");
    try {
      await navigator.clipboard.writeText(written.textContent);
      button.textContent = tr("Copied");
    } catch { // browsers refuse it to pages without https
      fold.open = true;
      getSelection().selectAllChildren(written);
      button.textContent = tr("Selected: press Ctrl+C");
    }
    setTimeout(() => { button.textContent = tr("Copy"); }, 2000);
  });
})();
