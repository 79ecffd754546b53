// Promotes a version or goes back to the previous one, after a question.
import { attempt, modelUrl, postJson, Problem } from "../api.js";

const dialog = document.getElementById("release");

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

export async function promote(version) {
  const question = "Clients get its predictions from their next request on. The gate is not asked.";
  if (!(await ask(`Promote version ${version}?`, question, `Promote version ${version}`))) return;
  await attempt(async () => {
    await postJson(modelUrl(`/${version}/promote`));
    location.reload();
  });
}

export async function rollBack(version) {
  const question =
    "It was in use before, and clients get its predictions again from their next request on. " +
    "Rolling back a second time goes one version further back.";
  if (!(await ask(`Roll back to version ${version}?`, question, "Roll back"))) return;
  await attempt(async () => {
    try {
      await postJson(modelUrl("/rollback"));
    } catch (error) {
      if (!(error instanceof Problem) || error.type !== "features-differ") throw error;
      const reason = error.message.split(";")[0];
      const text = `${reason}. Requests of clients that send the present features will be refused.`;
      if (!(await ask("Clients may break", text, "Roll back all the same"))) return;
      await postJson(modelUrl("/rollback"), { force: true });
    }
    location.reload();
  });
}

for (const button of document.querySelectorAll("[data-promote]")) {
  button.addEventListener("click", () => promote(button.dataset.promote));
}
for (const button of document.querySelectorAll("[data-roll-back]")) {
  button.addEventListener("click", () => rollBack(button.dataset.rollBack));
}
