/** The texts around a bench follow the variant: the engine says them, and this puts them in their places. */

import { engine } from "./engine.js";

/** @type {Map<string, number>} which variant the page speaks of, by lab */
const spoken = new Map();
/** @type {WeakMap<Element, string>} what stood there when the page came: the texts of seed 0 */
const first = new WeakMap();

/**
 * Lets the page speak of a variant. What the page came with needs no engine.
 * @param {string} lab
 * @param {number} seed
 */
export async function speakOf(lab, seed) {
  if ((spoken.get(lab) ?? 0) === seed) return;
  spoken.set(lab, seed);
  const places = [...document.querySelectorAll(`[data-said^="${CSS.escape(lab)}:"]`)];
  const walk = document.querySelector(`[data-walk="${CSS.escape(lab)}"]`);
  for (const place of places) if (!first.has(place)) first.set(place, place.textContent ?? "");
  if (walk && !first.has(walk)) first.set(walk, walk.innerHTML);
  /** @type {{said: Record<string, string>, html: {walk: string}} | null} */ let answer = null;
  try {
    if (seed) answer = await engine.ask({ ask: "said", lab, seed });
  } catch {
    spoken.delete(lab); // the engine says itself what failed; the next move asks again
    return;
  }
  if (spoken.get(lab) !== seed) return; // another one was chosen meanwhile
  for (const place of places) {
    const name = (place.getAttribute("data-said") ?? "").slice(lab.length + 1);
    place.textContent = answer?.said[name] ?? first.get(place) ?? "";
  }
  if (walk) walk.innerHTML = answer?.html.walk ?? first.get(walk) ?? "";
}
