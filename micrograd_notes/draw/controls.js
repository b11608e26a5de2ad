  // What the stepper and the training page have in common; Python puts it into both scripts.

  const ICONS = {
    first: "M2 2h2v12H2zM14 2v12L5 8z", previous: "M12 2v12L3 8z", play: "M3 2v12l11-6z",
    pause: "M3 2h4v12H3zM9 2h4v12H9z", next: "M4 2v12l9-6z", last: "M12 2h2v12h-2zM2 2v12l9-6z",
  };

  function filled(made, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);  // strings become text: no name is ever read as markup
    return made;
  }

  function element(tag, attributes = {}, ...children) {
    return filled(document.createElement(tag), attributes, children);
  }

  function svg(tag, attributes = {}, ...children) {
    return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  }

  function icon(name) {
    return svg("svg", {viewBox: "0 0 16 16", "aria-hidden": "true"}, svg("path", {d: ICONS[name]}));
  }

  // A word stands beside the icon where the icon alone could be taken for another.
  function button(name, label, action, word = "") {
    const made = element("button", {type: "button", "aria-label": label, title: label});
    made.append(icon(name), word && " " + word);
    made.addEventListener("click", action);
    return made;
  }

  // JupyterLab says its theme on the body; elsewhere the browser knows what the reader prefers.
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  function theme() {
    const lab = document.body.dataset.jpThemeLight;
    return (lab === undefined ? prefersDark.matches : lab === "false") ? "dark" : "light";
  }
