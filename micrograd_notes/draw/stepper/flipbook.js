// The flip book's script: it shows one of many pictures, with its words.
(() => {
  "use strict";

/* controls.js */

  const STEP = 0.7, CALM_STEP = 1.5;  // seconds per picture

  startAll("flipbook", (root, data) => {
    const sources = [root.querySelector("[data-part=picture]").src, ...data.sources];
    const picture = element("img", {alt: ""});
    const caption = element("p", {class: "caption", "aria-live": "polite"});
    const place = element("span", {class: "place"});
    const player = new Player({
      what: "picture", last: sources.length - 1, seconds: () => (isCalm() ? CALM_STEP : STEP),
      show: (at) => {
        picture.src = sources[at];
        picture.alt = caption.textContent = data.captions[at];
        return place.textContent = `${at + 1} of ${sources.length}`;
      },
    });
    player.controls.append(place);
    player.enter(root, element("div", {class: "player book", role: "group", "aria-label": data.title},
      player.controls, caption, picture, element("p", {class: "hint"}, player.hint)), data.style);
    player.go(0);
  });
})();
