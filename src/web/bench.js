/** What the pages with an editor or a machine have in common: places, tools, a message, and marks of how items did. */

import { el } from "./dom.js";

export class Bench extends HTMLElement {
  /** @type {AbortController | null} */ #leaving = null;

  /** Begins a stay on the page. The signal ends the listeners with it. @returns {AbortSignal} */
  arrive() {
    this.#leaving = new AbortController();
    return this.#leaving.signal;
  }

  disconnectedCallback() {
    this.#leaving?.abort();
  }

  /** @param {string} name @returns {HTMLElement} */
  region(name) {
    return /** @type {HTMLElement} */ (this.querySelector(`[data-region="${name}"]`));
  }

  /** @param {string} name @returns {any} */
  field(name) {
    return this.querySelector(`[data-field="${name}"]`);
  }

  /** The buttons, by what they do; the one that stops is there only while something runs. @param {string} label @param {Record<string, string>} buttons */
  tools(label, buttons) {
    const tools = this.region("tools");
    tools.setAttribute("role", "group");
    tools.setAttribute("aria-label", label);
    tools.replaceChildren(...Object.entries(buttons).map(([action, text]) =>
      el("button", { type: "button", "data-action": action, hidden: action === "stop" }, text)));
  }

  /** @param {string} text @param {...Node} more */
  say(text, ...more) {
    this.region("message").replaceChildren(...(text ? [el("p", {}, text)] : []), ...more);
  }

  /**
   * Marks the heading of an item; one that has no result yet has nothing else to show.
   * @param {HTMLElement} item @param {string} result
   * @param {{marks: Record<string, string>, results: Record<string, string>}} words
   */
  mark(item, result, words) {
    const title = item.querySelector("h3");
    if (!title) return;
    item.dataset.result = result;
    title.querySelector(".code-mark")?.remove();
    title.prepend(el("span", { class: "code-mark" }, el("span", { "aria-hidden": "true" }, words.marks[result]),
      el("span", { class: "tcp-spoken" }, `${words.results[result]}: `)));
    if (result === "none" || result === "running") item.replaceChildren(title);
  }

  /** Swaps the buttons that run and stop, and the focus with them. @param {boolean} on */
  working(on) {
    const [run, stop] = ["run", "stop"].map((name) => /** @type {HTMLButtonElement} */ (this.querySelector(`[data-action=${name}]`)));
    const focused = document.activeElement === run || document.activeElement === stop;
    run.hidden = on;
    stop.hidden = !on;
    if (focused) (on ? stop : run).focus();
    this.toggleAttribute("data-running", on);
  }
}
