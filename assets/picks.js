// Putting a round's answers in order. The order is kept here until it is sent whole with the button's act,
// so that no press waits for the one before; an answer that is pressed again leaves with all behind it.
{
  const unfold = (isOrdering) => {
    for (const part of element.querySelectorAll(".bu-picks"))
      part.hidden = part.classList.contains("bu-ordering") !== isOrdering;
    if (!isOrdering) show([]);
  };

  const list = () => [...element.querySelectorAll("button[data-place]")];

  const read = () => (element.querySelector(".bu-send-order").value.match(/\d+/g) ?? []);

  const show = (order) => {
    const send = element.querySelector(".bu-send-order");
    send.value = order.join(" ");
    send.disabled = order.length !== list().length;
    for (const button of list()) {
      const number = button.dataset.place;
      const place = order.indexOf(number) + 1;
      button.setAttribute("aria-pressed", String(place > 0));
      button.setAttribute(
        "aria-label",
        window.tr("Answer {number}", { number }) + (place > 0 ? window.tr(", place {place}", { place }) : ""),
      );
      button.querySelector("sup").textContent = place > 0 ? `${place}.` : "";
    }
  };

  const place = (number) => {
    const before = read();
    if (before.includes(number)) return show(before.slice(0, before.indexOf(number)));
    const order = [...before, number];
    const rest = list().map((button) => button.dataset.place).filter((one) => !order.includes(one));
    show(rest.length === 1 ? [...order, ...rest] : order);
  };

  element.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.ordering) {
      const isFocused = document.activeElement === button; // which goes with the button that is hidden
      unfold(button.dataset.ordering === "yes");
      if (isFocused) element.querySelector(".bu-picks:not([hidden]) button").focus();
    }
    if (button?.dataset.place) place(button.dataset.place);
  });
}
