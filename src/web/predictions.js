/** A question at a turning point: made by the engine, placed here as text; every answer gets its reason. */

import { el } from "./dom.js";
import { predictions as words } from "./strings.js";

/**
 * @typedef {{value: string, text: string, right: boolean, reason: string}} Choice
 * @typedef {{id: string, ask: string, scene: string, question: string, choices: Choice[]}} Prediction
 */

/** The region that asks. */
export class Predictions {
  /** @type {Prediction | null} what is asked now */ #asked = null;

  /** @param {HTMLElement} region @param {(id: string) => void} answered is told when the right answer was found */
  constructor(region, answered) {
    this.region = region;
    this.answered = answered;
  }

  /** The question that is open, for a voice. */
  get sentence() {
    return this.#asked ? words.spoken(this.#asked.question) : "";
  }

  /** Asks; with null, or what was answered before, asks nothing. @param {Prediction | null} asked @param {string[]} before */
  show(asked, before) {
    if (asked && before.includes(asked.id)) asked = null;
    if (asked && asked.id === this.#asked?.id && this.region.querySelector("section")) return;
    this.#asked = asked;
    this.#hide(asked?.ask ?? "");
    if (!asked) return this.region.replaceChildren();
    const reason = el("div", { class: "lab-reason", role: "status" });
    const id = `ask-${asked.id}`;
    const list = el("ul", { "aria-labelledby": id },
      ...asked.choices.map((choice) => el("li", {}, this.#button(choice, reason))));
    this.region.replaceChildren(el("section", { "data-prediction": asked.id, class: "lab-ask", "aria-labelledby": id },
      el("h2", {}, words.title), el("p", {}, asked.scene), el("p", { id }, el("b", {}, asked.question)), list, reason,
      el("p", { class: "lab-skip" }, words.skip)));
  }

  /** What would give the answer away is covered meanwhile. @param {string} what */
  #hide(what) {
    const bench = this.region.closest("tcp-lab");
    if (what) bench?.setAttribute("data-asking", what);
    else bench?.removeAttribute("data-asking");
  }

  /** @param {Choice} choice @param {HTMLElement} reason */
  #button(choice, reason) {
    const button = el("button", { type: "button", "data-choice": choice.value }, choice.text);
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      button.dataset.right = choice.right ? "yes" : "no";
      button.setAttribute("aria-disabled", "true");
      reason.replaceChildren(el("p", {}, el("b", {}, choice.right ? words.right : words.wrong), ` ${choice.reason}`));
      if (!choice.right || !this.#asked) return;
      for (const other of this.region.querySelectorAll("[data-choice]")) other.setAttribute("aria-disabled", "true");
      this.region.querySelector(".lab-skip")?.remove();
      this.#hide("");
      const { id } = this.#asked;
      this.#asked = null;
      this.answered(id);
    });
    return button;
  }
}
