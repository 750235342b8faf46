/**
 * `<tcp-machine>`: the reader changes rows of the transition table and values of systems, and sees what that breaks.
 * The edits stand in the address. Python draws the map and plays the scenarios; nothing here knows a rule.
 */

import { Bench } from "./bench.js";
import { el, setFragment } from "./dom.js";
import { engine, Overrun, Refusal } from "./engine.js";
import { engine as engineWords, machine as words } from "./strings.js";

/** @typedef {{row: string, to: string} | {stack: string, name: string, value: string}} Edit */
/** @typedef {{same: boolean, step: number | null, was: string, now: string, ended: string[], broke: [string, number][],
 *   html?: {was: string, now: string}}} Outcome */

const PATIENCE = 8_000;

export class Machine extends Bench {
  /** @type {Edit[]} */ #edits = [];
  #run = 0;
  #plan = null;

  connectedCallback() {
    const signal = this.arrive();
    this.#plan = JSON.parse(this.dataset.plan ?? "null");
    this.region("controls").hidden = false;
    this.tools(words.tools, { run: words.run, stop: words.stop, reset: words.reset });
    this.addEventListener("click", (event) => this.#press(event), { signal });
    this.addEventListener("change", () => this.#choose(), { signal });
    this.addEventListener("focusin", () => engine.start(), { signal, once: true });
    this.#choose();
    this.#restore();
    this.#showEdits();
    if (this.#edits.length) this.#redraw();
    this.toggleAttribute("data-ready", true);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#run++;
  }

  // --- choosing -------------------------------------------------------------------------------------------

  /** Shows only the rows of the state, and only the values of the system. */
  #choose() {
    const [state, row, stack, name, value] = ["state", "row", "stack", "name", "value"].map((field) => this.field(field));
    pick(row, (option) => (option.dataset.states ?? "").split(" ").includes(state.value));
    pick(name, (option) => option.dataset.stack === stack.value);
    const chosen = row.selectedOptions[0];
    if (chosen && this.field("why").dataset.row !== chosen.value) {
      this.field("why").textContent = chosen.dataset.why ?? "";
      this.field("why").dataset.row = chosen.value;
      this.field("to").value = chosen.dataset.to ?? "stay";
    }
    const set = name.selectedOptions[0];
    const which = `${stack.value} ${set?.value}`;
    if (set && value.dataset.of !== which) {
      value.value = set.dataset.now ?? "";
      value.dataset.of = which;
    }
  }

  /** @param {MouseEvent} event */
  #press(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const { action, index, draw } = button?.dataset ?? {};
    if (action === "change") this.#edit({ row: this.field("row").value, to: this.field("to").value });
    else if (action === "drop") this.#edit({ row: this.field("row").value, to: "" });
    else if (action === "set") {
      const [stack, name, value] = ["stack", "name", "value"].map((field) => this.field(field).value);
      this.#edit({ stack, name, value });
    } else if (action === "reset") this.#replace([]);
    else if (action === "run") this.#all();
    else if (action === "stop") this.#stop();
    else if (index !== undefined) this.#replace(this.#edits.filter((_edit, n) => n !== Number(index)));
    else if (draw && button) this.#ladders(button, draw);
  }

  /** @param {Edit} edit */
  #edit(edit) {
    this.#replace([...this.#edits.filter((other) => what(other) !== what(edit)), edit]);
  }

  /** @param {Edit[]} edits */
  async #replace(edits) {
    this.#stop();
    const before = this.#edits;
    this.#edits = edits;
    if (!(await this.#redraw())) this.#edits = before;
    this.#showEdits();
    setFragment(this.#edits.length ? `edits=${encodeURIComponent(JSON.stringify(this.#edits))}` : "");
  }

  #restore() {
    const [, text] = location.hash.match(/^#edits=(.*)$/) ?? [];
    if (!text) return;
    try {
      const edits = JSON.parse(decodeURIComponent(text));
      if (Array.isArray(edits)) this.#edits = edits;
    } catch {
      /* an address that makes no sense is none */
    }
  }

  #showEdits() {
    const named = (/** @type {string} */ row) => this.querySelector(`option[value="${CSS.escape(row)}"]`)?.textContent ?? row;
    const items = this.#edits.map((edit, n) => el("li", {},
      el("span", {}, "row" in edit ? words.row(named(edit.row), edit.to) : words.value(edit.stack, edit.name, edit.value)), " ",
      el("button", { type: "button", "data-index": n }, words.undo)));
    this.region("edits").replaceChildren(items.length ? el("ol", {}, ...items) : el("p", {}, words.none));
    const ran = this.querySelector("[data-scenario]:not([data-result=none])");
    if (ran) {
      for (const item of this.#items) this.#mark(item, "none");
    }
  }

  // --- asking ---------------------------------------------------------------------------------------------

