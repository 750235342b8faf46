"""The built site, read again: every page of the navigation in its order, for the book and for the offline copy.

Reads what MkDocs wrote and `mkdocs.yml`, nothing else; so any builder of the same pages will do.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]

from teardown.errors import InputError


class Page(NamedTuple):
    """One page of the built site."""

    address: str  # below the site's root: `` for the front page, `faq/what-to-do/`
    source: str  # the Markdown file below docs/: `faq/what-to-do.md`
    part: str  # the entry of the first level of the navigation that holds it
    group: str  # the entry of the second level, or nothing
    file: str  # the built file, below the site's root
    article: str  # HTML: what is ours, without the theme's frame
    line: int  # of the built file, where the article begins

    @property
    def slug(self) -> str:
        """A name for identifiers: `faq-what-to-do`."""
        return self.address.strip("/").replace("/", "-") or "home"


class _Loader(yaml.SafeLoader):
    """YAML without the Python objects that MkDocs allows: they are of no interest here."""


for _tag in ("tag:yaml.org,2002:python/", "!"):
    _Loader.add_multi_constructor(_tag, lambda loader, suffix, node: None)


def configuration(root: Path) -> dict[str, Any]:
    """`mkdocs.yml` as data."""
    data = yaml.load((root / "mkdocs.yml").read_text(encoding="utf-8"), Loader=_Loader)
    return data if isinstance(data, dict) else {}


def pages(root: Path, site: Path) -> list[Page]:
    """Every page that the navigation names, in its order. Raises InputError when one of them is not built."""
    if not (site / "index.html").is_file():
        raise InputError("there is no built site here", place=site.name, mend="Run make site first.")
    found = []
    for part, group, source in _entries(configuration(root)["nav"]):
        address = re.sub(r"(^|/)index\.md$", r"\1", source)
        address = address.removesuffix(".md") + "/" if address.endswith(".md") else address
        file = f"{address}index.html"
        try:
            text = (site / file).read_text(encoding="utf-8")
        except OSError:
            raise InputError("this page is not built", place=source, mend="Run make site first.") from None
        article = re.search(r"<article\b.*?</article>", text, flags=re.DOTALL)
        if article is None:
            raise InputError("this page has no <article>", place=file)
        line = text.count("\n", 0, article.start()) + 1
        found.append(Page(address, source, part, group, file, article[0], line))
    return found


def _entries(nav: list[Any], above: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
    """(part, group, source) of each page of the navigation."""
    out = []
    for entry in nav:
        if isinstance(entry, str):
            out.append(((*above, "", "")[0], (*above, "", "")[1], entry))
            continue
        ((title, content),) = entry.items()
        if isinstance(content, list):
            out += _entries(content, (*above, str(title)))
        else:
            out.append((above[0] if above else str(title), above[1] if len(above) > 1 else "", content))
    return out
