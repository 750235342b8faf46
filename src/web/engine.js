/**
 * The page's end of the engine: starts the worker, asks it, and starts it again if it breaks.
 * The worker keeps no situation between two questions, so a new worker simply gets the open questions again, and where
 * the browser lets it, one worker serves all pages of a visit.
 */

import { afterPaint } from "./dom.js";
import { foreseen } from "./futures.js";
import { session, sharedName, spent } from "./outlives.js";
import { read, VERSION, write } from "./store.js";
import { engine as words } from "./strings.js";
import { supply } from "./supply.js";

/** @typedef {{ask: string, [key: string]: unknown}} Request a question of `teardown.browser.QUESTIONS` */
/**
 * @typedef {object} Answer of the question `situation`
 * @property {string[]} moves the moves that were accepted
 * @property {string | null} refused the rule that forbids the rest, in a sentence
 * @property {{server: string, client: string}} states
 * @property {number} seed
 * @property {string} say
 * @property {Record<string, boolean>} goals whether each is reached on the way here
 * @property {import("./predictions.js").Prediction | null} prediction what is asked here
 * @property {Record<string, string>} html by region; made and escaped by Python
 */
/** @typedef {"idle" | "starting" | "live" | "failed"} Health */
/**
 * @typedef {object} Question
 * @property {string} message
 * @property {number} patience ms that the worker may take for it
 * @property {number} lives how many workers it may break before it is given back
 * @property {(answer: any) => void} resolve
 * @property {(error: Error) => void} reject
 */

/** An answer of the engine takes milliseconds; after this many the worker has hung. */
const PATIENCE = 15_000;
/** A shared worker that says nothing for so many ms is one that the browser is just ending, or that hangs. */
const SILENCE = 4_000;

/** The engine could not answer because the moves or the lab make no sense to it. */
export class Refusal extends Error {}

/** The answer took longer than the caller had patience for; the worker that was at it is gone. */
export class Overrun extends Error {}

/** The machine code of Pyodide, compiled once for all engines of the page. @type {WebAssembly.Module | undefined} */
let compiled;

/** One engine for all labs of the page. Fires `change` whenever health or progress change. */
export class Engine extends EventTarget {
  /** @type {boolean} whether it runs programs of others, and so gives up all it could do harm with */ #alone;
  /** @type {Health} */ health = "idle";
  /** What is being done, in words, and how far: null when that is not known. */
  progress = { text: words.starting, /** @type {number | null} */ share: /** @type {number | null} */ (null) };
  /** Why it failed, in words. */
  reason = "";

  /** @type {import("./supply.js").Line | null} */ #worker = null;
  /** How many workers this visit has given up: a shared one of the same name might still hang. */
  #spent = spent();
  /** What the engine is made of. */ #build = "";
  /** Whether the worker has been told how to start, and so may be asked. */ #told = false;
  /** @type {{image?: ArrayBuffer}} what makes the next start quick */ #kept = {};
  /** Whether the fast way of starting was refused here. */ #plain = false;
  /** Whether the files that our script names are gone. */ #anew = false;
  /** Whether a shared worker stayed silent or failed: this page has its own from then on. */ #apart = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #silence;
  /** The files that the engine was started from, by name. @type {string[]} */ files = [];
  /** @type {Map<number, Question>} */ #open = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #watch;
  /** @type {number | undefined} the question that the worker is at */ #watched;
  #asked = 0;

  /** @param {{alone?: boolean}} [kind] */
  constructor({ alone = false } = {}) {
    super();
    this.#alone = alone;
  }

