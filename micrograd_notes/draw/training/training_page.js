// The training page's script: it draws one epoch from the numbers and words that Python has collected.
(() => {
  "use strict";

/* controls.js */

  const SECONDS_A_RUN = 12;
  const SHORTEST_STEP = 0.15, LONGEST_STEP = 0.7, CALM_STEP = 1;  // seconds
  // The shape of its points and the hatching of its region tell a class apart without colour.
  const MARKERS = [
    "M-4-4h8v8h-8z", "M-4.6 0a4.6 4.6 0 1 0 9.2 0a4.6 4.6 0 1 0-9.2 0z", "M0-5.2L5 4H-5z",
    "M0-5.6L5.6 0L0 5.6L-5.6 0z", "M0 5.2L5-4H-5z", "M-1.8-5h3.6v3.2H5v3.6H1.8V5h-3.6V1.8H-5v-3.6h3.2z",
  ];
  const HATCHES = [
    "M-2 10L10-2M-2 2L2-2M6 10L10 6", "", "M2 2h1.5M6 6h1.5", "M-2-2L10 10M-2 6L2 10M6-2L10 2",
    "M0 0L8 8M8 0L0 8", "M0 4h8", "M4 0v8M0 4h8",
  ];

  // ---- small helpers ----

  const bytesOf = (text) => Int8Array.from(atob(text), (byte) => byte.charCodeAt(0));

  // ---- axes ----

  // Round numbers between low and high, about `most` of them.
  function ticks(low, high, most) {
    const rough = (high - low) / most || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
    const found = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(i * step);
    return found;
  }

  function spelled(number) {
    if (number === 0) return "0";
    const size = Math.abs(number);
    const text = size >= 1e-3 && size < 1e5 ? String(Number(number.toPrecision(4)))
      : number.toExponential(0).replace("e+", "e");
    return text.replace("-", "−");
  }

  // A drawing with axes: numbers to places, a frame, and ticks with their numbers.
  class Chart {
    constructor({width, height, left = 44, bottom = 34, right = 15, top = 8, x, y, label}) {
      this.box = {left, top, right: width - right, bottom: height - bottom};
      [this.xs, this.ys] = [x, y];
      this.svg = svg("svg", {
        class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label,
      });
    }

    x(number) {
      const {left, right} = this.box;
      return left + (right - left) * (number - this.xs[0]) / ((this.xs[1] - this.xs[0]) || 1);
    }

    y(number) {
      const {top, bottom} = this.box;
      return bottom - (bottom - top) * (number - this.ys[0]) / ((this.ys[1] - this.ys[0]) || 1);
    }

    add(tag, attributes, ...children) {
      const made = svg(tag, attributes, ...children);
      this.svg.append(made);
      return made;
    }

    xAxis(numbers, name = "") {
      const {left, right, bottom} = this.box;
      for (const number of numbers) {
        this.add("path", {class: "axis", d: `M${this.x(number)} ${bottom}v4`});
        this.add("text", {x: this.x(number), y: bottom + 16, "text-anchor": "middle"}, spelled(number));
      }
      this.add("path", {class: "axis", d: `M${left} ${bottom}H${right}`});
      if (name) this.add("text", {x: (left + right) / 2, y: bottom + 31, "text-anchor": "middle"}, name);
    }

    yAxis(numbers, write = spelled, name = "") {
      const {left, right, top, bottom} = this.box;
      for (const number of numbers) {
        if (!name) this.add("path", {class: "grid", d: `M${left} ${this.y(number)}H${right}`});
        this.add("text", {x: left - 6, y: this.y(number) + 4, "text-anchor": "end"}, write(number));
      }
      this.add("path", {class: "axis", d: `M${left} ${top}V${bottom}`});
      if (!name) return;
      const middle = `translate(12 ${(top + bottom) / 2}) rotate(-90)`;
      this.add("text", {transform: middle, "text-anchor": "middle"}, name);
    }
  }

  // ---- loss and accuracy ----

  const spoken = (kind) => kind.replace("-", " ");

  function curve(data, name, write) {
    const series = [["training", data.curves[name]], ["held-out", data.curves[`validation_${name}`]]]
      .filter(([, numbers]) => numbers);
    if (!series.length) return null;
    const numbers = series.flatMap(([, column]) => column).filter((number) => number !== null);
    const [least, most] = [Math.min(...numbers, Infinity), Math.max(...numbers, -Infinity)];
    const room = 0.06 * (most - least) || 0.05;
    const [low, high] = !numbers.length ? [0, 1]
      : name === "accuracy" ? [Math.max(0, least - room), Math.min(1, most + room)]
      : [Math.min(0, least), Math.max(0, most) * 1.04 || (least < 0 ? 0 : 1)];
    const chart = new Chart({
      width: 300, height: 190, left: 50, x: [1, Math.max(data.total, 2)], y: [low, high], label: "",
    });
    chart.yAxis(ticks(low, high, 4), write);
    chart.xAxis(ticks(1, data.total, 5).filter(Number.isInteger), "epoch");
    const lines = series.map(([kind]) => chart.add("path", {class: kind}));
    const now = chart.add("path", {class: "now"});
    const dots = series.map(([kind]) => chart.add("path", {class: `dot ${kind}`, d: MARKERS[kind === "training" ? 1 : 0]}));
    const keys = series.map(([kind]) => element("span", {class: "key"},
      svg("svg", {viewBox: "0 0 26 14", "aria-hidden": "true"}, svg("path", {class: kind, d: "M0 7h26"})),
      spoken(kind)));
    const figure = element("figure", {}, element("figcaption", {},
      element("b", {}, name), " ", ...keys), chart.svg);
    const show = (frame) => {
      const epoch = data.epochs[frame];
      const x = chart.x(epoch + 1);
      now.setAttribute("d", `M${x} ${chart.box.top}V${chart.box.bottom}`);
      const said = [];
      series.forEach(([kind, column], i) => {
        let d = "", isDown = false;  // a number that is missing lifts the pen; what comes is not given away
        column.slice(0, epoch + 1).forEach((number, j) => {
          if (number !== null) d += `${isDown ? "L" : "M"}${chart.x(j + 1).toFixed(1)} ${chart.y(number).toFixed(1)}`;
          isDown = number !== null;
        });
        lines[i].setAttribute("d", d);
        dots[i].style.display = isDown ? "" : "none";
        if (!isDown) return;
        dots[i].setAttribute("transform", `translate(${x} ${chart.y(column[epoch])})`);
        said.push(`${spoken(kind)} ${write(column[epoch])}`);
      });
      chart.svg.setAttribute("aria-label", `${name} by epoch; in epoch ${epoch + 1}: ${said.join(", ")}`);
    };
    return {figure, show};
  }

  // ---- the decision boundary ----

  // The region where class k has the best standing, as polygons, and its border, as lines. Each square
  // of four neighbouring places is cut into two triangles. All standings are linear in a triangle, so
  // the regions of the classes fit together without a gap.
  function region(standings, k, side, place) {
    let polygons = "", lines = "";
    const rivals = standings.map((_, j) => j).filter((j) => j !== k);
    const corner = (column, row) => ({
      at: place(column, row), stands: standings.map((grid) => grid[row * side + column]),
    });
    const ahead = (point, j) => point.stands[k] - point.stands[j];
    const lead = (point) => Math.min(...rivals.map((j) => ahead(point, j)));
    const written = (point) => point.at.map((number) => number.toFixed(1)).join(" ");
    const draw = (triangle) => {
      // If two classes tie everywhere, the answer is the first.
      if (rivals.length === 1 && k && triangle.every((point) => lead(point) <= 0)) return;
      const part = rivals.reduce((points, j) => cut(points, (point) => ahead(point, j)), triangle);
      if (part.length < 3) return;
      polygons += `M${part.map(written).join("L")}Z`;
      part.forEach((point, i) => {
        const next = part[(i + 1) % part.length];
        if (lead(point) < 1e-9 && lead(next) < 1e-9) lines += `M${written(point)}L${written(next)}`;
      });
    };
    for (let row = 0; row < side - 1; row++) {
      for (let column = 0; column < side - 1; column++) {
        const [a, b] = [corner(column, row), corner(column + 1, row)];
        const [c, d] = [corner(column + 1, row + 1), corner(column, row + 1)];
        draw([a, b, c]);
        draw([a, c, d]);
      }
    }
    return [polygons, lines];
  }

  // The part of a polygon where a linear function is above 0.
  function cut(points, measure) {
    const part = [];
    points.forEach((point, i) => {
      const next = points[(i + 1) % points.length];
      const [here, there] = [measure(point), measure(next)];
      if (here >= 0) part.push(point);
      if (here * there < 0) {
        const share = here / (here - there);
        const between = (one, other) => one.map((number, j) => number + share * (other[j] - number));
        part.push({at: between(point.at, next.at), stands: between(point.stands, next.stands)});
      }
    });
    return part;
  }

  function boundary(data) {
    const {side, classes, points, standings, axes} = data.boundary;
    const chart = new Chart({
      width: 380, height: 300, left: 56, x: data.boundary.x, y: data.boundary.y,
      label: `the plane of ${axes[0]} and ${axes[1]}, divided into the classes that the model predicts`,
    });
    const {left, right, top, bottom} = chart.box;
    const hatchings = classes.map((each, k) => svg("pattern",
      {id: `hatch-${k}`, width: 8, height: 8, patternUnits: "userSpaceOnUse"},
      svg("path", {d: HATCHES[k % HATCHES.length], stroke: each.colour, "stroke-opacity": 0.6, "stroke-width": 1})));
    chart.add("defs", {}, ...hatchings);
    const fills = classes.map((each, k) => [
      chart.add("path", {fill: each.colour, "fill-opacity": 0.2}),
      chart.add("path", {fill: `url(#hatch-${k})`}),
    ]);
    const border = chart.add("path", {class: "border"});
    // A point of the training data is full, one held out is hollow.
    const mark = (k, isHeldOut) => ({class: isHeldOut ? "hollow" : "point", d: MARKERS[k % MARKERS.length],
      [isHeldOut ? "stroke" : "fill"]: classes[k].colour});
    for (const [x, y, k, isHeldOut] of points) {
      const transform = `translate(${chart.x(x).toFixed(1)} ${chart.y(y).toFixed(1)})`;
      chart.add("path", {...mark(k, isHeldOut), transform});
    }
    chart.xAxis(ticks(...chart.xs, 6), axes[0]);
    chart.yAxis(ticks(...chart.ys, 5), spelled, axes[1]);
    const key = (k, isHeldOut, words) => element("span", {class: "key"},
      svg("svg", {class: "mark", viewBox: "-7 -7 14 14", "aria-hidden": "true"}, svg("path", mark(k, isHeldOut))), words);
    const keys = classes.map((each, k) => key(k, false, each.name));
    if (points.some((point) => point[3])) keys.push(...classes.map((each, k) => key(k, true, `${each.name}, held out`)));
    const figure = element("figure", {class: "boundary"}, element("figcaption", {},
      element("b", {}, "decision boundary"), " ", ...keys), chart.svg);
    if (data.boundary.note) figure.append(element("p", {class: "hint"}, data.boundary.note));
    const place = (column, row) => [
      left + (right - left) * column / (side - 1), bottom - (bottom - top) * row / (side - 1),
    ];
    const show = (frame) => {
      const grids = standings[frame].map(bytesOf);
      if (grids.length === 1) grids.unshift(grids[0].map((number) => -number));
      let lines = "";
      grids.forEach((_, k) => {
        const [polygons, cuts] = region(grids, k, side, place);
        for (const fill of fills[k] ?? []) fill.setAttribute("d", polygons);
        if (k) lines += cuts;  // every border of class 0 is also the border of another class
      });
      border.setAttribute("d", lines);
    };
    return {figure, show};
  }

  // ---- distributions ----

  function histogram(data, layer, plot) {
    const name = plot.of;
    const title = element("figcaption", {}, element("b", {}, name), " ");
    const words = element("span");
    title.append(words);
    if (!plot.bars) {
      words.textContent = "none were recorded";
      return {figure: element("figure", {}, title), show: () => {}};
    }
    const [first, count, width] = plot.bars;
    const edge = (i) => (first + i) * width;
    // The square root keeps a low bar visible beside a high one.
    const height = (number) => Math.sqrt(number);
    const highest = Math.max(...plot.counts.flat().map(height)) || 1;
    const chart = new Chart({
      width: 260, height: 110, left: 10, right: 10, bottom: 22, x: [edge(0), edge(count)], y: [0, highest],
      label: "",
    });
    const paths = {
      below: chart.add("path", {class: "bars below"}), above: chart.add("path", {class: "bars above"}),
    };
    let outline = `M${chart.x(edge(0))} ${chart.y(0)}`;
    plot.counts[0].forEach((number, i) => {
      outline += `V${chart.y(height(number)).toFixed(1)}H${chart.x(edge(i + 1)).toFixed(1)}`;
    });
    chart.add("path", {class: "ghost", d: `${outline}V${chart.y(0)}`});
    chart.add("path", {class: "zero", d: `M${chart.x(0)} ${chart.box.top}V${chart.box.bottom}`});
    chart.xAxis(ticks(edge(0), edge(count), 5));
    const show = (frame) => {
      const bars = {below: "", above: ""};
      plot.counts[frame].forEach((number, i) => {
        if (!number) return;
        const sign = first + i < 0 ? "below" : "above";
        const [from, to] = [chart.x(edge(i)) + 0.5, chart.x(edge(i + 1)) - 0.5];
        bars[sign] += `M${from.toFixed(1)} ${chart.y(0)}V${chart.y(height(number)).toFixed(1)}H${to.toFixed(1)}V${chart.y(0)}Z`;
      });
      for (const [sign, d] of Object.entries(bars)) paths[sign].setAttribute("d", d);
      words.textContent = plot.says[frame];
      chart.svg.setAttribute("aria-label", `${name} of ${layer.name}: ${plot.says[frame]}`);
    };
    return {figure: element("figure", {}, title, chart.svg), show};
  }

  // ---- the page ----

  startAll("training", (root, data) => {
    const parts = [data.boundary && boundary(data), curve(data, "loss", spelled),
      curve(data, "accuracy", (share) => `${Number((share * 100).toFixed(1))} %`)].filter(Boolean);
    const body = [element("div", {class: "plots main"}, ...parts.map((part) => part.figure))];
    const layers = [];
    for (const layer of data.layers) {
      const row = layer.plots.map((plot) => histogram(data, layer, plot));
      parts.push(...row);
      layers.push(element("h2", {}, layer.name), element("div", {class: "plots histograms"}, ...row.map((part) => part.figure)));
    }
    if (layers.length) {
      const summary = element("summary", {}, "How weights, gradients and activations are spread in each layer");
      summary.addEventListener("keydown", (event) => event.key === " " && event.stopPropagation());  // it opens; nothing plays
      body.push(element("details", {}, summary, element("p", {class: "hint"}, "Weights include "
        + "the biases, gradients are of the last step of the epoch, activations for the first "
        + "examples. Blue is right of zero, orange is left. The thin outline is the first epoch, and "
        + "± precedes the standard deviation. A bar is as high as the square root of its count, so that small "
        + "counts stay visible; the outermost bars include the numbers beyond the axis."), ...layers));
    }

    const caption = element("p", {class: "caption", "aria-live": "polite"});
    const player = new Player({
      what: "epoch", last: data.epochs.length - 1, main: "play",
      seconds: () => isCalm() ? CALM_STEP
        : Math.max(SHORTEST_STEP, Math.min(LONGEST_STEP, SECONDS_A_RUN / data.epochs.length)),
      show: (at) => {
        for (const part of parts) part.show(at);
        caption.textContent = data.captions[at];
        caption.setAttribute("aria-live", player.timer ? "off" : "polite");  // too fast to be read aloud
        return `${data.epochs[at] + 1} of ${data.total}`;
      },
    });
    player.enter(root, element("div", {class: "player run", role: "group", "aria-label": data.title},
      element("div", {class: "bar"}, player.controls, caption), ...body,
      ...[...data.notes, player.hint].map((words) => element("p", {class: "hint"}, words))), data.style);
    player.go(0);
  });
})();
