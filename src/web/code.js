/**
 * `<tcp-code>`: the learner writes a program, and the page shows how it does in each situation.
 *
 * The program runs in a worker of its own that can reach nothing and is thrown away after each run. All that comes
 * back is text: what the program called, what it printed, where it stopped. What it called is then played by the
 * engine of the page, which judges it and draws the picture; a program that spoils its own Python spoils nothing else.
 */

import { Bench } from "./bench.js";
import { el, setFragment, wayToBook } from "./dom.js";
import { Engine, engine, Overrun, Refusal } from "./engine.js";
import { keepProgram, keptProgram, program } from "./program.js";
import { speakOf } from "./said.js";
import { decode, encode, keepSeed, lastSeed } from "./situation.js";
import { code as words, engine as engineWords, lab as labWords } from "./strings.js";
import { WorkPanel } from "./work.js";

/** @typedef {"none" | "running" | "passed" | "failed"} Result */
/** @typedef {{journal: unknown[], error: string | null, output: string}} Played */
/** @typedef {{passed: boolean, seen: string, why: string, html: {ladder: string, transcript: string}}} Verdict */

/** The least and the most that one test may take, in ms; between them this machine's own speed decides. */
const LEAST = 500;
const MOST = 6_000;
const SLACK = 12;
/** Characters that a program may have to say. */
const MOST_TEXT = 20_000;

export class CodeLab extends Bench {
  /** @type {import("./program.js").Program | null} */ #program = null;
  /** Runs the programs. */ #runner = new Engine({ alone: true });
  /** @type {Promise<number> | null} the patience for one test, in ms, once the runner is there */ #ready = null;
  /** @type {number} */ #run = 0;
  #first = "";
  /** Which variant: the same program has to hold in each. */ #seed = 0;
  /** @type {WorkPanel | null} */ #panel = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #saving;
  /** The program that was last run, and the tests that it passes. */
  #tested = "";
  /** @type {Set<string>} */ #passed = new Set();
  #done = false;
  /** Whether a run waits for the runner to start. */ #waiting = false;
  /** @type {Set<string>} the errors that this run has shown */ #errors = new Set();

  connectedCallback() {
    this.#build(this.arrive());
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#save();
  }

