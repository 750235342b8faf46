/**
 * The answers to a lab's first moves, made at build by the engine (`src/teardown/site/futures.py` tells their form).
 * They are what the engine would say, byte for byte, so whoever asks need not know where an answer came from.
 */

import { supply } from "./supply.js";

/** @typedef {{text?: (string | number)[], after?: Record<string, Node>, tried?: Record<string, (string | number)[]>}} Node */

const KEYS = new Set(["ask", "lab", "moves", "attempt"]);

/** @type {Map<string, Promise<(Node & {first: string}) | null>>} by lab */
const trees = new Map();

/** Fetches the answers for a lab, unless they are here. @param {string} lab */
export function prefetch(lab) {
  let tree = trees.get(lab);
  if (!tree) {
    tree = supply().futures(lab).catch(() => null);
    trees.set(lab, tree);
  }
  return tree;
}

/**
 * The engine's answer to a question, as text, if it was made at build; else null. Never fails.
 * @param {import("./engine.js").Request} request
 * @returns {Promise<string | null>}
 */
export async function foreseen(request) {
  const { ask, lab, moves, attempt } = request;
  if (ask !== "situation" || typeof lab !== "string" || !Array.isArray(moves)) return null;
  if (Object.keys(request).some((key) => !KEYS.has(key))) return null;
  const tree = await prefetch(lab);
  if (!tree) return null;
  /** @type {Node} */ let node = tree;
  let text = tree.first;
  for (const move of moves) {
    const next = own(node.after, move);
    if (!next?.text) return null;
    text = patched(text, next.text);
    node = next;
  }
  if (attempt === null || attempt === undefined) return text;
  const change = own(node.tried, String(attempt));
  return change ? patched(text, change) : null;
}

/** @template T @param {Record<string, T> | undefined} table @param {string} name @returns {T | undefined} */
const own = (table, name) => (table && Object.hasOwn(table, name) ? table[name] : undefined);

/** The text that a change makes of another. @param {string} old @param {(string | number)[]} change */
function patched(old, change) {
  let out = "";
  for (let i = 0; i < change.length; i++) {
    const step = change[i];
    out += typeof step === "string" ? step : old.slice(step, Number(change[++i]));
  }
  return out;
}
