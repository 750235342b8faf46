/**
 * Other futures: undo and choosing again keeps the old way as a pale ladder beside the new one.
 * The list is part of the work; the pictures come from the engine.
 */

import { el } from "./dom.js";
import { begins, encode, same } from "./situation.js";
import { forks as words } from "./strings.js";

/** More than three side by side nobody can compare. */
const MOST = 3;

/**
 * The futures to keep when the reader, who has been on `old`, now goes on with `now`.
 * A future that the present one has taken over, or that another one contains, is not kept twice.
 * @param {string[][]} futures @param {string[]} old @param {string[]} now
 * @returns {string[][]}
 */
export function forked(futures, old, now) {
  const all = old.length && !begins(old, now) ? [...futures, old] : futures;
  return all
    .filter((way, i) => !begins(way, now) && !all.some((other, j) => (j > i && same(way, other)) || (j !== i && way.length < other.length && begins(way, other))))
    .slice(-MOST);
}

/** The region that shows them. */
export class Forks {
  /** @type {string[]} what is drawn, by address */ #drawn = [];

  /**
   * @param {HTMLElement} region
   * @param {(moves: string[], nth: number) => Promise<{say: string, html: {ladder: string}}>} picture
   */
  constructor(region, picture) {
    this.region = region;
    this.picture = picture;
  }

  /** Shows the futures of a work; draws only what is new. @param {{seed: number, moves: string[], futures: string[][]}} work */
  show({ seed, moves, futures }) {
    const { region } = this;
    region.closest("tcp-lab")?.toggleAttribute("data-forked", futures.length > 0);
    if (!futures.length) {
      this.#drawn = [];
      return region.replaceChildren();
    }
    const here = /** @type {HTMLAnchorElement | null} */ (region.querySelector("[data-here]"));
    if (!here) region.replaceChildren(el("h2", {}, words.title), el("p", {}, el("a", { "data-here": true, href: "#" }, words.here)));
    region.querySelector("[data-here]")?.setAttribute("href", `#${encode({ seed, moves }) || "moves="}`);
    const wanted = futures.map((way) => encode({ seed, moves: way }));
    if (wanted.join(" ") === this.#drawn.join(" ")) return;
    const old = new Map([...region.querySelectorAll("section")].map((part, i) => [this.#drawn[i], part]));
    this.#drawn = wanted;
    const parts = futures.map((way, i) => old.get(wanted[i]) ?? this.#part(way, wanted[i]));
    for (const part of region.querySelectorAll("section")) part.remove();
    parts.forEach((part, i) => {
      const heading = part.querySelector("h3");
      if (heading) heading.textContent = words.nth(i + 1, futures[i].length);
    });
    region.append(...parts);
  }

  /** @param {string[]} way @param {string} address */
  #part(way, address) {
    const board = el("div", { class: "lab-pale" });
    const said = el("p", {}, words.drawing);
    const part = el("section", { class: "lab-future" }, el("h3", {}), said,
      el("p", {}, el("a", { href: `#${address}`, "data-take": encode({ moves: way }) }, words.go)), board);
    const nth = Number(this.region.dataset.drawn ?? 0);
    this.region.dataset.drawn = String((nth + 1) % 100);
    this.picture(way, nth).then(
      ({ say, html }) => {
        said.textContent = say;
        board.innerHTML = html.ladder; // made and escaped by Python
      },
      () => said.replaceChildren(words.noPicture),
    );
    return part;
  }
}
