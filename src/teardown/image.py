"""The engine as a memory image: what is done before the image is taken, and after it is put back.

The build starts Python once, with the engine in it, and keeps its memory (`site/image.mjs`). A reader's browser begins
with that memory instead of a start. Two things then differ from a Python that has just started:

* what Python drew from chance and from the clock is the build's. `wake` draws it anew;
* the files of the standard library are not there. Modules that the image holds need none; `Late` fetches the rest
  when somebody imports one.

Hashes of texts keep the seed of the image: the tables in it depend on it. Nothing in the engine depends on the order
of a set (tests/test_pyodide.py compares with another Python, which has another seed).
"""

from __future__ import annotations

import gc
import importlib
import json
import linecache
import os
import re
import sys
import time
import zipimport
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

#: What learners' programs import most; it costs bytes in the image, and saves fetching the library.
USUAL = (
    "bisect collections contextlib copy dataclasses datetime enum functools heapq io itertools json math operator random "
    "re string textwrap time traceback typing"
).split()


class Late:
    """A finder that says nothing about any module, but has the library's files fetched before they are needed."""

    def __init__(self) -> None:
        self.fetch: Callable[[], object] | None = None

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Always None. The first name that only the library has makes the library come."""
        if self.fetch is not None and (name.startswith("teardown.") or _in_library(name)):
            fetch, self.fetch = self.fetch, None
            fetch()
            importlib.invalidate_caches()
        return None


LATE = Late()


def _in_library(name: str) -> bool:
    """Whether the standard library's archive, as Python knew it when the image was made, has this module."""
    stem = name.replace(".", "/")
    known = zipimport._zip_directory_cache.values()  # type: ignore[attr-defined]
    return any(f"{stem}{end}" in files for files in known for end in (".pyc", ".py", "/__init__.pyc", "/__init__.py"))


def settle(labs: Sequence[str]) -> None:
    """Makes this Python ready to be kept: everything imported, every lab opened once, nothing left lying about."""
    from teardown import browser

    sys.dont_write_bytecode = True
    for name in USUAL:
        importlib.import_module(name)
    for lab in labs:
        browser.answer(json.dumps({"ask": "situation", "lab": lab, "moves": []}))
    while "" in sys.path:
        sys.path.remove("")
    os.environ.pop("_", None)
    sys.meta_path.insert(0, LATE)
    linecache.clearcache()
    re.purge()
    sys._clear_internal_caches()  # type: ignore[attr-defined]  # of Python 3.13, which Pyodide is
    gc.collect()
    gc.collect()


def wake(fetch: Callable[[], object]) -> None:
    """Draws anew what came from chance and from the clock. `fetch` puts the library's files in place, now."""
    import random

    random.seed()
    _ask_the_zone()
    LATE.fetch = fetch


def _ask_the_zone() -> None:
    """Sets the zone that `time` shows to the reader's: local time is right anyway, the constants were the build's."""
    year = time.localtime().tm_year
    winter, summer = sorted(time.localtime(time.mktime((year, m, 1, 12, 0, 0, 0, 0, -1))).tm_gmtoff for m in (1, 7))
    time.timezone, time.altzone, time.daylight = -winter, -summer, int(winter != summer)
    names = [f"{offset // 3600:+03}{abs(offset) // 60 % 60:02}" for offset in (winter, summer)]
    time.tzname = (names[0], names[1])
