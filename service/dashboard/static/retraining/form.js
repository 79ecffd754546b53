// The form that starts a training.

import { Problem, attempt, clearMessages, postJson, sentence, showMessage, url } from "../api.js";
import { latest } from "../try/latest.js";
import { chosenColumns, forgetChoice, showReport, showWrong } from "./preview.js";
import { signedIn } from "./signed_in.js";
import { OwnFile, StoredTable } from "./table.js";
import { clearMarks, mark } from "./wrong_fields.js";

const element = id => document.getElementById(id);
const form = element("training");
const source = element("source");
const known = { targets: JSON.parse(form.dataset.targets), features: JSON.parse(form.dataset.features) };
const models = JSON.parse(form.dataset.models);
let table = null; // an OwnFile or a StoredTable; without one, the source says it all
let report = null;
let checks = 0;
let ownFile = null; // the file that was chosen or dropped last

const file = element("file");
const zone = element("drop");
file.addEventListener("change", () => file.files[0] && chooseFile(file.files[0]));
for (const type of ["dragenter", "dragover"]) {
  zone.addEventListener(type, event => { event.preventDefault(); zone.classList.add("over"); });
}
for (const type of ["dragleave", "drop"]) zone.addEventListener(type, () => zone.classList.remove("over"));
zone.addEventListener("drop", event => {
  event.preventDefault();
  const [dropped] = event.dataTransfer.files;
  if (dropped) chooseFile(dropped);
});
// a file that is dropped outside of the zone would replace the page
for (const type of ["dragover", "drop"]) addEventListener(type, event => event.preventDefault());
source.addEventListener("change", chooseSource);
for (const id of ["encoding", "missing"]) element(id).addEventListener("change", () => check());
for (const each of form.elements.namedItem("which")) each.addEventListener("change", chooseModel);
element("table-name").addEventListener("input", () => { element("replace-label").hidden = true; });
form.addEventListener("submit", event => { event.preventDefault(); attempt(() => start().catch(markFields)); });

/** @param {File} chosen */
function chooseFile(chosen) {
  let option = source.querySelector("option[value=file]");
  if (!option) source.append(option = new Option("", "file"));
  option.textContent = `the file ${chosen.name}`;
  source.value = "file";
  ownFile = chosen;
  use(new OwnFile(ownFile));
}

function chooseSource() {
  const [kind, name] = source.value.split(/:(.*)/s);
  if (kind === "stored") use(new StoredTable(name));
  else if (kind === "file") use(new OwnFile(ownFile));
  else use(null);
}

function use(chosen) {
  table = chosen;
  report = null;
  forgetChoice();
  element("understood").hidden = true;
  element("replace-label").hidden = true;
  element("replace").checked = false;
  if (!table) return showStatus("");
  element("stored-as").hidden = !(table instanceof OwnFile);
  element("table-name").value = table.name;
  return check();
}

// One check at a time: each takes the service some seconds.
const check = () => runCheck(++checks);
const runCheck = latest(showUnderstood);

