"""Many sources as one file, made by esbuild: a page then asks for one script and one style sheet, both without spaces.

esbuild is a program of its own in its npm package, so no Node.js is needed here.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from teardown.errors import InputError
from teardown.site.engine import installed

OPTIONS = ("--bundle", "--minify", "--charset=utf8", "--target=es2022", "--legal-comments=none", "--log-level=error")


def bundle(root: Path, source: str, *options: str) -> bytes:
    """`source`, a path below `root`, and all that it imports. Raises InputError when esbuild is missing or refuses it."""
    done = subprocess.run([tool(root / "node_modules"), source, *OPTIONS, *options], cwd=root, capture_output=True, check=False)
    if done.returncode:
        raise InputError(f"esbuild refuses it: {' '.join(done.stderr.decode().split())[:300]}", place=source)
    return done.stdout


def tool(packages: Path) -> Path:
    """esbuild for this machine: npm has installed just that one."""
    found = sorted(packages.glob("@esbuild/*/bin/esbuild")) + sorted(packages.glob("@esbuild/*/esbuild.exe"))
    return found[0] if found else installed(packages / "@esbuild")


def web(root: Path, manifest: bytes) -> dict[str, bytes]:
    """The folder `assets/web/`: the script and the style sheet of all pages, and the script of the worker.

    The script carries the engine's `manifest`, as far as a worker needs it: a page need not ask for it then.
    """
    wanted = {key: value for key, value in json.loads(manifest).items() if key != "hashes"}
    told = f"--define:ENGINE_MANIFEST={json.dumps(wanted)}"
    # The fonts stand beside at the site; the editor comes only when a reader opens a program.
    return {
        "main.js": bundle(root, "src/web/main.js", "--format=esm", "--external:../editor/editor.js", told),
        "all.css": bundle(root, "src/web/all.css", "--external:*.woff2"),
        "worker.js": (root / "src" / "web" / "worker.js").read_bytes(),
    }
