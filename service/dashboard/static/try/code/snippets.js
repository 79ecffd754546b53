// The call of the page as code. Names and values may be any text: each language quotes them.

/**
 * @typedef {object} Call
 * @property {string} url with the query
 * @property {string} root the address of the service
 * @property {string} model empty for the default one
 * @property {Record<string, import("../description.js").Value>} row
 * @property {string} level empty for no interval
 * @property {string | null} version null for the current one
 * @property {boolean} needsToken
 */

const TYPE = "application/json";

/** @type {Record<string, { title: string, code: (call: Call) => string }>} */
export const languages = {
  curl: { title: "curl", code: curl },
  python: { title: "Python", code: python },
  requests: { title: "Python, requests", code: requests },
  javascript: { title: "JavaScript", code: javascript },
};

/** @param {Call} call */
export function curl({ url, row, needsToken }) {
  const token = needsToken ? ` \\\n     -H "Authorization: Bearer $NUMNET_TOKEN"` : "";
  const body = shellQuoted(JSON.stringify(row));
  return `curl -s ${shellQuoted(url)} \\\n     -H 'Content-Type: ${TYPE}'${token} \\\n     -d ${body}`;
}

/** With the client of the service, the package numnet. @param {Call} call */
export function python({ root, model, row, level, version, needsToken }) {
  const options = [JSON.stringify(root.replace(/\/$/, ""))];
  if (model) options.push(`model=${JSON.stringify(model)}`);
  if (needsToken) options.push('token=os.environ["NUMNET_TOKEN"]');
  const arguments_ = [pythonDict(row), ...(level ? [`interval=${level}`] : []), "explain=True"];
  if (version) arguments_.push(`version=${JSON.stringify(version)}`);
  return [
    ...(needsToken ? ["import os", ""] : []),
    "import numnet",
    "",
    `with numnet.Client(${options.join(", ")}) as client:`,
    `    answer = client.predict(${arguments_.join(", ")})`,
    "print(answer)",
  ].join("\n");
}

/** @param {Call} call */
export function requests({ url, row, needsToken }) {
  return [
    ...(needsToken ? ["import os", ""] : []),
    "import requests",
    "",
    "answer = requests.post(",
    `    ${JSON.stringify(url)},`,
    `    json=${pythonDict(row)},`,
    ...(needsToken ? ['    headers={"Authorization": "Bearer " + os.environ["NUMNET_TOKEN"]},'] : []),
    "    timeout=30,",
    ")",
    "answer.raise_for_status()",
    "print(answer.json())",
  ].join("\n");
}

/** @param {Call} call */
export function javascript({ url, row, needsToken }) {
  const token = needsToken ? ", Authorization: `Bearer ${token}`" : "";
  return [
    `const response = await fetch(${JSON.stringify(url)}, {`,
    '  method: "POST",',
    `  headers: { "Content-Type": "${TYPE}"${token} },`,
    `  body: JSON.stringify(${objectLiteral(row)}),`,
    "});",
    "console.log(await response.json());",
  ].join("\n");
}

/** Text as one word of a POSIX shell. @param {string} text */
const shellQuoted = text => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** An object of JavaScript; a name would set its prototype if it were not in brackets. */
function objectLiteral(row) {
  const items = Object.entries(row).map(([name, value]) => {
    const key = name === "__proto__" ? `["${name}"]` : JSON.stringify(name);
    return `${key}: ${JSON.stringify(value)}`;
  });
  return `{ ${items.join(", ")} }`;
}

/** A dict of Python: its texts are written as in JSON. @param {Record<string, any>} row */
function pythonDict(row) {
  const constants = { null: "None", true: "True", false: "False" };
  const items = Object.entries(row).map(([name, value]) => {
    const text = JSON.stringify(value);
    return `${JSON.stringify(name)}: ${Object.hasOwn(constants, text) ? constants[text] : text}`;
  });
  return `{${items.join(", ")}}`;
}
