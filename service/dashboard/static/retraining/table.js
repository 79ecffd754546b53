// The table to train on: what the service understands of a file or of a stored table.

import { send, url } from "../api.js";
import { signedIn } from "./signed_in.js";

const LARGEST_WHOLE = 4 * 1024 * 1024;
const SAMPLE_BYTES = 2 * 1024 * 1024;
const TEXTS = /\.(csv|tsv|tab|txt|dat)$/i;
const EXTENSIONS = /\.(csv|tsv|tab|txt|dat|xlsx|xlsm|xlsb|xls|ods|parquet)(\.(gz|bz2|xz|zip|zst))?$/i;
const LINE_FEED = 10;

/** @typedef {Record<string, string | string[]>} Columns names by role, and how cells are read */

/** A file of the user's. */
export class OwnFile {
  /** @param {File} file */
  constructor(file) {
    this.file = file;
    this.name = safeName(file.name);
    this.isSample = file.size > LARGEST_WHOLE && TEXTS.test(file.name);
  }

  /** @param {Columns} columns */
  async report(columns) {
    const body = this.isSample ? await beginning(this.file) : this.file;
    const where = address(`/data/${this.name}`, { ...columns, check: "true" });
    const response = await signedIn(() => send("POST", where, { body, type: "application/octet-stream" }));
    return response.json();
  }

  /** Store it. @param {Columns} columns @param {string} name @param {boolean} replace */
  async store(columns, name, replace) {
    const where = address(`/data/${name}`, replace ? { ...columns, replace: "true" } : columns);
    await signedIn(() => send("PUT", where, { body: this.file, type: "application/octet-stream" }));
  }
}

/** A table that the service has. */
export class StoredTable {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.isSample = false;
  }

  /** @param {Columns} columns */
  async report(columns) {
    const where = address(`/data/${this.name}/report`, columns);
    return (await signedIn(() => send("GET", where))).json();
  }
}

/** @param {string} name a file's */
export function safeName(name) {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return (EXTENSIONS.test(plain) ? plain : `${plain || "table"}.csv`).slice(-100).replace(/^[^A-Za-z0-9]+/, "");
}

/** @param {string} path @param {Columns} query */
function address(path, query) {
  const where = url(path);
  for (const [name, values] of Object.entries(query)) {
    for (const value of [values].flat()) where.searchParams.append(name, value);
  }
  return where;
}

/** The first whole lines of a file. @param {File} file */
async function beginning(file) {
  const bytes = new Uint8Array(await file.slice(0, SAMPLE_BYTES).arrayBuffer());
  return new Blob([bytes.subarray(0, bytes.lastIndexOf(LINE_FEED) + 1)]);
}
