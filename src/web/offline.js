/**
 * Lets the browser keep the pages that a reader has seen, where it may: on HTTPS and on localhost. When a newer build
 * of the site is there, the reader is told, and decides when to change over.
 */

import { el, whenIdle, whenLoaded } from "./dom.js";
import { engine } from "./engine.js";
import { offline as words } from "./strings.js";

const SCRIPT = new URL("../../service-worker.js", import.meta.url);
const ENGINE = new URL("../engine/", import.meta.url);
const WORKER = new URL("./worker.js", import.meta.url).href;

/** How long after the page has come its files are kept, in ms: those that come later are kept with the engine's. */
const REST = 3_000;

export function keepPages() {
  const { serviceWorker } = navigator;
  if (!serviceWorker || !globalThis.isSecureContext) return;
  whenLoaded(() => {
    serviceWorker.register(SCRIPT).then(watch, () => {});
    const later = () => setTimeout(() => whenIdle(keepFiles), REST);
    later();
    engine.addEventListener("change", () => engine.health === "live" && later());
  });
}

/** @type {Set<string>} what the service worker has been told to keep */
const told = new Set();

/** Tells the service worker which files this page and its engine have used. */
async function keepFiles() {
  const { active } = await navigator.serviceWorker.ready;
  const used = performance.getEntriesByType("resource").map(({ name }) => name);
  // What a shared worker has fetched, and its script, is no resource of this page.
  const parts = engine.files.map((name) => new URL(name, ENGINE).href);
  if (engine.health === "live") parts.push(WORKER);
  const fresh = [location.href, ...used, ...parts].map((address) => address.split("#")[0]).filter((address) => !told.has(address));
  for (const address of fresh) told.add(address);
  if (fresh.length) active?.postMessage({ keep: fresh });
}

/** @param {ServiceWorkerRegistration} registration */
function watch(registration) {
  const look = (/** @type {ServiceWorker | null} */ worker) => {
    // The first one replaces nothing.
    if (worker?.state === "installed" && navigator.serviceWorker.controller) tell(worker);
  };
  look(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => look(worker));
  });
}

/** @param {ServiceWorker} worker */
function tell(worker) {
  const reload = el("button", { type: "button" }, words.reload);
  reload.addEventListener("click", () => {
    // Another tab of the reader's has changed over already.
    if (worker.state !== "installed") return location.reload();
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    worker.postMessage("take over");
  });
  const notice = el("p", { class: "tcp-update", role: "status" }, `${words.update} `, reload);
  document.querySelector("main")?.prepend(notice);
}
