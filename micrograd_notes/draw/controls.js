  // The stepper, the flip book and the training page share this file: Python puts it into each script.
/* elements.js */

  const ICONS = {
    first: "M2 2h2v12H2zM14 2v12L5 8z", previous: "M12 2v12L3 8z", play: "M3 2v12l11-6z",
    pause: "M3 2h4v12H3zM9 2h4v12H9z", next: "M4 2v12l9-6z", last: "M12 2h2v12h-2zM2 2v12l9-6z",
  };

  const icon = (name) => svg("svg", {viewBox: "0 0 16 16", "aria-hidden": "true"}, svg("path", {d: ICONS[name]}));

  // An icon that could be mistaken for another one has a word beside it.
  function button(name, label, action, word = "") {
    const made = element("button", {type: "button", "aria-label": label, title: label});
    made.append(icon(name), word && " " + word);
    made.addEventListener("click", action);
    return made;
  }

  const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  // Buttons, a slider, keys and a timer that walk from place 0 to the last one. `show(place, isNew)` draws
  // a place and returns it in words. `next` replaces a step forward; `idle` says which buttons do nothing.
  class Player {
    constructor({what, last, main = "next", seconds, show, next, idle}) {
      Object.assign(this, {last, seconds, show, idle, current: 0, timer: null});
      this.next = next ?? (() => this.go(this.current + 1));
      this.buttons = {
        first: button("first", `First ${what}`, () => this.go(0)),
        previous: button("previous", `Previous ${what}`, () => this.go(this.current - 1)),
        play: button("play", "Play", () => this.toggle()),
        next: button("next", `Next ${what}`, () => this.next(), "Next"),
        last: button("last", `Last ${what}`, () => this.go(last)),
      };
      this.buttons[main].className = "main";
      this.slider = element("input", {
        type: "range", min: "0", max: String(last), "aria-label": what[0].toUpperCase() + what.slice(1),
      });
      this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
      this.controls = element("div", {class: "controls"},
        element("div", {class: "buttons"}, ...Object.values(this.buttons)), this.slider);
      this.hint = `Keys (click the picture first): ← and → go one ${what} back or forward, Home and End `
        + "jump, Space plays.";
    }

    go(to) {
      this.current = Math.max(0, Math.min(this.last, to));
      this.render(true);
    }

    toggle() {
      if (this.timer) return this.pause();
      if (this.idle?.().play) return;
      if (this.current === this.last) this.go(0);
      this.timer = setInterval(() => {
        // A notebook may have removed this output.
        if (!this.controls.isConnected || this.current >= this.last) this.pause();
        else this.go(this.current + 1);
      }, this.seconds() * 1000);
      this.render();
    }

    pause() {
      clearInterval(this.timer);
      this.timer = null;
      this.render();
    }

    render(isNew = false) {
      const words = this.show(this.current, isNew);
      this.slider.value = String(this.current);
      this.slider.setAttribute("aria-valuetext", words);
      const {play} = this.buttons;
      const label = this.timer ? "Pause" : "Play";
      play.setAttribute("aria-label", label);
      play.title = label;
      play.replaceChildren(icon(label.toLowerCase()), " " + label);
      const [isFirst, isLast] = [this.current === 0, this.current === this.last];
      const idle = {first: isFirst, previous: isFirst, next: isLast, last: isLast, ...this.idle?.()};
      // Not `disabled`: a focused button that is disabled loses the focus.
      for (const [name, isIdle] of Object.entries(idle)) {
        this.buttons[name].setAttribute("aria-disabled", String(isIdle));
      }
    }

    // Replaces the still picture by the widget, which listens to keys and follows the theme.
    enter(root, widget, style) {
      const actions = {
        ArrowRight: () => this.next(), ArrowLeft: () => this.go(this.current - 1),
        Home: () => this.go(0), End: () => this.go(this.last), " ": () => this.toggle(),
      };
      widget.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
        event.stopPropagation();  // a notebook would take a key for one of its commands
        const {key, target} = event;
        const isPressed = key === " " && (target.tagName === "BUTTON" || target.type === "checkbox");
        if (target.type === "text" || isPressed || !(key in actions)) return;
        event.preventDefault();
        actions[key]();
      });
      widget.tabIndex = -1;  // so that a click anywhere in it brings the keys
      const stage = root.querySelector("[data-part=stage]");
      stage.setAttribute("data-lm-suppress-shortcuts", "true");  // turns off JupyterLab's shortcuts
      stage.attachShadow({mode: "open"}).append(element("style", {}, style), widget);
      root.querySelector("[data-part=picture]").style.display = "none";
      // JupyterLab says its theme on the body; elsewhere the browser says what the reader prefers.
      const prefersDark = matchMedia("(prefers-color-scheme: dark)");
      const dress = () => {
        const lab = document.body.dataset.jpThemeLight;
        const isDark = lab === undefined ? prefersDark.matches : lab === "false";
        widget.dataset.theme = isDark ? "dark" : "light";
      };
      prefersDark.addEventListener("change", dress);
      new MutationObserver(dress).observe(document.body, {attributeFilter: ["data-jp-theme-light"]});
      dress();
    }
  }
