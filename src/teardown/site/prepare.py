"""Puts beside the Markdown pages what the pages need: `python -m teardown.site.prepare`, before the build.

Into `docs/`, where MkDocs finds it (all of it is ignored by git):

* `assets/web/`: the scripts and style sheets of `src/web/`;
* `assets/fonts/`: the two typefaces, with their licences;
* `assets/engine/`: Pyodide, its standard library and the engine's own wheel, both compiled to bytecode, and
  `manifest.json`, which tells the worker their names, sizes and hashes;
* `assets/scenarios/`: picture, trace and capture of every scenario, for download;
* `labs/NAME.md`: one page for every lab file.

Same sources, same bytes: archives carry fixed times. A second run that finds nothing changed writes nothing.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from teardown.errors import InputError
from teardown.site import downloads

#: The bytecode that Pyodide's Python reads is written by the same minor version only.
PYODIDE_PYTHON = (3, 13)
COMPILES = sys.version_info[:2] == PYODIDE_PYTHON

#: What a page asks of Pyodide at start; its lock file is written here, for no package of it is used.
PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm")

#: Left out of the standard library, for a worker has no sockets to serve, no processes and no terminal, and the
#: bytes count on a slow line. `tests/site/` starts Python without them.
LEFT_OUT = frozenset(
    """_pyrepl antigravity bdb cProfile cmd code codeop curses doctest ensurepip ftplib idlelib imaplib lib2to3
    mailbox multiprocessing nntplib pdb poplib profile pstats pty pydoc pydoc_data rlcompleter smtplib socketserver
    sqlite3 telnetlib this tkinter trace tty turtle turtledemo unittest venv webbrowser wsgiref xmlrpc""".split()
)

#: Of the encodings, those of old code pages go too; `zipfile` asks for cp437.
OLD_CODE_PAGES = tuple("big5 cp euc gb hp hz iso johab koi kz mac palm ptcp shift tis".split())
KEPT_CODE_PAGES = frozenset({"cp437", "cp1252", "iso8859_1", "iso8859_15"})

#: Left out of the wheel: what runs on a reader's machine only at a command line or at the site's build.
LEFT_AT_HOME = ("teardown/cli", "teardown/kernel/", "teardown/site/")

#: The model solution in a lab file.
SOLUTION = re.compile(r"^solution = ('''|\"\"\").*?\1\n", re.MULTILINE | re.DOTALL)

#: Typeface (folder below `node_modules/@fontsource/`) -> the cuts that `site.css` names.
FONTS = {
    "source-serif-4": ("latin-400-normal", "latin-600-normal"),
    "ibm-plex-mono": ("latin-400-normal", "latin-600-normal"),
}

#: 1980-01-01, the first moment that a zip file can name, as seconds for tools and as a tuple for `zipfile`.
EPOCH = "315532800"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)

Say = Callable[[str], None]


def prepare(root: Path, docs: Path | None = None, cache: Path | None = None, say: Say = print) -> None:
    """Brings everything generated below `docs` (default `root/docs`) up to date.

    `cache` (default `root/build/engine`) keeps what takes seconds to make.
    Raises InputError for a lab file that is not right, and when a package is not installed.
    """
    docs = docs or root / "docs"
    mirror(files_of(root / "src" / "web"), docs / "assets" / "web")
    mirror(fonts(root / "node_modules" / "@fontsource"), docs / "assets" / "fonts")
    cache = cache or root / "build" / "engine"
    mirror(engine(root, cache, say), docs / "assets" / "engine")
    mirror(downloads.files(root, cache, say), docs / downloads.FOLDER)
    lab_pages(root / "labs", docs / "labs")


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


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


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


def installed(path: Path) -> Path:
    """`path` itself. Raises InputError when the npm packages are not there."""
    if not path.exists():
        raise InputError(
            f"{path.name} is missing", place=str(path.parent), mend="Run tools/bootstrap.sh site."
        )
    return path


# --- the engine ----------------------------------------------------------------------------------------


def engine(root: Path, cache: Path, say: Say) -> dict[str, bytes]:
    """Pyodide, its standard library and the engine's wheel, ready for the worker."""
    pyodide = installed(root / "node_modules" / "pyodide")
    stdlib_zip = pyodide / "python_stdlib.zip"
    ours = [root / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    sources = [*(root / "src" / "teardown").rglob("*"), *(root / "labs").glob("*"), *ours]
    if not COMPILES:
        wanted = ".".join(map(str, PYODIDE_PYTHON))
        say(f"==> this is not Python {wanted}: the engine is shipped as source and starts more slowly")

    # Both names end up in addresses that may be cached for ever, so both carry a piece of their content's hash.
    stdlib = made(
        cache / "stdlib",
        [stdlib_zip, Path(__file__)],
        lambda work: filtered(stdlib_zip, work / "trimmed", needed),
        say,
    )
    wheel = made(cache / "wheel", sources, lambda work: build_wheel(root, work), say)
    own = {with_hash(path): path.read_bytes() for path in (wheel, stdlib)}
    wheel_name, stdlib_name = own

    version = json.loads((pyodide / "package.json").read_text())["version"]
    home = f"pyodide-{version}"
    core = {name: (pyodide / name).read_bytes() for name in PYODIDE_FILES}
    core["pyodide-lock.json"] = empty_lock(pyodide)
    manifest = {
        "version": 1,
        "pyodide": f"{home}/",
        "wheel": wheel_name,
        "stdlib": stdlib_name,
        "sizes": {name: len(content) for name, content in (core | own).items()},
        "hashes": {name: digest(content) for name, content in (core | own).items()},
    }
    files = own | {f"{home}/{name}": content for name, content in core.items()}
    files["manifest.json"] = json.dumps(manifest, indent=1).encode() + b"\n"
    return files


def made(folder: Path, sources: Iterable[Path], make: Callable[[Path], Path], say: Say) -> Path:
    """The compiled archive in `folder`, made anew when one of its `sources` changed."""
    total = hashlib.sha256(f"{COMPILES}\n".encode())
    for path in sorted(sources):
        if path.is_file() and "__pycache__" not in path.parts:
            total.update(f"{path.name} {digest(path.read_bytes())}\n".encode())
    key = total.hexdigest()
    stamp = folder / "made-from"
    found = [path for path in folder.glob("*") if path != stamp]
    if len(found) == 1 and stamp.is_file() and stamp.read_text() == key:
        return found[0]
    say(f"==> making the engine's {folder.name} for the browser")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as work:
        archive = make(Path(work))
        if COMPILES:
            archive = compiled(archive)
        out = folder / archive.name
        out.write_bytes(repacked(archive))
    stamp.write_text(key)
    return out


def build_wheel(root: Path, work: Path) -> Path:
    """The project's pure wheel, built without network by the hatchling that is installed here.

    Parts that the browser never runs are taken out, and the model solutions of the labs, and the wheel's list of
    files with them.
    """
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(work)], cwd=root)
    (wheel,) = work.glob("*-py3-none-any.whl")
    return filtered(wheel, work / "browser", lambda name: not name.startswith(LEFT_AT_HOME), without_solution)


