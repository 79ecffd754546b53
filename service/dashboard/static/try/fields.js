// The controls of one feature: they read and write its value.

import { daysOfIso, decimalPlaces, isoOfDays, number } from "./numbers.js";

const MARGIN = 0.15; // of the training range: how far the slider goes beyond it
const FEW_WHOLE_NUMBERS = 4; // a wider range with whole ends is probably of whole numbers
const NEW_CATEGORY = "(a new value)";

/**
 * @typedef {object} Field
 * @property {import("./description.js").Feature} feature
 * @property {HTMLElement} card
 * @property {() => import("./description.js").Value | undefined} read undefined if it is no value
 * @property {(value: import("./description.js").Value) => void} write
 * @property {[number, number]} [span] the ends of the slider
 */

/**
 * Connect the controls in a card.
 * @param {HTMLElement} card
 * @param {import("./description.js").Feature} feature
 * @param {() => void} changed
 * @returns {Field}
 */
export function connect(card, feature, changed) {
  const control = card.querySelector(".value");
  const isListed = feature.kind === "category" || feature.kind === "boolean";
  const field = isListed ? listed(feature, control, changed) : ranged(card, feature, control, changed);
  const missing = card.querySelector(".missing");
  missing?.addEventListener("change", () => { show(); changed(); });
  const show = () => {
    for (const each of card.querySelectorAll(".value, .slider")) each.disabled = missing?.checked;
  };
  return {
    feature,
    card,
    span: field.span,
    read: () => {
      const value = missing?.checked ? null : field.read();
      control.toggleAttribute("aria-invalid", value === undefined);
      if (value === undefined) control.setAttribute("aria-invalid", "true");
      return value;
    },
    write: value => {
      if (missing) missing.checked = value === null;
      show();
      if (value !== null) field.write(value);
    },
  };
}

/** A list of categories, or of the words for false and true. */
function listed(feature, control, changed) {
  const isBoolean = feature.kind === "boolean";
  const values = isBoolean ? [false, true] : [...feature.values];
  feature.values.forEach((text, index) => control.add(new Option(text, String(index))));
  if (!isBoolean && !values.includes(NEW_CATEGORY)) {
    control.add(new Option("another value, unseen in training", String(values.length)));
    values.push(NEW_CATEGORY);
  }
  control.addEventListener("change", changed);
  return {
    read: () => values[control.selectedIndex],
    write: value => {
      const index = values.indexOf(value);
      control.selectedIndex = index < 0 && !isBoolean ? values.length - 1 : Math.max(index, 0);
    },
  };
}

/** A field and a slider for a number or a date. */
function ranged(card, feature, control, changed) {
  const isDate = feature.kind === "datetime";
  const slider = card.querySelector(".slider");
  const scale = sliderScale(feature);
  const toText = isDate ? days => isoOfDays(days, feature.has_time) : String;
  const toNumber = isDate ? daysOfIso : text => (text.trim() === "" ? NaN : Number(text));
  const follow = () => {
    slider.value = String(toNumber(control.value));
    slider.setAttribute("aria-valuetext", control.value);
  };
  const shown = isDate ? toText : number;
  const [least, greatest] = [feature.least, feature.greatest].map(shown);
  card.querySelector(".range").textContent = `trained on ${least} to ${greatest}`;
  Object.assign(slider, { min: scale.low, max: scale.high, step: scale.step });
  slider.addEventListener("input", () => {
    control.value = toText(Number(Number(slider.value).toFixed(scale.places)));
    slider.setAttribute("aria-valuetext", control.value);
    changed();
  });
  control.addEventListener("input", () => { follow(); changed(); });
  return {
    span: [scale.low, scale.high],
    read: () => {
      const value = toNumber(control.value);
      if (!Number.isFinite(value)) return undefined;
      return isDate ? control.value : value;
    },
    write: value => { control.value = String(value); follow(); },
  };
}

/** The ends and the step of a slider that goes beyond the training range. */
function sliderScale({ kind, least, greatest, has_time: hasTime }) {
  const width = greatest - least || Math.abs(least) / 5 || 1;
  if (kind === "datetime" && !hasTime) {
    const margin = Math.ceil(MARGIN * width);
    return { low: least - margin, high: greatest + margin, step: 1, places: 0 };
  }
  const isWhole = Number.isInteger(least) && Number.isInteger(greatest) && width >= FEW_WHOLE_NUMBERS;
  const places = isWhole ? 0 : decimalPlaces(width);
  const step = 10 ** -places;
  const low = Math.floor((least - MARGIN * width) / step) * step;
  const high = Math.ceil((greatest + MARGIN * width) / step) * step;
  return { low: Number(low.toFixed(places)), high: Number(high.toFixed(places)), step, places };
}
