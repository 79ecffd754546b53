// Tables of cells. Cells are untrusted text: they are set as text.

import { number } from "../numbers.js";

/** The first rows of a file. @param {import("./table.js").Table} table */
export function preview({ header, matched, first }) {
  const used = new Set(matched);
  return tableOf(
    header.map(name => ({ text: name, className: used.has(name) ? "used" : "muted" })),
    first.map(row => header.map((_, index) => ({ text: row[index] ?? "" }))),
  );
}

/**
 * Rows with what predictions add, which comes first.
 * @param {string[]} header
 * @param {string[]} added
 * @param {{ row: string[], added: string[] }[]} rows
 */
export function resultTable(header, added, rows) {
  const heads = [...added.map(text => ({ text, className: "used" })), ...header.map(text => ({ text }))];
  const warnings = added.length - 3;
  const cells = rows.map(each => [
    ...each.added.map((text, index) =>
      index < warnings ? { text: number(Number(text)), className: "number" } : { text: text === "false" ? "" : text }),
    ...each.row.map(text => ({ text })),
  ]);
  return tableOf(heads, cells);
}

function tableOf(heads, rows) {
  const table = document.createElement("table");
  table.createTHead().append(line("th", heads));
  table.createTBody().append(...rows.map(row => line("td", row)));
  return table;
}

function line(name, cells) {
  const found = document.createElement("tr");
  for (const { text, className } of cells) {
    const cell = document.createElement(name);
    cell.textContent = text;
    if (name === "th") cell.scope = "col";
    if (className) cell.className = className;
    found.append(cell);
  }
  return found;
}