def filtered(
    archive: Path, folder: Path, keep: Callable[[str], bool], change: Callable[[str, bytes], bytes] | None = None
) -> Path:
    """A copy of `archive` in the new `folder` with only the files whose names `keep` accepts, as `change` has them."""
    folder.mkdir()
    out = folder / archive.name
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if keep(name):
                new.writestr(name, old.read(name) if change is None else change(name, old.read(name)))
    return out


def without_solution(name: str, content: bytes) -> bytes:
    """A lab file as a page carries it: without the program that solves it. Any other file as it is."""
    if not name.startswith("teardown/_labs/"):
        return content
    return SOLUTION.sub("", content.decode()).encode()


def needed(name: str) -> bool:
    """Whether a page may need the file `name` of the standard library."""
    top, _, rest = name.partition("/")
    if top == "encodings":
        page = rest.removesuffix(".py")
        return not page.startswith(OLD_CODE_PAGES) or page in KEPT_CODE_PAGES
    return top.removesuffix(".py") not in LEFT_OUT


def compiled(archive: Path) -> Path:
    """The wheel or zip with `.pyc` files in place of its `.py` files, as Pyodide's own tool makes it.

    The tool names the Python version in the name of a wheel and leaves a zip its name.
    """
    folder = archive.parent / f"{archive.stem}-compiled"
    folder.mkdir()
    shutil.move(archive, folder)
    # The tool stands beside this Python; on the search path there may be none, or another one.
    tool = Path(sys.executable).with_name("pyodide")
    run([str(tool), "py-compile", "--silent", str(folder / archive.name)], cwd=folder)
    (out,) = folder.iterdir()
    return out


def run(command: list[str], cwd: Path) -> None:
    """Runs a tool with fixed time and hash seed. Raises RuntimeError with what it said when it fails."""
    fixed = {"SOURCE_DATE_EPOCH": EPOCH, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | fixed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")


def repacked(archive: Path) -> bytes:
    """The same files with fixed times, in the order of names, compressed as far as it goes.

    A wheel's list of its files is written anew: compiling has changed their names, sizes and hashes.
    """
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in sorted(opened.namelist())}
    for name in files:
        if name.endswith(".dist-info/RECORD"):
            files[name] = record(files, name)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as opened:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o40755 << 16 | 0x10) if name.endswith("/") else 0o100644 << 16
            opened.writestr(entry, content)
    return out.getvalue()


def record(files: Mapping[str, bytes], own: str) -> bytes:
    """A wheel's list of files: name, hash and size of each; the list itself, named `own`, has neither."""
    lines = [f"{own},,"]
    for name, content in files.items():
        if name != own:
            hashed = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={hashed},{len(content)}")
    return "\n".join(lines).encode() + b"\n"


def with_hash(archive: Path) -> str:
    """The archive's name with a piece of its content's hash: in a wheel's name that is the build tag."""
    piece = digest(archive.read_bytes())[:12]
    if archive.suffix != ".whl":
        return f"{archive.stem}-{piece}{archive.suffix}"
    name, version, *tags = archive.name.split("-")
    return "-".join([name, version, f"0_{piece}", *tags])


def empty_lock(pyodide: Path) -> bytes:
    """Pyodide's lock file without its 379 packages: none of them is used, and a page would fetch the list."""
    info = json.loads((pyodide / "pyodide-lock.json").read_text())["info"]
    return json.dumps({"info": info, "packages": {}}).encode() + b"\n"


# --- lab pages -----------------------------------------------------------------------------------------


def lab_pages(labs: Path, folder: Path) -> None:
    """One page per lab file; pages of labs that are gone are removed. `index.md` is written by hand."""
    pages = {f"{path.stem}.md": lab_page(path).encode() for path in sorted(labs.glob("*.toml"))}
    for name, content in pages.items():
        write(folder / name, content)
    for path in folder.glob("*.md"):
        if path.name != "index.md" and path.name not in pages:
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
    # JSON strings are valid YAML and valid TOML.
    return (
        f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\n"
        f"description: {json.dumps(summary, ensure_ascii=False)}\n---\n\n"
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
