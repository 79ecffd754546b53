// Before the first version: how far its training is. The page loads again when there is a version.
import { getJson, model, url } from "../api.js";

const POLL_MS = 1000;
const place = document.getElementById("first-training");

async function poll() {
  try {
    const { first_training: training } = await getJson(url("/now.json", { model }));
    // it has just begun or ended
    if (Boolean(training) !== Boolean(place.firstElementChild)) return location.reload();
    if (training) show(training);
  } catch {
    // the next poll may succeed
  }
  setTimeout(poll, POLL_MS);
}

function show(training) {
  const words = place.querySelector("[data-words]");
  if (words.textContent !== training.words) words.textContent = training.words;
  if (training.fraction_done !== null) place.querySelector("progress").value = training.fraction_done;
}

poll();
