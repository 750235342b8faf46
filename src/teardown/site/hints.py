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
    up = _root(md)
    if up is None:
        return ""
    early = [f'<link rel="modulepreload" fetchpriority="high" href="{up}/assets/web/{file}">' for file in modules("early.js")]
    answers, manifest = (
        f'<link rel="preload" as="fetch" crossorigin href="{escape(f"{up}/{file}")}">'
        for file in (f"{futures.FOLDER}/{name}.json", "assets/engine/manifest.json")
    )
    return "".join((*early, answers, manifest))


def script(md: Any) -> str:
    """What brings the lab before it to life, on the page that `md` converts."""
    up = _root(md)
    return "" if up is None else f'<script type="module" async fetchpriority="high" src="{up}/assets/web/early.js"></script>'


def _root(md: Any) -> str | None:
    """The way to the root of the site; None where no builder says which page this is."""
    here = downloads.place(md)
    return None if here is None else posixpath.relpath("/", posixpath.join("/", posixpath.dirname(here)))
