// The losses of a training as lines, on a logarithmic scale.

import uPlot from "../vendor/uplot.js";

const HEIGHT = 260;
const COLOURS = 3;

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const positive = value => (typeof value === "number" && value > 0 ? value : null);

/**
 * @typedef {object} Point
 * @property {string} [name] of the network; an ensemble has several kinds of them
 * @property {number} epoch
 * @property {number} [seconds] since the start of the training
 * @property {number | null} train_loss
 * @property {number | null} validation_loss
 */

export class Losses {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.points = [];
    this.#draw([]);
    new ResizeObserver(() => this.plot.setSize({ width: element.clientWidth, height: HEIGHT })).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#remake());
  }

  /** Show the losses of a training so far. @param {Point[]} points in their order */
  show(points) {
    this.points = [...points];
    this.#update();
  }

  /** Add an epoch. It replaces those that were computed before the training was resumed. @param {Point} point */
  add(point) {
    while (this.points.length && this.points.at(-1).seconds >= point.seconds) this.points.pop();
    this.points.push(point);
    this.#update();
  }

  #update() {
    const curves = curvesOf(this.points);
    if (String(curves.map(nameOf)) === String(this.curves.map(nameOf))) {
      this.curves = curves;
      this.plot.setData(dataOf(curves));
    } else {
      this.plot.destroy();
      this.#draw(curves);
    }
  }

  #draw(curves) {
    this.curves = curves;
    this.plot = new uPlot(this.#options(), dataOf(curves), this.element);
    this.element.dataset.curves = curves.length;
  }

  #remake() {
    this.plot.destroy();
    this.#draw(this.curves);
  }

  #options() {
    const axis = { stroke: colour("--ink-2"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    return {
      width: this.element.clientWidth,
      height: HEIGHT,
      scales: { x: { time: false }, y: { distr: 3 } },
      axes: [
        { ...axis, values: (_, splits) => splits.map(each => each.toLocaleString("en")) },
        { ...axis, size: 64, values: (_, splits) => splits.map(power) },
      ],
      series: [{ label: "Epoch" }, ...this.#series()],
    };
  }

  /** Two lines of one training; of several networks, each has a colour, and is dashed for training rows. */
  #series() {
    const line = (label, number) => ({ label, stroke: colour(`--series-${number}`), width: 2, spanGaps: true, value: shown });
    if (this.curves.length < 2) return [line("Training rows", 1), line("Validation rows", 2)];
    return this.curves.flatMap((curve, index) => {
      const number = index % COLOURS + 1;
      const name = nameOf(curve, index);
      return [{ ...line(`${name}, training rows`, number), dash: [5, 4] }, line(`${name}, validation rows`, number)];
    });
  }
}

/** The points of each network: another one begins when the epoch falls back. @param {Point[]} points */
function curvesOf(points) {
  const curves = [];
  let before;
  for (const each of points) {
    if (!before || each.epoch <= before.epoch || each.name !== before.name) curves.push([]);
    curves.at(-1).push(each);
    before = each;
  }
  return curves;
}

const nameOf = (curve, index) => curve[0].name || `Model ${index + 1}`;

function dataOf(curves) {
  const epochs = [...new Set(curves.flat().map(each => each.epoch))].sort((a, b) => a - b);
  const lines = curves.flatMap(curve => {
    const byEpoch = new Map(curve.map(each => [each.epoch, each]));
    return ["train_loss", "validation_loss"].map(name => epochs.map(epoch => positive(byEpoch.get(epoch)?.[name])));
  });
  return [epochs, ...(lines.length ? lines : [[], []])];
}

// A power of ten, such as 10⁻³; the axis asks for no other numbers.
function power(value) {
  if (value === null) return "";
  const digits = String(Math.round(Math.log10(value)));
  return `10${[...digits].map(each => (each === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[each])).join("")}`;
}

const shown = (_, value) => (value === null || value === undefined ? "–" : value.toPrecision(3));
