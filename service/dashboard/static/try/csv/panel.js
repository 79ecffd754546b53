// The panel for a file: what was understood, then its predictions, to look at and to download.

import { Problem, attempt } from "../../api.js";
import { features } from "../description.js";
import { addedColumns, predictions, toCsv } from "./predict.js";
import { preview, resultTable } from "./preview.js";
import { understand } from "./table.js";

const STATUS = "file-status";
const SHOWN_ROWS = 100;
const MARK = "\ufeff"; // by which programs know that a file is UTF-8
const WARNINGS = "the columns extrapolating, unseen and unfamiliar";
const NAMES = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars" };
const element = id => document.getElementById(id);
const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
let table;
let running;

const input = element("file");
const zone = element("drop");
input.addEventListener("change", () => input.files[0] && attempt(() => choose(input.files[0]), STATUS));
for (const type of ["dragenter", "dragover"]) {
  zone.addEventListener(type, event => { event.preventDefault(); zone.classList.add("over"); });
}
for (const type of ["dragleave", "drop"]) zone.addEventListener(type, () => zone.classList.remove("over"));
zone.addEventListener("drop", event => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file) attempt(() => choose(file), STATUS);
});
// a file that is dropped outside of the zone would replace the page
for (const type of ["dragover", "drop"]) addEventListener(type, event => event.preventDefault());
element("predict-file").addEventListener("click", () => attempt(predictAll, STATUS));
element("cancel-file").addEventListener("click", () => running?.abort());

/** Show what a file is understood as. @param {File} file */
async function choose(file) {
  running?.abort();
  for (const id of ["file-result", "understood"]) element(id).hidden = true;
  status(`Reading ${file.name} …`);
  table = await understand(file, features);
  const lacking = features.filter(each => table.missing.includes(each.name) && !each.may_be_missing);
  const assumed = table.missing.filter(name => !lacking.some(each => each.name === name));
  const isUsable = table.rows > 0 && lacking.length === 0;
  const facts = [
    `${file.name}: ${count(table.rows, "row")}, separated by ${NAMES[table.delimiter]}, ${table.encoding}.`,
    `Used: ${table.matched.join(", ") || "no column"}.`,
    table.extra.length ? `Kept but not used: ${table.extra.join(", ")}.` : "",
    lacking.length ? `Not in the file: ${lacking.map(each => withSimilar(each.name)).join(", ")}.` : "",
    lacking.length ? `The model needs ${lacking.map(each => each.name).join(", ")}; add what is missing.` : "",
    table.rows ? "" : "There is no row below the header.",
  ];
  element("facts").replaceChildren(...facts.filter(Boolean).map(text => withText("li", text)));
  element("missing-columns").replaceChildren(...assumed.map(warning));
  element("preview").replaceChildren(preview(table));
  const button = element("predict-file");
  button.textContent = `Predict ${count(table.rows, "row")}`;
  button.disabled = !isUsable;
  element("understood").hidden = false;
  status("");
}

/** The warning that a feature, which may be missing, has no column. @param {string} name */
function warning(name) {
  const other = table.similar.get(name);
  const hint = other ? ` Did you mean “${other}”, which is not used?` : "";
  const text = `The column “${name}” is not in the file and counts as missing in all rows.${hint}`;
  return Object.assign(withText("p", text), { className: "message warning" });
}

const withSimilar = name => (table.similar.has(name) ? `${name} (did you mean “${table.similar.get(name)}”?)` : name);

async function predictAll() {
  const level = element("level").value;
  running = new AbortController();
  const { signal } = running;
  element("file-result").hidden = true;
  const progress = element("file-progress");
  Object.assign(progress, { max: table.rows, value: 0, hidden: false });
  element("cancel-file").hidden = false;
  try {
    await collect(level, signal, progress);
  } catch (error) {
    if (error.name === "AbortError") status("Cancelled.");
    else if (error instanceof Problem && error.errors.length) showWrongCells(error);
    else throw error;
  } finally {
    progress.hidden = true;
    element("cancel-file").hidden = true;
  }
}

async function collect(level, signal, progress) {
  const added = addedColumns(level, table.header);
  const parts = [table.hasMark ? MARK : "", toCsv([[...table.header, ...added]], table.delimiter)];
  const shown = [];
  let doubtful = 0;
  for await (const { rows, added: cells } of predictions(table, level, signal)) {
    const whole = rows.map((row, index) => [...padded(row), ...cells[index]]);
    parts.push(toCsv(whole, table.delimiter));
    doubtful += cells.filter(isDoubtful).length;
    for (let index = 0; index < rows.length && shown.length < SHOWN_ROWS; index += 1) {
      shown.push({ row: padded(rows[index]), added: cells[index] });
    }
    progress.value += rows.length;
    status(`${count(progress.value, "row")} of ${count(table.rows, "row")} …`);
  }
  status("");
  offer(parts);
  const first = table.rows > SHOWN_ROWS ? ` The first ${SHOWN_ROWS} are shown.` : "";
  const warned = doubtful
    ? ` ${count(doubtful, "row")} outside the training range or unlike training: ${WARNINGS} say which.`
    : " All rows are like those of training.";
  element("file-summary").textContent = `${count(table.rows, "row")} predicted.${first}${warned}`;
  element("file-table").replaceChildren(resultTable(table.header, added, shown));
  element("file-result").hidden = false;
}

const padded = row => table.header.map((_, index) => row[index] ?? "");
const isDoubtful = cells => cells.at(-3) !== "" || cells.at(-2) !== "" || cells.at(-1) === "true";

/** Offer a CSV file for download. @param {string[]} parts */
function offer(parts) {
  const link = element("download");
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
  link.download = `${table.file.name.replace(/\.[^.]*$/, "")}-predicted.csv`;
}

/** Name the wrong cells by the numbers of their rows. @param {Problem} problem */
function showWrongCells(problem) {
  const texts = problem.errors.map(({ pointer, detail }) => {
    const [, place, column] = /^\/instances\/(\d+)(?:\/(.*))?$/s.exec(pointer ?? "") ?? [];
    if (place === undefined) return detail;
    const name = column?.replaceAll("~1", "/").replaceAll("~0", "~");
    return `Row ${(Number(place) + problem.firstRow).toLocaleString("en")}${name ? `, ${name}` : ""}: ${detail}`;
  });
  status("Nothing was predicted: correct these cells and choose the file again.");
  element("file-status").append(list(texts));
}

function list(texts) {
  const found = document.createElement("ul");
  found.append(...texts.map(text => withText("li", text)));
  return found;
}

function withText(name, text) {
  const found = document.createElement(name);
  found.textContent = text;
  return found;
}

const status = text => { element("file-status").textContent = text; };
