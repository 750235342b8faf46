/**
 * Stands inside the page of a lab, before its style sheets, and runs before our script is here: where the engine has
 * run before, its shared worker is made now. A browser takes longer for that than for the rest of the page.
 * `supply.js` joins it under its name; nothing else is lost when it does not.
 */

import { outlives, sharedName } from "./outlives.js";
import { read } from "./store.js";

/** @typedef {{name: string, worker: SharedWorker, broken: boolean}} Ahead */

const { build } = read("engine") ?? {};
const address = document.currentScript?.dataset.worker;
if (typeof build === "string" && address && location.protocol.startsWith("http") && outlives()) {
  const name = sharedName(build);
  const worker = new SharedWorker(address, /** @type {WorkerOptions} */ ({ name, extendedLifetime: true }));
  const ahead = { name, worker, broken: false };
  worker.onerror = () => {
    ahead.broken = true;
  };
  /** @type {any} */ (globalThis).tcpAhead = ahead;
}
