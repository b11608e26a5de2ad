// Opens the groups of a picture: a click on a box, or Enter, shows its panel below the picture. Python has
// drawn and described all panels; this script shows one and hides the others.
(() => {
  "use strict";
/* elements.js */

  // The element around this script: a page may hold several pictures, each with its own keys.
  const root = document.currentScript.parentElement;
  const picture = root.querySelector(".picture > svg");
  const boxes = new Map();  // from a panel to the box that opens it
  let open = null;

  function show(panel) {
    if (open) hide(open);
    open = panel;
    panel.hidden = false;
    mark(panel, true);
    // A screen reader reads out the heading, and the page scrolls to the panel.
    panel.querySelector("h2").focus({preventScroll: true});
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    panel.scrollIntoView({block: "nearest", behavior: isStill ? "instant" : "smooth"});
  }

  function hide(panel) {
    open = null;
    panel.hidden = true;
    mark(panel, false);
  }

  function close() {
    const box = boxes.get(open);
    hide(open);
    box.focus();  // back to where the reader was
  }

  function mark(panel, isOpen) {
    const box = boxes.get(panel);
    box.setAttribute("aria-expanded", String(isOpen));
    box.querySelector(".mark path")?.setAttribute("d", isOpen ? "M-4 0H4" : "M-4 0H4M0-4V4");
  }

  // A round mark at the corner of the box, where it hides neither text nor arrows.
  function addMark(box) {
    const place = box.querySelector("polygon").getBBox();
    box.append(svg("g", {class: "mark", transform: `translate(${place.x} ${place.y})`},
      svg("circle", {r: "7"}), svg("path")));
  }

  for (const panel of root.querySelectorAll("[data-opens]")) {
    const {opens, label, canOpen} = panel.dataset;
    const box = Array.from(picture.querySelectorAll(".node"))
      .find((node) => node.dataset.key === opens);
    boxes.set(panel, box);
    box.setAttribute("tabindex", "0");
    box.setAttribute("role", "button");
    box.querySelector("title").textContent = label;  // the name of the button, and its tooltip
    box.parentNode.append(box);  // above the arrows, and Tab follows the order of computation
    if (canOpen === "yes") addMark(box);
    mark(panel, false);
    box.addEventListener("click", () => (open === panel ? close() : show(panel)));
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();  // Space would scroll the page
      box.dispatchEvent(new MouseEvent("click"));
    });
    panel.querySelector("button").addEventListener("click", close);
  }
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && open) close();
  });

  picture.setAttribute("role", "group");  // an image must not contain buttons
  // The first boxes of a tall picture are in the middle of its height.
  const frame = picture.parentElement;
  frame.scrollTop = (frame.scrollHeight - frame.clientHeight) / 2;
  root.querySelector(".hint").hidden = false;
})();
