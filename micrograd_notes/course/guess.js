// The script of `guess_first`: it makes choices into buttons, or offers a field for a guess, and marks
// a choice when the answer is opened. Without it, the question and the folded answer remain.
(() => {
  "use strict";
  const here = document.currentScript?.parentElement ?? document;
  const selector = "[data-micrograd-guess]";
  for (const root of here.matches?.(selector) ? [here] : here.querySelectorAll(selector)) {
    if (root.dataset.started) continue;
    root.dataset.started = "yes";
    const {right} = JSON.parse(root.querySelector(":scope > script[type='application/json']").textContent);
    const [list, details] = [root.querySelector(":scope > ul"), root.querySelector(":scope > details")];
    const verdict = document.createElement("p");
    verdict.setAttribute("role", "status");
    const labels = [...list.children].map((item) => item.textContent);
    let chosen = null;

    const buttons = labels.map((label, index) => {
      const button = document.createElement("button");
      Object.assign(button, {type: "button", textContent: label});
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        if (details.open) return;
        chosen = index;
        button.setAttribute("aria-pressed", "true");
        details.open = true;
      });
      return button;
    });
    const field = document.createElement("input");
    Object.assign(field, {type: "text", placeholder: "Your guess"});
    field.setAttribute("aria-label", "Your guess");
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();  // a notebook would take a key for one of its commands
      if (event.key === "Enter") details.open = true;
    });
    const group = document.createElement("div");
    group.setAttribute("data-lm-suppress-shortcuts", "true");  // turns off JupyterLab's shortcuts
    group.append(...(buttons.length ? buttons : [field]));
    list.replaceWith(group);
    details.before(verdict);

    details.addEventListener("toggle", () => {
      if (!details.open || root.dataset.opened) return;
      root.dataset.opened = "yes";
      window.dispatchEvent(new Event("resize"));  // what was folded measures itself now
      buttons.forEach((button, index) => {
        button.setAttribute("aria-disabled", "true");
        if (index === right) button.prepend("✓ ");
        else if (index === chosen) button.prepend("✗ ");
      });
      field.readOnly = true;
      if (chosen !== null) verdict.textContent = chosen === right ? "Right." : `It is: ${labels[right]}.`;
      const detail = {right: chosen === null ? null : chosen === right};
      root.dispatchEvent(new CustomEvent("micrograd-guess", {bubbles: true, composed: true, detail}));
    });
  }
})();
