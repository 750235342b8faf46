/**
 * Keeps what a reader has seen, so that it can be seen again without a network. Runs on HTTPS and on localhost only;
 * everywhere else the site works without it.
 *
 * The engine's files, whose names carry their content's hash, come from the cache when they are there. Everything else
 * comes from the network while there is one, so no page is ever stale, and from the cache when there is none.
 *
 * What to keep is said by the page when it is at rest (`src/web/offline.js`): kept on its way to the page, each file
 * would reach it later. A full disk, or a browser that keeps nothing, costs only the second visit's bytes.
 *
 * The build puts before this `VERSION`, a hash of everything published, and `ENGINE`, the engine's files of this build.
 */

/* global VERSION, ENGINE */

const SEEN = "seen";
const LASTING = "lasting";
const MOST = 200;
const here = new URL("./", self.location.href).href;
const lasting = new Set(ENGINE.map((name) => `${here}assets/engine/${name}`));

// A browser that can takes the engine's files from the cache without asking here; what is not there comes from the network.
self.addEventListener("install", (event) => {
  if (typeof URLPattern === "undefined") return;
  const routes = [...lasting].map((address) => ({ condition: { urlPattern: new URLPattern(address) }, source: { cacheName: LASTING } }));
  // Where that is refused, `fetch` below does the same.
  event.waitUntil(Promise.resolve(event.addRoutes?.(routes)).catch(() => {}));
});

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
  if (lasting.has(address)) event.respondWith(kept(request, address));
  else event.respondWith(fresh(event));
});

/** @param {Request} request @param {string} address */
async function kept(request, address) {
  const cache = await caches.open(LASTING).catch(() => null);
  return (await cache?.match(address).catch(() => undefined)) ?? fetch(request);
}

/** @param {FetchEvent} event */
async function fresh(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch (error) {
    const found = await caches.match(event.request, { ignoreSearch: event.request.mode === "navigate" }).catch(() => undefined);
    if (found) return found;
    throw error;
  }
}

/** Keeps files that a page has just used, so that the browser still has them. @param {string[]} addresses */
async function keep(addresses) {
  const [seen, engine] = await Promise.all([caches.open(SEEN), caches.open(LASTING)]);
  for (const address of addresses.slice(0, MOST)) {
    if (!address.startsWith(here)) continue;
    const cache = lasting.has(address) ? engine : seen;
    // Another build's: a page that is older than this script still names it. Nothing would ever drop it again.
    if (cache === seen && address.startsWith(`${here}assets/engine/`)) continue;
    if (cache === engine && (await cache.match(address))) continue;
    const response = await fetch(address, { cache: "force-cache" });
    // One copy of a page, whatever its address asks the page to do.
    if (response.ok) await cache.put(address.split("?")[0], address.endsWith(".bin") ? inflated(response) : response);
  }
}

/** The memory image as the engine needs it: taking it out of its gzip each time would cost more than the disk. @param {Response} response */
function inflated(response) {
  if (typeof DecompressionStream === "undefined") return response;
  return new Response(response.body?.pipeThrough(new DecompressionStream("gzip")), { headers: { "content-type": "application/octet-stream" } });
}

self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
  // Without a network, and on a full disk, there is nothing to be done.
  else if (Array.isArray(event.data?.keep)) event.waitUntil(keep(event.data.keep).catch(() => {}));
});
