// The preview of a table: columns with what they are used for, and the first rows.

import { sentence } from "../api.js";

const ROLES = { target: "predict it", feature: "predict from it", weights: "weight of the row", "left out": "leave it out" };
const KINDS = { number: "number", category: "category", boolean: "yes or no", datetime: "date" };
const element = id => document.getElementById(id);

/** @param {string} name @param {string} [text] */
function made(name, text = "") {
  const found = document.createElement(name);
  found.textContent = text;
  return found;
}

const number = value =>
  typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 6 }) : value;

/** Show a report of the service. @param {any} report @param {boolean} isSample @param {() => void} onChange */
export function showReport(report, isSample, onChange) {
  const rows = `${report.rows.toLocaleString("en")} rows${isSample ? " in the first part of the file" : ""}`;
  const targets = `Predicted: ${report.targets.join(", ")}${report.targets_proposed ? ", the last column of numbers; choose another one below" : ""}.`;
  const facts = [`${rows}, ${report.format}.`, targets, ...report.notes.map(sentence)];
  element("facts").replaceChildren(...facts.map(text => made("li", text)));
  const known = new Map(report.columns.map(each => [each.name, each]));
  const names = report.names.filter(Boolean);
  element("columns").tBodies[0].replaceChildren(
    ...names.map(name => columnRow(name, known.get(name) || { role: "left out", why: "not chosen" }, onChange)),
  );
  showFirstRows(report);
}

function columnRow(name, column, onChange) {
  const row = document.createElement("tr");
  const head = made("th", name);
  head.scope = "row";
  const select = document.createElement("select");
  select.dataset.column = name;
  select.setAttribute("aria-label", `Use ${name} to`);
  for (const [value, words] of Object.entries(ROLES)) {
    const option = made("option", words);
    option.value = value;
    option.selected = value === column.role;
    select.append(option);
  }
  select.addEventListener("change", () => {
    element("columns").dataset.chosen = "yes";
    onChange();
  });
  const use = document.createElement("td");
  use.append(select);
  const values = made("td", valuesOf(column));
  values.className = "values";
  const missing = made("td", column.missing ? column.missing.toLocaleString("en") : "–");
  missing.className = "number";
  row.append(head, use, made("td", KINDS[column.kind] || "–"), values, missing, made("td", column.why || column.note || ""));
  return row;
}

function valuesOf(column) {
  if (column.values?.length) {
    const more = column.different - column.values.length;
    return column.values.join(", ") + (more > 0 ? ` and ${more} more` : "");
  }
  return column.minimum === undefined ? "–" : `${number(column.minimum)} to ${number(column.maximum)}`;
}

function showFirstRows(report) {
  const table = element("first-rows");
  const head = document.createElement("tr");
  for (const name of report.names) {
    const cell = made("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(...report.first_rows.map(cells => {
    const row = document.createElement("tr");
    row.append(...cells.map(text => made("td", text)));
    return row;
  }));
}

/** Show why a table cannot be used. @param {string[]} lines */
export function showWrong(lines) {
  const list = made("ul");
  list.append(...lines.map(text => made("li", sentence(text))));
  element("wrong").className = lines.length ? "message error" : "";
  element("wrong").replaceChildren(...(lines.length ? [list] : []));
}

/** The columns as they are chosen; features only if somebody has chosen columns. */
export function chosenColumns() {
  const columns = {};
  const table = element("columns");
  if (table.dataset.chosen) {
    const names = role => [...table.querySelectorAll("select")].filter(each => each.value === role).map(each => each.dataset.column);
    columns.targets = names("target");
    columns.features = names("feature");
    const [weights] = names("weights");
    if (weights) columns.weights = weights;
  }
  const encoding = element("encoding").value.trim();
  if (encoding) columns.encoding = encoding;
  if (element("missing").value !== "impute") columns.missing = element("missing").value;
  return columns;
}

export function forgetChoice() {
  delete element("columns").dataset.chosen;
  element("columns").tBodies[0].replaceChildren();
  showWrong([]);
}
