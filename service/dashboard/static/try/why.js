// Why the prediction is what it is: contributions as bars, and sensitivities.

import { features, ofTarget } from "./description.js";
import { number } from "./numbers.js";

const body = document.querySelector("#why tbody");
const lines = features.map(({ name, kind, unit }) => {
  const line = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  const [axis, contribution, sensitivity] = ["axis", "number", "number"].map(className => {
    const cell = document.createElement("td");
    cell.className = className;
    return cell;
  });
  const bar = document.createElement("div");
  bar.className = "bar";
  axis.append(bar);
  line.append(head, axis, contribution, sensitivity);
  body.append(line);
  const per = kind === "datetime" ? "/day" : unit ? `/${unit}` : "";
  return { name, per, bar, contribution, sensitivity };
});

/** @param {any} answer the response for one row @param {string} target */
export function showWhy(answer, target) {
  const contributions = ofTarget(answer.contributions, target);
  const sensitivities = ofTarget(answer.sensitivities, target);
  const longest = Math.max(...Object.values(contributions).map(Math.abs)) || 1;
  for (const { name, per, bar, contribution, sensitivity } of lines) {
    const value = contributions[name];
    const width = (50 * Math.abs(value)) / longest;
    bar.style.width = `${width.toFixed(1)}%`;
    bar.style.left = `${(value < 0 ? 50 - width : 50).toFixed(1)}%`;
    bar.classList.toggle("negative", value < 0);
    contribution.textContent = signed(value);
    const slope = sensitivities[name];
    sensitivity.textContent = slope === null ? "–" : signed(slope) + per;
  }
  document.getElementById("baseline").textContent = number(ofTarget(answer.baseline, target));
}

const signed = value => (value > 0 ? "+" : "") + number(value);
