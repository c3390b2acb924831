// A tour of two minutes for whoever is new: step by step, on the pages themselves.
//
// Invariant: it lies between the header and the page, covers nothing and takes no key from it; once it was
// closed or walked to its end it comes back only when the header's "?" is pressed.
// Which of the three it is follows from who one is, and a step on a page that is not for them is left out.
(() => {
  "use strict";
  const STORED = "blender-ui-tour"; // the step one is at, or OVER
  const OVER = "over";

  // `at` names what the page outlines (theme.css).
  const VISITOR = [
    { page: "", at: "ask", title: tr("See an answer at once"), text: tr("Press one of the questions below the box: its answers were recorded and are there at once. Or ask your own.") },
    { page: "", at: "vote", title: tr("Vote, then see who wrote what"), text: tr("Nobody tells you which model wrote which answer until you have voted. Then you see the names, the ranking and the fused answer.") },
    { page: "label", at: "outcome", title: tr("One pair after another"), text: tr("Two answers, one key: A is left, B is right, T a tie, N neither. U takes the last vote back. Each vote counts at once.") },
    { page: "leaderboard", at: "", title: tr("What the votes say"), text: tr("The models by people’s preferences, and how sure that is. Inspect tells why one answer is ranked before another.") },
  ];
  const ANNOTATOR = [
    { page: "label", at: "answers", title: tr("Read the question, then both answers"), text: tr("Who wrote them is hidden. Guidelines, at the top, says what counts in this project.") },
    { page: "label", at: "outcome", title: tr("Vote with one key"), text: tr("A is left, B is right, T a tie, N neither is good. The next pair is there at once.") },
    { page: "label", at: "tools", title: tr("Not sure, or a slip?"), text: tr("S skips: somebody else gets the pair. U takes the last vote back. “My answers” changes an earlier one. The question mark lists all keys.") },
    { page: "leaderboard", at: "", title: tr("What comes of your votes"), text: tr("A ranker learns from each vote within a moment, and the leaderboard follows. Your name and password are on the account page.") },
  ];
  const RESEARCHER = [
    { page: "", at: "ask", title: tr("Ask several models at once"), text: tr("Ask your own question, or press one below the box. Read the answers blind, vote, and see names, ranks and the fused answer.") },
    { page: "label", at: "outcome", title: tr("Label what is there"), text: tr("One blind pair after another, one key a vote. A new installation has a sample project, “Recorded examples”, with pairs to try.") },
    { page: "ensemble", at: "", title: tr("Bring your models"), text: tr("Try an OpenAI-compatible endpoint, such as Ollama or vLLM, and add it. The embedded models need none.") },
    { page: "projects", at: "", title: tr("Make a project of your prompts"), text: tr("It has guidelines, how many people are asked, and links that invite them. Data imports files. “Archive” puts the sample project away.") },
    { page: "train", at: "", title: tr("Let a ranker learn"), text: tr("It follows each vote. Every 50 votes a new version is trained, and serves only if it beats the baselines on held-out prompts.") },
    { page: "inspect", at: "", title: tr("Ask why"), text: tr("Why an answer is ranked as it is, what would change it, and what a version learnt.") },
  ];

  const { page } = window.blenderUi;

  function choose(me) {
    const isVisitor = me.mode === "demo" && !me.has_account;
    const all = isVisitor ? VISITOR : me.role === "annotator" && me.has_account ? ANNOTATOR : RESEARCHER;
    return all.filter((step) => me.pages.includes(step.page));
  }

  let steps = [];
  let place = localStorage.getItem(STORED) ?? 0;
  const isOver = () => place === OVER;
  const keep = (next) => localStorage.setItem(STORED, (place = next));

  function make(name, className, text) {
    const node = document.createElement(name);
    if (className) node.className = className;
    node.textContent = text;
    return node;
  }

  function makeButton(className, text, act) {
    const button = make("button", className, text);
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  }

  // The header's own link, which knows the project that the address names.
  const linkTo = (path) => [...document.querySelectorAll(".bu-header nav a")]
    .find((link) => link.getAttribute("href").replace("./", "").split("?")[0] === path);

  function go(next) {
    keep(next);
    if (next === OVER || steps[next].page === page()) {
      draw();
      (document.querySelector(".bu-tour h2") ?? document.querySelector("[data-tour-open]")).focus();
    } else linkTo(steps[next].page).click();
  }

  function draw() {
    document.querySelector(".bu-tour")?.remove();
    delete document.body.dataset.tour;
    document.documentElement.style.setProperty("--bu-tour", "0px");
    document.querySelector("[data-tour-open]")?.setAttribute("aria-expanded", !isOver());
    const header = document.querySelector(".bu-header");
    if (isOver() || !header || !steps.length) return;
    const number = Math.min(Math.max(Number(place) || 0, 0), steps.length - 1);
    const step = steps[number];
    const isHere = step.page === page();
    if (isHere) document.body.dataset.tour = step.at;
    const tour = make("aside", "bu-tour", "");
    tour.setAttribute("aria-label", tr("Tour"));
    const title = make("h2", "", step.title);
    title.tabIndex = -1;
    const said = make("div", "", "");
    said.append(make("p", "bu-tour-step", tr("Tour, step {n} of {all}", { n: number + 1, all: steps.length })), title, " ", make("p", "", step.text));
    const acts = make("div", "bu-tour-acts", "");
    if (number > 0) acts.append(makeButton("", tr("Back"), () => go(number - 1)));
    const next = steps[number + 1];
    const name = linkTo(next?.page)?.textContent;
    const onward = !next ? tr("Done") : next.page === page() ? tr("Next") : tr("Next: {page}", { page: name });
    acts.append(makeButton(isHere ? "bu-strong" : "", onward, () => go(next ? number + 1 : OVER)));
    if (!isHere) acts.append(makeButton("bu-strong", tr("Go to {page}", { page: linkTo(step.page).textContent }), () => go(number)));
    const close = makeButton("bu-tour-close", "×", () => go(OVER));
    close.setAttribute("aria-label", tr("Close the tour"));
    close.title = tr("Close the tour");
    tour.append(said, acts, close);
    tour.addEventListener("keydown", (event) => {
      if (event.key === "Escape") go(OVER);
      if (["Escape", "Enter", " "].includes(event.key)) event.stopPropagation(); // they scroll and send on the pages
    });
    header.after(tour);
    // The label page fits the screen, so it gives the room.
    document.documentElement.style.setProperty("--bu-tour", `${tour.offsetHeight + 10}px`);
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-tour-open]")) return;
    // Kept also before it is known who one is: then it is drawn when that is.
    keep(isOver() ? 0 : OVER);
    draw();
    document.querySelector(".bu-tour h2")?.focus();
  });

  // Gradio draws the header when it is ready, and again when one goes to another page.
  document.addEventListener("blender-ui-arrived", (event) => {
    steps = choose(event.detail);
    if (!steps.length) return;
    draw();
    new MutationObserver(() => {
      if (isOver() || document.querySelector(".bu-tour") || !document.querySelector(".bu-header")) return;
      draw();
    }).observe(document.body, { childList: true, subtree: true });
  });
})();
