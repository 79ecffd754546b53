// The row in the address of the page, so that a link shows it again. It stands behind the #, which
// no request sends: a row may be long, and logs need not have it.

/**
 * @typedef {object} State
 * @property {Map<string, import("./description.js").Value>} row
 * @property {string} level empty for no interval
 * @property {string} target
 */

/**
 * @param {State} state
 * @returns {string} with the #
 */
export function toFragment({ row, level, target }) {
  const parameters = new URLSearchParams();
  for (const [name, value] of row) {
    if (value === null) parameters.append("missing", name);
    else parameters.append(`x.${name}`, String(value));
  }
  parameters.append("level", level);
  parameters.append("target", target);
  return `#${parameters}`;
}

/**
 * @param {string} fragment with the #
 * @param {import("./description.js").Feature[]} features
 * @returns {Partial<State> & { row: State["row"] }} with what the fragment has
 */
export function fromFragment(fragment, features) {
  const parameters = new URLSearchParams(fragment.slice(1));
  const missing = new Set(parameters.getAll("missing"));
  const row = new Map();
  for (const feature of features) {
    const text = parameters.get(`x.${feature.name}`);
    if (missing.has(feature.name) && feature.may_be_missing) row.set(feature.name, null);
    else if (text !== null) row.set(feature.name, feature.kind === "boolean" ? text === "true" : text);
  }
  const level = parameters.get("level") ?? undefined;
  return { row, level, target: parameters.get("target") ?? undefined };
}
