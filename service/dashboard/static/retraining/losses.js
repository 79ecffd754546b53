// The losses of a training as lines, on a logarithmic scale.

import uPlot from "../vendor/uplot.js";

const HEIGHT = 260;

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const positive = value => (typeof value === "number" && value > 0 ? value : null);

export class Losses {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.points = new Map(); // by epoch
    this.plot = new uPlot(this.#options(), [[], [], []], element);
    new ResizeObserver(() => this.plot.setSize({ width: element.clientWidth, height: HEIGHT })).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#remake());
  }

  /** @param {{epoch: number, train_loss: number | null, validation_loss: number | null}[]} points */
  add(points) {
    for (const each of points) {
      if (each.epoch !== undefined) this.points.set(each.epoch, each);
    }
    this.plot.setData(this.#data());
  }

  #data() {
    const sorted = [...this.points.values()].sort((a, b) => a.epoch - b.epoch);
    return [
      sorted.map(each => each.epoch),
      sorted.map(each => positive(each.train_loss)),
      sorted.map(each => positive(each.validation_loss)),
    ];
  }

  #remake() {
    this.plot.destroy();
    this.plot = new uPlot(this.#options(), this.#data(), this.element);
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
      series: [
        { label: "Epoch" },
        { label: "Training rows", stroke: colour("--series-1"), width: 2, spanGaps: true, value: shown },
        { label: "Validation rows", stroke: colour("--series-2"), width: 2, spanGaps: true, value: shown },
      ],
    };
  }
}

// A power of ten, such as 10⁻³; the axis asks for no other numbers.
function power(value) {
  if (value === null) return "";
  const digits = String(Math.round(Math.log10(value)));
  return `10${[...digits].map(each => (each === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[each])).join("")}`;
}

const shown = (_, value) => (value === null || value === undefined ? "–" : value.toPrecision(3));