  /** Draws the map of the machine. False when the engine refuses the edits. */
  async #redraw() {
    try {
      const { html } = await engine.ask({ ask: "machine-map", edits: this.#edits, plan: this.#plan }, { patience: PATIENCE });
      this.region("states").innerHTML = html.states;
      this.say("");
      return true;
    } catch (error) {
      this.say(this.#reason(error));
      return false;
    }
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.querySelectorAll("[data-scenario]")]);
  }

  async #all() {
    const run = ++this.#run;
    this.working(true);
    for (const item of this.#items) this.#mark(item, "none");
    let differ = 0;
    let broken = 0;
    try {
      for (const [n, item] of this.#items.entries()) {
        this.say(words.running(n + 1, this.#items.length));
        this.#mark(item, "running");
        /** @type {Outcome} */ let outcome;
        try {
          outcome = await this.#ask(item);
        } catch (error) {
          if (run !== this.#run) return;
          if (!(error instanceof Overrun)) throw error;
          outcome = { same: false, step: null, was: "", now: "", ended: ["", words.overrun], broke: [["", 0]] };
        }
        if (run !== this.#run) return;
        differ += Number(!outcome.same || outcome.broke.length > 0);
        broken += Number(outcome.broke.length > 0 || this.#fault(outcome));
        this.#fill(item, outcome);
      }
      this.say(words.summary(differ, broken, this.#items.length));
    } catch (error) {
      if (run === this.#run) this.say(this.#reason(error));
    } finally {
      if (run === this.#run) this.working(false);
    }
  }

  /** @param {HTMLElement} item @param {boolean} [draw] */
  #ask(item, draw = false) {
    const question = { ask: "machine-run", edits: this.#edits, scenario: item.dataset.scenario, draw };
    return engine.ask(question, { patience: PATIENCE });
  }

  #stop() {
    this.#run++;
    this.working(false);
    for (const item of this.#items) if (item.dataset.result === "running") this.#mark(item, "none");
  }

  /** @param {unknown} error */
  #reason(error) {
    if (error instanceof Overrun) return words.overrun;
    return error instanceof Refusal ? error.message : engineWords.failed(error instanceof Error ? error.message : "");
  }

  // --- showing --------------------------------------------------------------------------------------------

  /** Whether the machine could not go on. @param {Outcome} outcome */
  #fault({ now, ended }) {
    return now !== "" && now === ended[1];
  }

  /** @param {HTMLElement} item @param {Outcome} outcome */
  #fill(item, outcome) {
    const { same, step, was, now, ended, broke } = outcome;
    if (same && !broke.length) return this.#mark(item, "same");
    this.#mark(item, broke.length || this.#fault(outcome) ? "broken" : "differs");
    const title = item.querySelector("h3");
    const told = [];
    if (step !== null) told.push(el("p", {}, words.first(step)));
    const rows = [[words.was, was], [words.now, now], [words.end, ended[0] === ended[1] ? "" : `${ended[0]} → ${ended[1]}`]];
    const facts = rows.filter(([, text]) => text).flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]);
    const faults = broke.filter(([rule]) => rule).map(([rule, at]) => el("li", {}, words.broke(rule, at)));
    told.push(el("dl", {}, ...facts), ...(faults.length ? [el("ul", {}, ...faults)] : []),
      el("button", { type: "button", "data-draw": item.dataset.scenario ?? "" }, words.draw));
    if (title) item.replaceChildren(el("details", {}, el("summary", {}, title), ...told));
  }

  /** @param {HTMLElement} button @param {string} name */
  async #ladders(button, name) {
    const item = /** @type {HTMLElement} */ (this.querySelector(`[data-scenario="${CSS.escape(name)}"]`));
    try {
      const { html } = await this.#ask(item, true);
      if (!html) return button.remove();
      const side = (/** @type {string} */ label, /** @type {string} */ svg) => {
        const box = el("div", { class: "code-ladder", role: "region", "aria-label": label, tabindex: 0 });
        box.innerHTML = svg;
        return el("figure", {}, el("figcaption", {}, label), box);
      };
      button.replaceWith(el("div", { class: "bench-ladders" }, side(words.was, html.was), side(words.now, html.now)));
    } catch (error) {
      this.say(this.#reason(error));
    }
  }

  /** @param {HTMLElement} item @param {string} result */
  #mark(item, result) {
    this.mark(item, result, words);
  }
}

/** What an edit changes: two edits of the same thing are one. @param {Edit} edit */
function what(edit) {
  return "row" in edit ? edit.row : `${edit.stack} ${edit.name}`;
}

/** Leaves only the options that fit, and chooses one of them. @param {HTMLSelectElement} select @param {(option: HTMLOptionElement) => boolean} fits */
function pick(select, fits) {
  for (const option of select.options) {
    const on = fits(option);
    option.hidden = option.disabled = !on;
  }
  for (const group of select.querySelectorAll("optgroup")) {
    group.hidden = ![...group.children].some((option) => !(/** @type {HTMLOptionElement} */ (option).hidden));
  }
  if (select.selectedOptions[0]?.hidden ?? true) {
    const first = [...select.options].find((option) => !option.hidden);
    if (first) select.value = first.value, (first.selected = true);
  }
}
