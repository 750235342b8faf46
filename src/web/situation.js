/**
 * A situation as text: in the address and in this browser's storage.
 *
 * @typedef {object} Work
 * @property {number} seed which variant of the lab
 * @property {string[]} moves the moves made
 * @property {string[]} redo those undone, the next one last
 * @property {string[][]} futures other ways that were gone, the newest last
 * @property {string[]} done goals that were reached, now or before
 * @property {string[]} answered predictions that were answered
 */

import { read, VERSION, write } from "./store.js";

const MOST_MOVES = 500;
const MOST_SEED = 999_999;
const key = (/** @type {string} */ lab, /** @type {number} */ seed) => `lab:${lab}${seed ? `.${seed}` : ""}`;

/** Nothing done yet. @param {number} seed @returns {Work} */
export const blank = (seed = 0) => ({ seed, moves: [], redo: [], futures: [], done: [], answered: [] });

/**
 * The address fragment of a situation, readable where it can be: `seed=7&moves=deliver:1,call:client:close`.
 * Seed 0 and no moves are left out; empty for both.
 * @param {{seed?: number, moves: string[]}} situation
 */
export function encode({ seed = 0, moves }) {
  const words = moves.map((move) => encodeURIComponent(move).replaceAll("%3A", ":"));
  return [seed ? `seed=${seed}` : "", words.length ? `moves=${words.join(",")}` : ""].filter(Boolean).join("&");
}

/**
 * The situation in an address fragment, or null when it speaks of something else.
 * @param {string} fragment
 * @returns {{seed: number, moves: string[]} | null}
 */
export function decode(fragment) {
  const [, seed, words] = fragment.match(/^#?(?:seed=(\d{1,9}))?&?(?:moves=(.*))?$/) ?? [];
  if (seed === undefined && words === undefined) return null;
  try {
    const moves = (words ?? "").split(",").filter(Boolean).map(decodeURIComponent);
    return { seed: Math.min(Number(seed ?? 0), MOST_SEED), moves };
  } catch {
    return null;
  }
}

/** Whether two lists of moves are the same. @param {string[]} one @param {string[]} other */
export const same = (one, other) => encode({ moves: one }) === encode({ moves: other });

/** Whether a list of moves begins another one. @param {string[]} start @param {string[]} whole */
export const begins = (start, whole) => start.every((move, i) => whole[i] === move);

/** @param {unknown} list @param {number} [most] @returns {list is string[]} */
function texts(list, most = MOST_MOVES) {
  return Array.isArray(list) && list.length <= most && list.every((text) => typeof text === "string" && text.length <= 80);
}

/**
 * The work kept for a lab, or null: none, unreadable, or storage is not allowed here.
 * @param {string} lab
 * @param {number} seed
 * @returns {Work | null}
 */
export function kept(lab, seed) {
  const found = read(key(lab, seed));
  if (!found || found.version !== VERSION || !texts(found.moves) || !texts(found.redo)) return null;
  const { moves, redo } = found;
  const futures = Array.isArray(found.futures) && found.futures.length < 10 && found.futures.every((f) => texts(f)) ? found.futures : [];
  const [done, answered] = [found.done, found.answered].map((list) => (texts(list, 100) ? list : []));
  return { seed, moves, redo, futures, done, answered };
}

/**
 * Keeps the work of a lab, and which variant it was; the address holds the moves too.
 * @param {string} lab
 * @param {Work} work
 */
export function keep(lab, { seed, ...work }) {
  write(key(lab, seed), { version: VERSION, ...work });
  keepSeed(lab, seed);
}

/** Keeps which variant of a lab it was. @param {string} lab @param {number} seed */
export function keepSeed(lab, seed) {
  if (seed || read(`seed:${lab}`)) write(`seed:${lab}`, { version: VERSION, seed });
}

/** The variant that a lab was last played in. @param {string} lab @returns {number} */
export function lastSeed(lab) {
  const seed = read(`seed:${lab}`)?.seed;
  return Number.isInteger(seed) && seed >= 0 && seed <= MOST_SEED ? seed : 0;
}
