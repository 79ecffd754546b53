// Predictions for the rows of a file, block by block, with all of its columns kept.

import { send } from "../../api.js";
import { predictUrl } from "../call.js";
import { maxBodyBytes, targets, version } from "../description.js";
import { rowsOf, rowsOfText } from "./parse.js";

const TYPE = "text/csv";
const FIRST_ROWS = 2_000; // of the first request
const MAX_ROWS = 20_000; // of a request
const SECONDS = 1; // that a request should take, far below the timeout of the service
const MAX_CHARACTERS = Math.min(maxBodyBytes / 4, 4_000_000); // each is up to 4 bytes of UTF-8
const WARNINGS = ["extrapolating", "unseen", "unfamiliar"];

/** The names of the columns that predictions add. @param {string} level @param {string[]} header */
export function addedColumns(level, header) {
  const ofOne = target => [`${target}_predicted`, ...(level ? [`${target}_lower`, `${target}_upper`] : [])];
  const isTaken = name => header.includes(name);
  return [...targets.flatMap(ofOne), ...WARNINGS].map(name => (isTaken(name) ? `${name}_new` : name));
}

/**
 * @param {import("./table.js").Table} table
 * @param {string} level
 * @param {AbortSignal} signal
 * @yields {{ rows: string[][], added: string[][] }} blocks: rows of the file, and what is added
 * @throws {import("../../api.js").Problem} with `firstRow`, the number of the block's first row
 */
export async function* predictions(table, level, signal) {
  const limit = { rows: FIRST_ROWS };
  let done = 0;
  for await (const rows of blocks(table, limit)) {
    const started = performance.now();
    const added = await predictBlock(table, rows, level, signal).catch(error => {
      throw Object.assign(error, { firstRow: done + 1 });
    });
    const seconds = (performance.now() - started) / 1000;
    const factor = Math.min(Math.max(SECONDS / seconds, 0.5), 2);
    limit.rows = Math.min(Math.max(Math.round(limit.rows * factor), 1), MAX_ROWS);
    done += rows.length;
    yield { rows, added };
  }
}

/** What predictions add to some rows. All blocks are predicted by one version, even if another is promoted. */
async function predictBlock(table, rows, level, signal) {
  const cells = rows.map(row => table.columns.map(index => row[index] ?? ""));
  const response = await send("POST", predictUrl({ level, version }), {
    body: toCsv([table.matched, ...cells]),
    type: `${TYPE}; charset=utf-8`,
    headers: { Accept: TYPE },
    signal,
  });
  return addedCells(await response.text(), level);
}

/** The rows below the header, in lists that fit into a request; `limit.rows` may change meanwhile. */
async function* blocks({ file, delimiter, encoding, headerRow }, limit) {
  let [skip, block, size] = [headerRow + 1, [], 0];
  for await (const rows of rowsOf(file, delimiter, encoding)) {
    for (const row of rows) {
      if (skip > 0) { skip -= 1; continue; }
      const length = row.reduce((sum, cell) => sum + cell.length + 3, 0);
      if (block.length && (block.length >= limit.rows || size + length > MAX_CHARACTERS)) {
        yield block;
        [block, size] = [[], 0];
      }
      block.push(row);
      size += length;
    }
  }
  if (block.length) yield block;
}

/** What a response adds to each row, in the order of `addedColumns`. */
function addedCells(text, level) {
  const [header, ...rows] = rowsOfText(text, ",");
  const numbers = targets.length * (level ? 3 : 1); // the response begins with them
  const places = [
    ...Array(numbers).keys(),
    ...WARNINGS.map(name => header.indexOf(name, numbers)), // it has some only if there are any
  ];
  return rows.map(row => places.map(index => (index < 0 ? "" : row[index])));
}

/** @param {string[][]} rows @param {string} delimiter */
export function toCsv(rows, delimiter = ",") {
  const quoted = cell =>
    cell === "" || cell.includes('"') || cell.includes(delimiter) || /[\r\n]|^\s|\s$/.test(cell)
      ? `"${cell.replaceAll('"', '""')}"`
      : cell;
  return rows.map(row => `${row.map(quoted).join(delimiter)}\n`).join("");
}
