"""What a reader can take away: the book, the worksheets, the offline copy. Where they wait, and how pages offer them.

A build of the site empties its folder, so these files wait outside of it. Every build puts back the ones that were
made from the same pages, and has every page offer what is there. What is out of date, or was never made, is not
offered.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from teardown.draw.svg import escape
from teardown.site.edition import edition

STORE: Final = Path("build") / "takeaway"
#: What pages offer, in this order: file below the site's root -> what it is called.
OFFERED: Final = {
    "fin-wait-2.pdf": "The book (PDF, A4",
    "fin-wait-2-letter.pdf": "US Letter",
    "fin-wait-2-student.pdf": "without answers",
    "fin-wait-2-offline.zip": "Offline copy (ZIP",
}
_SHEETS: Final = {"student": "for students", "teacher": "with answers"}
_LIST: Final = "made.json"
_ARTICLE: Final = re.compile(r"<article\b.*?</article>", re.DOTALL)
_FOOT: Final = re.compile(r'<p class="takeaway">.*?</p>\s*', re.DOTALL)
_LAB: Final = re.compile(r'<tcp-(?:lab|code)\b[^>]* data-lab="([a-z0-9-]+)"')


def state_of(site: Path) -> str:
    """A hash of the pages' own part: the same pages, the same hash, whatever they offer at their feet."""
    total = hashlib.sha256()
    for page in sorted(site.rglob("*.html")):
        found = _ARTICLE.search(page.read_text(encoding="utf-8"))
        total.update(f"{page.relative_to(site)}\n{_FOOT.sub('', found[0]) if found else ''}\n".encode())
    return total.hexdigest()


def keep(site: Path, files: dict[str, bytes], store: Path = STORE) -> None:
    """Keeps files that were made from the pages in `site`, by their names below its root, and offers them at once."""
    made = _made(store)
    state = state_of(site)
    for name, content in files.items():
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_bytes(content)
        made[name] = state
    (store / _LIST).write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    offer(site, store)


def _made(store: Path) -> dict[str, str]:
    try:
        made: Any = json.loads((store / _LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return made if isinstance(made, dict) else {}


def offer(site: Path, store: Path = STORE) -> list[str]:
    """Puts what is up to date into `site`, and a line at the foot of every page that leads to it. Answers the names."""
    state = state_of(site)
    there = [name for name, made in _made(store).items() if made == state and (store / name).is_file()]
    for name in there:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(store / name, site / name)
    for page in site.rglob("*.html"):
        up = "../" * len(page.relative_to(site).parts[:-1])
        text = page.read_text(encoding="utf-8")
        new = _with_foot(text, foot(site, there, up, text))
        if new != text:
            page.write_text(new, encoding="utf-8")
    return there


def foot(site: Path, there: Iterable[str], up: str, page: str) -> str:
    """The line of one page: what there is to take, how large it is, and of which edition."""
    there = set(there)

    def link(name: str, text: str) -> str:
        size = (site / name).stat().st_size
        return f'<a href="{up}{name}">{escape(text)}, {size / 1e6:.1f} MB</a>' + (")" if "(" in text else "")

    # A bracket that the name opens closes behind the link.
    links = [link(name, text) for name, text in OFFERED.items() if name in there]
    if found := _LAB.search(page):
        links += [
            f'<a href="{up}{name}">This lab on paper, {text} (PDF)</a>'
            for kind, text in _SHEETS.items()
            if (name := f"worksheets/{found[1]}-{kind}.pdf") in there
        ]
    if not links:
        return ""
    return f'<p class="takeaway">Take it with you: {", ".join(links)}. {edition()}.</p>'


def without_foot(page: str) -> str:
    """The page as it was built."""
    return _FOOT.sub("", page)


def _with_foot(page: str, line: str) -> str:
    page = without_foot(page)
    at = page.rfind("</article>")
    return page if at < 0 or not line else f"{page[:at]}{line}\n{page[at:]}"
