// The flip book's moving part: it shows one picture of many, with its words, and listens. It uses no
// library and no id outside its own shadow root, and asks nothing of the network.
(() => {
  "use strict";

/* controls.js */

  const STEP = 0.7, CALM_STEP = 1.5;  // seconds that a picture stays

  function start(root) {
    if (root.dataset.started) return;
    root.dataset.started = "yes";
    const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    const still = root.querySelector("[data-part=picture]");
    const sources = [...data.sources, still.src];
    const last = sources.length - 1;
    let current = 0;
    let timer = null;

    const picture = element("img", {alt: ""});
    const caption = element("p", {class: "caption", "aria-live": "polite"});
    const place = element("span", {class: "place"});
    const buttons = {
      first: button("first", "First picture", () => go(0)),
      previous: button("previous", "Previous picture", () => go(current - 1)),
      play: button("play", "Play", () => (timer ? pause() : play())),
      next: button("next", "Next picture", () => go(current + 1), "Next"),
      last: button("last", "Last picture", () => go(last)),
    };
    buttons.next.className = "main";
    const slider = element("input", {
      type: "range", min: "0", max: String(last), "aria-label": "Picture",
    });
    const book = element("div", {class: "book", role: "group", "aria-label": data.title},
      element("div", {class: "controls"},
        element("div", {class: "buttons"}, ...Object.values(buttons)), slider, place),
      caption, picture,
      element("p", {class: "hint"}, "Keys: ← and → go a picture back and on, Home and End jump, Space plays."));

    function go(to) {
      current = Math.max(0, Math.min(last, to));
      render();
    }

    function play() {
      if (current === last) go(0);
      const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      timer = setInterval(() => {
        // A notebook may have taken this output away.
        if (!root.isConnected || current >= last) pause();
        else go(current + 1);
      }, (isCalm ? CALM_STEP : STEP) * 1000);
      render();
    }

    function pause() {
      clearInterval(timer);
      timer = null;
      render();
    }

    function render() {
      picture.src = sources[current];
      picture.alt = data.captions[current];
      caption.textContent = data.captions[current];
      slider.value = String(current);
      const words = `${current + 1} of ${last + 1}`;
      slider.setAttribute("aria-valuetext", words);
      place.textContent = words;
      const label = timer ? "Pause" : "Play";
      buttons.play.setAttribute("aria-label", label);
      buttons.play.title = label;
      buttons.play.replaceChildren(icon(timer ? "pause" : "play"), " " + label);
      // aria-disabled and not disabled: a button that vanishes under the fingers loses the focus.
      for (const [name, isIdle] of [["first", current === 0], ["previous", current === 0],
        ["next", current === last], ["last", current === last]]) {
        buttons[name].setAttribute("aria-disabled", String(isIdle));
      }
    }

    slider.addEventListener("input", () => go(Number(slider.value)));
    const actions = {
      ArrowRight: () => go(current + 1), ArrowLeft: () => go(current - 1), Home: () => go(0),
      End: () => go(last), " ": () => (timer ? pause() : play()),
    };
    book.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
      event.stopPropagation();  // a notebook would take a key for a command
      if (!(event.key in actions)) return;
      if (event.key === " " && event.target.tagName === "BUTTON") return;
      event.preventDefault();
      actions[event.key]();
    });

    // ---- into the page ----

    const stage = root.querySelector("[data-part=stage]");
    stage.setAttribute("data-lm-suppress-shortcuts", "true");  // JupyterLab's word for hands off
    stage.attachShadow({mode: "open"}).append(element("style", {}, data.style), book);
    still.style.display = "none";
    const dress = () => { book.dataset.theme = theme(); };
    prefersDark.addEventListener("change", dress);
    new MutationObserver(dress).observe(document.body, {attributeFilter: ["data-jp-theme-light"]});
    dress();
    go(0);
  }

  const here = document.currentScript?.parentElement ?? document;
  const roots = here.matches?.("[data-micrograd-flipbook]") ? [here]
    : here.querySelectorAll("[data-micrograd-flipbook]");
  for (const root of roots) start(root);
})();
