/**
 * What this browser keeps: one JSON value for each key, and all of them as one file to take along.
 *
 * Keys are words joined by colons, such as `lab:buggy-client` or `code:fix-the-client`. Whoever writes a value reads it
 * with care: it may come from a file of a stranger. Nothing of it is ever shown as anything but text.
 */

export const VERSION = 1;
const PREFIX = "teardown:";
const KEY = /^(lab|code|seed)(:[a-z0-9.-]{1,80})+$/;
const MOST_BYTES = 1_000_000;
const DEEPEST = 8;
/** Where a copy goes before a file, or this site in another version, writes over it. */
const BEFORE = "before-import";
const KEPT = "kept:";

/** A file that cannot be taken over; `kind` tells the page which words to use. */
export class Unfit extends Error {
  /** @param {"large" | "json" | "other" | "version" | "key" | "full"} kind @param {string} [what] */
  constructor(kind, what = "") {
    super(kind);
    this.kind = kind;
    this.what = what;
  }
}

/** @param {string} key @returns {any} null: nothing there, unreadable, or storage is not allowed here */
export function read(key) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * Keeps a value; silently does not where storage is full or forbidden.
 * A value of another version of this site is set aside first, not lost.
 * @param {string} key @param {unknown} value
 */
export function write(key, value) {
  try {
    const old = read(key);
    if (old && typeof old === "object" && "version" in old && old.version !== VERSION) {
      localStorage.setItem(PREFIX + KEPT + key, JSON.stringify(old));
    }
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    /* private mode or full */
  }
}

/** All that is kept, by key. @returns {Record<string, unknown>} */
function all() {
  /** @type {Record<string, unknown>} */ const found = {};
  for (let i = 0; i < localStorage.length; i++) {
    const key = localStorage.key(i)?.replace(PREFIX, "") ?? "";
    if (KEY.test(key) && localStorage.key(i) === PREFIX + key) found[key] = read(key);
  }
  return found;
}

/** All work as the text of a file. Raises what the browser raises where storage is forbidden. */
export function exported() {
  return JSON.stringify({ kind: "teardown-work", version: VERSION, work: all() }, null, 1) + "\n";
}

/**
 * Takes over the work in a file; what was there is kept aside for `restored`.
 * @param {string} text
 * @returns {number} how many entries it brought
 * @throws {Unfit}
 */
export function imported(text) {
  if (text.length > MOST_BYTES) throw new Unfit("large");
  let file;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Unfit("json");
  }
  if (!file || typeof file !== "object" || file.kind !== "teardown-work") throw new Unfit("other");
  try {
    localStorage.setItem(PREFIX + BEFORE, exported());
  } catch {
    throw new Unfit("full");
  }
  if (file.version !== VERSION) throw new Unfit("version", String(file.version).slice(0, 20));
  if (!file.work || typeof file.work !== "object" || Array.isArray(file.work)) throw new Unfit("other");
  const entries = Object.entries(file.work);
  for (const [key, value] of entries) {
    if (!KEY.test(key)) throw new Unfit("key", key.slice(0, 60));
    if (!shallow(value, DEEPEST)) throw new Unfit("key", key);
  }
  try {
    for (const [key, value] of entries) localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    restored();
    throw new Unfit("full");
  }
  return entries.length;
}

/** Brings back what was there before the last import. @returns {boolean} whether there was anything */
export function restored() {
  const before = read(BEFORE);
  if (!before?.work) return false;
  for (const key of Object.keys(all())) localStorage.removeItem(PREFIX + key);
  for (const [key, value] of Object.entries(before.work)) localStorage.setItem(PREFIX + key, JSON.stringify(value));
  return true;
}

/** @param {unknown} value @param {number} depth */
function shallow(value, depth) {
  if (value === null || typeof value !== "object") return true;
  return depth > 0 && Object.values(value).every((inner) => shallow(inner, depth - 1));
}
