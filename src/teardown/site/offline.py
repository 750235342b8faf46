"""The offline copy: the built site as a ZIP whose pages open by a double click, with search and labs at work.

`python -m teardown.site.offline`, after the site (and, to have it inside, the book) is built. A page from `file:` can
fetch nothing, so what the site fetches comes as classic scripts, and addresses of folders name their page.
Same site, same bytes.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import json
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.site import takeaway
from teardown.site.bundle import bundle
from teardown.site.edition import edition
from teardown.site.engine import ZIP_TIME

NAME: Final = "fin-wait-2-offline.zip"
#: The folder inside.
FOLDER: Final = "fin-wait-2"
MOST_BYTES: Final = 15_000_000
_LEFT_OUT: Final = re.compile(
    r"\.(?:map|gz|br)$|^sitemap|^404\.html$|^service-worker|^search/search_index\.json$|^assets/(?:engine|futures|editor)/"
    r"|^assets/web/.*\.js$|^fin-wait-2-|^worksheets/"
)
_HREF: Final = re.compile(r'(\shref=")([^"#?:]*)([^"]*")')
_MODULE: Final = re.compile(r'<script\b[^>]*\bsrc="((?:\.\./|\./)*)assets/web/main\.js"[^>]*></script>')
_AHEAD: Final = re.compile(r'<link\b[^>]*\brel="?(?:modulepreload|preload|prefetch|preconnect|canonical|manifest)\b[^>]*>')


def copy(root: Path, site: Path) -> dict[str, bytes]:
    """The files of the offline copy by name. Raises InputError when there is no built site."""
    if not (site / "index.html").is_file():
        raise InputError("there is no built site here", place=site.name, mend="Run make site first.")
    files: dict[str, bytes] = {}
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if path.is_file() and not _LEFT_OUT.search(name):
            files[name] = path.read_bytes()
    for name in [name for name in files if name.endswith(".html")]:
        files[name] = _page(files[name].decode(), name, files).encode()
    files["search/search_index.js"] = _search(site / "search" / "search_index.json")
    files["assets/web/shim.js"] = (root / "node_modules" / "iframe-worker" / "shim" / "index.js").read_bytes()
    files["assets/web/main.js"] = bundle(
        root, "src/web/main.js", "--format=iife",
        "--banner:js=var tcpHere=document.currentScript.src;", "--define:import.meta.url=tcpHere",
    )  # fmt: skip
    worker = (site / "assets" / "web" / "worker.js").read_text(encoding="utf-8")
    ahead = Path(__file__).with_name("offline.js").read_text(encoding="utf-8")
    files["assets/web/offline.js"] = ahead.replace('/*WORKER*/""', json.dumps(worker)).encode()
    files["assets/engine/engine.js"] = _engine(site / "assets" / "engine")
    for path in sorted((site / "assets" / "futures").glob("*.json")):
        files[f"assets/futures/{path.stem}.js"] = (
            f"tcpShelf[{json.dumps('futures/' + path.stem)}] = {path.read_text(encoding='utf-8').strip()};\n".encode()
        )
    return files


def _page(text: str, name: str, files: Mapping[str, bytes]) -> str:
    """One page, with scripts that a folder can serve and links that name files."""
    text = takeaway.without_foot(text) if NAME in text else text
    text = _AHEAD.sub("", text)
    up = "../" * name.count("/")
    ahead = f'<script src="{up}assets/web/offline.js"></script><script src="{up}assets/web/shim.js"></script>'
    text = text.replace("<head>", f"<head>{ahead}", 1)
    first = True

    def module(found: re.Match[str]) -> str:
        nonlocal first
        out = f'<script src="{up}assets/web/main.js" defer></script>' if first else ""
        first = False
        return out

    text = _MODULE.sub(module, text)
    return _HREF.sub(lambda m: m[1] + _file(m[2]) + m[3] if not m[3].startswith(":") else m[0], text)


def _file(address: str) -> str:
    """`../faq/` as the page in that folder."""
    if address.endswith("/"):
        return f"{address}index.html"
    return f"{address}/index.html" if address in (".", "..") or address.endswith("/..") else address


def _search(index: Path) -> bytes:
    """The index of the search as a script, with places that are files."""
    data: Any = json.loads(index.read_text(encoding="utf-8"))
    for entry in data["docs"]:
        place, hash_, anchor = entry["location"].partition("#")
        entry["location"] = (_file(place) if place else "index.html") + hash_ + anchor
    return f"var __index = {json.dumps(data, ensure_ascii=False)}\n".encode()


def _engine(folder: Path) -> bytes:
    """Everything that the worker starts from, as one script. Without the memory image: its bytes are better spent."""
    manifest: Any = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    home = manifest["pyodide"]
    manifest["image"] = None
    wanted = {f"{home}{name}": f"{home}{name}" for name in ("pyodide.asm.js", "pyodide.asm.wasm")}
    wanted[f"{home}pyodide.mjs"] = f"{home}pyodide.js"  # a worker from memory runs the classic form under this name
    wanted |= {manifest[name]: manifest[name] for name in ("stdlib", "wheel")}
    files = {
        name: base64.b64encode(gzip.compress((folder / file).read_bytes(), 9, mtime=0)).decode()
        for name, file in sorted(wanted.items())
    }
    return f"tcpShelf.engine = {json.dumps({'manifest': manifest, 'files': files})};\n".encode()


def _start(book: bool) -> str:
    """The page to begin with, outside of the folder."""
    pdf = f'<li><a href="{FOLDER}/fin-wait-2.pdf">The book (PDF)</a>, to read or to print.</li>' if book else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>FIN_WAIT_2: start here</title>'
        '<meta name="viewport" content="width=device-width"><style>body{font:1.1rem/1.5 Georgia,serif;max-width:36em;'
        "margin:3em auto;padding:0 1em;color:#222;background:#fff;color-scheme:light dark}a{color:#7a3a10}"
        "@media (prefers-color-scheme:dark){body{color:#ddd;background:#1c1c1c}a{color:#e8a678}}</style>"
        "</head><body><main><h1>How TCP connections end</h1>"
        "<p>This is the whole site, on your own disk. It needs no network.</p><ul>"
        f'<li><a href="{FOLDER}/index.html">The pages</a>, with figures, search and labs.</li>{pdf}</ul>'
        "<p>If a page stays bare, the ZIP has not been unpacked: unpack it first.</p>"
        f"<p>{escape(edition())}. Text CC BY 4.0, code MIT.</p></main></body></html>\n"
    )


def packed(files: Mapping[str, bytes]) -> bytes:
    """The ZIP: fixed times, names in order."""
    whole = {f"{FOLDER}/{name}": content for name, content in files.items()}
    whole["START-HERE.html"] = _start("fin-wait-2.pdf" in files).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(whole):
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, whole[name])
    return out.getvalue()


def main(argv: list[str] | None = None) -> int:
    """Packs the built site. Returns 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m teardown.site.offline", description=__doc__)
    parser.add_argument("--site", type=Path, default=Path("site"))
    options = parser.parse_args(argv)
    try:
        files = copy(Path.cwd(), options.site)
        content = packed(files)
        if len(content) > MOST_BYTES:
            raise InputError(f"the ZIP has {len(content):,} bytes, more than {MOST_BYTES:,}", place=NAME)
        takeaway.keep(options.site, {NAME: content})
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    inside = "with the book" if "fin-wait-2.pdf" in files else "without the book: run make book first to have it inside"
    print(f"==> {options.site / NAME} ({len(content) / 1e6:.1f} MB, {inside})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