  get #name() {
    return this.dataset.lab ?? "";
  }

  get #checks() {
    return /** @type {HTMLElement[]} */ ([...this.querySelectorAll("[data-check]")]);
  }

  /** @param {AbortSignal} signal */
  async #build(signal) {
    const text = /** @type {HTMLElement} */ (this.querySelector(".code-text"));
    this.#first = text.textContent ?? "";
    this.#seed = decode(location.hash)?.seed ?? lastSeed(this.#name);
    const saved = keptProgram(this.#name);
    this.tools(words.tools, { run: words.run, stop: words.stop, restart: words.restart });
    this.addEventListener("click", (event) => this.#press(event), { signal });
    // Python starts when somebody is about to use it, and not for those who only read.
    this.addEventListener("focusin", () => this.#warm(), { signal, once: true });
    addEventListener("pagehide", () => this.#save(), { signal });
    this.#runner.addEventListener("change", () => this.#showEngine(), { signal });
    addEventListener("hashchange", () => this.#turn(decode(location.hash)?.seed ?? this.#seed), { signal });
    this.#panel ??= new WorkPanel(this.region("work"), {
      tell: (told, ...more) => this.say(told, ...more),
      variant: (seed) => this.#turn(seed),
      reload: (told, ...more) => this.#reload(told, ...more),
      note: words.variantNote,
    });
    this.#showSaved(saved);
    this.#program = await program(text, {
      language: "python", start: saved?.text, changed: () => this.#changed(), run: () => this.#test(),
    });
    this.toggleAttribute("data-ready", true);
  }

  /** @param {MouseEvent} event */
  #press(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const { action, line } = button?.dataset ?? {};
    if (action === "run") this.#test();
    else if (action === "stop") this.#stop();
    else if (action === "restart" && this.#program) {
      this.#program.text = this.#first;
      this.say(words.restarted);
    } else if (action === "retry") this.#test();
    else if (line) this.#show(Number(line));
  }

  // --- work that is kept ----------------------------------------------------------------------------------

  /** Marks what the kept program passes in this variant. @param {import("./program.js").Kept | null} saved */
  #showSaved(saved) {
    this.#done = saved?.done ?? false;
    this.#tested = saved?.text ?? "";
    this.#passed.clear();
    for (const check of this.#checks) {
      const id = check.dataset.check ?? "";
      const passes = saved !== null && saved.seed === this.#seed && saved.passed.includes(id);
      if (passes) this.#passed.add(id);
      this.#mark(check, passes ? "passed" : "none");
    }
    this.#panel?.show(this.#seed);
    speakOf(this.#name, this.#seed);
  }

  /** Turns to another variant: the program stays, and has to show itself anew. @param {number} seed */
  #turn(seed) {
    if (seed === this.#seed) return;
    this.#stop();
    this.#save();
    this.#seed = seed;
    keepSeed(this.#name, seed);
    setFragment(encode({ seed, moves: [] }));
    this.#showSaved(keptProgram(this.#name));
    this.region("checks").toggleAttribute("data-older", false);
    this.say(labWords.variantShown(seed));
  }

  /** Shows what a file has brought, or what was there before it. @param {string} told @param {...Node} more */
  #reload(told, ...more) {
    clearTimeout(this.#saving);
    this.#stop();
    this.#seed = lastSeed(this.#name);
    setFragment(encode({ seed: this.#seed, moves: [] }));
    const saved = keptProgram(this.#name);
    if (this.#program) this.#program.text = saved?.text ?? this.#first;
    clearTimeout(this.#saving);
    this.#showSaved(saved);
    this.region("checks").toggleAttribute("data-older", false);
    this.say(told, ...more);
  }

  #changed() {
    clearTimeout(this.#saving);
    this.#saving = setTimeout(() => this.#save(), 400);
    if (this.querySelector("[data-check]:not([data-result=none])")) this.region("checks").toggleAttribute("data-older", true);
  }

  #save() {
    clearTimeout(this.#saving);
    if (!this.#program) return;
    const { text } = this.#program;
    const passed = text === this.#tested ? [...this.#passed] : [];
    keepProgram(this.#name, { text, passed, done: this.#done, seed: this.#seed });
  }

  // --- running --------------------------------------------------------------------------------------------

  /** Gets the runner ready, with one test of the program that came with the page: it tells how fast this machine is. */
  #warm() {
    engine.start();
    this.#ready ??= (async () => {
      const check = this.#checks[0].dataset.check ?? "";
      const question = { ask: "code-run", lab: this.#name, check, source: this.#first };
      await this.#runner.ask(question);
      const begun = performance.now();
      await this.#runner.ask(question);
      return Math.min(MOST, Math.max(LEAST, SLACK * (performance.now() - begun)));
    })();
    this.#ready.catch(() => (this.#ready = null));
    return this.#ready;
  }

  /** The next run begins in a fresh Python; it starts now, while the learner reads. */
  #renew() {
    this.#ready = null;
    this.#runner.renew();
    this.#warm();
  }

  async #test() {
    if (!this.#program || this.#run % 2) return;
    const run = ++this.#run; // odd while it runs
    const source = this.#program.text;
    this.#passed.clear();
    this.#errors.clear();
    this.#tested = source;
    this.#save();
    this.working(true);
    this.#program.mark(null);
    this.region("checks").toggleAttribute("data-older", false);
    for (const check of this.#checks) this.#mark(check, "none");
    try {
      this.#waiting = true;
      if (this.#runner.health !== "live") this.say(words.starting);
      const patience = await this.#warm();
      this.#waiting = false;
      for (const [n, check] of this.#checks.entries()) {
        if (run !== this.#run) return;
        this.say(words.running(n + 1, this.#checks.length));
        this.#mark(check, "running");
        if (!(await this.#one(check, source, patience, run))) return;
      }
      this.#done ||= this.#passed.size === this.#checks.length;
      this.say(words.summary(this.#passed.size, this.#checks.length));
      this.#renew();
    } catch {
      if (run === this.#run) this.#failed();
    } finally {
      if (run === this.#run) {
        this.#run++;
        this.#waiting = false;
        this.working(false);
        this.#save();
      }
    }
  }

  /**
   * One test. False when the rest makes no sense any more.
   * @param {HTMLElement} check @param {string} source @param {number} patience @param {number} run
   */
  async #one(check, source, patience, run) {
    const id = check.dataset.check ?? "";
    /** @type {Played} */ let played;
    try {
      played = await this.#runner.ask({ ask: "code-run", lab: this.#name, check: id, source, seed: this.#seed }, { patience });
      if (!sound(played)) throw new Refusal(words.crashed);
    } catch (error) {
      if (run !== this.#run) return false;
      if (this.#runner.health === "failed") throw error;
      if (this.#runner.health === "live") {
        this.#renew();
      } else {
        // The worker is gone, and another is already starting.
        this.#ready = null;
        this.#warm();
      }
      this.#fill(check, "failed", [el("p", { class: "code-seen" }, error instanceof Overrun ? words.overrun(patience) : words.crashed)], true);
      this.say(error instanceof Overrun ? words.overrun(patience) : words.crashed);
      return false;
    }
    if (run !== this.#run) return false;
    if (played.error !== null && !played.journal.length) {
      this.#mark(check, "none");
      this.say(words.broken, this.#trouble(played.error), ...this.#printed(played.output));
      this.#show(lastLine(played.error), false);
      this.#renew();
      return false;
    }
    /** @type {Verdict} */
    const verdict = await engine.ask({
      ask: "code-judge", lab: this.#name, check: id, journal: played.journal, crashed: played.error !== null, seed: this.#seed,
    });
    if (run !== this.#run) return false;
    const first = !verdict.passed && !this.querySelector("[data-result=failed]");
    if (verdict.passed) this.#passed.add(id);
    this.#fill(check, verdict.passed ? "passed" : "failed", this.#told(played, verdict), first);
    if (first && played.error) this.#show(lastLine(played.error), false);
    return true;
  }

  #stop() {
    if (!(this.#run % 2)) return;
    this.#run++;
    this.#waiting = false;
    for (const check of this.#checks) if (check.dataset.result === "running") this.#mark(check, "none");
    this.working(false);
    this.say(words.stopped);
    this.#renew();
  }

  #failed() {
    const reason = this.#runner.reason || engine.reason;
    const again = el("button", { type: "button", "data-action": "retry" }, engineWords.retry);
    this.say(engineWords.failed(reason), again, ...wayToBook(engineWords.book));
    this.#ready = null;
  }

  // --- showing --------------------------------------------------------------------------------------------

  /** @param {Played} played @param {Verdict} verdict */
  #told(played, verdict) {
    const out = [];
    if (!verdict.passed) {
      if (played.error && this.#errors.has(played.error)) out.push(el("p", { class: "code-seen" }, words.same));
      else if (played.error) out.push(this.#trouble(played.error));
      else out.push(el("p", { class: "code-seen" }, verdict.seen));
      if (played.error) this.#errors.add(played.error);
      else out.push(el("p", { class: "code-why" }, verdict.why));
    }
    const picture = el("div", { class: "code-ladder", role: "region", "aria-label": words.ladder, tabindex: 0 });
    picture.innerHTML = verdict.html.ladder; // made and escaped by the page's own engine
    return [...out, ...this.#printed(played.output), picture];
  }

  /** A traceback, as text, and a way to its line. @param {string} text */
  #trouble(text) {
    const line = lastLine(text);
    const box = el("div", { class: "code-trouble" }, el("pre", { tabindex: 0 }, text));
    if (line !== null) box.append(el("button", { type: "button", "data-line": line }, words.toLine(line)));
    return box;
  }

  /** @param {string} text */
  #printed(text) {
    return text ? [el("p", { class: "code-printed" }, words.printed), el("pre", { tabindex: 0, class: "code-output" }, text)] : [];
  }

  /** Fills the place of a test. @param {HTMLElement} check @param {Result} result @param {HTMLElement[]} told @param {boolean} open */
  #fill(check, result, told, open) {
    const title = check.querySelector("h3");
    if (!title) return;
    this.#mark(check, result);
    check.replaceChildren(el("details", { open }, el("summary", {}, title), ...told));
  }

  /** @param {HTMLElement} check @param {Result} result */
  #mark(check, result) {
    this.mark(check, result, words);
  }

  /** @param {number | null} line @param {boolean} [focus] */
  #show(line, focus = true) {
    this.#program?.mark(line);
    if (focus) this.#program?.focus();
  }

  #showEngine() {
    const { health, progress } = this.#runner;
    this.dataset.engine = health;
    if (health === "starting" && this.#waiting) this.say(progress.text || words.starting);
  }
}

/** Whether an answer is one: it comes out of a Python that a program may have spoilt. @param {any} played @returns {played is Played} */
function sound(played) {
  const { journal, error, output } = played ?? {};
  return Array.isArray(journal) && (error === null || typeof error === "string") && typeof output === "string" &&
    output.length + (error ?? "").length < MOST_TEXT;
}

/** The line of the learner's program that a traceback ends in. @param {string} text */
function lastLine(text) {
  const lines = [...text.matchAll(/^\s*Line (\d+)/gm)];
  return lines.length ? Number(lines[lines.length - 1][1]) : null;
}
