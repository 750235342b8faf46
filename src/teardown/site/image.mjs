/**
 * Takes the engine's memory image: `node image.mjs PYODIDE-FOLDER STDLIB WHEEL OUT`.
 *
 * Starts Pyodide with the engine in it, and keeps of its memory only what a Pyodide that has not started Python lacks:
 * most of the memory is zero, or the same in every instance. src/web/worker.js reads what this writes:
 *
 *   "TDI1" | bytes of the head, uint32 | head, JSON, padded to 4 bytes | pairs of uint32: address, length | the bytes
 *
 * all of it gzipped, because few hosts compress a file of a type that they do not know. The head says for which Pyodide
 * the image is (`build`), how much `memory` it needs, where the `heap` begins (zero there, unless a pair says otherwise),
 * how many `pairs` there are, what Pyodide itself keeps (`state`), the `sum` over the memory below the heap, where
 * packages (`site`) and the standard library (`library`) go when they come later, and the engine's own data, `files`.
 *
 * Uses what is private to Pyodide 0.29.5: `_makeSnapshot`, `_loadSnapshot`, `API.restoreSnapshot`.
 * Same inputs, same bytes: clock, chance and the names of this machine are kept out.
 */

import crypto from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const BLOCK = 256;
const FOR = "0.29.5";

const [folder, library, wheel, out] = process.argv.slice(2).map((path) => resolve(path));
const bytes = (/** @type {string} */ path) => new Uint8Array(readFileSync(path));

// --- a machine without clock, chance and name ----------------------------------------------------------

let now = Date.UTC(2026, 0, 1);
Date.now = () => (now += 1);
performance.now = () => (now += 1) - Date.UTC(2026, 0, 1);
Math.random = () => 0.5;
const chance = (/** @type {Uint8Array} */ view) => {
  for (let i = 0; i < view.length; i++) view[i] = (i * 167 + 13) & 255;
  return view;
};
globalThis.crypto.getRandomValues = chance;
crypto.randomFillSync = chance;
syncBuiltinESMExports();
Object.defineProperty(globalThis, "navigator", { value: { userAgent: "image", languages: ["en-US"] }, configurable: true });
process.env = { TZ: "UTC" };

// Python asks for the fastest way to call functions that this machine has; the reader's may not have it.
// The worker asks again after it has put the image back.
WebAssembly.Module = new Proxy(WebAssembly.Module, {
  construct(target, [source]) {
    const code = new Uint8Array(source instanceof ArrayBuffer ? source : source.buffer);
    if (code.some((byte, i) => byte === 251 && code[i + 1] === 20)) throw new WebAssembly.CompileError("no ref.test");
    return new target(source);
  },
});

// --- start Python, take its memory ---------------------------------------------------------------------

const { loadPyodide, version } = await import(pathToFileURL(`${folder}/pyodide.mjs`).href);
if (version !== FOR) throw new Error(`this is for Pyodide ${FOR}, and here is ${version}`);
const options = {
  indexURL: `${folder}/`,
  stdLibURL: library,
  _sysExecutable: "/python",
  lockFileContents: { info: JSON.parse(readFileSync(`${folder}/pyodide-lock.json`, "utf8")).info, packages: {} },
};
const environment = { HOME: "/home/pyodide", LANG: "en_US.UTF-8" };

const python = await loadPyodide({ ...options, _makeSnapshot: true, env: { ...environment } });
const site = python.runPython("import site; site.getsitepackages()[0]");
const archive = python.runPython("import sys; next(path for path in sys.path if path.endswith('.zip'))");
python.unpackArchive(bytes(wheel), "wheel", { extractDir: site });
const files = JSON.parse(python.runPython(`
import json, pathlib
from teardown import image
from teardown.lab import file as labs
image.settle(labs.names())
json.dumps({str(path): path.read_text("utf-8") for path in sorted(pathlib.Path(${JSON.stringify(site)}).rglob("*.toml"))})
`));
python.runPython("for name in ('json', 'pathlib', 'image', 'labs', 'site', 'path'): globals().pop(name, None)\nimport gc; gc.collect(); del gc");

const snapshot = python.makeMemorySnapshot();
const [, offset, length] = new Uint32Array(snapshot.buffer, 0, 3);
const state = new TextDecoder().decode(snapshot.subarray(48, 48 + length));
const memory = snapshot.subarray(offset);

// --- what another instance has anyway ------------------------------------------------------------------

/** The memory of an instance of this much memory just before it would be given the image. */
async function untouched(/** @type {object} */ more) {
  const create = globalThis._createPyodideModule;
  return new Promise((found, failed) => {
    globalThis._createPyodideModule = async (/** @type {any} */ settings) => {
      const module = await create({ ...settings, INITIAL_MEMORY: memory.length });
      globalThis._createPyodideModule = create;
      found({ memory: module.HEAPU8.slice(), heap: module.___heap_base });
      return new Promise(() => {});
    };
    loadPyodide({ ...options, _loadSnapshot: new Uint8Array(16), ...more }).catch(failed);
  });
}

const { memory: one, heap } = await untouched({ env: { ...environment } });
// What depends on environment and arguments is no common ground.
const { memory: other } = await untouched({
  env: { HOME: "/h".repeat(40), LANG: "xx_YY.ISO-8859-1", OTHER: "x".repeat(3000) },
  args: ["-c", "print(1)".repeat(100)],
});
if (!heap || one.length !== memory.length) throw new Error("this Pyodide has its heap elsewhere");

const pairs = [];
for (let at = 0; at < memory.length; at += BLOCK) {
  const end = Math.min(at + BLOCK, memory.length);
  let differs = false;
  for (let i = at; i < end && !differs; i++) {
    differs = i >= heap ? memory[i] !== 0 : memory[i] !== one[i] || one[i] !== other[i];
  }
  const last = pairs.at(-1);
  if (!differs) continue;
  if (last && last[0] + last[1] === at) last[1] += end - at;
  else pairs.push([at, end - at]);
}

// --- write it ------------------------------------------------------------------------------------------

let sum = 0;
for (const word of new Uint32Array(memory.slice(0, heap).buffer)) sum = (Math.imul(sum, 31) + word) >>> 0;

const head = {
  build: python._api.config.BUILD_ID,
  memory: memory.length,
  heap,
  pairs: pairs.length,
  sum,
  state: JSON.parse(state),
  site,
  library: archive,
  files,
};
let text = JSON.stringify(head);
text += " ".repeat(-Buffer.byteLength(text) & 3);
const table = Uint32Array.from(pairs.flat());
const image = Buffer.concat([
  Buffer.from("TDI1"),
  Buffer.from(Uint32Array.of(Buffer.byteLength(text)).buffer),
  Buffer.from(text),
  Buffer.from(table.buffer),
  ...pairs.map(([at, size]) => memory.subarray(at, at + size)),
]);
writeFileSync(out, gzipSync(image, { level: 9 }));
console.log(JSON.stringify({ memory: memory.length, kept: image.length, pairs: pairs.length, heap }));
process.exit(0);
