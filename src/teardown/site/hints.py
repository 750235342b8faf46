"""What the page of a lab tells the browser to fetch early: the script, and the answers to the first moves.

Without hints the browser learns of them late: of the script at the end of the page, of the answers from the script.
"""

from __future__ import annotations

import posixpath
from typing import Any

from teardown.draw.svg import escape
from teardown.site import downloads, futures


def for_lab(name: str, md: Any) -> str:
    """The hints for the page that `md` converts; none where no builder says which page that is."""
    up = _root(md)
    if up is None:
        return ""
    early = f'<link rel="modulepreload" fetchpriority="high" href="{up}/assets/web/main.js">'
    answers, manifest = (
        f'<link rel="preload" as="fetch" crossorigin href="{escape(f"{up}/{file}")}">'
        for file in (f"{futures.FOLDER}/{name}.json", "assets/engine/manifest.json")
    )
    return "".join((early, answers, manifest))


def script(md: Any) -> str:
    """What brings the lab before it to life, on the page that `md` converts."""
    up = _root(md)
    return "" if up is None else f'<script type="module" async fetchpriority="high" src="{up}/assets/web/main.js"></script>'


def _root(md: Any) -> str | None:
    """The way to the root of the site; None where no builder says which page this is."""
    here = downloads.place(md)
    return None if here is None else posixpath.relpath("/", posixpath.join("/", posixpath.dirname(here)))
