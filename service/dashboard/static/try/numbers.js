// Numbers and days as people read them.

const DAY_MILLISECONDS = 86_400_000;
// no comma in 1950, which may be a year
const format = new Intl.NumberFormat("en", { maximumSignificantDigits: 5, useGrouping: "min2" });

/** @param {number | null | undefined} value */
export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  const isPlain = size === 0 || (size >= 1e-4 && size < 1e9);
  return (isPlain ? format.format(value) : Number(value.toPrecision(4)).toExponential()).replaceAll("-", "−");
}

/** The decimal places of a step for about 200 steps over a width. @param {number} width */
export function decimalPlaces(width) {
  return Math.min(Math.max(-Math.floor(Math.log10(width / 200)), 0), 20);
}

/**
 * A date or time in ISO 8601, in UTC.
 * @param {number} days since 1970-01-01
 * @param {boolean} hasTime
 */
export function isoOfDays(days, hasTime) {
  const moment = new Date(Math.round(days * DAY_MILLISECONDS));
  return Number.isNaN(moment.getTime()) ? "" : moment.toISOString().slice(0, hasTime ? 19 : 10);
}

/** The days since 1970-01-01 of a text in ISO 8601; NaN if it is none. @param {string} text */
export function daysOfIso(text) {
  const isUtc = !text.includes("T") || /Z$|[+-]\d\d:?\d\d$/.test(text);
  return Date.parse(isUtc ? text : `${text}Z`) / DAY_MILLISECONDS;
}
