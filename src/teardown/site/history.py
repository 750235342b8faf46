"""The history of FIN_WAIT_2: events from `history.toml` as a figure and as a list, and how BSD's number travelled."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from teardown.draw import timeline as drawing
from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.site import references
from teardown.stacks import stack

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Happening(NamedTuple):
    """One event of the data file: date as year, month and day (0 where unknown), and what happened."""

    when: tuple[int, int, int]
    kind: str
    title: str
    says: str
    sources: tuple[str, ...]
    blame: str

    @property
    def year(self) -> float:
        """The date as a decimal number of years, for drawing."""
        year, month, day = self.when
        return year + (max(month, 1) - 1) / 12 + (max(day, 1) - 1) / 366

    @property
    def date(self) -> str:
        """The date as exactly as it is known: `28 Jan 1997`, `Jun 1995`, `2012`."""
        year, month, day = self.when
        return " ".join([*([str(day)] if day else []), *([MONTHS[month - 1]] if month else []), str(year)])


@cache
def _raw() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("history.toml").read_text(encoding="utf-8"))


@cache
def events() -> tuple[Happening, ...]:
    """All events, oldest first. Raises InputError for a wrong date, kind, order or source."""
    found: list[Happening] = []
    for raw in _raw()["events"]:
        place = f"history.toml, {raw['title']!r}"
        year, month, day, *_ = (*map(int, raw["date"].split("-")), 0, 0)
        if raw["kind"] not in drawing.KINDS:
            raise InputError(f"unknown kind {raw['kind']!r}", place=place, mend=f"Known are {', '.join(drawing.KINDS)}")
        event = Happening((year, month, day), raw["kind"], raw["title"], raw["says"], _sources(raw, place), raw.get("blame", ""))
        if found and event.year < found[-1].year:
            raise InputError("it stands behind a later event", place=place, mend="Sort the events by date")
        found.append(event)
    return tuple(found)


def _sources(raw: dict[str, Any], place: str) -> tuple[str, ...]:
    sources = tuple(part.strip() for part in raw["source"].split(";"))
    for source in sources:
        if source.split(" ")[0] not in _known():
            raise InputError(f"no source has the id {source!r}", place=place, mend="Add it to references.toml")
    return sources


_known = cache(references.load)


@cache
def spread() -> tuple[tuple[drawing.Bar, tuple[str, ...]], ...]:
    """The systems that took over BSD's number, with their sources; a stack's values come from its own data."""
    rows = []
    for raw in _raw()["spread"]:
        if "stack" in raw:
            profile = stack(raw["stack"]).profile
            first, more = ((us or 0) // 1_000_000 for us in (profile.fin_wait_2, profile.fin_wait_2_recheck))
        else:
            first, more = raw["first"], raw.get("more", 0)
        rows.append((drawing.Bar(raw["name"], first, more, raw["says"]), _sources(raw, f"history.toml, {raw['name']}")))
    return tuple(rows)


def timeline() -> str:
    """The figure, and the same events as a list with their sources."""
    title = "FIN_WAIT_2 from 1981 to today"
    gone = next(event for event in events() if event.title.startswith("Deleted"))
    drawn = drawing.draw(
        [drawing.Event(e.year, e.date, e.kind, e.title, e.blame) for e in events()],
        title, "The events stand in the list below, with what happened and where it is recorded.", view_ends=gone.year,
    )  # fmt: skip
    items = "".join(
        f"<li><b>{escape(e.date)}: {escape(e.title)}{"" if e.title.endswith("?") else "."}</b> {escape(e.says)}"
        + (f" Blamed: {escape(e.blame)}." if e.blame else "")
        + f" <small>({_links(e.sources)})</small></li>"
        for e in events()
    )
    return _figure(title, "Not to scale: the strip at the left edge is.", drawn) + f'<ol class="events">{items}</ol>'


def number() -> str:
    """The figure of the number that travelled, and its sources."""
    rows = spread()
    title = "BSD's limit on FIN_WAIT_2 in other systems"
    desc = "; ".join(f"{bar.name}: {bar.first + bar.more} seconds, {bar.remark}" for bar, _ in rows)
    drawn = drawing.bars([bar for bar, _ in rows], title, f"{desc}.")
    items = "".join(
        f"<li><b>{escape(bar.name)}</b>: {bar.first + bar.more} s, {escape(bar.remark)} <small>({_links(sources)})</small></li>"
        for bar, sources in rows
    )
    return _figure(title, "The open part is what came on top.", drawn) + f'<ul class="events">{items}</ul>'


def _figure(title: str, note: str, drawn: str) -> str:
    return f'<figure class="tcp-figure"><figcaption><b>{escape(title)}.</b> {escape(note)}</figcaption>{drawn}</figure>'


def _links(sources: tuple[str, ...]) -> str:
    out = []
    for source in sources:
        id_, _, where = source.partition(" ")
        text = f'<a href="../../reference/references/#source-{escape(id_)}">{escape(_known()[id_].name)}</a>'
        out.append(f"{text} {escape(where)}" if where else text)
    return ", ".join(out)
