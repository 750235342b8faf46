/**
 * Compresses files for hosts that serve what lies beside a file: `node squeeze.mjs FILE…` writes FILE.gz and FILE.br.
 * Brotli's best level takes minutes for Pyodide's machine code and saves a tenth more; 9 takes seconds.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

for (const file of process.argv.slice(2)) {
  const content = readFileSync(file);
  const { BROTLI_PARAM_QUALITY: quality, BROTLI_PARAM_LGWIN: window, BROTLI_PARAM_SIZE_HINT: size } = constants;
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [quality]: 9, [window]: 24, [size]: content.length } }));
}
