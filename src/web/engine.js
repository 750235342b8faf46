/**
 * The page's end of the engine: starts the worker, asks it, and starts it again if it breaks.
 * The worker keeps no situation between two questions, so a new worker simply gets the open questions again.
 */

import { engine as words } from "./strings.js";

/** @typedef {{lab: string, moves: string[], attempt: string | null}} Request */
/**
 * @typedef {object} Answer
 * @property {string[]} moves the moves that were accepted
 * @property {string | null} refused the rule that forbids the rest, in a sentence
 * @property {{server: string, client: string}} states
 * @property {string} say
 * @property {Record<string, string>} html by region; made and escaped by Python
 */
/** @typedef {"idle" | "starting" | "live" | "failed"} Health */
/** @typedef {{message: string, resolve: (answer: Answer) => void, reject: (error: Error) => void, tries: number}} Question */

/** An answer takes milliseconds; after this many the worker has hung. */
const PATIENCE = 15_000;

/** The engine could not answer because the moves or the lab make no sense to it. */
export class Refusal extends Error {}

/** One engine for all labs of the page. Fires `change` whenever health or progress change. */
export class Engine extends EventTarget {
  /** @type {Health} */ health = "idle";
  /** What is being done, in words, and how far: null when that is not known. */
  progress = { text: words.starting, /** @type {number | null} */ share: /** @type {number | null} */ (null) };
  /** Why it failed, in words. */
  reason = "";

  /** @type {Worker | null} */ #worker = null;
  /** @type {Map<number, Question>} */ #open = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #watch;
  #asked = 0;

  /** Starts the worker; does nothing when it is starting or live. */
  start() {
    if (this.health === "starting" || this.health === "live") return;
    this.#begin(words.starting);
  }

  /**
   * The situation after the moves. Waits for the engine, however long that takes.
   * Rejects with `Refusal` for moves that make no sense, and with `Error` when the engine failed.
   * @param {Request} request
   * @returns {Promise<Answer>}
   */
  ask(request) {
    this.start();
    return new Promise((resolve, reject) => {
      const id = ++this.#asked;
      const question = { message: JSON.stringify(request), resolve, reject, tries: 1 };
      this.#open.set(id, question);
      this.#send(id, question);
    });
  }

  /** @param {number} id @param {Question} question */
  #send(id, question) {
    this.#worker?.postMessage({ id, request: question.message });
    this.#guard();
  }

  /** @param {string} text */
  #begin(text) {
    this.#worker?.terminate();
    this.#set("starting", { text, share: null });
    try {
      this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    } catch {
      return this.#fail(words.noWorker);
    }
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      if (this.health === "live") this.#again();
      else this.#fail(words.noWorker);
    };
    for (const [id, question] of this.#open) this.#send(id, question);
  }

  /** @param {any} data */
  #hear(data) {
    if ("loaded" in data) {
      const [done, all] = [data.loaded, data.total].map((bytes) => (bytes / 1e6).toFixed(1));
      this.#set("starting", { text: words.fetching(done, all), share: data.loaded / data.total });
    } else if ("doing" in data) {
      this.#set("starting", { text: words[/** @type {"list"} */ (data.doing)], share: null });
    } else if (data.live) {
      this.#set("live", { text: "", share: 1 });
      this.#guard();
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
    if (error) question.reject(new Refusal(error.text));
    else question.resolve(JSON.parse(answer ?? ""));
  }

  /** A fresh worker for a broken one; a question that broke two of them is given back. */
  #again() {
    for (const [id, question] of this.#open) {
      if (question.tries++ < 2) continue;
      this.#open.delete(id);
      question.reject(new Refusal(words.crashed));
    }
    this.#begin(words.restarting);
  }

  /** Watches for a worker that was asked and stays silent. */
  #guard() {
    clearTimeout(this.#watch);
    if (this.health === "live" && this.#open.size) this.#watch = setTimeout(() => this.#again(), PATIENCE);
  }

  /** @param {string} reason */
  #fail(reason) {
    this.#worker?.terminate();
    this.#worker = null;
    this.reason = reason;
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#set("failed", { text: "", share: null });
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
