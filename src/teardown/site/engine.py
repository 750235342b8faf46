"""What a lab's worker starts from, as files: Pyodide, the standard library, the engine's wheel, the memory image.

Both archives are compiled to bytecode. The image is taken by `image.mjs` under Node.js. Every name carries a piece of
its content's hash, so that it may be cached for ever; `manifest.json` tells the worker the names.

Same sources, same bytes: archives carry fixed times, and the image knows neither clock nor chance nor this machine.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from teardown.errors import InputError

#: The bytecode that Pyodide's Python reads is written by the same minor version only.
PYODIDE_PYTHON = (3, 13)
COMPILES = sys.version_info[:2] == PYODIDE_PYTHON

#: What a page asks of Pyodide at start: of the first two, the one that it can run.
PYODIDE_FILES = ("pyodide.mjs", "pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm")

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

IMAGE_MAKER = Path(__file__).with_name("image.mjs")
SQUEEZER = Path(__file__).with_name("squeeze.mjs")

#: 1980-01-01, the first moment that a zip file can name, as seconds for tools and as a tuple for `zipfile`.
EPOCH = "315532800"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)

Say = Callable[[str], None]


def files(root: Path, cache: Path, say: Say) -> dict[str, bytes]:
    """The files of the engine, by name below `assets/engine/`.

    `cache` keeps what takes seconds to make. Raises InputError when a package is not installed.
    """
    pyodide = installed(root / "node_modules" / "pyodide")
    stdlib_zip = pyodide / "python_stdlib.zip"
    if not COMPILES:
        wanted = ".".join(map(str, PYODIDE_PYTHON))
        say(f"==> this is not Python {wanted}: the engine is shipped as source and starts more slowly")

    stdlib = made(
        cache / "stdlib",
        [stdlib_zip, Path(__file__)],
        lambda work: archive(filtered(stdlib_zip, work / "trimmed", needed)),
        say,
    )
    wheel = made(cache / "wheel", sources(root), lambda work: archive(build_wheel(root, work)), say)
    core = [pyodide / name for name in PYODIDE_FILES]
    image = made(cache / "image", [stdlib, wheel, *core, IMAGE_MAKER], lambda work: take_image(pyodide, stdlib, wheel, work), say)

    version = json.loads((pyodide / "package.json").read_text())["version"]
    home = f"pyodide-{version}-{digest(b''.join(digest(path.read_bytes()).encode() for path in core))[:12]}/"
    named = {home + path.name: path.read_bytes() for path in core}
    named |= {with_hash(path): path.read_bytes() for path in (stdlib, wheel, image)}
    manifest = {
        "version": 2,
        "pyodide": home,
        "stdlib": with_hash(stdlib),
        "wheel": with_hash(wheel),
        "image": with_hash(image),
        "memory": memory_of(image.read_bytes()),
        "lock": empty_lock(pyodide),
        "sizes": {name: len(content) for name, content in named.items()},
        "hashes": {name: digest(content) for name, content in named.items()},
    }
    # Archives and image are compressed already.
    small = {home + name: content for name, content in squeezed({p.name: p.read_bytes() for p in core}, cache / "squeezed").items()}
    return named | small | {"manifest.json": json.dumps(manifest, indent=1).encode() + b"\n"}


def squeezed(plain: Mapping[str, bytes], cache: Path) -> dict[str, bytes]:
    """The same files as `NAME.gz` and `NAME.br`, kept in `cache` for as long as their content stays."""
    kept = {name: cache / f"{digest(SQUEEZER.read_bytes() + content)}" for name, content in plain.items()}
    new = {kept[name]: content for name, content in plain.items() if not kept[name].with_suffix(".br").is_file()}
    cache.mkdir(parents=True, exist_ok=True)
    for path, content in new.items():
        path.write_bytes(content)
    if new:
        run([node(), str(SQUEEZER), *map(str, new)], cwd=cache)
    for path in cache.iterdir():
        if path.with_suffix("") not in kept.values() or not path.suffix:
            path.unlink()
    return {name + end: kept[name].with_suffix(end).read_bytes() for name in plain for end in (".br", ".gz")}


def sources(root: Path) -> list[Path]:
    """What the engine in the browser is made from."""
    top = root / "src"
    package = (p for p in (top / "teardown").rglob("*") if not p.relative_to(top).as_posix().startswith(LEFT_AT_HOME))
    return [*package, *(root / "labs").glob("*"), *(root / name for name in ("pyproject.toml", "README.md", "LICENSE"))]


def made(folder: Path, sources: Iterable[Path], make: Callable[[Path], Path], say: Say) -> Path:
    """The one file in `folder`, made anew when one of its `sources` changed. `make` is given a place to work."""
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
        out = shutil.move(make(Path(work)), folder)
    stamp.write_text(key)
    return Path(out)


def archive(path: Path) -> Path:
    """The wheel or zip as it is shipped: compiled if this Python can, and packed anew."""
    out = compiled(path) if COMPILES else path
    out.write_bytes(repacked(out))
    return out


def take_image(pyodide: Path, stdlib: Path, wheel: Path, work: Path) -> Path:
    """The memory of a Pyodide that has started and has the engine imported; `image.mjs` says what it holds."""
    out = work / "image.bin"
    run([node(), str(IMAGE_MAKER), *map(str, (pyodide, stdlib, wheel, out))], cwd=work)
    return out


def node() -> str:
    """The path of Node.js: the machine's own, or the one that came as a Python package."""
    found = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if not found:
        raise InputError("Node.js is missing", mend="Run tools/bootstrap.sh site.")
    return found


def memory_of(image: bytes) -> int:
    """Bytes of memory that an image needs: its head says so."""
    raw = gzip.decompress(image)
    return int(json.loads(raw[8 : 8 + int.from_bytes(raw[4:8], "little")])["memory"])


def build_wheel(root: Path, work: Path) -> Path:
    """The project's pure wheel, built without network by the hatchling that is installed here.

    Parts that the browser never runs are taken out, and so are the model solutions of the labs.
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
    return SOLUTION.sub("", content.decode()).encode() if name.startswith("teardown/_labs/") else content


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


def empty_lock(pyodide: Path) -> dict[str, object]:
    """Pyodide's lock file without its 379 packages: none of them is used, and a page would fetch the list."""
    return {"info": json.loads((pyodide / "pyodide-lock.json").read_text())["info"], "packages": {}}


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def installed(path: Path) -> Path:
    """`path` itself. Raises InputError when the npm packages are not there."""
    if not path.exists():
        raise InputError(
            f"{path.name} is missing", place=str(path.parent), mend="Run tools/bootstrap.sh site."
        )
    return path
