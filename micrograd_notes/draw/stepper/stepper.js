// The stepper's script: it shows one step after the other. Python has written the steps, their texts and the
// numbers that each step changes in the picture. The script does no mathematics.
(() => {
  "use strict";

/* controls.js */

  const PHASES = {
    forward: ["Forward.", "Each box computes its number (data) from the boxes that lead to it."],
    turn: ["Backward.", "Now from the end: how fast does the last number change when each number does?"],
    backward: ["Backward.", "The marked box multiplies its own gradient (grad) by the local slope (∂) "
      + "on each arrow into it, and adds the product to the box at the tail of that arrow."],
    end: ["The end.", "All nodes have been visited."],
  };
  const BY_BOX = "The marked box takes the gradient of its outputs back through its own operations, "
    + "and adds the products to its parameters and to the boxes that lead to it.";
  const SECONDS_PER_STEP = 1.5;
  const CLOSE_ENOUGH = 0.01;  // relative: the digits shown are right
  const NOTHING = 1e-12;  // 0 is right for a rounding error, too
  const PAPER = "#fafafa";  // the fill behind a number that is not there yet

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

  function pictureOf(place) {
    if (place.tagName !== "IMG") return place.cloneNode(true);
    const picture = held(place);
    // Tooltips give away the gradients of the last step, which the reader may want to predict. Notes are below.
    for (const extra of picture.querySelectorAll("g title, .graph > text, .graph > polygon")) extra.remove();
    return picture;
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
      this.inHand = [];
      new ResizeObserver(() => this.keepInView()).observe(this.frame);  // also when a fold around it opens
      if (picture.tagName === "svg") {
        // A wide graph shrinks to fit, then scrolls, so that its smallest letters, of 10 points, keep 10
        // pixels. Two panels are beside each other only where both fit.
        const least = picture.width.baseVal.value * 0.75;
        picture.style.minWidth = `${least}px`;
        this.figure.style.flexBasis = `${least + 2}px`;
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
      // In a table, constants have this cell too, though they get no gradient.
      if (number && !(part === "grad" && number.dataset.none)) number.textContent = text;
      for (const cell of box.querySelectorAll(`[data-fill=${part}]`)) cell.setAttribute("fill", fill);
    }

    // Shows the local slopes into a box, or those of some of its products: the next one is half of an answer.
    walk(key, products) {
      const taken = products?.map((product) => product.operand);
      for (const [tail, head, arrow] of this.arrows) {
        const place = taken?.indexOf(tail) ?? 0;
        if (head !== key || place < 0) continue;
        arrow.classList.add("walked");
        taken?.splice(place, 1);
      }
    }

    light(step, products) {
      const box = this.boxes.get(step.node);
      if (!box || step.phase === "end") return;
      box.classList.add("lit");
      const taking = new Set((products || []).map((product) => product.operand));
      const isBackward = step.phase === "backward";
      for (const [tail, head, arrow] of this.arrows) {
        if (head !== step.node || step.phase === "turn") continue;
        if (isBackward && !taking.has(tail)) continue;
        arrow.classList.add("lit");
        arrow.classList.toggle("back", isBackward);
      }
      for (const key of taking) if (key !== step.node) this.boxes.get(key)?.classList.add("takes");
      if (step.parting) this.boxes.get(step.parting.at)?.classList.add("parts");
      this.inHand = [box, ...[...taking].map((key) => this.boxes.get(key)).filter(Boolean)];
      this.keepInView();
    }

    // Scrolls to the marked box, together with the boxes that take its products if all of them fit.
    keepInView() {
      const frame = this.frame.getBoundingClientRect();
      const together = around(this.inHand);
      const fit = together.width <= frame.width && together.height <= frame.height;
      const place = fit ? together : around(this.inHand.slice(0, 1));
      const isInside = place.left >= frame.left && place.right <= frame.right
        && place.top >= frame.top && place.bottom <= frame.bottom;
      if (isInside) return;
      this.frame.scrollBy({
        left: place.left + place.width / 2 - frame.left - frame.width / 2,
        top: place.top + place.height / 2 - frame.top - frame.height / 2,
        behavior: isCalm() ? "instant" : "smooth",
      });
    }
  }

  // ---- predicting ----

  // The questions of a step, in the order in which its numbers appear.
  function questionsOf(step) {
    if (step.phase === "forward") {
      return step.asks ? [{name: step.name, prompt: step.asks, answer: step.data}] : [];
    }
    if (step.phase !== "backward" || step.wrong) return [];
    return step.products.filter((product) => product.asks).map((product) => ({
      name: product.gradient, prompt: product.asks, answer: product.total,
    }));
  }

  // The number that a text says; null for another text, which is not a guess.
  function numberIn(typed) {
    const said = typed.trim().replace(",", ".").replace("−", "-").toLowerCase().replace(/inf$/, "Infinity");
    const number = Number(said || NaN);
    return said !== "nan" && Number.isNaN(number) ? null : number;
  }

  function isRight(guess, answer) {
    const truth = Number(answer);  // JSON has neither "NaN" nor "Infinity", so they are texts
    if (Number.isNaN(truth) || !Number.isFinite(truth)) return Object.is(guess, truth);
    return Math.abs(guess - truth) <= Math.max(CLOSE_ENOUGH * Math.abs(truth), NOTHING);
  }

  // ---- the stepper ----

  startAll("stepper", (root, data) => {
    const place = root.querySelector("[data-part=picture]");
    const {steps, shows} = data;
    const panels = (data.panels.length ? data.panels : [""])
      .map((title) => new Panel(pictureOf(place), title));
    const canPredict = panels.length === 1 && steps.some((step) => questionsOf(step).length);
    let revealed = Infinity;  // how many of the step's numbers are shown

    const count = element("span", {class: "count"});
    const phase = element("p", {class: "phase"});
    const caption = element("div", {class: "caption", "aria-live": "polite"});
    const player = new Player({
      what: "step", last: steps.length - 1, seconds: () => SECONDS_PER_STEP, show, next,
      idle: () => ({
        next: player.current === player.last && !isAsking(), play: predict.checked,
      }),
    });
    const predict = element("input", {type: "checkbox"});
    const input = element("input", {
      type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false",
    });
    const question = element("span");
    const form = element("form", {hidden: ""},
      element("label", {}, question, " ", input), element("button", {}, "Check"),
      element("span", {class: "hint"}, "Within 1 % is right."));
    // As high as the highest of the texts that it will hold, so that the page does not jump.
    const steady = (live, all) => element("div", {class: `steady for-${live.className}`}, live,
      ...all.map((each) => element("div", {class: "ghost", "aria-hidden": "true"}, ...each)));
    const answer = element("div", {class: "answer", "aria-live": "polite"});
    if (canPredict) {
      player.controls.append(element("label", {class: "predict"}, predict, "Predict, then reveal"));
    }
    const stepper = element("div", {class: "player stepper", role: "group", "aria-label": data.title},
      element("div", {class: "head"}, count, steady(phase, steps.map(phaseOf))),
      element("div", {class: "panels"}, ...panels.map((panel) => panel.figure)),
      player.controls, form, answer, steady(caption, data.by_box ? [] : steps.map(captionOf)),
      ...[...data.notes, `grad of a box is how fast ${data.root} changes when that box does; – means that it `
        + `is not known yet. Blue, ▲: positive; orange, ▼: negative. ${player.hint}`]
        .map((words) => element("p", {class: "hint"}, words)));

    function next() {
      if (isAsking()) {  // a reader who does not want to guess may look
        revealed = Infinity;
        player.render();
      } else if (player.current < player.last) {
        player.go(player.current + 1);
        if (predict.checked && questionsOf(steps[player.current]).length) {
          revealed = 0;
          player.render();
          input.focus();
        }
      }
    }

    // ---- showing ----

    function isAsking() {
      return revealed < questionsOf(steps[player.current]).length;
    }

    function show(current, isNew) {
      if (isNew) {
        revealed = Infinity;
        answer.textContent = "";
      }
      const step = steps[current];
      for (const panel of panels) panel.clear();
      // All changes from the start, a few hundred, so that going back can't leave anything behind.
      for (let index = 0; index <= current; index++) {
        const isHalf = index === current && revealed !== Infinity;
        for (const change of isHalf ? shows[index].slice(0, revealed) : shows[index]) {
          const [panel, key, part, text, fill] = change;
          panels[panel].show(key, part, text, fill);
        }
        if (steps[index].phase === "backward") {
          for (const panel of panels) panel.walk(steps[index].node, isHalf ? steps[index].products.slice(0, revealed) : undefined);
          for (const key of steps[index].first ?? []) panels[0].walk(key);
        }
      }
      panels[0].light(step, step.products);
      if (panels[1]) panels[1].light(step, step.wrong);
      count.textContent = `Step ${current + 1} of ${steps.length}`;
      phase.replaceChildren(...phaseOf(step));
      caption.replaceChildren(...captionOf(step));
      renderQuestion(step);
      return `${current + 1} of ${steps.length}: ${step.phase}, ${step.name}`;
    }

    function phaseOf(step) {
      const [heading, meaning] = PHASES[step.phase];
      return [element("b", {}, heading), " ", data.by_box && step.phase === "backward" ? BY_BOX : meaning];
    }

    function renderQuestion(step) {
      form.hidden = !predict.checked;
      form.style.visibility = isAsking() ? "" : "hidden";
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
        element("p", {class: "which"}, `The ${["right", "wrong"][index]} backward pass`),
        ...(products.length ? lines(products) : [element("p", {}, "nothing more to hand on")])));
      const parting = step.parting ? [element("p", {class: "parting"}, step.parting.text)] : [];
      return [text, element("div", {class: "columns"}, ...columns), ...parting];
    }

    // ---- listening ----

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!isAsking()) return;
      const {name, answer: truth} = questionsOf(steps[player.current])[revealed];
      const guess = numberIn(input.value), typed = input.value.trim();
      input.setAttribute("aria-invalid", String(guess === null));
      if (guess === null) {
        answer.textContent = `${typed ? `"${typed}" is not a number.` : ""} Write a number, such as 0.5, or press Next to look.`;
        return input.select();
      }
      const shown = shows[player.current][revealed][3].replace(/^[▲▼] \+?/, "");
      revealed += 1;
      input.value = "";
      player.render();
      answer.textContent = isRight(guess, truth) ? `✓ Right: ${name} = ${shown}.`
        : `✗ ${name} = ${shown}, not ${typed}. See the line below.`;
      if (!isAsking()) player.buttons.next.focus();
    });
    predict.addEventListener("change", () => {
      for (const fold of root.querySelectorAll("details")) fold.open = false;  // the table has the answers
      player.pause();
      player.go(player.current);
    });

    player.enter(root, stepper, data.style);
    player.go(steps.findIndex((step) => step.phase === data.opening));
  });
})();
