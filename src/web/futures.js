/**
 * The answers to a lab's first moves, made at build by the engine (`src/teardown/site/futures.py` tells their form).
 * They are what the engine would say, byte for byte, so whoever asks need not know where an answer came from.
 * The page holds those to the very first move; the others come in a file.
 */

import { supply } from "./supply.js";

/** @typedef {{text?: (string | number)[], after?: Record<string, Node>, tried?: Record<string, (string | number)[]>}} Node */

const KEYS = new Set(["ask", "lab", "moves", "attempt"]);

/** @typedef {Node & {first: string}} Tree */

/** What the page holds. @type {Map<string, Tree | null>} by lab */
const near = new Map();
/** What was fetched. @type {Map<string, Promise<Tree | null>>} by lab */
const trees = new Map();

/** @param {string} lab */
function here(lab) {
  let tree = near.get(lab);
  if (tree === undefined) {
    const held = document.querySelector(`script[data-futures="${CSS.escape(lab)}"]`)?.textContent;
    tree = held ? /** @type {Tree} */ (JSON.parse(held)) : null;
    near.set(lab, tree);
  }
  return tree;
}

/** Fetches the answers for a lab, unless they are on the way. @param {string} lab */
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
  const tried = attempt === null || attempt === undefined ? null : String(attempt);
  return found(here(lab), moves, tried) ?? found(await prefetch(lab), moves, tried);
}

/** @param {Tree | null} tree @param {string[]} moves @param {string | null} attempt */
function found(tree, moves, attempt) {
  if (!tree) return null;
  /** @type {Node} */ let node = tree;
  let text = tree.first;
  for (const move of moves) {
    const next = own(node.after, move);
    if (!next?.text) return null;
    text = patched(text, next.text);
    node = next;
  }
  if (attempt === null) return text;
  const change = own(node.tried, attempt);
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
