// The live numbers of the first page: counters are polled, and rates come from their differences.
import { getJson, model, showMessage, url } from "../api.js";
import { Sparkline } from "../sparkline.js";

const POLL_MS = 2000;
const WINDOW = 15; // polls from which rates and percentiles come: half a minute
const KEPT = 60; // polls that a line shows

const where = url("/now/traffic.json", { model });
const samples = [];
let timer;
let isPolling = false;

const tiles = Object.fromEntries(
  [...document.querySelectorAll("[data-live]")].map((cell) => [
    cell.dataset.live, { cell, line: new Sparkline(cell.parentElement, KEPT) },
  ]),
);

async function poll() {
  if (isPolling) return; // hidden and shown again while a request was under way
  isPolling = true;
  try {
    const sample = await getJson(where, { signal: AbortSignal.timeout(5 * POLL_MS) });
    sample.at = performance.now() / 1000;
    update(sample);
  } catch {
    show("rate", null, "no connection"); // the next poll may succeed
  }
  isPolling = false;
  if (!document.hidden) timer = setTimeout(poll, POLL_MS);
}

function update(sample) {
  const last = samples.at(-1);
  // counters start again at 0 when the service does
  if (last && sample.requests < last.requests) samples.length = 0;
  samples.push(sample);
  if (samples.length > WINDOW) samples.shift();
  const shown = document.getElementById("version");
  if (sample.version && sample.version !== shown.dataset.version) {
    showNewVersion(shown, sample.version).catch(() => {}); // the next poll tries again
  }
  if (!last || samples.length < 2) return;
  const first = samples[0];
  const seconds = sample.at - first.at;
  const grown = (name) => sample[name] - first[name];
  const durations = sample.durations.map((count, index) => count - first.durations[index]);
  show("rate", (sample.requests - last.requests) / (sample.at - last.at), rate(grown("requests") / seconds));
  show("rows", (sample.rows - last.rows) / (sample.at - last.at), rate(grown("rows") / seconds));
  for (const [name, share] of [["p50", 0.5], ["p99", 0.99]]) {
    const found = quantile(sample.bounds, durations, share);
    show(name, found, found === null ? "–" : milliseconds(found));
  }
  show("failed", sample.failed - last.failed, `${grown("failed")} of ${grown("requests")}`);
  document.getElementById("traffic-note").textContent =
    `In the last ${Math.round(seconds)} seconds. Since the service was started: ` +
    `${sample.requests.toLocaleString("en")} prediction requests, ` +
    `${sample.rows.toLocaleString("en")} rows, ${sample.failed.toLocaleString("en")} requests failed` +
    (sample.refused ? `, and ${sample.refused.toLocaleString("en")} of all models were refused.` : ".");
}

function show(name, value, text) {
  const { cell, line } = tiles[name];
  if (cell.textContent !== text) cell.textContent = text;
  line.add(value);
}

// Put the new version's part of the page in the place of the old one's.
async function showNewVersion(shown, number) {
  if (shown.dataset.version === "") return location.reload(); // it is the first one
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  // of another server process, which may not have loaded the version yet
  if (page.getElementById("version")?.dataset.version !== number) return;
  for (const id of ["version", "quality"]) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (old && fresh) old.replaceWith(document.adoptNode(fresh));
  }
  showMessage(`Version ${number} is in use now`, "success");
}

// The duration within which a share of the requests was answered, by linear interpolation.
function quantile(bounds, counts, share) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (!total) return null;
  let left = share * total;
  for (let index = 0; index < bounds.length; index++) {
    if (left <= counts[index]) {
      const from = index ? bounds[index - 1] : 0;
      return from + (bounds[index] - from) * (left / counts[index]);
    }
    left -= counts[index];
  }
  return bounds.at(-1);
}

const rate = (value) => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(2).replace(/\.0+$/, ""));

function milliseconds(seconds) {
  const ms = 1000 * seconds;
  return ms >= 1000 ? `${seconds.toPrecision(2)} s` : `${ms >= 10 ? Math.round(ms) : ms.toPrecision(2)} ms`;
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) poll();
});
if (!document.hidden) poll();
