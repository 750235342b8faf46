"""What is put right in every built page: the order in which it asks for its files, and names that the theme leaves out.

The page works without the order all the same, later:

* Fonts first: left alone, a browser asks for a font when it lays out the first word in it, and lays out all again when
  it comes.
* On the page of a lab, our script before the first picture, so that nothing jumps when the lab comes to life, and the
  theme's script last: `src/web/theme.js` starts it.
* There too, before everything, a few lines that make the engine's worker where it has run before (`src/web/ahead.js`).
* Where the theme takes up the colours that a reader chose, also those that the reader's system asks for.
* Where there is something to press, a few lines that tell the reader of an old browser why nothing happens.

The names are for those who do not see the page, each with the check of axe that asks for it. What a script adds to the
page, `src/web/theme.js` names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

FONTS: Final = ("source-serif-4-latin-400", "source-serif-4-latin-600", "ibm-plex-mono-latin-400")
#: The lab's states are written in it.
LAB_FONT: Final = "ibm-plex-mono-latin-600"

_SHEET: Final = re.compile(r'<link rel="stylesheet" href="((?:\.\./|\./)*)assets/web/all\.css">')
_THEME: Final = re.compile(r'<script(?= src="[^"]*assets/javascripts/bundle\.[^"]*\.js"></script>)')
_PALETTE: Final = re.compile(r'<script>var palette=__md_get\("__palette"\);.*?</script>', re.DOTALL)
_ELEMENT: Final = re.compile(r"<tcp-(?:lab|code|machine|pkt)\b")
#: aria-dialog-name
_SEARCH: Final = re.compile(r'<div class="md-search"(?=[^>]* role="dialog")(?![^>]* aria-label=)')
#: landmark-unique: a part of the navigation is labelled by an element that is empty where the part has a page of its own.
_PART: Final = re.compile(
    r'(<nav class="md-nav"[^>]*?) aria-labelledby="[^"]*"([^>]*>\s*<label class="md-nav__title"[^>]*>)(.*?)</label>', re.DOTALL
)
_TAG: Final = re.compile(r"<[^>]*>")
_DONE: Final = 'rel="preload" as="font"'
_OLD: Final = Path(__file__).with_name("old_browser.js")
_SCHEME: Final = Path(__file__).with_name("scheme.js")


def arrange(site: Path, ahead: str) -> None:
    """Puts the files of all pages of the built `site` in order; `ahead` is what the page of a lab runs before all else."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        ordered = arranged(text, ahead)
        if ordered != text:
            page.write_text(ordered, encoding="utf-8")


def arranged(text: str, ahead: str) -> str:
    """One page; as it is, when it is in order already or is none of ours."""
    sheet = _SHEET.search(text)
    if sheet is None or _DONE in text:
        return text
    lab = "<tcp-lab" in text
    first = [
        f'<link rel="preload" as="font" type="font/woff2" crossorigin href="{sheet[1]}assets/fonts/{font}-normal.woff2">'
        for font in (*FONTS, *([LAB_FONT] if lab else []))
    ]
    if lab:
        script = f'src="{sheet[1]}assets/web/main.js"'
        first.append(f'<script type="module" async blocking="render" data-lab fetchpriority="high" {script}></script>')
        text = _THEME.sub("<script nomodule", text, count=1)
        # After a style sheet it would wait for it.
        worker = f'<script data-worker="{sheet[1]}assets/web/worker.js">{ahead}</script>'
        text = text.replace('<link rel="stylesheet"', f'{worker}<link rel="stylesheet"', 1)
    text = text.replace(sheet[0], "".join((sheet[0], *first)), 1)
    text = _PALETTE.sub(lambda theirs: f"{theirs[0]}<script>{_SCHEME.read_text(encoding='utf-8')}</script>", text, count=1)
    if _ELEMENT.search(text):
        text = text.replace("</body>", f"<script>{_OLD.read_text(encoding='utf-8')}</script></body>", 1)
    return _PART.sub(_named, _SEARCH.sub(r'\g<0> aria-label="Search"', text))


def _named(part: re.Match[str]) -> str:
    """A part of the navigation that is named by its own title."""
    name = " ".join(_TAG.sub("", part[3]).split()).replace('"', "&quot;")
    return f'{part[1]} aria-label="{name}"{part[2]}{part[3]}</label>'
