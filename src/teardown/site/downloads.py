"""What a reader can take from a figure: the picture, the trace and the capture of its scenario, as files.

`files` makes them, before the build, for every built-in scenario; `links` leads to them from any page.
"""

from __future__ import annotations

import hashlib
import posixpath
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from teardown.draw import ladder
from teardown.draw.palette import LIGHT_PAGE
from teardown.draw.story import first_closer
from teardown.draw.svg import el
from teardown.formats import pcapng
from teardown.world.run import run
from teardown.world.scenario import load, names
from teardown.world.trace import Trace

#: Below the root of the site, and below `docs/`.
FOLDER: Final = "assets/scenarios"
#: The words of each link, and the ending of its file.
KINDS: Final = (("SVG", "svg"), ("trace (JSON)", "json"), ("capture (pcapng)", "pcapng"))
#: The parts of the package that the files are made by.
_MAKERS: Final = ("__init__.py", "durations.py", "tcp", "stacks", "programs", "world", "formats", "draw")


def files(root: Path, cache: Path, say: Callable[[str], None]) -> dict[str, bytes]:
    """The files of every built-in scenario by name, from `cache/scenarios` if nothing that makes them changed."""
    folder, stamp = cache / "scenarios", cache / "scenarios" / "made-from"
    total = hashlib.sha256()
    for maker in _MAKERS:
        top = root / "src" / "teardown" / maker
        for path in [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.suffix in (".py", ".toml")):
            total.update(f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    key = total.hexdigest()
    wanted = [f"{name}.{ending}" for name in names() for _, ending in KINDS]
    if stamp.is_file() and stamp.read_text() == key and all((folder / name).is_file() for name in wanted):
        return {name: (folder / name).read_bytes() for name in wanted}
    say("==> making the scenarios' files for download")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = {file: content for name in names() for file, content in of_trace(name, run(load(name))).items()}
    for name, content in made.items():
        (folder / name).write_bytes(content)
    stamp.write_text(key)
    return made


def of_trace(name: str, trace: Trace) -> dict[str, bytes]:
    """The finished picture, the trace and the capture of one run."""
    return {
        f"{name}.svg": picture(name, trace).encode(),
        f"{name}.json": f"{trace.dumps()}\n".encode(),
        f"{name}.pcapng": pcapng.write(trace),
    }


def picture(name: str, trace: Trace) -> str:
    """The ladder as a file of its own: on paper, because programs that show it may have any background."""
    paper = el("rect", class_="paper", width="100%", height="100%", fill=LIGHT_PAGE)
    return ladder.draw(trace, ids=name, left=first_closer(trace)).svg.replace("</desc>", f"</desc>{paper}", 1) + "\n"


def links(name: str, md: Any) -> list[tuple[str, str]]:
    """Text and address of each file of a built-in scenario, for the page that `md` converts.

    Addresses are relative, so that the site works below any path and from the disk. Where no builder says which page
    it is, there are none.
    """
    here = place(md)
    if here is None:
        return []
    up = posixpath.relpath(f"/{FOLDER}", posixpath.join("/", posixpath.dirname(here)))
    return [(text, f"{up}/{name}.{ending}") for text, ending in KINDS]


def place(md: Any) -> str | None:
    """What links in raw HTML are relative to on the page that `md` converts, below the root; None if unknown."""
    if "relpath" in md.treeprocessors:  # MkDocs leaves them alone: the page's address, `labs/buggy-client/`
        place = getattr(getattr(md.treeprocessors["relpath"], "file", None), "url", None)
    elif "rendering_context" in md.preprocessors:  # Zensical rewrites them like Markdown's: `labs/buggy-client.md`
        place = getattr(getattr(md.preprocessors["rendering_context"], "page", None), "path", None)
    else:
        place = None
    return place.lstrip("/") if isinstance(place, str) else None
