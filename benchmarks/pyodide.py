"""The same work in CPython and in the Pyodide that pages ship, under node: how many times slower is it there?"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from statistics import median

from benchmarks.result import ROOT, Result

ROUNDS = 3
#: Mounts the source tree and runs `portable`; the last line it prints is JSON.
_RUNNER = """
import { pathToFileURL } from "node:url";
const [folder, root] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(folder + "/pyodide.mjs"));
const pyodide = await loadPyodide({ indexURL: folder + "/" });
pyodide.mountNodeFS("/tree", root);
console.log(pyodide.runPython(`
import json, sys
from pathlib import Path
sys.path[:0] = ["/tree", "/tree/src"]
from benchmarks.portable import measure
json.dumps(measure(Path("/tree/tests/pkt")))
`));
"""


def measure() -> Result:
    """µs in both, and the ratios. Loud where node or Pyodide is missing."""
    result = Result("pyodide", "µs each")
    node, pyodide = shutil.which("node") or shutil.which("node", path=str(ROOT / ".venv/bin")), ROOT / "node_modules/pyodide"
    if node is None or not pyodide.is_dir():
        result.skip("Pyodide: node or node_modules/pyodide is missing; run tools/bootstrap.sh bench")
        return result
    runner = ROOT / "build" / "pyodide-benchmark.mjs"
    runner.parent.mkdir(exist_ok=True)
    runner.write_text(_RUNNER, encoding="utf-8")
    for _ in range(ROUNDS):  # in turns, so that other work on the machine meets both
        for where, command in (
            ("CPython", [sys.executable, "-m", "benchmarks.portable", "tests/pkt"]),
            ("Pyodide", [node, str(runner), str(pyodide), str(ROOT)]),
        ):
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
            for what, value in json.loads(done.stdout.splitlines()[-1]).items():
                result.add(f"{what}, {where}", value)
    kinds = [name.removesuffix(", CPython") for name in result.values if name.endswith(", CPython")]
    for kind in kinds:
        result.ratio(f"{kind}: Pyodide, in CPythons", f"{kind}, Pyodide", f"{kind}, CPython")
    result.ratios["the middle of these"] = median(result.ratios.values())
    return result
