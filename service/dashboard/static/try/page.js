// The page "Try it": the controls change the row; everything else follows the row.

import { Problem, postJson } from "../api.js";
import { fromFragment, toFragment } from "./address.js";
import { predictUrl } from "./call.js";
import { showCode } from "./code/panel.js";
import { Curves } from "./curves/curves.js";
import { features, ofTarget, targets } from "./description.js";
import { connect } from "./fields.js";
import { latest } from "./latest.js";
import { showFailure, showResult } from "./result.js";
import { showWhy } from "./why.js";
import "./csv/panel.js";

const ADDRESS_MILLISECONDS = 300; // browsers limit how often an address changes
const level = document.getElementById("level");
const target = document.getElementById("target");
const sameScale = document.getElementById("same-scale");
const cards = [...document.querySelectorAll("[data-feature]")];
const fields = cards.map((card, index) => connect(card, features[index], changed));
const curves = new Curves(fields);
let addressTimer;

const predict = latest(async moment => {
  try {
    const url = predictUrl({ level: moment.level, explain: true });
    const answer = await postJson(url, moment.named);
    showResult(answer, moment);
    showWhy(answer, moment.target);
    curves.mark(moment, ofTarget(answer.prediction, moment.target));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showFailure([error.message, ...error.errors.map(each => `${nameOf(each)}: ${each.detail}`)].join("; "));
  }
});

function changed() {
  const row = fields.map(field => field.read());
  const wrong = features.filter((_, index) => row[index] === undefined);
  if (wrong.length) {
    showFailure(`Enter a value for ${wrong.map(each => each.name).join(", ")}.`);
    return;
  }
  const entries = features.map(({ name }, index) => [name, row[index]]);
  const moment = {
    row,
    named: Object.fromEntries(entries),
    level: level.value,
    target: target.value,
    hasOneScale: sameScale.checked,
  };
  predict(moment);
  curves.update(moment);
  showCode(moment.named, moment.level);
  clearTimeout(addressTimer);
  const state = { row: new Map(entries), level: level.value, target: target.value };
  addressTimer = setTimeout(() => history.replaceState(null, "", toFragment(state)), ADDRESS_MILLISECONDS);
}

/** Take the row from the address; what it lacks has its typical value. */
function restore() {
  const state = fromFragment(location.hash, features);
  fields.forEach(field => {
    const given = state.row.get(field.feature.name);
    field.write(given === undefined ? field.feature.typical : given);
  });
  const hasLevel = [...level.options].some(each => each.value === state.level);
  if (hasLevel) level.value = state.level;
  if (targets.includes(state.target)) target.value = state.target;
  changed();
}

const nameOf = ({ pointer, parameter }) =>
  pointer?.slice(1).replaceAll("~1", "/").replaceAll("~0", "~") ?? parameter;

for (const control of [level, target, sameScale]) control.addEventListener("change", changed);
document.getElementById("reset").addEventListener("click", () => {
  history.replaceState(null, "", "#");
  restore();
});
addEventListener("hashchange", restore);
restore();
