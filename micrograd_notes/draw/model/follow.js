// Lights the lines of one circle of a model's picture and dims the others: by the mouse, by a tap, or by the
// arrow keys. An image, which a notebook shows without scripts, gives way to the SVG that it holds.
(() => {
/* elements.js */

  startAll("model", (root) => {
    const image = root.querySelector("img"), words = root.querySelector("[data-part=words]");
    if (image) image.replaceWith(filled(held(image), {style: image.style.cssText}, []));
    const picture = root.querySelector("svg"), circles = [...picture.querySelectorAll("[data-at]")];
    const chosen = () => circles.find((circle) => circle === document.activeElement);
    const show = (circle) => {
      for (const line of picture.querySelectorAll("[data-ends]")) {
        line.classList.toggle("dim", Boolean(circle) && !line.dataset.ends.split(" ").includes(circle.dataset.at));
      }
      words.textContent = circle?.ariaLabel
        ?? "Point at a circle, tap it, or walk with Tab and the arrow keys, to see its own lines.";
    };
    for (const [i, circle] of circles.entries()) {
      const told = (lines) => [...picture.querySelectorAll(`${lines} > title`)].map((title) => title.textContent)
        .sort((one, other) => one.localeCompare(other, "en", {numeric: true}));  // as the neurons are
      const into = told(`[data-ends$=" ${circle.dataset.at}"]`).map((words) => words.replace(/^.*\.w/, "w"));
      const out = told(`path[data-ends^="${circle.dataset.at} "]`)
        .map((words) => words.replace(/^(.*?)\.?w\[\d+\] =/, (_, head) => `to ${head || "the neuron"}:`));
      circle.ariaLabel = [circle.querySelector("title").textContent, ...into, ...out].join("; ").replace(/-?\d+\.\d[\de-]*/g, (number) => Number(Number(number).toPrecision(4)));
      circle.setAttribute("role", "img");
      circle.setAttribute("tabindex", i ? "-1" : "0");
      circle.addEventListener("pointerenter", () => show(circle));
      circle.addEventListener("pointerleave", () => show(chosen()));
      circle.addEventListener("click", () => circle.focus({preventScroll: true}));
      circle.addEventListener("focus", () => show(circle));
      circle.addEventListener("blur", () => show());
    }
    picture.addEventListener("keydown", (event) => {
      const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
      if (event.key === "Escape") chosen().blur();
      if (!step) return;
      event.preventDefault();  // the frame would scroll
      event.stopPropagation();  // a notebook would go to another cell
      const [here, next] = [chosen(), circles[circles.indexOf(chosen()) + step] ?? chosen()];
      [here.tabIndex, next.tabIndex] = [-1, 0];
      next.focus();
    });
    picture.setAttribute("role", "group");  // an image has no parts
    words.style.minHeight = "6em";
    show();
  });
})();
