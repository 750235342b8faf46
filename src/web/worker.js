/**
 * The engine's worker: self-hosted Python that answers questions. A script of its own, without imports, so that it runs
 * as a file and as a Blob, in browsers with and without module workers; and as the worker of one page or of several
 * (`SharedWorker`), where it may outlive the page that started it.
 *
 * In:  first `{start: Start}`, then `{id, request}`: a request for `teardown.browser.answer` as a JSON string.
 *      With `alone: true` it may run somebody's program: before it does, the worker gives up all it could do harm with.
 * Out: `{id, answer}` with its JSON string or `{id, error: {kind, text}}`; while starting `{doing}` and
 *      `{loaded, total}` in bytes; then once `{live: true, fast, files}`, `{refused}` or `{failed: {kind, text}}`.
 *      `{keep: {module, image}}` hands over what makes the next start quick. A page that comes later to a shared worker
 *      sends its `start` all the same, and hears `{here: true}` and how far that worker is; `{leaving: true}` says that it goes.
 *
 * There are two ways to start. The fast way puts back a memory image in which Python has started and the engine is
 * imported (`src/teardown/site/image.mjs` made it, with what is private to the Pyodide named in the manifest). When
 * anything about that is refused, the page starts another worker, which takes the ordinary way.
 */

/**
 * @typedef {object} Manifest what `teardown.site.engine` wrote
 * @property {string} pyodide folder of Pyodide's own files
 * @property {string} wheel
 * @property {string} stdlib
 * @property {string | null} image
 * @property {number} memory bytes of memory that the image needs
 * @property {object} lock Pyodide's lock file
 * @property {Record<string, number>} sizes by name
 */
/**
 * @typedef {object} Start
 * @property {Manifest} manifest
 * @property {string} home address of the folder that the manifest's names are in
 * @property {Record<string, Uint8Array>} [files] the files themselves, by name, where they cannot be fetched
 * @property {Kept} [kept] from an earlier worker
 * @property {boolean} [plain] the ordinary way, please
 * @property {boolean} [cached] the files have been here before: no need to count their bytes
 */
/** @typedef {{module?: WebAssembly.Module, image?: ArrayBuffer}} Kept */
/** @typedef {(request: string) => string} Answer */

