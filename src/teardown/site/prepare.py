"""Puts beside the Markdown pages what the pages need: `python -m teardown.site.prepare`, before the build.

Into `docs/`, where MkDocs finds it (all of it is ignored by git):

* `assets/web/`: the scripts and style sheets of `src/web/`, as one of each (`teardown.site.bundle`);
* `assets/fonts/`: the two typefaces, with their licences;
* `assets/engine/`: Pyodide, the engine, and everything that makes a lab start fast (`teardown.site.engine`);
* `assets/futures/`: the answers to the first moves of every lab (`teardown.site.futures`);
* `assets/editor/`: the editor of learners' programs, one file, with its licences (`teardown.site.editor`);
* `assets/scenarios/`: picture, trace and capture of every scenario, for download;
* `service-worker.js`, which keeps the pages that a reader has seen;
* `labs/NAME.md`: one page for every lab file.

Same sources, same bytes: archives carry fixed times. A second run that finds nothing changed writes nothing.
"""

from __future__ import annotations

import html
import json
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from teardown.errors import InputError
from teardown.site import bundle, downloads, editor, engine, futures, proofs
from teardown.site.engine import Say, installed

#: Typeface (folder below `node_modules/@fontsource/`) -> the cuts that `site.css` names.
FONTS = {
    "source-serif-4": ("latin-400-normal", "latin-600-normal"),
    "ibm-plex-mono": ("latin-400-normal", "latin-600-normal"),
}


def prepare(root: Path, docs: Path | None = None, cache: Path | None = None, say: Say = print) -> None:
    """Brings everything generated below `docs` (default `root/docs`) up to date.

    `cache` (default `root/build/engine`) keeps what takes seconds to make.
    Raises InputError for a lab file that is not right, and when a package is not installed.
    """
    docs = docs or root / "docs"
    mirror(fonts(root / "node_modules" / "@fontsource"), docs / "assets" / "fonts")
    cache = cache or root / "build" / "engine"
    proofs.prove(root, say)
    own = engine.files(root, cache, say)
    mirror(own, docs / "assets" / "engine")
    mirror(bundle.web(root, own["manifest.json"]), docs / "assets" / "web")
    answers = futures.files(root, cache, say)
    mirror(answers | engine.squeezed(answers, cache / "squeezed-futures"), docs / futures.FOLDER)
    mirror(editor.files(root), docs / "assets" / "editor")
    mirror(downloads.files(root, cache, say), docs / downloads.FOLDER)
    lab_pages(root / "labs", docs / "labs")
    write(docs / "service-worker.js", service_worker(root, own))


def service_worker(root: Path, own: Mapping[str, bytes]) -> bytes:
    """The script that keeps pages, told which files of the engine are this build's and what makes it another build."""
    script = (root / "src" / "offline" / "service-worker.js").read_bytes()
    names = list(json.loads(own["manifest.json"])["sizes"])
    seen = files_of(root / "src" / "web") | {"manifest.json": own["manifest.json"], "script": script}
    version = engine.digest("".join(engine.digest(content) for content in seen.values()).encode())[:12]
    return f"const VERSION = {json.dumps(version)};\nconst ENGINE = {json.dumps(names)};\n".encode() + script


# --- files ---------------------------------------------------------------------------------------------


def files_of(folder: Path) -> dict[str, bytes]:
    """The files below `folder`: relative path -> content. Hidden files and caches are left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part[0] in "._" for part in path.relative_to(folder).parts)
    }


def write(path: Path, content: bytes) -> None:
    """Writes `content` unless the file holds it already, so that the time of an unchanged file stays."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def mirror(files: Mapping[str, bytes], folder: Path) -> None:
    """Makes `folder` hold exactly `files`."""
    for name, content in files.items():
        write(folder / name, content)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in files:
            path.unlink()


# --- fonts ---------------------------------------------------------------------------------------------


def fonts(packages: Path) -> dict[str, bytes]:
    """The font files that `site.css` names, and the licence of each typeface."""
    files = {}
    for face, cuts in FONTS.items():
        files[f"{face}-LICENSE.txt"] = installed(packages / face / "LICENSE").read_bytes()
        for cut in cuts:
            name = f"{face}-{cut}.woff2"
            files[name] = installed(packages / face / "files" / name).read_bytes()
    return files


# --- lab pages -----------------------------------------------------------------------------------------


#: Pages below `docs/labs/` that are no lab.
BY_HAND = ("index.md", "write-a-lab.md")


def lab_pages(labs: Path, folder: Path) -> None:
    """One page per lab file; pages of labs that are gone are removed. `index.md` is written by hand."""
    pages = {f"{path.stem}.md": lab_page(path).encode() for path in sorted(labs.glob("*.toml"))}
    for name, content in pages.items():
        write(folder / name, content)
    for path in folder.glob("*.md"):
        if path.name not in BY_HAND and path.name not in pages:
            path.unlink()


def lab_page(path: Path) -> str:
    """The Markdown page of one lab: title and summary for the site, one fence for everything else."""
    try:
        lab = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"this is no TOML: {error}", place=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError("this is not UTF-8 text", place=str(path), mend="Save the file as UTF-8.") from error
    title, summary = (line(lab, key, path) for key in ("title", "summary"))
    # A heading of its own: the theme's link past the header needs one. The title is text, whatever is in it.
    heading = re.sub(r"([\\`*_{}\[\]()#+.!-])", r"\\\1", html.escape(title, quote=False))
    # JSON strings are valid YAML and valid TOML.
    return (
        f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\n"
        f"description: {json.dumps(summary, ensure_ascii=False)}\n---\n\n# {heading} {{ #lab }}\n\n"
        f"```lab\nname = {json.dumps(path.stem)}\n```\n"
    )


def line(lab: Mapping[str, Any], key: str, path: Path) -> str:
    """The text under `key`. Raises InputError unless it is one line with something on it."""
    text = lab.get(key)
    if isinstance(text, str) and text.strip() and "\n" not in text.strip():
        return text.strip()
    raise InputError(
        f"`{key}` must be one line of text",
        place=str(path),
        mend=f'Write {key} = "…" at the top of the file.',
    )


def main() -> int:
    """Prepares the project in the current folder. Returns 2 on bad input."""
    try:
        prepare(Path.cwd())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
