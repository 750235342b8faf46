"""The editor of learners' programs: CodeMirror and `src/editor/editor.js` as one file, made by esbuild at the build.

What esbuild takes in is told by its own list, and the licence of every package in it goes beside the bundle.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from teardown.site.bundle import bundle
from teardown.site.engine import installed

SOURCE = "src/editor/editor.js"


def files(root: Path) -> dict[str, bytes]:
    """The bundle and the licences. Raises InputError when a package is not installed or the source has a fault."""
    with tempfile.TemporaryDirectory() as work:
        out, list_of = Path(work, "editor.js"), Path(work, "inputs.json")
        bundle(root, SOURCE, "--format=esm", f"--outfile={out}", f"--metafile={list_of}")
        inputs = json.loads(list_of.read_text("utf-8"))["inputs"]
        return {"editor.js": out.read_bytes(), "LICENSES.txt": _licences(root, inputs)}


def _licences(root: Path, inputs: dict[str, object]) -> bytes:
    """The licence of every package that a bundle was made from, each once."""
    packages = set()
    for path in inputs:
        parts = Path(path).parts
        if "node_modules" in parts:
            at = parts.index("node_modules") + 1
            packages.add("/".join(parts[at : at + (2 if parts[at].startswith("@") else 1)]))
    texts = []
    for name in sorted(packages):
        licence = installed(root / "node_modules" / name / "LICENSE").read_text("utf-8").strip()
        texts.append(f"{name}\n{'=' * len(name)}\n\n{licence}\n")
    return "\n\n".join(texts).encode()
