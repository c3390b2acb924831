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
