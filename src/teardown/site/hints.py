"""What the page of a lab tells the browser to fetch early: the answers to the first moves.

Without a hint the browser learns of them late, from the script.
"""

from __future__ import annotations

import posixpath
from typing import Any

from teardown.draw.svg import escape
from teardown.site import downloads, futures


def for_lab(name: str, md: Any) -> str:
    """The hint for the page that `md` converts; none where no builder says which page that is."""
    here = downloads.place(md)
    if here is None:
        return ""
    root = posixpath.relpath("/", posixpath.join("/", posixpath.dirname(here)))
    return f'<link rel="preload" as="fetch" crossorigin href="{escape(f"{root}/{futures.FOLDER}/{name}.json")}">'
