/**
 * Keeps what a reader has seen, so that it can be seen again without a network. Runs on HTTPS and on localhost only;
 * everywhere else the site works without it.
 *
 * Files whose names carry their content's hash come from the cache when they are there. Everything else comes from the
 * network while there is one, so no page is ever stale, and from the cache when there is none. A full disk or a browser
 * that keeps nothing costs only the second visit's bytes.
 *
 * The build puts before this `VERSION`, a hash of everything published, and `ENGINE`, the engine's files of this build.
 */

/* global VERSION, ENGINE */

const SEEN = "seen";
const LASTING = "lasting";
const here = new URL("./", self.location.href).href;
const lasting = new Set(ENGINE.map((name) => `${here}assets/engine/${name}`));

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.allSettled([tidy(), self.registration.navigationPreload?.enable()]));
});

/** Drops engine files of earlier builds. */
async function tidy() {
  const cache = await caches.open(LASTING);
  for (const request of await cache.keys()) if (!lasting.has(request.url)) await cache.delete(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(here) || request.headers.has("range")) return;
  const [address] = request.url.split("#");
  if (lasting.has(address)) event.respondWith(kept(event, address));
  else event.respondWith(fresh(event));
});

/** @param {FetchEvent} event @param {string} address */
async function kept(event, address) {
  const cache = await caches.open(LASTING).catch(() => null);
  const found = await cache?.match(address).catch(() => undefined);
  if (found) return found;
  const response = await fetch(event.request);
  if (response.ok && cache) keep(event, cache, address, response.clone());
  return response;
}

/** @param {FetchEvent} event */
async function fresh(event) {
  try {
    const response = (await event.preloadResponse) ?? (await fetch(event.request));
    if (response.ok) keep(event, await caches.open(SEEN).catch(() => null), event.request, response.clone());
    return response;
  } catch (error) {
    const found = await caches.match(event.request, { ignoreSearch: event.request.mode === "navigate" }).catch(() => undefined);
    if (found) return found;
    throw error;
  }
}

/** @param {FetchEvent} event @param {Cache | null} cache @param {RequestInfo} request @param {Response} response */
function keep(event, cache, request, response) {
  // A full disk refuses; the page has its answer all the same.
  if (cache) event.waitUntil(cache.put(request, response).catch(() => {}));
}

self.addEventListener("message", ({ data }) => {
  if (data === "take over") self.skipWaiting();
});
