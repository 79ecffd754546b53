// What a file is understood as: its header, and which of its columns are features.

import { Problem } from "../../api.js";
import { delimiterOf, encodingOf, hasByteOrderMark, rowsOf } from "./parse.js";

const HEAD_BYTES = 65_536;
const TITLE_LINES = 20; // above the header, at most
const SHOWN_ROWS = 5;

/**
 * @typedef {object} Table
 * @property {File} file
 * @property {string} delimiter
 * @property {string} encoding
 * @property {boolean} hasMark whether it begins with a byte order mark
 * @property {number} headerRow index of the header among the rows
 * @property {string[]} header
 * @property {number[]} columns of the features that the file has, in the header
 * @property {string[]} matched names of these features
 * @property {string[]} missing features that the file has not
 * @property {Map<string, string>} similar columns that are no features, by the missing feature that they resemble
 * @property {string[]} extra columns that are no features
 * @property {number} rows below the header
 * @property {string[][]} first rows
 */

/**
 * Read a file's header, and count its rows.
 * @param {File} file
 * @param {import("../description.js").Feature[]} features
 * @returns {Promise<Table>}
 * @throws {Problem} if the file is no text
 */
export async function understand(file, features) {
  const encoding = await encodingOf(file);
  const head = new TextDecoder(encoding).decode(await file.slice(0, HEAD_BYTES).arrayBuffer());
  if (head.includes("\0")) {
    throw new Problem({ detail: `${file.name} is no text: save the table as CSV, and choose that file` }, 0);
  }
  const delimiter = delimiterOf(head);
  let [count, top] = [0, []];
  for await (const rows of rowsOf(file, delimiter, encoding)) {
    if (top.length < TITLE_LINES + SHOWN_ROWS) top.push(...rows.slice(0, TITLE_LINES + SHOWN_ROWS));
    count += rows.length;
  }
  const names = features.map(each => each.name);
  const headerRow = indexOfHeader(top.slice(0, TITLE_LINES), names);
  const header = (top[headerRow] ?? []).map(each => each.trim());
  const matched = names.filter(name => header.includes(name));
  const missing = names.filter(name => !header.includes(name));
  const extra = header.filter(name => !names.includes(name));
  return {
    file,
    delimiter,
    encoding,
    hasMark: await hasByteOrderMark(file),
    headerRow,
    header,
    columns: matched.map(name => header.indexOf(name)),
    matched,
    missing,
    extra,
    similar: new Map(missing.map(name => [name, similar(name, extra)]).filter(([, found]) => found)),
    rows: Math.max(count - headerRow - 1, 0),
    first: top.slice(headerRow + 1, headerRow + 1 + SHOWN_ROWS),
  };
}

/** The row that names most features; the first one if none does. */
function indexOfHeader(rows, names) {
  const known = new Set(names);
  const scores = rows.map(row => row.filter(cell => known.has(cell.trim())).length);
  return Math.max(scores.indexOf(Math.max(...scores)), 0);
}

/** The most similar of some names, without regard to case; undefined if none is similar. */
function similar(name, others) {
  const wanted = name.toLowerCase();
  const near = others
    .map(other => [other, editDistance(wanted, other.toLowerCase())])
    .filter(([other, distance]) => distance <= Math.max(wanted.length, other.length) / 3);
  return near.sort(([, a], [, b]) => a - b)[0]?.[0];
}

/** The number of characters to insert, delete or replace. Source: Wagner & Fischer 1974. */
function editDistance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      next.push(Math.min(row[j] + (a[i] === b[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1));
    }
    row = next;
  }
  return row[b.length];
}
