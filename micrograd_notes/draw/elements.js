  // All scripts share this file: Python puts it into each of them. They use no library and no id outside of
  // their own shadow root, and request nothing from the network.

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

  // The SVG that an image holds: a page holds its picture once, as an image, for where no scripts run.
  function held(image) {
    const bytes = Uint8Array.from(atob(image.src.split(",")[1]), (byte) => byte.charCodeAt(0));
    const text = new TextDecoder().decode(bytes);
    return document.adoptNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement);
  }

  // Starts the widget around this script with its data; without a current script, all of the kind.
  function startAll(kind, start) {
    const here = document.currentScript?.parentElement ?? document;
    const selector = `[data-micrograd-${kind}]:not([data-started])`;
    for (const root of here.matches?.(selector) ? [here] : here.querySelectorAll(selector)) {
      root.dataset.started = "yes";
      start(root, JSON.parse(root.querySelector(":scope > [type='application/json']")?.textContent ?? "null"));
    }
  }
