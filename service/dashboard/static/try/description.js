// What the page knows of the version: the JSON that the server put into it.

/**
 * @typedef {object} Feature
 * @property {string} name
 * @property {"number" | "category" | "boolean" | "datetime"} kind
 * @property {boolean} may_be_missing
 * @property {number | string | boolean} typical a value like the middle of the training rows
 * @property {string[]} [values] of a category, or the words for false and true
 * @property {number} [least] in training; dates are in days since 1970-01-01
 * @property {number} [greatest]
 * @property {boolean} [has_time] of a date
 * @property {string} [unit] of a number
 *
 * @typedef {number | string | boolean | null} Value null is a missing cell
 */

const document_ = JSON.parse(document.getElementById("description").textContent);

/** @type {Feature[]} */
export const features = document_.features;
/** @type {string[]} */
export const targets = document_.targets;
/** @type {number} */
export const maxBodyBytes = document_.max_body_bytes;
/** @type {boolean} whether clients have to send a token */
export const needsToken = document_.needs_token;
/** @type {string} the path of predictions */
export const predictPath = document_.predict;
/** @type {string} the number of the version that the page describes */
export const version = document_.version;
/** @type {string | null} the version that the page's address names; by default it is the current one */
export const askedVersion = document_.asked_version;
/** @type {string} */
export const model = document_.model;

/** The value of one target: several are in an object. */
export const ofTarget = (values, target) => (targets.length > 1 ? values[target] : values);
