/**
 * Lets the browser keep the pages that a reader has seen, where it may: on HTTPS and on localhost. When a newer build
 * of the site is there, the reader is told, and decides when to change over.
 */

import { el } from "./dom.js";
import { offline as words } from "./strings.js";

const SCRIPT = new URL("../../service-worker.js", import.meta.url);

export function keepPages() {
  const { serviceWorker } = navigator;
  if (!serviceWorker || !globalThis.isSecureContext) return;
  const register = () => serviceWorker.register(SCRIPT).then(watch, () => {});
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
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
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    worker.postMessage("take over");
  });
  const notice = el("p", { class: "tcp-update", role: "status" }, `${words.update} `, reload);
  document.querySelector("main")?.prepend(notice);
}
