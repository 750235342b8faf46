/**
 * Where the engine's worker and files come from: the site's server. A copy of the site that is opened from a folder,
 * where nothing can be fetched, brings its own `globalThis.tcpSupply` of the same shape, made before this is first used.
 */

/* global ENGINE_MANIFEST */

import { outlives } from "./outlives.js";

/** @typedef {import("./worker.js").Start} Start */
/** What the page needs of a worker. @typedef {Pick<Worker, "postMessage" | "terminate" | "onmessage" | "onerror">} Line */
/**
 * @typedef {object} Supply
 * @property {() => Line} worker a new one; throws where there are none
 * @property {((name: string) => Line) | null} shared the one of that name, which outlives the page; null where none does
 * @property {(anew: boolean) => Start | Promise<Start>} start what it is told first, if wished not what this script says;
 *           `files` holds the bytes where they cannot be fetched
 * @property {(lab: string) => Promise<any>} futures the answers made at build for a lab; may reject
 */

const MANIFEST = new URL("../engine/manifest.json", import.meta.url).href;

/** What a file did when it was asked for. `kind` is one of the worker's: offline, missing. */
export class Unsupplied extends Error {
  /** @param {string} kind @param {string} text */
  constructor(kind, text) {
    super(text);
    this.kind = kind;
  }
}

const WORKER = new URL("./worker.js", import.meta.url);

/** The worker that was made ahead of this script, once, if it is the one. @param {string} name @returns {SharedWorker | null} */
function taken(name) {
  const ahead = /** @type {import("./ahead.js").Ahead | undefined} */ (/** @type {any} */ (globalThis).tcpAhead);
  delete /** @type {any} */ (globalThis).tcpAhead;
  if (ahead?.name === name && !ahead.broken) return ahead.worker;
  ahead?.worker.port.close();
  return null;
}

/** A worker that several pages share. It cannot be ended from outside: the page turns away from it. */
class SharedLine {
  onmessage = /** @type {Worker["onmessage"]} */ (null);
  onerror = /** @type {Worker["onerror"]} */ (null);
  #name;
  #over = new AbortController();
  /** @type {MessagePort} */ #port;
  /** @type {any} what the worker was told first */ #first;

  /** @param {string} name */
  constructor(name) {
    this.#name = name;
    this.#port = this.#join();
    const { signal } = this.#over;
    addEventListener("pagehide", () => this.#port.postMessage({ leaving: true }), { signal });
    addEventListener("pageshow", ({ persisted }) => persisted && this.#return(), { signal });
  }

  #join() {
    const worker = taken(this.#name)
      ?? new SharedWorker(WORKER, /** @type {WorkerOptions} */ ({ name: this.#name, extendedLifetime: true }));
    worker.onerror = (event) => this.onerror?.call(/** @type {any} */ (this), /** @type {ErrorEvent} */ (event));
    worker.port.onmessage = (event) => this.onmessage?.call(/** @type {any} */ (this), event);
    return worker.port;
  }

  /** The page was put aside and comes back: its worker may have ended since. */
  #return() {
    this.#port.close();
    this.#port = this.#join();
    this.#port.postMessage(this.#first);
  }

  /** @param {any} message */
  postMessage(message) {
    this.#first ??= message;
    this.#port.postMessage(message);
  }

  terminate() {
    this.onmessage = this.onerror = null;
    this.#over.abort();
    this.#port.postMessage({ leaving: true });
    this.#port.close();
  }
}

/** @returns {Promise<Start>} */
async function fetched() {
  const response = await fetch(MANIFEST).catch(() => {
    throw new Unsupplied("offline", MANIFEST);
  });
  if (!response.ok) throw new Unsupplied("missing", MANIFEST);
  const manifest = await response.json().catch(() => {
    throw new Unsupplied("damaged", MANIFEST);
  });
  return { manifest, home: MANIFEST };
}

/** @type {Supply} */
const server = {
  worker: () => new Worker(WORKER),
  shared: outlives() ? (name) => new SharedLine(name) : null,
  // The build writes the manifest into this script; an older script, kept somewhere on the way, may name files that are gone.
  start: (anew) => (anew || typeof ENGINE_MANIFEST === "undefined" ? fetched() : { manifest: ENGINE_MANIFEST, home: MANIFEST }),
  futures: async (lab) => (await fetch(new URL(`../futures/${lab}.json`, import.meta.url))).json(),
};

/** @returns {Supply} */
export const supply = () => /** @type {any} */ (globalThis).tcpSupply ?? server;