/** Show what the service understands of the table. @param {number} number of the check */
async function showUnderstood(number) {
  const asked = table;
  if (!asked) return;
  showStatus(`Reading ${asked.name} …`);
  try {
    const found = await asked.report(chosenColumns());
    if (number !== checks || asked !== table) return;
    report = found;
    showWrong([]);
    showReport(report, table.isSample, check);
    showStatus(`${table.name} was read.`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (number !== checks || asked !== table) return;
    showWrong(error.errors.length ? error.errors.map(each => each.detail) : [error.message]);
    if (!report) element("facts").replaceChildren();
    showStatus("");
  }
  element("understood").hidden = false;
  element("columns").hidden = !report;
  element("other-columns").hidden = !report || isAsBefore();
}

function isAsBefore() {
  if (!form.dataset.version || isNew()) return true;
  const names = role => report.columns.filter(each => each.role === role).map(each => each.name).sort().join("\0");
  return names("target") === [...known.targets].sort().join("\0") && names("feature") === [...known.features].sort().join("\0");
}

const isNew = () => form.elements.namedItem("which").value === "new";

function chooseModel() {
  element("new-name").hidden = !isNew();
  for (const each of form.querySelectorAll("[data-default]")) { // a new model inherits nothing
    const name = each instanceof HTMLOptionElement ? "textContent" : "placeholder";
    each.dataset.before ??= each[name];
    each[name] = isNew() ? each.dataset.default : each.dataset.before;
  }
  if (report) element("other-columns").hidden = isAsBefore();
}

/** Mark the fields that a problem is about. @param {Error} error @throws it unless it is about fields alone */
function markFields(error) {
  const wrong = (error.errors ?? []).map(each => ({ ...each, field: fieldOf(each.pointer ?? "") }));
  for (const { field, detail } of wrong.toReversed()) {
    if (field) mark(field, sentence(detail));
  }
  if (!wrong.length || !wrong.every(each => each.field)) throw error;
  const names = wrong.map(({ field }) => field.labels[0].textContent);
  showMessage(`Correct what is marked: ${[...new Set(names)].join(", ")}.`);
}

/** The field of a member of the request. @param {string} pointer a JSON pointer, such as /layers/0 */
function fieldOf(pointer) {
  const name = pointer.split("/")[1];
  if (name === "model") return isNew() ? element("name") : null;
  if (name === "data") return table instanceof OwnFile ? element("table-name") : source;
  return form.querySelector(`[data-kind][name="${CSS.escape(name ?? "")}"]`);
}

const wrongField = (name, detail) => new Problem({ detail, errors: [{ pointer: `/${name}`, detail }] }, 422);

async function start() {
  clearMarks(form);
  const body = { ...options(), ...request() };
  element("start").setAttribute("aria-busy", "true");
  element("start").disabled = true;
  try {
    if (table instanceof OwnFile) await store(body);
    startStatus("Starting …");
    const headers = { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) };
    const job = await signedIn(() => postJson(url("/retrain"), body, { headers }));
    location.assign(url(`/retraining/${job.id}`, isNew() ? {} : { model: job.model }));
  } catch (error) {
    if (error.type !== "job-active" || !error.document.job) throw error;
    const link = document.createElement("a");
    link.href = url(error.document.job.replace("/retrain/", "/retraining/"), { model: form.dataset.model });
    link.textContent = "Watch it";
    showMessage(error.message).append(" ", link);
  } finally {
    startStatus("");
    element("start").removeAttribute("aria-busy");
    element("start").disabled = false;
  }
}

async function store(body) {
  startStatus(`Uploading ${table.name} …`);
  const { targets, features, weights, encoding, missing } = body;
  const columns = Object.fromEntries(
    Object.entries({ targets, features, weights, encoding, missing }).filter(([, value]) => value !== undefined),
  );
  try {
    await table.store(columns, body.data, element("replace").checked);
  } catch (error) {
    if (error.type === "table-exists") element("replace-label").hidden = false;
    throw error;
  }
}

/** The data, and what is done with the model. */
function request() {
  const body = { promote: element("promote").checked };
  if (element("force").checked) body.force = true;
  if (isNew()) {
    body.model = element("name").value.trim();
    if (!body.model) throw wrongField("model", "a new model needs a name");
    if (models.includes(body.model)) {
      throw wrongField("model", `there is a model ${body.model} already: choose another name, or that model at the top of the page`);
    }
    if (!table) throw wrongField("data", "a new model needs a table as its data");
  } else {
    body.model = form.dataset.model;
  }
  if (!table) return source.value ? { ...body, data: source.value } : body;
  if (!report) throw new Problem({ detail: "the table cannot be used; see what is wrong with it" }, 422);
  const data = table instanceof OwnFile ? element("table-name").value.trim() : table.name;
  return { ...body, data, targets: report.targets, ...chosenColumns() };
}

/** The options that are not left as they are. */
function options() {
  const found = {};
  for (const each of form.querySelectorAll("[data-kind]")) {
    const text = each.value.trim();
    if (each.validity.badInput) throw wrongField(each.name, "must be a number");
    if (text) found[each.name] = valueOf(each.dataset.kind, text);
  }
  return found;
}

function valueOf(kind, text) {
  if (kind === "number") return Number(text);
  if (kind === "numbers") return text === "none" ? [] : text.split(/[\s,;]+/).filter(Boolean).map(Number);
  return text;
}

function showStatus(text) {
  clearMessages();
  element("status").textContent = text;
}

const startStatus = text => { element("start-status").textContent = text; };
