// One training: followed live until it ends; then the page shows the result.

import { attempt, getJson, send, showMessage, url } from "../api.js";
import { Losses } from "./losses.js";
import { signedIn } from "./signed_in.js";

const RETRY_MS = 2000; // after the service has closed the stream, for example to restart
const element = id => document.getElementById(id);
const { id, chooses } = element("job").dataset;
const ofModel = chooses ? " for the model that is tried" : ""; // another one may follow
const twin = url(`/retraining/${id}.json`);
let losses = new Losses(element("losses"));

show();

/** Draw the history, and follow the training if it has not ended. */
async function show() {
  try {
    const { job } = await getJson(twin);
    losses.show(job.loss_history ?? []);
    if (job.is_active) follow();
    else if (element("job").dataset.active) await showResult();
  } catch {
    setTimeout(show, RETRY_MS);
  }
}

function follow() {
  const stream = new EventSource(url(`/retrain/${id}/events`));
  stream.addEventListener("job", event => {
    const job = JSON.parse(event.data);
    if (job.loss_history) losses.show(job.loss_history);
    if (job.state !== "queued" && job.state !== "running") {
      stream.close();
      showResult();
    } else {
      update(job);
    }
  });
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED) return; // the browser connects again
    setTimeout(show, RETRY_MS);
  };
}

function update(job) {
  if (job.epoch !== undefined) {
    const { epoch, training_seconds: seconds, train_loss, loss: validation_loss } = job;
    losses.add({ epoch, seconds, train_loss, validation_loss });
  }
  setText("state", inWords(job));
  const progress = element("progress");
  if (job.fraction_done !== undefined) Object.assign(progress, { max: 1, value: job.fraction_done });
  element("note").hidden = !job.note;
  setText("note", job.note ?? "");
  if (typeof job.best_loss === "number") element("best").firstChild.data = job.best_loss.toPrecision(4);
  if (job.epoch !== undefined) element("epoch").firstChild.data = whole(job.epoch);
  if (job.epochs) element("epoch").querySelector("small").textContent = `of at most ${whole(job.epochs)}`;
  if (job.training_seconds !== undefined) setText("seconds", duration(job.training_seconds));
}

// Change a text only if it is another one: screen readers read each change of the state.
function setText(name, text) {
  if (element(name).textContent !== text) element(name).textContent = text;
}

const whole = number => number.toLocaleString("en").replaceAll(",", "\u2009");

function inWords(job) {
  if (job.state === "queued") return "Waiting for a trainer";
  const phases = {
    starting: "Starting", "reading data": "Reading the data",
    publishing: "Storing the new version", judging: "Comparing it with the version in use",
  };
  if (phases[job.phase]) return phases[job.phase];
  const left = job.eta_seconds === undefined ? "" : `, about ${duration(Math.max(1, job.eta_seconds))} left${ofModel}`;
  return `Training${left}`;
}

function duration(seconds) {
  const whole = Math.round(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  const words = (count, unit) => (count ? `${count} ${unit}${count === 1 ? "" : "s"}` : "");
  return [words(minutes, "minute"), words(rest, "second")].filter(Boolean).join(" ") || "0 seconds";
}

/** Show the page as it is now, without loading it again. */
async function showResult() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("job");
  if (!response.ok || !fresh) {
    setTimeout(showResult, RETRY_MS);
    return;
  }
  document.title = page.title;
  element("job").replaceWith(fresh);
  losses = new Losses(element("losses"));
  losses.show((await getJson(twin)).job.loss_history ?? []);
}

document.addEventListener("click", event => {
  const button = event.target.closest("[data-cancel]");
  if (button) attempt(() => cancel(button));
});

async function cancel(button) {
  button.disabled = true;
  try {
    await signedIn(() => send("DELETE", url(`/retrain/${id}`)));
  } finally {
    button.disabled = false;
  }
}

// another version is in use now
document.addEventListener("released", event => {
  event.preventDefault();
  attempt(async () => {
    await showResult();
    showMessage(`Version ${event.detail} is in use now.`, "success");
  });
});
