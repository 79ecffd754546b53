"""The parts of a JavaScript module that are the same for all versions."""

MODULE = r"""/**
 * Version <<number>> of the numnet model <<name>>, for browsers and Node.js.
 *
 *     import { predict } from "./model.js";
 *     predict({ <<example>> });
 *
 * @typedef {{
<<row_type>>
 * }} Row The cells by the names of the features. A missing cell is left out, null or undefined.
 *
 * @typedef {<<value_type>>} Values <<value_text>>
 *
 * @typedef {object} Prediction
 * @property {Values} prediction
<<end_properties>> * @property {string[]} extrapolating The features outside the range of training.
 * @property {string[]} unseen The features whose categories training had not.
 * @property {string} version
 */

export const VERSION = "<<number>>";

/** The features in order, with the smallest and the greatest value seen in training. */
export const FEATURES = [
<<features>>
];

const NAMES = FEATURES.map(({ name }) => name);

/** The names of what is predicted. */
export const TARGETS = [
<<targets>>
];

/** The cells of a row are not valid. `errors` has a JSON pointer and a detail for each. */
export class InvalidInput extends TypeError {
  /** @param {{ pointer: string, detail: string }[]} errors */
  constructor(errors) {
    super(errors.map(({ pointer, detail }) => `${pointer || "the row"} ${detail}`).join("; "));
    this.name = "InvalidInput";
    this.errors = errors;
  }
}

// the characters that the service removes around texts
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/.source;
const AROUND = new RegExp(`^${SPACE}|${SPACE}$`, "g");
const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ](.+))?$/;
const TIME = /^([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,6})[0-9]*)?)?(Z|[+-][0-9:]+)?$/;
const ZONE = /^([+-])([0-9]{2}):?([0-9]{2})$/;

/** @returns {string} a value for a message */
function shown(value) {
  let text;
  try {
    text = typeof value === "number" ? String(value) : JSON.stringify(value);
  } catch {
    text = undefined;
  }
  text = text === undefined ? typeof value : text;
  return text.length > 40 ? `${text.slice(0, 39)}\u2026` : text;
}

/** @returns {number | undefined} the microseconds since midnight in UTC */
function microseconds(text) {
  const found = TIME.exec(text);
  if (!found) return undefined;
  const [hour, minute, second] = found.slice(1, 4).map((part) => Number(part || 0));
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  let minutes = hour * 60 + minute;
  if (found[5] && found[5] !== "Z") {
    const zone = ZONE.exec(found[5]);
    if (!zone || zone[2] > 23 || zone[3] > 59) return undefined;
    minutes -= (zone[1] === "-" ? -1 : 1) * (zone[2] * 60 + Number(zone[3]));
  }
  return (minutes * 60 + second) * 1e6 + Number((found[4] || "").padEnd(6, "0"));
}

/** @returns {number | undefined} the days since 1970-01-01 in UTC */
function days(value, timesOnly) {
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? undefined : value.getTime() / 86400000;
  }
  if (typeof value !== "string") return undefined;
  const text = value.replace(AROUND, "");
  if (timesOnly && TIME.test(text)) {
    const time = microseconds(text);
    return time === undefined ? undefined : time / 86400000000;
  }
  const found = DATE.exec(text);
  if (!found || found[1] === "0000") return undefined;
  const date = new Date(`${found[1]}-${found[2]}-${found[3]}T00:00:00Z`);
  const time = found[4] === undefined ? 0 : microseconds(found[4]);
  if (Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(found[3])) return undefined;
  if (time === undefined) return undefined;
  return (date.getTime() * 1000 + time) / 86400000000;
}

/** @returns {number | undefined} a cell's number; undefined if it is not valid */
function numberOf(feature, value) {
  if (value === null || value === undefined) return feature.gaps ? NaN : undefined;
  switch (feature.kind) {
    case "category": {
      if (typeof value === "number" && feature.numbers) {
        const index = feature.numbers.indexOf(value);
        return Number.isFinite(value) ? index : undefined;
      }
      if (typeof value !== "string") return undefined;
      const index = feature.values.indexOf(value);
      return index < 0 ? feature.values.indexOf(value.replace(AROUND, "")) : index;
    }
    case "boolean": {
      if (typeof value === "boolean") return Number(value);
      if (typeof value !== "string") return undefined;
      const index = feature.values.indexOf(value.replace(AROUND, "").toLowerCase());
      return index < 0 ? undefined : index;
    }
    case "datetime":
      return days(value, feature.timesOnly);
    default:
      return typeof value === "number" && Number.isFinite(value) ? value : undefined;
  }
}

/** @returns {Float64Array} the numbers of a row's cells */
function read(row) {
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    throw new InvalidInput([{ pointer: "", detail: `must be an object, got ${shown(row)}` }]);
  }
  const x = new Float64Array(FEATURES.length), errors = [];
  const pointer = (name) => `/${name.replace(/~/g, "~0").replace(/[/]/g, "~1")}`;
  FEATURES.forEach((feature, index) => {
    const value = Object.hasOwn(row, feature.name) ? row[feature.name] : undefined;
    const number = numberOf(feature, value);
    if (number !== undefined) {
      x[index] = number;
      return;
    }
    const wrong = `must be ${feature.expected}, got ${shown(value)}`;
    const detail = value === undefined ? "is missing" : wrong;
    errors.push({ pointer: pointer(feature.name), detail });
  });
  for (const name of Object.keys(row)) {
    if (NAMES.includes(name)) continue;
    const detail = `is not a feature; expected ${NAMES.join(", ")}`;
    errors.push({ pointer: pointer(name), detail });
  }
  if (errors.length) throw new InvalidInput(errors);
  return x;
}

/** @returns {Values} the numbers of the targets */
function named(numbers) {
  return <<named>>;
}

/**
 * Predict one row.
 *
 * @param {Row} row
 * @returns {Prediction}
 * @throws {InvalidInput} if cells are missing, unknown or not valid
 * @throws {RangeError} if the numbers are so large that the arithmetic overflows
 */
export function predict(row) {
  const v_x = read(row);
<<statements>>
  if (!<<y>>.every(Number.isFinite)) {
    const detail = "is too far outside the range seen in training";
    throw new RangeError(`the row ${detail}: the prediction is not finite`);
  }
  return {
    prediction: named(<<y>>),
<<ends>>    extrapolating: outside(v_x),
    unseen: NAMES.filter((_, j) => FEATURES[j].kind === "category" && v_x[j] === -1),
    version: VERSION,
  };
}

function outside(x) {
  return NAMES.filter((_, j) => x[j] < LEAST[j] || x[j] > GREATEST[j]);
}

<<tables>>
"""
