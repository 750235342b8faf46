"""What the page of a lab tells the browser to fetch early: its scripts, and the answers to the first moves.

Without hints the browser learns of each script from the one that imports it, one after the other.
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from teardown.draw.svg import escape
from teardown.site import downloads, futures

WEB = Path(__file__).parents[2] / "web"
_IMPORT = re.compile(r"""^(?:import|export)\b[^;]*?["']\./([\w-]+\.js)["']""", re.MULTILINE)


@lru_cache
def modules(entry: str) -> tuple[str, ...]:
    """The scripts that `entry` needs before it runs, itself first."""
    found = [entry]
    for name in found:
        text = (WEB / name).read_text(encoding="utf-8")
        found += [other for other in dict.fromkeys(_IMPORT.findall(text)) if other not in found]
    return tuple(found)


def for_lab(name: str, md: Any) -> str:
    """The hints for the page that `md` converts; none where no builder says which page that is."""
    here = downloads.place(md)
    if here is None:
        return ""
    up = posixpath.relpath("/", posixpath.join("/", posixpath.dirname(here)))
    scripts = dict.fromkeys((*modules("main.js"), *modules("lab.js")))
    links = [f'<link rel="modulepreload" href="{up}/assets/web/{script}">' for script in scripts]
    data = (f"{futures.FOLDER}/{name}.json", "assets/engine/manifest.json")
    links += [f'<link rel="preload" as="fetch" crossorigin href="{escape(f"{up}/{file}")}">' for file in data]
    return "".join(links)
