// The panel with the code of the call, to copy.

import { url } from "../../api.js";
import { predictUrl } from "../call.js";
import { askedVersion, model, needsToken, predictPath } from "../description.js";
import { languages } from "./snippets.js";

const COPIED_MILLISECONDS = 1500;
const code = document.querySelector("#code code");
const button = document.getElementById("copy");
let call;

/** @param {Record<string, import("../description.js").Value>} row @param {string} level */
export function showCode(row, level) {
  const isDefault = predictPath === "/predict";
  call = {
    url: predictUrl({ level, explain: true }).href,
    root: url("/").href,
    model: isDefault ? "" : model,
    row,
    level,
    version: askedVersion,
    needsToken,
  };
  write();
}

function write() {
  const language = document.querySelector("input[name=language]:checked").value;
  code.textContent = languages[language].code(call);
}

document.getElementById("languages").addEventListener("change", write);
button.addEventListener("click", async () => {
  await copy(code.textContent);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, COPIED_MILLISECONDS);
});

async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text).catch(() => select());
    return;
  }
  select(); // without https, browsers have no clipboard for scripts
  document.execCommand("copy");
}

const select = () => getSelection().selectAllChildren(code);
