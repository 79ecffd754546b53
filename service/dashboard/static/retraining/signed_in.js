// Runs an action that needs a token: asks for one if it is missing, and then goes on.

import { Problem } from "../api.js";

const dialog = document.getElementById("token-dialog");
const field = document.getElementById("token");
const problem = document.getElementById("token-problem");

/** @template T @param {() => Promise<T>} action @returns {Promise<T>} */
export async function signedIn(action) {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      const isRefused = error instanceof Problem && (error.status === 401 || error.status === 403);
      if (!isRefused || !(await askForToken(error))) throw error;
    }
  }
}

/** @param {Problem} error @returns {Promise<boolean>} whether somebody has signed in */
function askForToken(error) {
  problem.textContent = error.status === 403 ? error.message : "";
  field.value = "";
  dialog.showModal();
  return new Promise(resolve => {
    const form = dialog.querySelector("form");
    const finish = found => {
      form.onsubmit = null;
      dialog.close();
      resolve(found);
    };
    dialog.oncancel = () => finish(false);
    document.getElementById("token-cancel").onclick = () => finish(false);
    form.onsubmit = async event => {
      event.preventDefault();
      problem.textContent = await enter(field.value);
      if (!problem.textContent) finish(true);
    };
  });
}

/** Sign in. @param {string} token @returns {Promise<string>} why that failed; empty if it did not */
async function enter(token) {
  const where = new URL(document.documentElement.dataset.signIn, document.baseURI);
  const body = new URLSearchParams({ token });
  let response;
  try {
    response = await fetch(where, { method: "POST", body, redirect: "manual" });
  } catch {
    return "The service cannot be reached.";
  }
  if (response.type === "opaqueredirect") return "";
  if (response.status !== 429) return "This is not the token.";
  return `Too many wrong tokens; try again in ${response.headers.get("Retry-After")} seconds.`;
}