  /** A fresh worker, as if nothing had ever been asked. Questions that are open are given back with `Overrun`. */
  renew() {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { reject } of open) reject(new Overrun(words.crashed));
    this.#begin(words.starting);
  }

  /** Starts the worker; does nothing when it is starting or live. */
  start() {
    if (this.health === "starting" || this.health === "live") return;
    this.#begin(words.starting);
  }

  /**
   * Asks the engine. Waits for it to start, however long that takes; until then, questions whose answer was made at
   * build are answered at once.
   * Rejects with `Refusal` for a request that makes no sense, and with `Error` when the engine failed.
   * With `patience`, in ms, the answer is work that may never end: it is tried once, and rejects with `Overrun`.
   * @param {Request} request
   * @param {{patience?: number}} [limits]
   * @returns {Promise<any>}
   */
  async ask(request, { patience } = {}) {
    const known = patience === undefined && this.health !== "live" ? foreseen(request) : null;
    // What is known is shown before a worker is made; and a failed engine is not tried again for it.
    if (known) afterPaint(() => this.health === "idle" && this.start());
    const text = await known;
    if (text) return JSON.parse(text);
    this.start();
    return new Promise((resolve, reject) => {
      const id = ++this.#asked;
      const lives = patience === undefined ? 2 : 1;
      const question = { message: JSON.stringify(request), patience: patience ?? PATIENCE, lives, resolve, reject };
      this.#open.set(id, question);
      this.#send(id, question);
    });
  }

  /** @param {number} id @param {Question} question */
  #send(id, question) {
    if (this.#told) this.#worker?.postMessage({ id, request: question.message, alone: this.#alone });
    this.#guard();
  }

  /** Whether an engine has run in this browser before, so that its files are here. */
  get known() {
    return Boolean(read("engine"));
  }

  /** @param {string} text */
  #begin(text) {
    this.#leave();
    this.#told = false;
    this.#set("starting", { text, share: null });
    this.#guard();
    const attempt = this.#spent;
    const { worker, shared, start } = supply();
    const together = this.#alone || this.#apart ? null : shared;
    // A worker of this page's own is made while its list of files is on the way; one that is shared has its name from it.
    if (!together && !this.#join(worker)) return;
    const go = (/** @type {import("./supply.js").Start} */ how) => {
      if (attempt !== this.#spent || this.health !== "starting") return;
      this.#build = [how.manifest.pyodide, how.manifest.wheel].join(" ");
      const name = sharedName(this.#build, { plain: this.#plain, given: attempt });
      if (!together || this.#join(() => together(name), true)) this.#tell(how, !together);
    };
    const how = start(this.#anew);
    if (!(how instanceof Promise)) return go(how);
    how.then(go, (error) => attempt === this.#spent && this.#fail(explained({ kind: error.kind, text: error.message })));
  }

  /**
   * @param {() => import("./supply.js").Line} make @param {boolean} [together] whether other pages share it
   * @returns {boolean} whether there is a worker now
   */
  #join(make, together = false) {
    try {
      const worker = this.#worker = make();
      worker.onmessage = ({ data }) => this.#hear(data);
      worker.onerror = (event) => {
        event.preventDefault();
        if (this.health === "live") this.#again();
        else if (together) this.#separate();
        else this.#fail(words.noWorker);
      };
      return true;
    } catch {
      this.#fail(words.noWorker);
      return false;
    }
  }

  /** @param {import("./supply.js").Start} how @param {boolean} own whether the worker is this page's own */
  #tell(how, own) {
    const { image } = this.#kept;
    const kept = own ? { module: compiled, image } : {};
    const cached = read("engine")?.build === this.#build;
    this.#worker?.postMessage({ start: { ...how, kept, cached, plain: this.#plain } }, own && image ? [image] : []);
    // The worker gives the image back when it has used it.
    delete this.#kept.image;
    this.#told = true;
    if (!own) this.#silence = setTimeout(() => this.#separate(), SILENCE);
    for (const [id, question] of this.#open) this.#send(id, question);
  }

  /** The shared worker came to nothing: goes on with one of this page's own. */
  #separate() {
    this.#apart = true;
    this.#begin(words.starting);
  }

  /** @param {any} data */
  #hear(data) {
    clearTimeout(this.#silence);
    if (data.here) return;
    if ("loaded" in data) {
      const [done, all] = [data.loaded, data.total].map((bytes) => (bytes / 1e6).toFixed(1));
      this.#set("starting", { text: words.fetching(done, all), share: data.loaded / data.total });
    } else if ("doing" in data) {
      this.#set("starting", { text: words[/** @type {"list"} */ (data.doing)], share: null });
    } else if (data.live) {
      write("engine", { version: VERSION, build: this.#build });
      this.files = data.files;
      this.#set("live", { text: "", share: 1 });
      this.#guard();
    } else if (data.keep) {
      const { module, image } = data.keep;
      compiled ??= module;
      if (image) this.#kept.image = image;
    } else if ("refused" in data) {
      this.#plain = true;
      this.#begin(words.starting);
    } else if (["missing", "offline"].includes(data.failed?.kind) && !this.#anew) {
      // Of a script that cannot be imported nobody learns whether it is gone or the line is.
      this.#anew = true;
      this.#begin(words.starting);
    } else if (data.failed) {
      this.#fail(explained(data.failed));
    } else if (this.health !== "failed") {
      this.#settle(data);
    }
  }

  /** @param {{id: number, answer?: string, error?: {kind: string, text: string}}} data */
  #settle({ id, answer, error }) {
    const question = this.#open.get(id);
    if (!question) return;
    if (error && error.kind !== "python") {
      if (this.health === "live") this.#again();
      return;
    }
    this.#open.delete(id);
    this.#guard();
    if (error) return question.reject(new Refusal(error.text));
    try {
      question.resolve(JSON.parse(answer ?? ""));
    } catch {
      question.reject(new Refusal(words.crashed)); // a program has spoilt the Python that ran it
    }
  }

  /**
   * A fresh worker for a broken one. The worker takes one question after the other, so the first of the open ones
   * broke it; it is given back when that happens too often. @param {Error} [error] what it is told then
   */
  #again(error = new Refusal(words.crashed)) {
    const [first] = this.#open;
    if (first && --first[1].lives < 1) {
      this.#open.delete(first[0]);
      first[1].reject(error);
    }
    this.#begin(words.restarting);
  }

  /** Gives up the worker, if there is one. */
  #leave() {
    clearTimeout(this.#silence);
    if (!this.#worker) return;
    this.#worker.terminate();
    this.#worker = null;
    session.set("spent", String(++this.#spent));
  }

  /** Watches for a worker that is at a question and stays silent. */
  #guard() {
    const [first] = this.health === "live" ? this.#open : [];
    if (first?.[0] === this.#watched) return;
    clearTimeout(this.#watch);
    this.#watched = first?.[0];
    if (first) this.#watch = setTimeout(() => this.#again(new Overrun(words.crashed)), first[1].patience);
  }

  /** @param {string} reason */
  #fail(reason) {
    this.#leave();
    this.reason = reason;
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#set("failed", { text: "", share: null });
    this.#guard();
    for (const { reject } of open) reject(new Error(reason));
  }

  /** @param {Health} health @param {{text: string, share: number | null}} progress */
  #set(health, progress) {
    this.health = health;
    this.progress = progress;
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {{kind: string, text: string}} failure */
function explained({ kind, text }) {
  const file = text.split("/").at(-1) ?? text;
  const known = { offline: words.offline, missing: words.missing(file), damaged: words.damaged(file), wasm: words.noWasm };
  return known[/** @type {keyof typeof known} */ (kind)] ?? `${words.broken} (${text.split("\n").at(-1)})`;
}

export const engine = new Engine();
