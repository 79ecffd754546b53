// Downloads a version in another form; if it has no such form, the reason is shown at the link.
import { Problem, send, sentence } from "../api.js";

for (const link of document.querySelectorAll("a[data-export]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    if (link.getAttribute("aria-busy") !== "true") download(link);
  });
}

async function download(link) {
  const shown = link.parentElement.querySelector("[role=alert]");
  shown.hidden = true;
  shown.textContent = "";
  link.setAttribute("aria-busy", "true");
  try {
    const response = await send("GET", link.href, { headers: { Accept: "*/*" } });
    save(await response.blob(), nameOf(response) ?? `model.${link.textContent}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    shown.hidden = false;
    shown.textContent = sentence(error.message);
  } finally {
    link.removeAttribute("aria-busy");
  }
}

const nameOf = (response) => /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser reads it later
}
