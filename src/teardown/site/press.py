"""The printing press: HTML to PDF by WeasyPrint, tagged for screen readers (PDF/UA-1), with our own typefaces.

Whatever WeasyPrint would only complain about (a missing anchor, picture or glyph file) ends the run here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from math import inf
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import fontpkg_ibm_plex_mono
import fontpkg_source_serif_4
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont
from weasyprint import HTML, Document
from weasyprint.layout import inline
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from teardown.errors import InputError

STYLE: Final = Path(__file__).with_name("print.css")
#: Paper by name: what CSS calls it.
PAPERS: Final = {"a4": "A4", "letter": "Letter"}
#: Typefaces: cut -> (file, place on the axes `opsz` and `wght`, or None for a file that is one cut already).
_SERIF: Final = Path(fontpkg_source_serif_4.ROOT) / "files"
_MONO: Final = Path(fontpkg_ibm_plex_mono.ROOT) / "files"
_KEEPING: Final = "\N{NO-BREAK SPACE}"
_TEXT_SIZE, _DISPLAY_SIZE = 10, 40  # points that the letters are drawn for


def fonts(folder: Path) -> str:
    """Puts the cuts that the style sheet names into `folder` and answers the rules that name the files.

    Source Serif 4 comes as one variable file; a PDF wants one file for each cut, so these are made here, once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rules = []
    for family, weight, slope, source, axes in (
        ("Source Serif 4", 400, "normal", "SourceSerif4[opsz,wght].ttf", (_TEXT_SIZE, 400)),
        ("Source Serif 4", 600, "normal", "SourceSerif4[opsz,wght].ttf", (_TEXT_SIZE, 600)),
        ("Source Serif 4", 400, "italic", "SourceSerif4-Italic[opsz,wght].ttf", (_TEXT_SIZE, 400)),
        ("Source Serif 4", 600, "italic", "SourceSerif4-Italic[opsz,wght].ttf", (_TEXT_SIZE, 600)),
        ("Source Serif 4 Display", 600, "normal", "SourceSerif4[opsz,wght].ttf", (_DISPLAY_SIZE, 600)),
        ("IBM Plex Mono", 400, "normal", "IBMPlexMono-Regular.ttf", None),
        ("IBM Plex Mono", 400, "italic", "IBMPlexMono-Italic.ttf", None),
        ("IBM Plex Mono", 600, "normal", "IBMPlexMono-SemiBold.ttf", None),
        ("IBM Plex Mono", 600, "italic", "IBMPlexMono-SemiBoldItalic.ttf", None),
    ):
        file = folder / f"{family.replace(' ', '-')}-{weight}-{slope}.ttf".lower()
        if not file.is_file():
            _cut(source, axes, family, file)
        rules.append(
            f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:{slope};src:url("{file.resolve().as_uri()}")}}'
        )
    return "\n".join(rules)


def _cut(source: str, axes: tuple[int, int] | None, family: str, file: Path) -> None:
    path = (_SERIF if axes else _MONO) / source
    if axes is None:
        file.write_bytes(path.read_bytes())
        return
    font = TTFont(path, recalcTimestamp=False)
    cut = instantiateVariableFont(font, {"opsz": axes[0], "wght": axes[1]}, inplace=True)
    name = f"{family.replace(' ', '')}-{axes[1]}{'Italic' if 'Italic' in source else ''}"
    for record, text in ((1, family), (4, name), (6, name)):
        cut["name"].setName(text, record, 3, 1, 0x409)
    temporary = file.with_suffix(".new")
    cut.save(temporary)
    temporary.replace(file)


class _Fetcher(URLFetcher):
    """Files below some folders and nothing else: no network, nothing else of this machine."""

    def __init__(self, *folders: Path) -> None:
        super().__init__()
        self._folders = [folder.resolve() for folder in folders]

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        if url.startswith("data:image/svg+xml;"):  # a drawing of ours, in the book itself
            return super().fetch(url, headers)
        parts = urlsplit(url)
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme != "file" or not any(path.is_relative_to(folder) for folder in self._folders):
            raise ValueError("the book may hold files of the site only")
        return super().fetch(url, headers)


def _whole_runs(split: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """`split` without a fault of WeasyPrint 70: it breaks a line after the first word where a run of text fits and only
    the blank at its end does not. A blank at the end of a line needs no room; one that must not break keeps its word.
    """

    def splits(text: str, style: Any, context: Any, width: Any, *more: Any, **named: Any) -> tuple[Any, ...]:
        found = split(text, style, context, width, *more, **named)
        _layout, length, resume, taken, *_ = found
        if not resume or width is None or text[-1] not in (" ", _KEEPING):
            return found
        if taken * len(text.encode()) > 2 * width * length:  # it is longer than a line, whatever its letters
            return found
        if text[-1] == _KEEPING:
            return split(f"{text[:-1]}n", style, context, width, *more, **named)
        run = split(text.rstrip(" "), style, context, width, *more, **named)
        if run[2] is None and run[3] <= width:
            return split(text, style, context, inf, *more, **named)
        return found

    return splits


inline.split_first_line = _whole_runs(inline.split_first_line)


@contextmanager
def strict(what: str) -> Iterator[None]:
    """Raises InputError when WeasyPrint, or what it stands on, logs a warning or worse."""
    records: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    handler = Collect(logging.WARNING)
    loggers = [logging.getLogger(name) for name in ("weasyprint", "fontTools")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
    if records:
        more = f" (and {len(records) - 1} more)" if len(records) > 1 else ""
        raise InputError(f"the press complains: {records[0][:200]}{more}", place=what)


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


def lay_out(html: str, site: Path, cache: Path, paper: str, more: str = "") -> Document:
    """Pages from a whole HTML document. `site` is where its pictures lie, `cache` where the typefaces go."""
    css = f"{fonts(cache / 'fonts')}\n{_style()}\n@page{{size:{PAPERS[paper]}}}\n{more}"
    page = html.replace("</head>", f"<style>{css}</style></head>", 1)
    fetcher = _Fetcher(site, cache)
    configuration = FontConfiguration()
    return HTML(string=page, base_url=site.resolve().as_uri() + "/", url_fetcher=fetcher).render(
        font_config=configuration, pdf_variant="pdf/ua-1"
    )


def print_pages(document: Document) -> bytes:
    """The PDF: the same pages, the same bytes."""
    content: bytes = document.write_pdf(pdf_variant="pdf/ua-1", finisher=_without_empty_links)
    return content


def _without_empty_links(document: Document, pdf: Any) -> None:
    """WeasyPrint leaves a link without any width where a link's first word goes to the next line; nobody can press
    it, and it stands outside the tags."""
    empty = set()
    for entry in pdf.objects:
        if isinstance(entry, dict) and entry.get("Subtype") == "/Link" and abs(entry["Rect"][2] - entry["Rect"][0]) < 0.01:
            empty.add(getattr(entry, "reference", b""))
    for entry in pdf.objects:
        if isinstance(entry, dict) and entry.get("Type") == "/Page" and "Annots" in entry:
            entry["Annots"][:] = [a for a in entry["Annots"] if a not in empty]
