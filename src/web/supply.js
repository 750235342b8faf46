/**
 * Where the engine's worker and files come from: the site's server. A copy of the site that is opened from a folder,
 * where nothing can be fetched, brings its own `globalThis.tcpSupply` of the same shape, made before this is first used.
 */

/** @typedef {import("./worker.js").Start} Start */
/**
 * @typedef {object} Supply
 * @property {() => Worker} worker a new one; throws where there are none
 * @property {() => Promise<Start>} start what it is told first; `files` holds the bytes where they cannot be fetched
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

/** @type {Supply} */
const server = {
  worker: () => new Worker(new URL("./worker.js", import.meta.url)),
  start: async () => {
    const response = await fetch(MANIFEST).catch(() => {
      throw new Unsupplied("offline", MANIFEST);
    });
    if (!response.ok) throw new Unsupplied("missing", MANIFEST);
    const manifest = await response.json().catch(() => {
      throw new Unsupplied("damaged", MANIFEST);
    });
    return { manifest, home: MANIFEST };
  },
  futures: async (lab) => (await fetch(new URL(`../futures/${lab}.json`, import.meta.url))).json(),
};

/** @returns {Supply} */
export const supply = () => /** @type {any} */ (globalThis).tcpSupply ?? server;
