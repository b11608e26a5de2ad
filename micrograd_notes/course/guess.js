// The script of `guess_first`: it makes choices into buttons, or offers a field for a guess, and marks
// a choice when the answer is opened. Without it, the question and the folded answer remain.
(() => {
/* elements.js */

  startAll("guess", (root, {right}) => {
    const part = (name) => root.querySelector(`:scope > ${name}`);
    const [list, details, verdict] = [part("ul"), part("details"), element("p", {role: "status"})];
    const buttons = [...list.children].map((item) =>
      element("button", {type: "button", "aria-pressed": "false"}, ...item.childNodes));
    const field = element("input", {type: "text", placeholder: "Your guess", "aria-label": "Your guess"});
    let chosen = null;

    for (const [index, button] of buttons.entries()) button.addEventListener("click", () => {
      if (details.open) return;
      chosen = index;
      button.setAttribute("aria-pressed", "true");
      details.open = true;
    });
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();  // a notebook would take a key for one of its commands
      if (event.key === "Enter" && field.value.trim()) details.open = true;
    });
    // The attribute turns off JupyterLab's shortcuts.
    list.replaceWith(element("div", {"data-lm-suppress-shortcuts": "true"}, ...(buttons.length ? buttons : [field])));
    details.before(verdict);

    details.addEventListener("toggle", () => {
      if (field.readOnly) return;  // it was opened before
      field.readOnly = true;
      const answer = buttons[right]?.textContent;
      for (const [index, button] of buttons.entries()) {
        button.setAttribute("aria-disabled", "true");
        if (index === right || index === chosen) button.prepend(index === right ? "✓ " : "✗ ");
      }
      const isRight = chosen === null ? null : chosen === right;
      if (isRight !== null) verdict.textContent = isRight ? "Right." : `It is: ${answer}.`;
      root.dispatchEvent(new CustomEvent("micrograd-guess", {bubbles: true, composed: true, detail: {right: isRight}}));
    });
  });
})();