(() => {
  "use strict";

  /** A zip file without files: what the fast way starts with instead of the standard library. */
  const EMPTY_ZIP = Uint8Array.from("PK\x05\x06" + "\0".repeat(18), (letter) => letter.charCodeAt(0));

  /** What a worker needs of whoever listens to it. @typedef {{postMessage: (message: any, transfer?: any) => void}} Page */

  /** Whether several pages may share this worker. */
  const shared = "onconnect" in self;
  /** Who hears how the start goes: the only page, or those that have come so far. @type {Set<Page>} */
  const pages = new Set();
  /** What they heard last. @type {any} */ let last = null;

  /** @param {any} message @param {Transferable[]} [transfer] */
  function tell(message, transfer = []) {
    last = message;
    for (const page of pages) page.postMessage(message, transfer);
  }

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
      if (this.#loaded >= this.total) return tell({ doing: "compiling" });
      if (now - this.#told < 50) return;
      this.#told = now;
      tell({ loaded: this.#loaded, total: this.total });
    }

    /** The same bytes, counted while they are read. @param {ReadableStream<Uint8Array>} stream */
    over(stream) {
      return stream.pipeThrough(new TransformStream({
        transform: (chunk, out) => {
          this.add(chunk.byteLength);
          out.enqueue(chunk);
        },
      }));
    }
  }

  /** Where the files are: on the server, or handed in by the page. */
  class Files {
    /** @param {Start} start */
    constructor({ home, manifest, files, cached = false }) {
      this.home = home;
      this.manifest = manifest;
      this.cached = cached;
      this.handed = files;
      /** @type {Meter | null} */ this.meter = null;
      /** @type {Set<string>} the names of those that came from the server */ this.fetched = new Set();
    }

    /** @param {string} name */
    address(name) {
      return new URL(name, this.home).href;
    }

    /** Begins the bar at zero, for these files. @param {string[]} names */
    count(names) {
      // Counting takes each piece of a file through this thread, and what is here already needs no bar.
      if (this.cached) return;
      this.meter = new Meter(names.reduce((sum, name) => sum + (this.manifest.sizes[name] ?? 0), 0));
    }

    /** @param {string} name */
    async get(name) {
      const handed = this.handed?.[name];
      if (handed) return new Response(/** @type {BodyInit} */ (handed));
      let response;
      try {
        response = await fetch(this.address(name));
      } catch {
        throw new Failure("offline", name);
      }
      if (!response.ok) throw new Failure("missing", name);
      this.fetched.add(name);
      return response;
    }

    /** The content as a stream that the bar follows. @param {string} name */
    async stream(name) {
      return this.counted(await this.get(name), name);
    }

    /** @param {Response} response @param {string} name */
    counted({ body }, name) {
      if (!body) throw new Failure("damaged", name);
      return this.meter?.over(body) ?? body;
    }

    /** @param {string} name */
    async bytes(name) {
      try {
        return await new Response(await this.stream(name)).arrayBuffer();
      } catch (error) {
        throw error instanceof Failure ? error : new Failure("offline", name);
      }
    }

    /** The content, at once: for Python's `import`, which cannot wait otherwise. @param {string} name */
    now(name) {
      const handed = this.handed?.[name];
      if (handed) return handed;
      const request = new XMLHttpRequest();
      request.open("GET", this.address(name), false);
      request.responseType = "arraybuffer";
      request.send();
      if (request.status !== 200 && request.status !== 0) throw new Error(`${name}: ${request.status}`);
      return new Uint8Array(request.response);
    }

    /**
     * Runs one of Pyodide's scripts and gives its exports.
     * @param {string} name
     */
    async run(name) {
      try {
        if (this.handed) return this.#classic(URL.createObjectURL(new Blob([this.handed[name]], { type: "text/javascript" })));
        this.fetched.add(name);
        return await import(this.address(name)).catch((error) => {
          // A worker in which nothing can be imported runs scripts in the old way. They come from the cache then.
          if (error instanceof TypeError) return this.#classic(this.address(name));
          throw error;
        });
      } catch (error) {
        throw new Failure(error instanceof SyntaxError ? "damaged" : "offline", name);
      } finally {
        this.meter?.add(this.manifest.sizes[name] ?? 0);
      }
    }

    /** @param {string} address */
    #classic(address) {
      self.importScripts(address.replace(/pyodide\.mjs$/, "pyodide.js"));
      return /** @type {any} */ (self);
    }
  }

  /** Whether this browser, and the policy of this page, lets WebAssembly run: tries the smallest module there is. */
  function runsMachineCode() {
    try {
      return Boolean(new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])));
    } catch {
      return false;
    }
  }

  /** @param {Start} asked @returns {Promise<Answer>} */
  async function start(asked) {
    if (!runsMachineCode()) throw new Failure("wasm", "WebAssembly");
    const files = new Files(asked);
    const { image } = asked.manifest;
    const fast = image !== null && !asked.plain && typeof DecompressionStream === "function";
    const answer = await (fast ? fastWay : ordinaryWay)(files, asked.manifest, asked.kept ?? {});
    tell({ live: true, fast, files: [...files.fetched] });
    return answer;
  }

  /** Hands the page what makes the next start quick; a page that shares its worker could not take it. @param {Kept} kept */
  function keep(kept) {
    if (shared) return;
    say({ keep: kept }, kept.image ? [kept.image] : []);
  }

  // --- the ordinary way ----------------------------------------------------------------------------------

  /** @param {Files} files @param {Manifest} manifest @param {Kept} kept @returns {Promise<Answer>} */
  async function ordinaryWay(files, manifest, kept) {
    const core = `${manifest.pyodide}pyodide.asm.wasm`;
    const scripts = [`${manifest.pyodide}pyodide.mjs`, `${manifest.pyodide}pyodide.asm.js`];
    files.count([...scripts, ...(kept.module ? [] : [core]), manifest.stdlib, manifest.wheel]);
    // Everything at once: the machine code is compiled while it arrives, and so are the scripts.
    const [module, library, engine, { loadPyodide }] = await Promise.all([
      kept.module ?? compiled(files, core),
      files.bytes(manifest.stdlib),
      files.bytes(manifest.wheel),
      ...scripts.map((name) => files.run(name)),
    ]);
    const python = await withFiles(module, library, () => loadPyodide(options(files, manifest)));
    tell({ doing: "importing" });
    python.unpackArchive(engine, "wheel");
    const { answer } = python.pyimport("teardown.browser");
    keep({ module });
    return answer;
  }

  /** What both ways tell Pyodide. @param {Files} files @param {Manifest} manifest */
  function options(files, manifest) {
    const home = files.address(manifest.pyodide);
    return { indexURL: home, packageBaseUrl: home, lockFileContents: manifest.lock, stdLibURL: `${home}library.zip` };
  }

  /** The machine code, compiled as it comes in, whatever type the server gives it. @param {Files} files @param {string} name */
  async function compiled(files, name) {
    const headers = { "content-type": "application/wasm" };
    const response = await files.get(name);
    // Untouched, the answer of a server may come with what the browser compiled last time.
    const whole = !files.meter && response.headers.get("content-type") === headers["content-type"];
    const source = whole ? response : new Response(files.counted(response, name), { headers });
    try {
      return WebAssembly.compileStreaming
        ? await WebAssembly.compileStreaming(source)
        : await WebAssembly.compile(await source.arrayBuffer());
    } catch (error) {
      throw new Failure(error instanceof WebAssembly.CompileError ? "damaged" : "offline", name);
    }
  }

  /**
   * Runs `load` while the files that it fetches are those that are here already. Left alone, Pyodide fetches one after
   * the other, and where the machine code is refused it warns and never comes back.
   * @template T
   * @param {WebAssembly.Module | Promise<WebAssembly.Module>} module what any stream of machine code stands for
   * @param {BufferSource} library
   * @param {() => Promise<T>} load
   * @param {(imports: WebAssembly.Imports) => void} [see] is shown what the machine code imports
   * @returns {Promise<T>}
   */
  async function withFiles(module, library, load, see) {
    const { fetch } = self;
    const { instantiateStreaming } = WebAssembly;
    self.fetch = async (input, options) => {
      const address = String(input);
      if (address.endsWith(".wasm")) return new Response();
      return address.endsWith("/library.zip") ? new Response(library) : fetch(input, options);
    };
    try {
      return await new Promise((resolve, reject) => {
        WebAssembly.instantiateStreaming = async (_source, imports) => {
          try {
            const code = await module;
            see?.(imports ?? {});
            return { module: code, instance: await WebAssembly.instantiate(code, imports) };
          } catch (error) {
            reject(error);
            throw error;
          }
        };
        load().then(resolve, reject);
      });
    } finally {
      self.fetch = fetch;
      WebAssembly.instantiateStreaming = instantiateStreaming;
    }
  }

  // --- the fast way --------------------------------------------------------------------------------------

  /** The image does not fit here; the ordinary way may still work. */
  class Refused extends Error {}

  /** @param {Files} files @param {Manifest} manifest @param {Kept} kept @returns {Promise<Answer>} */
  async function fastWay(files, manifest, kept) {
    const core = `${manifest.pyodide}pyodide.asm.wasm`;
    const scripts = [`${manifest.pyodide}pyodide.mjs`, `${manifest.pyodide}pyodide.asm.js`];
    const name = /** @type {string} */ (manifest.image);
    files.count([...scripts, ...(kept.module ? [] : [core]), ...(kept.image ? [] : [name])]);
    const module = kept.module ?? compiled(files, core);
    const packed = kept.image ?? unpacked(files, name);
    // Whoever fails first ends the start; the others must not fail unheard.
    for (const waiting of [module, packed]) if (waiting instanceof Promise) waiting.catch(() => {});
    const [{ loadPyodide }] = await Promise.all(scripts.map((script) => files.run(script)));
    const imports = /** @type {any} */ ({});
    /** @type {Image | undefined} */ let image;

    const create = self._createPyodideModule;
    self._createPyodideModule = async (/** @type {any} */ settings) => {
      const instance = await create({ ...settings, INITIAL_MEMORY: manifest.memory });
      image = readImage(await packed);
      instance.API.restoreSnapshot = () => restore(instance, /** @type {Image} */ (image), imports.env);
      return instance;
    };
    const ours = { _loadSnapshot: new Uint8Array(16), _sysExecutable: "/python" }; // as in image.mjs
    const load = () => loadPyodide({ ...options(files, manifest), ...ours });
    const python = await withFiles(module, EMPTY_ZIP, load, (found) => Object.assign(imports, found)).catch((error) => {
      throw error instanceof Failure ? error : new Refused(String(error?.message ?? error));
    });
    const { head, buffer } = /** @type {Image} */ (image);
    try {
      for (const [path, text] of Object.entries(head.files)) {
        python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
        python.FS.writeFile(path, text);
      }
      python.pyimport("teardown.image").wake(() => {
        python.FS.writeFile(head.library, files.now(manifest.stdlib), { canOwn: true });
        python.unpackArchive(files.now(manifest.wheel), "wheel", { extractDir: head.site });
      });
      const { answer } = python.pyimport("teardown.browser");
      keep({ module: await module, image: buffer });
      return answer;
    } catch (error) {
      throw new Refused(String(error));
    }
  }

  /**
   * @typedef {object} Head
   * @property {string} build of the Pyodide that it belongs to
   * @property {number} memory
   * @property {number} heap
   * @property {number} pairs
   * @property {number} sum over the memory below the heap
   * @property {object} state
   * @property {string} site folder of installed packages
   * @property {string} library path of the standard library's archive
   * @property {Record<string, string>} files
   */
  /** @typedef {{head: Head, table: Uint32Array, blocks: Uint8Array, buffer: ArrayBuffer}} Image */

  /** @param {Files} files @param {string} name @returns {Promise<ArrayBuffer>} */
  async function unpacked(files, name) {
    try {
      const response = await files.get(name);
      // What the service worker has kept is out of its gzip already.
      if (files.cached) {
        const bytes = await response.arrayBuffer();
        return isPacked(bytes) ? await inflated(new Response(bytes).body) : bytes;
      }
      return await inflated(files.counted(response, name));
    } catch (error) {
      throw new Refused(`${name}: ${error}`);
    }
  }

  /** Whether it begins as gzip does. @param {ArrayBuffer} bytes */
  const isPacked = (bytes) => bytes.byteLength > 2 && new Uint16Array(bytes, 0, 1)[0] === 0x8b1f;

  /** @param {any} stream */
  const inflated = (stream) => new Response(stream.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();

  /** @param {ArrayBuffer} buffer @returns {Image} */
  function readImage(buffer) {
    const [mark, size] = buffer.byteLength > 8 ? new Uint32Array(buffer, 0, 2) : [];
    if (mark !== 0x31494454 || 8 + size > buffer.byteLength) throw new Refused("this is no image");
    const head = /** @type {Head} */ (JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size))));
    const table = new Uint32Array(buffer, 8 + size, 2 * head.pairs);
    return { head, table, blocks: new Uint8Array(buffer, 8 + size + table.byteLength), buffer };
  }

  /**
   * Makes the instance's memory that of the image, and gives what Pyodide itself kept.
   * @param {any} instance @param {Image} image @param {any} imports
   */
  function restore(instance, { head, table, blocks }, imports) {
    const memory = /** @type {Uint8Array} */ (instance.HEAPU8);
    const fits = instance.API.config.BUILD_ID === head.build && memory.length === head.memory && instance.___heap_base === head.heap;
    if (!fits) throw new Refused("the image is for another Pyodide");
    memory.fill(0, head.heap);
    for (let i = 0, from = 0; i < table.length; i += 2) {
      memory.set(blocks.subarray(from, from + table[i + 1]), table[i]);
      from += table[i + 1];
    }
    // Above, everything was written. Below, what was not must be what it was at the build.
    const words = new Uint32Array(memory.buffer, 0, head.heap >>> 2);
    let sum = 0;
    for (let i = 0; i < words.length; i++) sum = (Math.imul(sum, 31) + words[i]) | 0;
    if (sum >>> 0 !== head.sum) throw new Refused("the memory is not what the image was made from");
    // How Python best calls a function depends on the browser.
    imports._PyEM_InitTrampoline_js();
    return head.state;
  }

  // --- questions -----------------------------------------------------------------------------------------

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

  // --- programs of others --------------------------------------------------------------------------------

  /** What is left when the worker is alone: the language, and what Python needs of a browser. */
  const LEFT = new Set(`
    self globalThis constructor undefined Infinity NaN isFinite isNaN parseFloat parseInt decodeURI decodeURIComponent
    encodeURI encodeURIComponent AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Boolean
    DataView Date Error EvalError FinalizationRegistry Float32Array Float64Array Function Int8Array Int16Array Int32Array
    Intl Iterator JSON Map Math Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer
    String Symbol SyntaxError TypeError URIError Uint8Array Uint8ClampedArray Uint16Array Uint32Array WeakMap WeakRef
    WeakSet DOMException WebAssembly TextDecoder TextEncoder crypto performance console setTimeout clearTimeout
    queueMicrotask structuredClone`.trim().split(/\s+/));

  /** What must not be left in any case. */
  const DANGERS = `fetch XMLHttpRequest WebSocket WebTransport EventSource importScripts eval postMessage indexedDB caches
    BroadcastChannel Worker SharedWorker navigator close`.split(/\s+/);

  /** Bytes of memory that a program may make Python take. */
  const MOST_MEMORY = 256 << 20;

  /** The only one who can still speak to the page when the worker is alone. */
  const say = shared ? () => {} : self.postMessage.bind(self);
  let alone = false;

  /**
   * Gives up everything by which a program could reach the network, the site's storage, other workers or the page, and
   * all ways to make code from text. Python gives up its way to JavaScript. Nothing of it can be undone but by ending
   * the worker. @param {Answer} answer
   */
  function isolate(answer) {
    if (shared) throw new Failure("unsafe", "a shared worker");
    answer(JSON.stringify({ ask: "code-ready" }));
    const no = () => {
      throw new TypeError("no code is made from text here");
    };
    for (const made of [function () {}, async function () {}, function* () {}, async function* () {}]) {
      Object.defineProperty(Object.getPrototypeOf(made), "constructor", { value: no, writable: false, configurable: false });
    }
    const { grow } = WebAssembly.Memory.prototype;
    WebAssembly.Memory.prototype.grow = function (pages) {
      if (this.buffer.byteLength + pages * 65536 > MOST_MEMORY) throw new RangeError("no more memory here");
      return grow.call(this, pages);
    };
    const plain = Function.prototype;
    for (let scope = self; scope && scope !== Object.prototype; scope = Object.getPrototypeOf(scope)) {
      for (const name of Object.getOwnPropertyNames(scope)) if (!LEFT.has(name)) Reflect.deleteProperty(scope, name);
    }
    self.Function = /** @type {any} */ (Object.assign(no.bind(null), { prototype: plain }));
    const left = DANGERS.filter((name) => name in self);
    if (left.length) throw new Failure("unsafe", left.join(", "));
    alone = true;
  }

  /** @type {Promise<Answer> | undefined} */ let engine;

  /** @param {Start} asked */
  function begin(asked) {
    engine = start(asked);
    engine.then(() => pages.clear(), (error) => {
      tell(error instanceof Refused ? { refused: error.message } : { failed: described(error) });
      // The next page that asks for a shared worker gets a new one.
      if (shared) self.close();
    });
  }

  /** How long a shared worker without a page waits for the next one, in ms: a reader comes back, or does not. */
  const STAY = 300_000;
  /** @type {Set<Page>} the pages that a shared worker has */ const present = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let leaving;

  function endLater() {
    clearTimeout(leaving);
    leaving = setTimeout(() => self.close(), STAY);
  }

  /** Takes what a page sends. @param {Page} page @param {MessageEvent} event */
  async function hear(page, { data: { start: asked, id, request, alone: wanted, leaving: goes } }) {
    clearTimeout(leaving);
    if (goes) {
      present.delete(page);
      if (!present.size) endLater();
      return;
    }
    present.add(page);
    if (asked) {
      if (shared) page.postMessage({ here: true });
      if (last) page.postMessage(last);
      if (!last?.live) pages.add(page);
      if (!engine) begin(asked);
      return;
    }
    try {
      const answer = /** @type {Answer} */ (await engine);
      if (wanted && !alone) isolate(answer);
      page.postMessage({ id, answer: answer(request) });
    } catch (error) {
      page.postMessage({ id, error: described(error) });
    }
  }

  if (shared) {
    self.onconnect = ({ ports: [port] }) => {
      if (!present.size) endLater(); // the page may be gone before it speaks
      port.onmessage = (event) => hear(port, event);
    };
  } else {
    self.onmessage = (event) => hear({ postMessage: say }, event);
  }
})();
