// Requests to this service, and messages about their problems. Every page's module imports this.

const TOP = "messages";
const page = document.documentElement.dataset;
export const model = page.model;
const root = new URL(page.root.replace(/\/?$/, "/"), document.baseURI);

// The URL of a path of this service, wherever a proxy has put it: url("/retrain").
export const url = (path, query = {}) => {
  const found = new URL(path.replace(/^\//, ""), root);
  for (const [name, value] of Object.entries(query)) found.searchParams.set(name, value);
  return found;
};

// The URL of a path below the model of this page: modelUrl("/predict").
export const modelUrl = (path, query = {}) =>
  url(`/models/${encodeURIComponent(model)}${path}`, query);

// A problem document (RFC 9457), or a service that cannot be reached.
export class Problem extends Error {
  constructor(document, status) {
    super(document.detail || document.title || `HTTP status ${status}`);
    this.status = status;
    this.title = document.title;
    this.type = (document.type || "").replace("/problems/", "");
    this.errors = document.errors || [];
    this.document = document;
  }
}

// Signing in returns to this page with its fragment, which a browser hands on from page to page.
document.querySelector("a.sign-in")?.addEventListener("click", (event) => {
  event.currentTarget.hash = location.hash;
});

// Send a request; return its Response. Throws a Problem, also when the service cannot be reached.
// `body` is sent as JSON unless it is a string, a Blob or a buffer, which need `type`.
export async function send(method, where, { body, type, signal, headers = {} } = {}) {
  const isJson = body !== undefined && !type;
  const sent = { Accept: "application/json", ...headers };
  if (body !== undefined) sent["Content-Type"] = isJson ? "application/json" : type;
  let response;
  try {
    response = await fetch(where, {
      method, headers: sent, signal, body: isJson ? JSON.stringify(body) : body,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: "No connection", detail: "the service cannot be reached" }, 0);
  }
  if (!response.ok) throw new Problem(await response.json().catch(() => ({})), response.status);
  return response;
}

export const getJson = async (where, options) => (await send("GET", where, options)).json();
export const postJson = async (where, body, options) =>
  (await send("POST", where, { ...options, body })).json();

// Show a message, by default at the top of the page; screen readers read it at once. `kind`: error
// or success; `place`: the id of the element that shows it.
export function showMessage(text, kind = "error", place = TOP) {
  const element = document.createElement("p");
  element.className = `message ${kind}`;
  element.textContent = sentence(text);
  document.getElementById(place).replaceChildren(element);
  element.scrollIntoView({ block: "nearest" });
  return element;
}

export const clearMessages = (place = TOP) => document.getElementById(place).replaceChildren();

// Show a problem with all wrong values. Without a token, offer to sign in and to come back.
export function showProblem(problem, place = TOP) {
  const element = showMessage(problem.message, "error", place);
  if (problem.errors?.length) {
    const list = document.createElement("ul");
    for (const each of problem.errors) {
      const item = document.createElement("li");
      item.textContent = `${each.pointer || each.parameter || "the body"} ${each.detail}`;
      list.append(item);
    }
    element.after(list);
  }
  if (problem.status === 401 || problem.status === 403) element.append(" ", signInLink());
}

// Run what a click or a submit starts: problems are shown, other errors go to the console.
export async function attempt(action, place = TOP) {
  clearMessages(place);
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showProblem(error, place);
    return undefined;
  }
}

function signInLink() {
  const link = document.createElement("a");
  const target = new URL(page.signIn, document.baseURI);
  const prefix = root.pathname.length - 1; // a proxy may have stripped it
  target.searchParams.set("next", location.pathname.slice(prefix) + location.search);
  target.hash = location.hash;
  link.href = target;
  link.textContent = "Sign in";
  return link;
}

// A text with a capital letter, unless it begins with a file's name, and a full stop.
export function sentence(text) {
  const isFile = /^[^\s:]+\.[A-Za-z0-9]+(?=[\s:,;]|$)/.test(text);
  const first = isFile ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
