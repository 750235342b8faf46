/**
 * The engine's worker: self-hosted Python that answers questions.
 *
 * In:  `{id, request}`: a request for `teardown.browser.answer` as a JSON string.
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

/** Whether this browser, and the policy of this page, lets WebAssembly run: tries the smallest module there is. */
function runsMachineCode() {
  try {
    return Boolean(new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])));
  } catch {
    return false;
  }
}

/** @returns {Promise<(request: string) => string>} */
async function start() {
  if (!runsMachineCode()) throw new Failure("wasm", "WebAssembly");
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

  // Everything at once: the machine code is compiled while it arrives, and so are the scripts.
  const [module, lock, library, engine, { loadPyodide }] = await Promise.all([
    counted(new URL("pyodide.asm.wasm", home)).then(compiled),
    counted(new URL("pyodide-lock.json", home)).then((response) => response.json()),
    counted(stdlib).then((response) => response.arrayBuffer()),
    counted(wheel).then((response) => response.arrayBuffer()),
    script("pyodide.mjs"),
    script("pyodide.asm.js"),
  ]);
  const options = { indexURL: home.href, packageBaseUrl: home.href, lockFileContents: lock, stdLibURL: stdlib.href };
  const python = await withFiles(module, new Map([[stdlib.href, library]]), () => loadPyodide(options));
  postMessage({ doing: "importing" });
  python.unpackArchive(engine, "wheel");
  return python.pyimport("teardown.browser").answer;
}

/** The machine code, compiled as it comes in, whatever type the server gives it. @param {Response} response */
async function compiled(response) {
  const headers = { "content-type": "application/wasm" };
  try {
    return await WebAssembly.compileStreaming(new Response(response.body, { headers }));
  } catch (error) {
    throw new Failure(error instanceof WebAssembly.CompileError ? "damaged" : "offline", "pyodide.asm.wasm");
  }
}

/**
 * Runs `load` while the files it fetches are those that are here already. Left alone, Pyodide fetches one after the
 * other, and where the machine code is refused it warns and never comes back.
 * @template T
 * @param {WebAssembly.Module} module what any stream of machine code stands for
 * @param {Map<string, ArrayBuffer>} files by address
 * @param {() => Promise<T>} load
 * @returns {Promise<T>}
 */
async function withFiles(module, files, load) {
  const { fetch } = self;
  const { instantiateStreaming } = WebAssembly;
  self.fetch = async (input, options) => {
    const address = String(input);
    if (address.endsWith(".wasm")) return new Response();
    return files.has(address) ? new Response(files.get(address)) : fetch(input, options);
  };
  try {
    return await new Promise((resolve, reject) => {
      WebAssembly.instantiateStreaming = async (_source, imports) => {
        const instance = WebAssembly.instantiate(module, imports);
        instance.catch(reject);
        return { module, instance: await instance };
      };
      load().then(resolve, reject);
    });
  } finally {
    self.fetch = fetch;
    WebAssembly.instantiateStreaming = instantiateStreaming;
  }
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
    const answer = await engine;
    postMessage({ id, answer: answer(request) });
  } catch (error) {
    postMessage({ id, error: described(error) });
  }
};
