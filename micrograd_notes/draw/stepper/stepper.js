// The stepper's moving part. Python has decided everything that is said (the steps, their texts, the
// number that each changes in the picture); this script shows one step after the other, and listens.
// It knows nothing of mathematics, uses no library and no id, and asks nothing of the network.
(() => {
  "use strict";

/* controls.js */

  const PHASES = {
    forward: ["Forward.", "Each box computes its number (data) from the boxes that lead to it."],
    seed: ["Backward.", "Now from the end: how fast does the last number change when each one does?"],
    backward: ["Backward.", "The marked box multiplies its own gradient (grad) by the local "
      + "derivative on each arrow into it (∂), and adds the product to the box at the tail of that arrow."],
    end: ["The end.", "All nodes have been visited."],
  };
  const BY_BOX = "The marked box takes the gradient of its outputs back through its own operations, "
    + "and adds the products to its parameters and to the boxes that lead to it.";
  const SECONDS_A_STEP = 1.5;
  const CLOSE_ENOUGH = 0.01;  // of the number: who types the digits shown is right
  const NOTHING = 1e-12;  // whoever says 0 to a rounding error is right, too
  const PAPER = "#fafafa";  // what is filled behind a number that is not there yet

  // ---- small helpers ----

  // The smallest rectangle around some elements.
  function around(elements) {
    const places = elements.map((one) => one.getBoundingClientRect());
    const left = Math.min(...places.map((place) => place.left));
    const top = Math.min(...places.map((place) => place.top));
    const right = Math.max(...places.map((place) => place.right));
    const bottom = Math.max(...places.map((place) => place.bottom));
    return {left, top, right, bottom, width: right - left, height: bottom - top};
  }

  // The picture is in the page once: the fallback image is taken apart again.
  function pictureOf(place) {
    if (place.tagName !== "IMG") return place.cloneNode(true);
    const bytes = Uint8Array.from(atob(place.src.split(",")[1]), (byte) => byte.charCodeAt(0));
    const text = new TextDecoder().decode(bytes);
    const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    // The tooltips tell the gradients of the last step, which the reader may want to predict.
    for (const tooltip of svg.querySelectorAll("g title")) tooltip.remove();
    return document.importNode(svg, true);
  }

  // ---- one picture, or one of two side by side ----

  class Panel {
    constructor(picture, title) {
      this.picture = picture;
      this.frame = element("div", {
        class: "frame", tabindex: "0", role: "group", "aria-label": `${title || "Graph"}, scrolls`,
      }, picture);
      this.figure = element("figure", {class: "panel"}, this.frame);
      if (title) this.figure.prepend(element("figcaption", {}, title));
      if (picture.tagName === "svg") {
        // A wide graph shrinks a little to fit, and then scrolls: text must stay legible.
        picture.style.minWidth = `${picture.width.baseVal.value * 0.72}px`;
      }
      this.boxes = new Map();
      this.arrows = [];
      for (const part of picture.querySelectorAll("[data-key]")) {
        const key = part.dataset.key;
        if (part.classList.contains("edge")) this.arrows.push([...key.split("->"), part]);
        else this.boxes.set(key, part);
      }
    }

    clear() {
      for (const box of this.boxes.values()) {
        box.classList.remove("lit", "takes", "parts");
        box.classList.add("waiting");
        this.write(box, "data", "", PAPER);
        this.write(box, "grad", "–", PAPER);
      }
      for (const [, , arrow] of this.arrows) arrow.classList.remove("lit", "back", "walked");
    }

    show(key, part, text, fill) {
      const box = this.boxes.get(key);
      if (!box) return;
      if (part === "data") box.classList.remove("waiting");
      this.write(box, part, text, fill);
    }

    write(box, part, text, fill) {
      const number = box.querySelector(`[data-part=${part}]`);
      // In a table the cell is there for constants too, which get no gradient.
      if (number && !(part === "grad" && number.dataset.none)) number.textContent = text;
      for (const cell of box.querySelectorAll(`[data-fill=${part}]`)) cell.setAttribute("fill", fill);
    }

    walk(key) {
      for (const [, head, arrow] of this.arrows) if (head === key) arrow.classList.add("walked");
    }

    light(step, products) {
      const box = this.boxes.get(step.node);
      if (!box || step.phase === "end") return;
      box.classList.add("lit");
      const taking = new Set((products || []).map((product) => product.operand));
      const isBackward = step.phase === "backward";
      for (const [tail, head, arrow] of this.arrows) {
        if (head !== step.node || step.phase === "seed") continue;
        if (isBackward && !taking.has(tail)) continue;
        arrow.classList.add("lit");
        arrow.classList.toggle("back", isBackward);
      }
      for (const key of taking) if (key !== step.node) this.boxes.get(key)?.classList.add("takes");
      if (step.parting) this.boxes.get(step.parting.at)?.classList.add("parts");
      this.keepInView(box, [...taking].map((key) => this.boxes.get(key)).filter(Boolean));
    }

    // The marked box comes into view, and with it those that take its products, where all fit.
    keepInView(box, others) {
      const frame = this.frame.getBoundingClientRect();
      const together = around([box, ...others]);
      const fit = together.width <= frame.width && together.height <= frame.height;
      const place = fit ? together : around([box]);
      const isInside = place.left >= frame.left && place.right <= frame.right
        && place.top >= frame.top && place.bottom <= frame.bottom;
      if (isInside) return;
      const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.frame.scrollBy({
        left: place.left + place.width / 2 - frame.left - frame.width / 2,
        top: place.top + place.height / 2 - frame.top - frame.height / 2,
        behavior: isStill ? "instant" : "smooth",
      });
    }
  }

  // ---- predicting ----

  // What a step asks for, in the order in which its numbers appear.
  function questionsOf(step) {
    if (step.phase === "forward") {
      return step.asks ? [{name: step.name, prompt: step.asks, answer: step.data}] : [];
    }
    if (step.phase !== "backward" || step.wrong) return [];
    return step.products.filter((product) => product.asks).map((product) => ({
      name: product.gradient, prompt: product.asks, answer: product.total,
    }));
  }

  function isRight(typed, answer) {
    const said = typed.trim().replace(",", ".").replace("−", "-").toLowerCase();
    if (said === "") return false;
    const words = {nan: NaN, inf: Infinity, "+inf": Infinity, "-inf": -Infinity};
    const guess = said in words ? words[said] : Number(said);
    const truth = Number(answer);  // "NaN" and "Infinity" come as text, as JSON has neither
    if (Number.isNaN(truth) || !Number.isFinite(truth)) return Object.is(guess, truth);
    return Math.abs(guess - truth) <= Math.max(CLOSE_ENOUGH * Math.abs(truth), NOTHING);
  }

  // ---- the stepper ----

  function start(root) {
    if (root.dataset.started) return;
    root.dataset.started = "yes";
    const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    const place = root.querySelector("[data-part=picture]");
    const {steps, shows} = data;
    const panels = (data.panels.length ? data.panels : [""])
      .map((title) => new Panel(pictureOf(place), title));
    const canPredict = panels.length === 1 && steps.some((step) => questionsOf(step).length);
    const opening = data.panels.length ? steps.findIndex((step) => step.phase === "seed") : 0;
    let current = opening;
    let revealed = Infinity;  // how many of the step's numbers are shown
    let timer = null;

    const count = element("span", {class: "count"});
    const phase = element("p", {class: "phase"});
    const caption = element("div", {class: "caption", "aria-live": "polite"});
    const buttons = {
      first: button("first", "First step", () => go(0)),
      previous: button("previous", "Previous step", () => go(current - 1)),
      play: button("play", "Play", () => (timer ? pause() : play())),
      next: button("next", "Next step", next, "Next"),
      last: button("last", "Last step", () => go(steps.length - 1)),
    };
    buttons.next.className = "main";
    const slider = element("input", {
      type: "range", min: "1", max: String(steps.length), "aria-label": "Step",
    });
    const predict = element("input", {type: "checkbox"});
    const input = element("input", {
      type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false",
    });
    const question = element("span");
    const form = element("form", {hidden: ""},
      element("label", {}, question, " ", input), element("button", {}, "Check"),
      element("span", {class: "hint"}, "Within 1 % is right."));
    const answer = element("div", {class: "answer", "aria-live": "polite"});
    const controls = element("div", {class: "controls"},
      element("div", {class: "buttons"}, ...Object.values(buttons)), slider);
    if (canPredict) {
      controls.append(element("label", {class: "predict"}, predict, "Predict, then reveal"));
    }
    const stepper = element("div", {class: "stepper", role: "group", "aria-label": data.title},
      element("div", {class: "head"}, count, phase),
      element("div", {class: "panels"}, ...panels.map((panel) => panel.figure)),
      controls, form, answer, caption,
      ...data.notes.map((note) => element("p", {class: "hint"}, note)),
      element("p", {class: "hint"}, `grad of a box is how fast ${data.root} changes when that box `
        + "does, and – that it is not known yet. Blue, ▲: positive; orange, ▼: negative. "
        + "Keys: ← and → step, Home and End jump, Space plays."));

    // ---- moving ----

    function go(to) {
      current = Math.max(0, Math.min(steps.length - 1, to));
      revealed = Infinity;
      answer.textContent = "";
      render();
    }

    function next() {
      if (isAsking()) {  // whoever does not want to guess may look
        revealed = Infinity;
        render();
      } else if (current < steps.length - 1) {
        go(current + 1);
        if (predict.checked && questionsOf(steps[current]).length) {
          revealed = 0;
          render();
          input.focus();
        }
      }
    }

    function play() {
      if (predict.checked) return;
      if (current === steps.length - 1) go(0);
      timer = setInterval(() => {
        // A notebook may have taken this output away.
        if (!root.isConnected || current >= steps.length - 1) pause();
        else go(current + 1);
      }, SECONDS_A_STEP * 1000);
      render();
    }

    function pause() {
      clearInterval(timer);
      timer = null;
      render();
    }

    // ---- showing ----

    function isAsking() {
      return revealed < questionsOf(steps[current]).length;
    }

    function render() {
      const step = steps[current];
      for (const panel of panels) panel.clear();
      // From the start each time: a few hundred changes, and no way to go wrong when going back.
      for (let index = 0; index <= current; index++) {
        const isHalf = index === current && revealed !== Infinity;
        for (const change of isHalf ? shows[index].slice(0, revealed) : shows[index]) {
          const [panel, key, part, text, fill] = change;
          panels[panel].show(key, part, text, fill);
        }
        if (steps[index].phase === "backward") {
          for (const panel of panels) panel.walk(steps[index].node);
          for (const key of steps[index].first ?? []) panels[0].walk(key);
        }
      }
      panels[0].light(step, step.products);
      if (panels[1]) panels[1].light(step, step.wrong);
      count.textContent = `Step ${current + 1} of ${steps.length}`;
      const [heading, meaning] = PHASES[step.phase];
      const isLarge = data.by_box && step.phase === "backward";
      phase.replaceChildren(element("b", {}, heading), " ", isLarge ? BY_BOX : meaning);
      caption.replaceChildren(...captionOf(step));
      slider.value = String(current + 1);
      slider.setAttribute("aria-valuetext", `${current + 1} of ${steps.length}: ${step.phase}, ${step.name}`);
      renderButtons();
      renderQuestion(step);
    }

    function renderButtons() {
      const label = timer ? "Pause" : "Play";
      buttons.play.setAttribute("aria-label", label);
      buttons.play.title = label;
      buttons.play.replaceChildren(icon(timer ? "pause" : "play"), " " + label);
      // aria-disabled and not disabled: a button that vanishes under the fingers loses the focus.
      const isFirst = current === 0;
      const isLast = current === steps.length - 1 && !isAsking();
      for (const [name, isIdle] of [["first", isFirst], ["previous", isFirst], ["next", isLast],
        ["last", isLast], ["play", predict.checked]]) {
        buttons[name].setAttribute("aria-disabled", String(isIdle));
      }
    }

    function renderQuestion(step) {
      form.hidden = !isAsking();
      if (!isAsking()) return;
      const {name} = questionsOf(step)[revealed];
      question.textContent = step.phase === "forward"
        ? `Which number will ${name} be?` : `What will ${name} be after this product?`;
    }

    function captionOf(step) {
      const questions = questionsOf(step);
      const lines = (products) => products.map((product, index) => element("code", {},
        index < revealed || !questions[index] ? product.text
          : index === revealed ? `${questions[index].prompt} = ?` : questions[index].prompt));
      if (step.phase === "forward") {
        return [element("code", {}, isAsking() ? `${questions[0].prompt} = ?` : step.text)];
      }
      const text = element("p", {}, step.text);
      if (!step.wrong) return [text, ...lines(step.products || [])];
      const columns = [step.products, step.wrong].map((products, index) => element("div", {},
        element("p", {class: "which"}, data.panels[index]),
        ...(products.length ? lines(products) : [element("p", {}, "nothing more to hand on")])));
      const parting = step.parting ? [element("p", {class: "parting"}, step.parting.text)] : [];
      return [text, element("div", {class: "columns"}, ...columns), ...parting];
    }

    // ---- listening ----

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!isAsking()) return;
      const {name, answer: truth} = questionsOf(steps[current])[revealed];
      const typed = input.value;
      const shown = shows[current][revealed][3].replace(/^[▲▼] \+?/, "");
      revealed += 1;
      input.value = "";
      render();
      answer.textContent = isRight(typed, truth) ? `✓ Right: ${name} = ${shown}.`
        : typed.trim() ? `✗ ${name} = ${shown}, not ${typed.trim()}. See the product below.`
          : `${name} = ${shown}.`;
      if (!isAsking()) buttons.next.focus();
    });
    slider.addEventListener("input", () => go(Number(slider.value) - 1));
    predict.addEventListener("change", () => (timer ? pause() : go(current)));

    const actions = {
      ArrowRight: next, ArrowLeft: () => go(current - 1), Home: () => go(0),
      End: () => go(steps.length - 1), " ": () => (timer ? pause() : play()),
    };
    stepper.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
      event.stopPropagation();  // a notebook would take a digit for a heading, and dd for a deletion
      const {target} = event;
      if (target === input || !(event.key in actions)) return;
      if (event.key === " " && (target.tagName === "BUTTON" || target === predict)) return;
      event.preventDefault();
      actions[event.key]();
    });

    // ---- into the page ----

    const stage = root.querySelector("[data-part=stage]");
    stage.setAttribute("data-lm-suppress-shortcuts", "true");  // JupyterLab's word for hands off
    const shadow = stage.attachShadow({mode: "open"});
    shadow.append(element("style", {}, data.style), stepper);
    place.style.display = "none";
    const dress = () => { stepper.dataset.theme = theme(); };
    prefersDark.addEventListener("change", dress);
    new MutationObserver(dress).observe(document.body, {attributeFilter: ["data-jp-theme-light"]});
    dress();
    render();
  }

  const here = document.currentScript?.parentElement ?? document;
  const roots = here.matches?.("[data-micrograd-stepper]") ? [here]
    : here.querySelectorAll("[data-micrograd-stepper]");
  for (const root of roots) start(root);
})();
