// A streaming parser of separated values: RFC 4180, with any of several delimiters.

const DELIMITERS = [",", ";", "\t", "|"];
const UTF8_MARK = [0xef, 0xbb, 0xbf];
const ENCODINGS = [
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
];

/**
 * The rows of a file, in lists of those that one part of it has; empty lines are left out.
 * @param {Blob} file
 * @param {string} delimiter
 * @param {string} encoding
 * @returns {AsyncGenerator<string[][]>}
 */
export async function* rowsOf(file, delimiter, encoding) {
  const parser = new Parser(delimiter);
  const reader = file.stream().pipeThrough(new TextDecoderStream(encoding)).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    yield parser.add(value);
  }
  yield parser.end();
}

/** The rows of a text. @param {string} text @param {string} delimiter @returns {string[][]} */
export function rowsOfText(text, delimiter) {
  const parser = new Parser(delimiter);
  return [...parser.add(text), ...parser.end()];
}

class Parser {
  constructor(delimiter) {
    this.delimiter = delimiter;
    this.rest = ""; // of a row that is not complete
  }

  /** @param {string} text @returns {string[][]} the rows that are complete */
  add(text) {
    return this.#parse(this.rest + text, false);
  }

  /** @returns {string[][]} */
  end() {
    return this.#parse(this.rest, true);
  }

  #parse(text, isLast) {
    const rows = [];
    let [row, cell, place, start] = [[], "", 0, 0];
    const close = () => { row.push(cell); cell = ""; };
    const closeRow = () => {
      close();
      if (row.length > 1 || row[0] !== "") rows.push(row);
      row = [];
    };
    while (place < text.length) {
      const character = text[place];
      if (character === '"' && cell === "") {
        const end = closingQuote(text, place + 1);
        const mayGoOn = end < 0 || end === text.length - 1; // by the rest, or a second quote
        if (mayGoOn && !isLast) break;
        const stop = end < 0 ? text.length : end;
        cell = text.slice(place + 1, stop).replaceAll('""', '"');
        place = stop + 1;
        continue;
      }
      if (character === this.delimiter) { close(); place += 1; continue; }
      if (character === "\n" || character === "\r") {
        if (character === "\r" && place + 1 === text.length && !isLast) break;
        closeRow();
        place += character === "\r" && text[place + 1] === "\n" ? 2 : 1;
        start = place;
        continue;
      }
      const next = endOfPlain(text, place, this.delimiter);
      cell += text.slice(place, next);
      place = next;
    }
    if (isLast && (row.length || cell)) closeRow();
    this.rest = isLast ? "" : text.slice(start);
    return rows;
  }
}

/** The place of the quote that ends a cell; −1 if there is none. */
function closingQuote(text, from) {
  for (let place = text.indexOf('"', from); place >= 0; place = text.indexOf('"', place + 2)) {
    if (text[place + 1] !== '"') return place;
  }
  return -1;
}

function endOfPlain(text, from, delimiter) {
  let place = from + 1;
  while (place < text.length) {
    const character = text[place];
    if (character === delimiter || character === "\n" || character === "\r") break;
    place += 1;
  }
  return place;
}

/** The delimiter that the first lines have most often. @param {string} head of a file */
export function delimiterOf(head) {
  const unquoted = head.replaceAll(/"(?:[^"]|"")*"/g, "");
  const count = each => unquoted.split(each).length;
  return DELIMITERS.reduce((best, each) => (count(each) > count(best) ? each : best));
}

/** Whether a file begins with a byte order mark. @param {Blob} file */
export async function hasByteOrderMark(file) {
  const head = new Uint8Array(await file.slice(0, 3).arrayBuffer());
  return [UTF8_MARK, ...ENCODINGS.map(([mark]) => mark)].some(mark => mark.every((byte, index) => head[index] === byte));
}

/**
 * The encoding of a file: by its byte order mark, else UTF-8 if it is valid, else Windows-1252.
 * @param {Blob} file
 */
export async function encodingOf(file) {
  const head = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const marked = ENCODINGS.find(([mark]) => mark.every((byte, index) => head[index] === byte));
  if (marked) return marked[1];
  try {
    await file.stream().pipeThrough(new TextDecoderStream("utf-8", { fatal: true })).pipeTo(new WritableStream());
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}
