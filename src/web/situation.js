/**
 * A situation as text: in the address and in this browser's storage.
 *
 * @typedef {{moves: string[], redo: string[]}} Work the moves made, and those undone with the next one last
 */

const VERSION = 1;
const key = (/** @type {string} */ lab) => `teardown:lab:${lab}`;

/**
 * The address fragment of a list of moves, readable where it can be: `moves=deliver:1,call:client:close`.
 * Empty for no moves.
 * @param {string[]} moves
 */
export function encode(moves) {
  const words = moves.map((move) => encodeURIComponent(move).replaceAll("%3A", ":"));
  return words.length ? `moves=${words.join(",")}` : "";
}

/**
 * The moves in an address fragment, or null when it speaks of something else.
 * @param {string} fragment
 * @returns {string[] | null}
 */
export function decode(fragment) {
  const [, words] = fragment.match(/^#?moves=(.*)$/) ?? [];
  if (words === undefined) return null;
  try {
    return words.split(",").filter(Boolean).map(decodeURIComponent);
  } catch {
    return null;
  }
}

/**
 * The work kept for a lab, or null: none, unreadable, or storage is not allowed here.
 * @param {string} lab
 * @returns {Work | null}
 */
export function kept(lab) {
  try {
    const { version, moves, redo } = JSON.parse(localStorage.getItem(key(lab)) ?? "null");
    const sound = (/** @type {unknown} */ list) => Array.isArray(list) && list.every((move) => typeof move === "string");
    return version === VERSION && sound(moves) && sound(redo) ? { moves, redo } : null;
  } catch {
    return null;
  }
}

/**
 * Keeps the work of a lab; silently does not where storage is full or forbidden: the address holds it too.
 * @param {string} lab
 * @param {Work} work
 */
export function keep(lab, { moves, redo }) {
  try {
    localStorage.setItem(key(lab), JSON.stringify({ version: VERSION, moves, redo }));
  } catch {
    /* private mode or full */
  }
}
