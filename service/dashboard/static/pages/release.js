// Promotes a version or goes back to the previous one, after a question.
import { attempt, model, postJson, Problem, url } from "../api.js";
import { signedIn } from "../retraining/signed_in.js";

const dialog = document.getElementById("release");
const canAskForToken = document.getElementById("token-dialog") !== null;

// Ask a question; return whether the answer is yes. Escape and Cancel mean no.
function ask(title, text, yes) {
  document.getElementById("release-title").textContent = title;
  document.getElementById("release-text").textContent = text;
  document.getElementById("release-yes").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }),
  );
}

for (const button of dialog.querySelectorAll("[data-answer]")) {
  button.addEventListener("click", () => dialog.close(button.dataset.answer));
}

async function promote(version, of) {
  const question = "Clients get its predictions from their next request on. The gate is not asked.";
  if (!(await ask(`Promote version ${version}?`, question, `Promote version ${version}`))) return;
  await attempt(async () => {
    await post(of, `/${version}/promote`);
    released(version);
  });
}

async function rollBack(version, of) {
  const question =
    "It was in use before, and clients get its predictions again from their next request on. " +
    "Rolling back a second time goes one version further back.";
  if (!(await ask(`Roll back to version ${version}?`, question, "Roll back"))) return;
  await attempt(async () => {
    try {
      await post(of, "/rollback");
    } catch (error) {
      if (!(error instanceof Problem) || error.type !== "features-differ") throw error;
      const reason = error.message.split(";")[0];
      const text = `${reason}. Requests of clients that send the present features will be refused.`;
      if (!(await ask("Clients may break", text, "Roll back all the same"))) return;
      await post(of, "/rollback", { force: true });
    }
    released(version);
  });
}

// Post to a path of a model; a page with the dialog for it asks for a missing token.
function post(of, path, body) {
  const send = () => postJson(url(`/models/${encodeURIComponent(of)}${path}`), body);
  return canAskForToken ? signedIn(send) : send();
}

// Show the new state: a page that can do so without loading itself again listens to the event.
function released(version) {
  const event = new CustomEvent("released", { detail: version, cancelable: true });
  if (document.dispatchEvent(event)) location.reload();
}

// `data-of` is the model; by default it is that of the page.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-promote], [data-roll-back]");
  if (!button) return;
  const { promote: version, rollBack: previous, of = model } = button.dataset;
  if (version) promote(version, of);
  else rollBack(previous, of);
});
