// The prediction with its interval, and in words what it is worth.

import { features, ofTarget, targets } from "./description.js";
import { isoOfDays, number } from "./numbers.js";

const ANNOUNCE_MILLISECONDS = 800; // after the last change, so that a drag is not read out
const element = id => document.getElementById(id);
let announcement;

/**
 * Show the response for one row.
 * @param {any} answer
 * @param {{ row: import("./description.js").Value[], target: string }} moment
 */
export function showResult(answer, { row, target }) {
  const value = ofTarget(answer.prediction, target);
  element("predicted").textContent = target;
  element("prediction").textContent = number(value);
  element("interval").textContent = interval(answer, target);
  element("others").textContent = targets
    .filter(each => each !== target)
    .map(each => `${each}: ${number(answer.prediction[each])}`)
    .join(", ");
  const warnings = warningsOf(answer, row);
  element("warnings").replaceChildren(...warnings.map(paragraph));
  element("problem").textContent = "";
  element("result").classList.toggle("doubtful", warnings.length > 0);
  announce([`${target}: ${number(value)}.`, interval(answer, target), ...warnings].join(" "));
}

/** @param {string} text why there is no prediction */
export function showFailure(text) {
  element("prediction").textContent = "–";
  for (const id of ["interval", "others"]) element(id).textContent = "";
  element("warnings").replaceChildren();
  element("problem").textContent = text;
  announce(text);
}

function interval(answer, target) {
  if (answer.level === undefined) return "";
  const [lower, upper] = [answer.lower, answer.upper].map(each => number(ofTarget(each, target)));
  return `${number(100 * answer.level)} % interval: ${lower} to ${upper}`;
}

/** @returns {string[]} a sentence for each reason to doubt the prediction */
function warningsOf(answer, row) {
  const found = answer.extrapolating.map(name => {
    const index = features.findIndex(each => each.name === name);
    const { kind, least, greatest, has_time: hasTime } = features[index];
    const shown = kind === "datetime" ? days => isoOfDays(days, hasTime) : number;
    const value = typeof row[index] === "number" ? number(row[index]) : row[index];
    return `${name} is ${value}, outside its training range of ${shown(least)} to ${shown(greatest)}.`;
  });
  if (found.length) found.push("The model has seen nothing like it; the prediction is a guess.");
  for (const name of answer.unseen ?? []) {
    found.push(`Training had no such value of ${name}: it counts as none of the known ones.`);
  }
  if (answer.unfamiliar && !answer.extrapolating.length) {
    found.push("No training row is like this one, although each value is inside its range.");
  }
  return found;
}

function paragraph(text) {
  const found = document.createElement("p");
  found.textContent = text;
  return found;
}

function announce(text) {
  clearTimeout(announcement);
  announcement = setTimeout(() => { element("announcement").textContent = text; }, ANNOUNCE_MILLISECONDS);
}
