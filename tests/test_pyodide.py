"""The same bytes in CPython and in Pyodide: every scenario's trace and capture, and a walk through every lab.

Runs the wheel that pages ship, in the Pyodide that pages ship, under node.
"""

import json
import shutil
import subprocess
from pathlib import Path

import both_pythons

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "docs" / "assets" / "engine"

NODE = """
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [folder, wheel, code] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
const py = await loadPyodide({ indexURL: `${folder}/` });
const site = py.runPython("import site; site.getsitepackages()[0]");
py.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel", { extractDir: site });
py.runPython(readFileSync(code, "utf8"));
console.log(py.runPython("json.dumps(play())"));
"""


def test_cpython_and_pyodide_agree_to_the_byte(tmp_path: Path) -> None:
    node = shutil.which("node")
    manifest = ENGINE / "manifest.json"
    assert node, "node is missing: make test installs it"
    assert manifest.is_file(), "the engine's files are missing: python -m teardown.site.prepare makes them"
    wheel = ENGINE / json.loads(manifest.read_text("utf-8"))["wheel"]
    script = tmp_path / "play.mjs"
    script.write_text(NODE, "utf-8")
    command = [node, script, ROOT / "node_modules" / "pyodide", wheel, both_pythons.__file__]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == both_pythons.play()
