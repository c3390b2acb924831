// Buttons that save a figure: <button data-figure="element id" data-format="png|svg" data-name="file">.
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-figure]");
    const plot = button && document.querySelector(`#${CSS.escape(button.dataset.figure)} .js-plotly-plot`);
    if (!plot || !window.Plotly) return;
    // On paper, whatever the page's light is.
    const layout = { ...plot.layout, paper_bgcolor: "#fff", font: { ...plot.layout.font, color: "#22201c" } };
    const { offsetWidth: width, offsetHeight: height } = plot;
    const options = { format: button.dataset.format, width, height, scale: 2, filename: button.dataset.name };
    window.Plotly.downloadImage({ data: plot.data, layout }, options);
  });
})();
