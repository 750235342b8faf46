"""Which page a Markdown extension is working on: its file, its place below `docs/` and its front matter.

Neither builder passes that to an extension. Both, however, register a processor of their own that knows it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]
from markdown import Markdown

_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
DOCS = "docs"


class Page(NamedTuple):
    """One page: the file, its address below `docs/` (`questions/alb-502.md`), and what its front matter says."""

    file: Path
    name: str
    title: str
    description: str
    tags: tuple[str, ...] = ()  # for search: other wordings of the trouble that the page is about


def file_of(md: Markdown) -> Path | None:
    """The file that `md` is converting, as far as the builder lets us know."""
    file: Any = None
    if "relpath" in md.treeprocessors:  # MkDocs
        file = getattr(getattr(md.treeprocessors["relpath"], "file", None), "abs_src_path", None)
    elif "rendering_context" in md.preprocessors:  # Zensical
        file = getattr(getattr(md.preprocessors["rendering_context"], "page", None), "path", None)
    return Path(file) if file else None


def page_of(md: Markdown) -> Page | None:
    """The page that `md` is converting; None outside of a builder, and for a file that is not below `docs/`."""
    file = file_of(md)
    return None if file is None else read(file)


def read(file: Path) -> Page | None:
    """The page in `file`; None for a file that is not below a folder `docs`, or without a title."""
    parts = file.parts
    if DOCS not in parts or not file.is_file():
        return None
    below = len(parts) - 1 - parts[::-1].index(DOCS)
    front = _FRONT.match(file.read_text(encoding="utf-8-sig"))
    data = yaml.safe_load(front[1]) if front else None
    if not isinstance(data, dict) or not isinstance(data.get("title"), str):
        return None
    return Page(file, "/".join(parts[below + 1 :]), data["title"], str(data.get("description", "")),
                tuple(str(tag) for tag in data.get("tags", ())))


def link(here: str, there: str) -> str:
    """The way from the page `here` to the page `there` (`x/y.md#z`), as a built site with folders for pages has it."""
    path, _, anchor = there.partition("#")
    return posixpath.relpath(_folder(path), _folder(here)) + "/" + (f"#{anchor}" if anchor else "")


def _folder(name: str) -> str:
    """The folder that the built page has: `guide` for `guide/index.md`, `guide/today` for `guide/today.md`."""
    folder, _, file = name.removesuffix(".md").rpartition("/")
    return posixpath.join("/", folder, "" if file == "index" else file)
