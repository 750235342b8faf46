/**
 * The engine's worker: self-hosted Python that answers questions about situations.
 *
 * In:  `{id, request}`: a request for `teardown.browser.situation` as a JSON string.
 * Out: `{id, answer}` with its JSON string or `{id, error: {kind, text}}`; while starting `{doing}` and
 *      `{loaded, total}` in bytes; then once `{live: true}`, or `{failed: {kind, text}}`.
 * Nothing is fetched from outside the folder that this file was published in.
 */

/** @typedef {{pyodide: string, wheel: string, stdlib: string, sizes: Record<string, number>}} Manifest */

const MANIFEST = new URL("../engine/manifest.json", import.meta.url);

/** A failure the page has words for. */
class Failure extends Error {
  /** @param {string} kind @param {string} text */
  constructor(kind, text) {
    super(text);
    this.kind = kind;
  }
}

/** Counts the bytes of all files and tells the page, at most every 50 ms; when all are here, what comes next. */
class Meter {
  #loaded = 0;
  #told = 0;

  /** @param {number} total */
  constructor(total) {
    this.total = total;
  }

  /** @param {number} bytes */
  add(bytes) {
    this.#loaded += bytes;
    const now = performance.now();
    if (this.#loaded >= this.total) return postMessage({ doing: "compiling" });
    if (now - this.#told < 50) return;
    this.#told = now;
    postMessage({ loaded: this.#loaded, total: this.total });
  }

  /** The same response, counted while it is read. @param {Response} response */
  over(response) {
    if (!response.body) return response;
    const count = new TransformStream({
      transform: (chunk, out) => {
        this.add(chunk.byteLength);
        out.enqueue(chunk);
      },
    });
    const headers = { "content-type": response.headers.get("content-type") ?? "application/octet-stream" };
    return new Response(response.body.pipeThrough(count), { headers });
  }
}

/** @param {URL} url */
async function get(url) {
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new Failure("offline", url.pathname);
  }
  if (!response.ok) throw new Failure("missing", url.pathname);
  return response;
}

/** @returns {Promise<(request: string) => string>} */
async function start() {
  if (typeof WebAssembly !== "object") throw new Failure("wasm", "WebAssembly");
  postMessage({ doing: "list" });
  const manifest = /** @type {Manifest} */ (await (await get(MANIFEST)).json());
  const home = new URL(manifest.pyodide.replace(/\/?$/, "/"), MANIFEST);
  const wheel = new URL(manifest.wheel, MANIFEST);
  const stdlib = new URL(manifest.stdlib, MANIFEST);

  const meter = new Meter(Object.values(manifest.sizes).reduce((sum, size) => sum + size, 0));
  const counted = async (/** @type {URL} */ url) => meter.over(await get(url));
  const script = async (/** @type {string} */ name) => {
    const module = await import(new URL(name, home).href).catch((error) => {
      throw new Failure(error instanceof TypeError ? "offline" : "damaged", name);
    });
    meter.add(manifest.sizes[name] ?? 0);
    return module;
  };

  // Everything at once. Pyodide asks for its files with `fetch`: it is handed those already on their way.
  const onTheWay = new Map(
    [new URL("pyodide.asm.wasm", home), stdlib, new URL("pyodide-lock.json", home)].map((url) => [url.href, counted(url)]),
  );
  const wheelArrives = counted(wheel).then((response) => response.arrayBuffer());
  const scripts = Promise.all([script("pyodide.mjs"), script("pyodide.asm.js")]);
  for (const promise of [...onTheWay.values(), wheelArrives]) promise.catch(() => {}); // reported below
  const { fetch: ownFetch } = self;
  self.fetch = (input, options) => {
    const address = new URL(input instanceof Request ? input.url : input, home).href;
    const response = onTheWay.get(address);
    onTheWay.delete(address);
    return response ?? ownFetch(input, options);
  };

  const [{ loadPyodide }] = await scripts;
  await Promise.all(onTheWay.values());
  const python = await loadPyodide({ indexURL: home.href, packageBaseUrl: home.href, stdLibURL: stdlib.href })
    .catch((/** @type {Error} */ error) => {
      throw new Failure(error instanceof WebAssembly.CompileError ? "wasm" : "broken", error.message);
    });
  self.fetch = ownFetch;
  postMessage({ doing: "importing" });
  python.unpackArchive(await wheelArrives, "wheel");
  return python.pyimport("teardown.browser").situation;
}

/**
 * What went wrong, for the page. An exception of Python is an answer; anything else is a broken engine.
 * @param {any} error
 */
function described(error) {
  if (error instanceof Failure) return { kind: error.kind, text: error.message };
  const text = String(error?.message ?? error).trim();
  if (error?.name !== "PythonError") return { kind: "crash", text };
  return { kind: "python", text: text.split("\n").at(-1)?.replace(/^[\w.]+: /, "") ?? text };
}

const engine = start();
engine.then(
  () => postMessage({ live: true }),
  (error) => postMessage({ failed: described(error) }),
);

self.onmessage = async ({ data: { id, request } }) => {
  try {
    const situation = await engine;
    postMessage({ id, answer: situation(request) });
  } catch (error) {
    postMessage({ id, error: described(error) });
  }
};
