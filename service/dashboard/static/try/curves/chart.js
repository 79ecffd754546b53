// A response curve as inline SVG.

import { number } from "../numbers.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 96;
const INSET = 10; // half of the slider's thumb, so that it is below its value

/** @param {string} name @param {Record<string, string | number>} attributes */
export function svg(name, attributes = {}) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/**
 * @typedef {object} Curve
 * @property {number[]} x
 * @property {number[]} y
 * @property {number[] | null} lower
 * @property {number[] | null} upper
 */

/** The curve of a number or a date, with the training range shaded and the current value marked. */
export class CurveChart {
  /** @param {HTMLElement} element @param {[number, number]} span @param {[number, number]} trained */
  constructor(element, span, trained) {
    this.span = span;
    this.trained = trained;
    this.scale = [0, 1];
    this.width = 0;
    this.root = svg("svg", { height: HEIGHT, role: "img", class: "curve-chart" });
    this.shade = svg("rect", { class: "trained", y: 0, height: HEIGHT });
    this.band = svg("path", { class: "band" });
    this.line = svg("path", { class: "line" });
    this.rule = svg("line", { class: "rule", y1: 0, y2: HEIGHT });
    this.dot = svg("circle", { class: "dot", r: 4.5 });
    this.top = svg("text", { x: 4, y: 12 });
    this.bottom = svg("text", { x: 4, y: HEIGHT - 4 });
    this.root.append(this.shade, this.band, this.line, this.rule, this.dot, this.top, this.bottom);
    this.mark(NaN, NaN);
    // to ask for the width in each drawing would make the browser lay the page out each time
    new ResizeObserver(([{ contentRect }]) => {
      this.width = contentRect.width;
      this.root.setAttribute("width", String(this.width));
      if (this.curve) this.draw(this.curve, this.scale);
    }).observe(element);
    element.replaceChildren(this.root);
  }

  /** @param {Curve} curve @param {[number, number]} scale ends of the vertical axis */
  draw(curve, scale) {
    this.curve = curve;
    this.scale = scale;
    if (!this.width) return;
    const points = curve.x.map((x, index) => `${this.#x(x)} ${this.#y(curve.y[index])}`);
    this.line.setAttribute("d", `M${points.join("L")}`);
    this.band.setAttribute("d", curve.lower ? this.#outline(curve) : "");
    const [from, to] = this.trained.map(x => Number(this.#x(x)));
    this.shade.setAttribute("x", String(from));
    this.shade.setAttribute("width", String(Math.max(to - from, 1)));
    this.bottom.textContent = number(scale[0]);
    this.top.textContent = number(scale[1]);
    this.mark(...this.marked);
  }

  /** @param {number} x @param {number} y */
  mark(x, y) {
    this.marked = [x, y];
    const isKnown = this.width > 0 && Number.isFinite(x) && Number.isFinite(y);
    for (const element of [this.rule, this.dot]) element.toggleAttribute("hidden", !isKnown);
    if (!isKnown) return;
    const left = this.#x(Math.min(Math.max(x, this.span[0]), this.span[1]));
    this.rule.setAttribute("x1", left);
    this.rule.setAttribute("x2", left);
    this.dot.setAttribute("cx", left);
    this.dot.setAttribute("cy", this.#y(y));
  }

  /** @param {string} text what a screen reader says */
  label(text) {
    this.root.setAttribute("aria-label", text);
  }

  #outline({ x, lower, upper }) {
    const there = x.map((each, index) => `${this.#x(each)} ${this.#y(upper[index])}`);
    const back = x.map((each, index) => `${this.#x(each)} ${this.#y(lower[index])}`).reverse();
    return `M${[...there, ...back].join("L")}Z`;
  }

  #x(value) {
    const share = (value - this.span[0]) / (this.span[1] - this.span[0]);
    return (INSET + share * (this.width - 2 * INSET)).toFixed(1);
  }

  #y(value) {
    const share = (value - this.scale[0]) / (this.scale[1] - this.scale[0]);
    return (HEIGHT - 6 - share * (HEIGHT - 12)).toFixed(1);
  }
}

/** One line per value of a list: its prediction as a dot, its interval as a bar. */
export class DotChart {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.list = document.createElement("ul");
    this.list.className = "dots";
    element.replaceChildren(this.list);
  }

  /**
   * @param {string[]} labels
   * @param {Curve} curve whose x is the index of the label
   * @param {[number, number]} scale ends of the axis
   * @param {number} current index of the current value
   */
  draw(labels, curve, scale, current) {
    const share = value =>
      `${(100 * Math.min(Math.max((value - scale[0]) / (scale[1] - scale[0]), 0), 1)).toFixed(1)}%`;
    const lines = curve.x.map((index, place) => {
      const line = document.createElement("li");
      const [name, axis, text] = ["span", "span", "span"].map(each => document.createElement(each));
      name.textContent = labels[index];
      name.className = "name";
      axis.className = "axis";
      text.textContent = number(curve.y[place]);
      text.className = "number";
      const picture = svg("svg", { height: 16, width: "100%", "aria-hidden": "true" });
      if (curve.lower) {
        const [x1, x2] = [share(curve.lower[place]), share(curve.upper[place])];
        picture.append(svg("line", { class: "whisker", x1, x2, y1: 8, y2: 8 }));
      }
      picture.append(svg("circle", { class: "dot", r: 4.5, cx: share(curve.y[place]), cy: 8 }));
      axis.append(picture);
      line.classList.toggle("current", index === current);
      line.append(name, axis, text);
      return line;
    });
    this.list.replaceChildren(...lines);
  }
}
