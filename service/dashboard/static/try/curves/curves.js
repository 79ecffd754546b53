// The response curves: how the prediction changes with one feature while the others stay.

import { Problem, postJson } from "../../api.js";
import { predictUrl } from "../call.js";
import { CurveChart, DotChart } from "./chart.js";
import { features, ofTarget } from "../description.js";
import { latest, pause } from "../latest.js";
import { daysOfIso, isoOfDays, number } from "../numbers.js";

const POINTS = 41; // of a curve
const MAX_VALUES = 12; // of a list
const MAX_PANELS = 40; // in a request
const FEW_FEATURES = 20; // whose curves are all drawn; of more, those in view
const PAUSE_MILLISECONDS = 60; // between two requests, so that predictions come first

/**
 * @typedef {object} Moment what the curves are drawn for
 * @property {import("../description.js").Value[]} row in the order of the features
 * @property {string} level
 * @property {string} target
 * @property {boolean} hasOneScale whether all curves have the same vertical axis
 */

/** The charts of all features. */
export class Curves {
  /** @param {import("../fields.js").Field[]} fields */
  constructor(fields) {
    this.panels = fields.map((field, index) => new Panel(field, index));
    this.visible = new Set();
    this.request = latest(moment => this.#update(moment));
    const observer = new IntersectionObserver(entries => {
      for (const { target, isIntersecting } of entries) {
        const panel = this.panels[Number(target.dataset.feature)];
        if (isIntersecting) this.visible.add(panel);
        else this.visible.delete(panel);
      }
      if (this.moment) this.request(this.moment);
    }, { rootMargin: "300px" });
    for (const { field } of this.panels) observer.observe(field.card);
  }

  /** @param {Moment} moment */
  update(moment) {
    this.moment = moment;
    this.request(moment);
  }

  /** Mark the current value in every chart. @param {Moment} moment @param {number} prediction */
  mark({ row }, prediction) {
    for (const panel of this.panels) panel.mark(row[panel.index], prediction);
  }

  /** @param {Moment} moment */
  async #update({ row, level, target, hasOneScale }) {
    const areFew = this.panels.length <= FEW_FEATURES;
    const panels = areFew ? this.panels : [...this.visible].slice(0, MAX_PANELS);
    const grids = panels.map(panel => panel.grid(row[panel.index]));
    const instances = panels.flatMap((panel, place) =>
      grids[place].map(value => row.with(panel.index, value)));
    if (!instances.length) return;
    let answer;
    try {
      answer = await postJson(predictUrl({ level }), { instances });
    } catch (error) {
      if (error instanceof Problem) return; // the prediction itself says what is wrong
      throw error;
    }
    const pick = values => values?.map(each => ofTarget(each, target)) ?? null;
    const columns = [answer.predictions, answer.lower, answer.upper].map(pick);
    let start = 0;
    const curves = grids.map(grid => {
      const [y, lower, upper] = columns.map(each => each?.slice(start, start + grid.length) ?? null);
      start += grid.length;
      return { y, lower, upper };
    });
    const parts = panels.map((panel, place) => ({ panel, grid: grids[place], curve: curves[place] }));
    const common = hasOneScale ? scaleOf(parts) : null;
    for (const part of parts) {
      part.panel.draw(part.grid, part.curve, common ?? scaleOf([part]), row[part.panel.index]);
    }
    await pause(PAUSE_MILLISECONDS);
  }
}

/** The ends of one axis for some curves, by what is inside the training ranges. */
function scaleOf(parts) {
  const values = parts.flatMap(({ panel, grid, curve: { y, lower, upper } }) =>
    grid.flatMap((value, index) =>
      panel.isTrained(value) ? [(lower ?? y)[index], (upper ?? y)[index]] : []));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const margin = (high - low || Math.abs(high) || 1) / 20;
  return [low - margin, high + margin];
}

/** The chart of one feature. */
class Panel {
  constructor(field, index) {
    this.field = field;
    this.index = index;
    this.feature = features[index];
    this.isListed = !field.span;
    const element = field.card.querySelector(".curve");
    const { name, least, greatest } = this.feature;
    this.chart = this.isListed ? new DotChart(element) : new CurveChart(element, field.span, [least, greatest]);
    if (!this.isListed) this.chart.label(`Prediction along ${name}`);
  }

  /** The values along the feature, as a request has them. */
  grid(current) {
    const { kind, values, has_time: hasTime } = this.feature;
    if (kind === "boolean") return [false, true];
    if (kind === "category") {
      const shown = values.slice(0, MAX_VALUES);
      if (values.includes(current) && !shown.includes(current)) shown[MAX_VALUES - 1] = current;
      return shown;
    }
    const [low, high] = this.field.span;
    const found = Array.from({ length: POINTS }, (_, step) => low + ((high - low) * step) / (POINTS - 1));
    return kind === "datetime" ? [...new Set(found.map(days => isoOfDays(days, hasTime)))] : found;
  }

  /** Whether a value is inside the training range. */
  isTrained(value) {
    const x = this.#number(value);
    return this.isListed || (x >= this.feature.least && x <= this.feature.greatest);
  }

  draw(grid, curve, scale, current) {
    const x = grid.map(value => this.#number(value));
    if (this.isListed) {
      this.chart.draw(this.feature.values, { x, ...curve }, scale, this.#number(current));
      return;
    }
    this.chart.draw({ x, ...curve }, scale);
    const [first, last] = [grid[0], grid.at(-1)].map(each => (typeof each === "number" ? number(each) : each));
    const ends = `${number(curve.y[0])} at ${first}, ${number(curve.y.at(-1))} at ${last}`;
    this.chart.label(`Prediction along ${this.feature.name}: ${ends}`);
  }

  mark(value, prediction) {
    if (!this.isListed) this.chart.mark(value === null ? NaN : this.#number(value), prediction);
  }

  /** The place of a value on the axis; of a list, its index. */
  #number(value) {
    if (value === null) return NaN;
    if (this.feature.kind === "datetime") return daysOfIso(value);
    return this.feature.kind === "category" ? this.feature.values.indexOf(value) : Number(value);
  }
}
