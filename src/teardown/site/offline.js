/**
 * Classic script of the offline copy, before all others: where a folder on a disk stands in for the site's server.
 * A page from `file:` may fetch nothing and start no worker from a file; scripts it may load. So every file that is
 * needed comes as a script, and every worker from memory. Placeholders are filled by offline.py.
 */
(() => {
  "use strict";

  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const root = new URL("../../", script.src).href;
  // The theme's search replaces `Worker` by one that takes files; ours takes memory.
  const NativeWorker = globalThis.Worker;
  const shelf = (globalThis.tcpShelf = /** @type {Record<string, any>} */ ({}));

  /** @param {string} address */
  const load = (address) =>
    new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = root + address;
      element.onload = () => resolve(undefined);
      element.onerror = () => reject(new Error(`${address} is missing`));
      document.head.append(element);
    });

  /** @param {string} text base64 of gzip */
  const bytes = async (text) => {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  globalThis.tcpSupply = {
    worker: () => new NativeWorker(URL.createObjectURL(new Blob([/*WORKER*/""], { type: "text/javascript" }))),
    start: async () => {
      if (!shelf.engine) await load("assets/engine/engine.js");
      const { manifest, files } = shelf.engine;
      const entries = Object.entries(files).map(async ([name, text]) => [name, await bytes(text)]);
      return { manifest, home: `${root}assets/engine/`, files: Object.fromEntries(await Promise.all(entries)) };
    },
    futures: async (/** @type {string} */ lab) => {
      if (!shelf[`futures/${lab}`]) await load(`assets/futures/${lab}.js`);
      return shelf[`futures/${lab}`];
    },
  };
})();
