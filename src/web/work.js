/** The panel of a lab that is not about moves: which variant, and all work as a file. */

import { el } from "./dom.js";
import { exported, imported, restored, Unfit } from "./store.js";
import { lab as words } from "./strings.js";

const MOST_SEED = 999_999;

export class WorkPanel {
  #number = /** @type {HTMLInputElement} */ (el("input", { type: "number", min: 0, max: MOST_SEED, step: 1, id: "lab-seed", inputmode: "numeric" }));
  #file = /** @type {HTMLInputElement} */ (el("input", { type: "file", accept: ".json,application/json", id: "lab-file" }));

  /**
   * @param {HTMLElement} region
   * @param {{tell: (text: string, ...more: Node[]) => void, variant: (seed: number) => void,
   *          reload: (text: string, ...more: Node[]) => void, note?: string}} bench `reload` reads again what is kept,
   *   then tells; `note`: what a variant is here
   */
  constructor(region, bench) {
    this.region = region;
    this.bench = bench;
    const button = (/** @type {string} */ name, /** @type {() => void} */ act) => {
      const made = el("button", { type: "button" }, name);
      made.addEventListener("click", act);
      return made;
    };
    const another = () => 1 + Math.floor(Math.random() * MOST_SEED);
    this.#file.addEventListener("change", () => this.#load());
    region.append(el("details", {},
      el("summary", {}, words.work),
      el("div", { class: "lab-row" }, el("label", { for: "lab-seed" }, words.variant), this.#number,
        button(words.variantGo, () => this.#turn(this.#number.valueAsNumber)), button(words.variantNext, () => this.#turn(another()))),
      el("p", {}, bench.note ?? words.variantNote),
      el("div", { class: "lab-row" }, button(words.save, () => this.#save()), el("label", { for: "lab-file" }, words.load), this.#file),
      el("p", {}, words.saveNote)));
  }

  /** @param {number} seed */
  show(seed) {
    this.#number.value = String(seed);
  }

  /** @param {number} seed */
  #turn(seed) {
    if (Number.isInteger(seed) && seed >= 0 && seed <= MOST_SEED) this.bench.variant(seed);
  }

  #save() {
    let text;
    try {
      text = exported();
    } catch {
      return this.bench.tell(words.noStorage);
    }
    const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    el("a", { href: address, download: words.file }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    this.bench.tell(words.saved);
  }

  async #load() {
    const file = this.#file.files?.[0];
    if (!file) return;
    try {
      if (file.size > 2_000_000) throw new Unfit("large");
      const count = imported(await file.text());
      const back = el("button", { type: "button" }, words.unload);
      back.addEventListener("click", () => this.bench.reload(restored() ? words.unloaded : words.noStorage));
      this.bench.reload(words.loaded(count), back);
    } catch (error) {
      const unfit = error instanceof Unfit ? error : new Unfit("json");
      this.bench.tell(words.unfit[unfit.kind](unfit.what));
    } finally {
      this.#file.value = "";
    }
  }
}
