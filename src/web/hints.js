/** Hints in steps: what the lab's author wrote, from vague to plain, and at last the next move from where the reader is. */

import { el } from "./dom.js";
import { hints as words } from "./strings.js";

/** @typedef {{reached: boolean, move: string | null, text: string, left: number | null, back: number | null}} Found */

export class Hints {
  /** @type {Map<string, number>} how many hints each goal has given */ #given = new Map();

  /**
   * @param {HTMLElement} bench
   * @param {(goal: string) => Promise<Found>} ask the engine's answer from where the reader is
   * @param {(text: string, ...more: Node[]) => void} tell
   */
  constructor(bench, ask, tell) {
    this.bench = bench;
    this.ask = ask;
    this.tell = tell;
  }

  /** Gives the next hint for the first goal that is not done. @param {string[]} done @param {number} made moves made */
  async give(done, made) {
    const goal = [...this.bench.querySelectorAll("[data-goal]")].find((item) => !done.includes(item.getAttribute("data-goal") ?? ""));
    const id = goal?.getAttribute("data-goal");
    if (!id) return this.tell(words.nothing);
    const written = [...document.querySelectorAll(`[data-hints="${id}"] > li`)].map((item) => item.textContent ?? "");
    const given = this.#given.get(id) ?? 0;
    const name = goal?.querySelector(".lab-goal")?.textContent ?? "";
    if (given < written.length) {
      this.#given.set(id, given + 1);
      return this.tell(words.nth(given + 1, written.length + 1, name, written[given]));
    }
    this.tell(words.searching);
    this.#show(await this.ask(id), name, made);
  }

  /** @param {Found} found @param {string} name @param {number} made */
  #show({ move, text, left, back }, name, made) {
    if (move !== null) {
      this.tell(words.move(text, left ?? 1, name));
      this.bench.querySelector(`[data-move="${CSS.escape(move)}"]`)?.setAttribute("data-hinted", "");
    } else if (back === null) {
      this.tell(words.none(name));
    } else {
      this.tell(words.lost(made - back, name), el("button", { type: "button", "data-action": "back", "data-to": back }, words.back(made - back)));
    }
  }
}
