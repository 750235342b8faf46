/** `<tcp-pkt>`: a packetdrill script is written here, played against the engine, and shown as a ladder. */

import { Bench } from "./bench.js";
import { engine, Overrun, Refusal } from "./engine.js";
import { keepProgram, keptProgram, program } from "./program.js";
import { engine as engineWords, pkt as words } from "./strings.js";

/** @typedef {{kind: string, line: number, message: string, stack: string, checked: number, html: {ladder: string}}} Answer */

const NAME = "packetdrill";
const PATIENCE = 5_000;

export class Packetdrill extends Bench {
  /** @type {import("./program.js").Program | null} */ #program = null;
  #run = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #saving;

  async connectedCallback() {
    const signal = this.arrive();
    const text = /** @type {HTMLElement} */ (this.querySelector(".code-text"));
    const saved = keptProgram(NAME);
    this.region("controls").hidden = false;
    this.tools(words.tools, { run: words.run });
    this.region("tools").addEventListener("click", () => this.#play(), { signal });
    this.field("start").addEventListener("change", () => this.#begin(), { signal });
    this.addEventListener("focusin", () => engine.start(), { signal, once: true });
    addEventListener("pagehide", () => this.#save(), { signal });
    this.#program = await program(text, {
      language: "packetdrill", indents: 2, label: words.label, start: saved?.text,
      changed: () => this.#changed(), run: () => this.#play(),
    });
    this.toggleAttribute("data-ready", true);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#save();
  }

  /** Puts one of the given scripts into the editor; Undo brings back what was there. */
  #begin() {
    const text = this.field("start").selectedOptions[0]?.dataset.text;
    if (!this.#program || text === undefined) return;
    this.#program.text = text;
    this.field("stack").value = "";
    this.#play();
  }

  #changed() {
    clearTimeout(this.#saving);
    this.#saving = setTimeout(() => this.#save(), 400);
  }

  #save() {
    clearTimeout(this.#saving);
    if (this.#program) keepProgram(NAME, { text: this.#program.text, passed: [], done: false, seed: 0 });
  }

  async #play() {
    if (!this.#program) return;
    const run = ++this.#run;
    this.#save();
    this.#program.mark(null);
    if (engine.health !== "live") this.say(words.starting);
    try {
      const question = { ask: "pkt", script: this.#program.text, stack: this.field("stack").value };
      /** @type {Answer} */ const answer = await engine.ask(question, { patience: PATIENCE });
      if (run === this.#run) this.#show(answer);
    } catch (error) {
      if (run !== this.#run) return;
      const failed = () => engineWords.failed(error instanceof Error ? error.message : "");
      this.say(error instanceof Overrun ? words.overrun : error instanceof Refusal ? error.message : failed());
    }
  }

  /** @param {Answer} answer */
  #show(answer) {
    this.dataset.result = answer.kind;
    this.say(words.told[answer.kind](answer));
    if (answer.line) this.#program?.mark(answer.line);
    const ladder = this.region("ladder");
    ladder.hidden = !answer.html.ladder;
    ladder.innerHTML = answer.html.ladder;
  }
}
