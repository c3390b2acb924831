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

  async function drawFormulas() {
    const waiting = ".bu-prose .formula:not(.drawn)";
    if (!document.querySelector(waiting)) return;
    if (!katex) await (loading ??= load()).catch(() => { loading = null; });
    if (!katex) return; // then the TeX stays
    for (const formula of document.querySelectorAll(waiting)) {
      const tex = formula.textContent;
      const displayMode = "display" in formula.dataset;
      formula.innerHTML = katex.renderToString(tex, { displayMode, throwOnError: false, maxSize: MOST_EM });
      formula.dataset.tex = tex;
      formula.classList.add("drawn");
    }
  }
  new MutationObserver(drawFormulas).observe(document, { subtree: true, childList: true });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copy]");
    if (!button) return;
    const fold = button.parentElement.querySelector("details");
    const written = fold.querySelector("pre");
    try {
      await navigator.clipboard.writeText(written.textContent);
      button.textContent = "Copied";
    } catch { // browsers refuse it to pages without https
      fold.open = true;
      getSelection().selectAllChildren(written);
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
})();
