// A table with acts: a button or a choice of a row becomes the component's "select" event.
const send = (control) =>
  trigger("select", { act: control.dataset.act, row: control.dataset.row, value: control.value ?? "" });

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (!button || (button.dataset.ask && !window.confirm(button.dataset.ask))) return;
  send(button);
});
element.addEventListener("change", (event) => {
  const select = event.target;
  if (!select.matches("select[data-act]")) return;
  send(select);
  // The table is drawn anew only where something changed: until then it shows what is stored.
  for (const option of select.options) option.selected = option.defaultSelected;
});
// A choice that somebody made stays in the box although another one is stored: Gradio changes what the
// table's options say, and a box that was touched does not listen to that.
new MutationObserver(() => {
  for (const option of element.querySelectorAll("select[data-act] option")) {
    if (option.defaultSelected) option.selected = true;
  }
}).observe(element, { subtree: true, childList: true, attributeFilter: ["selected"] });
