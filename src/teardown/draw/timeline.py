"""Two drawings of the history: dated events down one line, and how one number of seconds travelled.

Events stand below each other with equal care for each, so the axis is not to scale: where more than a year passes it
is broken and says how much. A strip at the left shows the same events at true scale. Kinds differ in shape as well as
in colour. A band beside the line shows a view that held from one event to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from teardown.draw.palette import FAMILIES, HAIR, INK, LIGHT_PAGE, SOFT
from teardown.draw.svg import el, escape, num, width, wrap

WIDTH: Final = 360.0
SIZE: Final = 13.0
PITCH: Final = 16.0
STRIP: Final = (1.5, 9.0)  # the strip at true scale
DATES: Final = 88.0  # right edge of the dates
SPINE: Final = 100.0
BAND: Final = (106.0, 4.0)
TEXT: Final = 118.0
TOP: Final = 78.0
BREAK: Final = 30.0
GAP: Final = 13.0

#: Kind -> family of colours and the word for the key.
KINDS: Final = {
    "standard": ("neutral", "standard"),
    "system": ("passive", "system"),
    "server": ("active", "server"),
    "page": ("fin-wait-2", "the page"),
    "user": ("established", "users"),
}
#: One line style for each view, so that bands can be told apart without colour.
DASHES: Final = ("", "9 3", "2 3")


class Event(NamedTuple):
    """One event: `year` as a decimal number, the date as written, and the view that holds from here on, if any."""

    year: float
    date: str
    kind: str
    title: str
    view: str = ""


class Bar(NamedTuple):
    """One system's wait, in seconds: the first part and what it adds."""

    name: str
    first: int
    more: int
    remark: str


def draw(events: Sequence[Event], title: str, desc: str, *, view_ends: float, ids: str = "timeline") -> str:
    """The events from top to bottom, in the order given, as one SVG. The last view ends at the year `view_ends`."""
    ys: list[float] = []
    texts: list[tuple[str, ...]] = []
    breaks: list[tuple[float, int]] = []
    y = TOP
    for n, event in enumerate(events):
        passed = event.year - events[n - 1].year if n else 0.0
        if passed >= 1.5:
            breaks.append((y + BREAK / 2 - 4, round(passed)))
            y += BREAK
        ys.append(y)
        lines = wrap(event.title, WIDTH - TEXT - 4, SIZE, bold=True)
        texts.append(lines)
        views = wrap(f"Blamed: {event.view}", WIDTH - TEXT - 4, SIZE) if event.view else ()
        y += PITCH * (len(lines) + len(views)) + GAP
    height = y + 6
    body = _key() + _strip(events, ys[0], height - 14) + _spine(ys, breaks) + _bands(events, ys, view_ends)
    for event, at, lines in zip(events, ys, texts, strict=True):
        body += _event(event, at, lines)
    return _svg("timeline", title, desc, height, body, ids)


def _svg(cls: str, title: str, desc: str, height: float, body: str, ids: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{cls}" role="img" aria-labelledby="{ids}-t {ids}-d" '
        f'viewBox="0 0 {num(WIDTH)} {num(height)}" width="{num(WIDTH)}" height="{num(height)}" font-size="{num(SIZE)}" '
        f'font-family="sans-serif" fill="{INK}"><title id="{ids}-t">{escape(title)}</title>'
        f'<desc id="{ids}-d">{escape(desc)}</desc><g aria-hidden="true">{body}</g></svg>'
    )


def _event(event: Event, y: float, lines: Sequence[str]) -> str:
    out = el("text", escape(event.date), class_="note", x=DATES, y=y + 4, fill=SOFT, text_anchor="end", font_size=11)
    out += mark(event.kind, SPINE, y)
    for n, line in enumerate(lines):
        out += el("text", escape(line), class_="host", x=TEXT, y=y + 4 + PITCH * n, fill=INK, font_weight="600")
    if event.view:
        for n, line in enumerate(wrap(f"Blamed: {event.view}", WIDTH - TEXT - 4, SIZE), len(lines)):
            fault = FAMILIES["fault"].light
            out += el("text", escape(line), class_="blame", x=TEXT, y=y + 4 + PITCH * n, fill=fault)
    return out


def mark(kind: str, x: float, y: float) -> str:
    """The shape of a kind: ring, square, triangle, disc or diamond."""
    family = KINDS[kind][0]
    color = FAMILIES[family].light
    cls = f"shape fam-{family}"
    if kind == "standard":
        return el("circle", class_=f"{cls} hollow", cx=x, cy=y, r=4.5, fill=LIGHT_PAGE, stroke=color, stroke_width=2)
    if kind == "page":
        return el("circle", class_=cls, cx=x, cy=y, r=5.5, fill=color)
    paths = {
        "system": f"M{num(x - 5)} {num(y - 5)}h10v10h-10Z",
        "server": f"M{num(x)} {num(y - 6)}L{num(x + 6)} {num(y + 5)}H{num(x - 6)}Z",
        "user": f"M{num(x)} {num(y - 6.5)}L{num(x + 6.5)} {num(y)}L{num(x)} {num(y + 6.5)}L{num(x - 6.5)} {num(y)}Z",
    }
    return el("path", class_=cls, d=paths[kind], fill=color)


def _key() -> str:
    out, x, y = "", 20.0, 14.0
    for kind, (_, word) in KINDS.items():
        wide = 24 + width(word, SIZE)
        if x + wide > WIDTH:
            x, y = 20.0, y + 22
        out += mark(kind, x + 4, y) + el("text", escape(word), class_="host", x=x + 15, y=y + 4, fill=INK)
        x += wide + 8
    return out + el("text", "left edge: true scale", class_="note", x=0, y=y + 26, fill=SOFT, font_size=11)


def _strip(events: Sequence[Event], top: float, bottom: float) -> str:
    first, last = events[0].year, events[-1].year
    out = el("path", class_="axis", d=f"M{num(STRIP[0])} {num(top)}V{num(bottom)}", stroke=HAIR, stroke_width=1)
    for event in events:
        y = top + (event.year - first) / (last - first) * (bottom - top)
        out += el("path", class_="axis", d=f"M{num(STRIP[0])} {num(y)}H{num(STRIP[1])}", stroke=HAIR, stroke_width=1)
    return out


def _spine(ys: Sequence[float], breaks: Sequence[tuple[float, int]]) -> str:
    out = el("path", class_="spine", d=f"M{num(SPINE)} {num(ys[0])}V{num(ys[-1])}", stroke=HAIR, stroke_width=1.5)
    for y, years in breaks:
        out += el("rect", class_="tear", x=SPINE - 7, y=y - 9, width=14, height=12, fill=LIGHT_PAGE)
        zigzag = f"M{num(SPINE - 6)} {num(y - 9)}l4 4l4 -4l4 4M{num(SPINE - 6)} {num(y - 1)}l4 4l4 -4l4 4"
        out += el("path", class_="spine", d=zigzag, fill="none", stroke=HAIR, stroke_width=1)
        text = f"{years} years pass" if years > 1 else "a year passes"
        out += el("text", text, class_="note", x=TEXT, y=y + 1, fill=SOFT, font_size=11)
    return out


def _bands(events: Sequence[Event], ys: Sequence[float], ends: float) -> str:
    starts = [n for n, event in enumerate(events) if event.view]
    out = ""
    for k, n in enumerate(starts):
        until = starts[k + 1] if k + 1 < len(starts) else next(i for i, e in enumerate(events) if e.year >= ends)
        x = BAND[0] + BAND[1] / 2
        out += el(
            "path", class_="band", d=f"M{num(x)} {num(ys[n] - 2)}V{num(ys[until] - 6)}", stroke=FAMILIES["fault"].light,
            stroke_width=BAND[1], stroke_dasharray=DASHES[k % len(DASHES)] or None,
        )  # fmt: skip
    return out


def bars(rows: Sequence[Bar], title: str, desc: str, *, ids: str = "spread") -> str:
    """One bar for each system on one linear axis of seconds, its parts told apart by a gap and by tone."""
    row, left, right = 44.0, 6.0, 316.0
    most = max(r.first + r.more for r in rows)
    scale = (right - left) / most
    body = ""
    for n, r in enumerate(rows):
        y = 4 + row * n
        body += el("text", escape(r.name), class_="host", x=left, y=y + 12, fill=INK, font_weight="600")
        body += el("text", escape(r.remark), class_="note", x=354, y=y + 12, fill=SOFT, text_anchor="end", font_size=11)
        color = FAMILIES["fin-wait-2"].light
        body += el("rect", class_="bar fam-fin-wait-2", x=left, y=y + 18, width=r.first * scale, height=12, fill=color)
        if r.more:
            x = left + r.first * scale
            body += el(
                "rect", class_="more fam-fin-wait-2", x=x + 2, y=y + 19, width=r.more * scale - 3, height=10,
                fill=LIGHT_PAGE, stroke=color, stroke_width=2,
            )  # fmt: skip
        total = left + (r.first + r.more) * scale
        body += el("text", f"{r.first + r.more} s", class_="host", x=total + 4, y=y + 29, fill=INK, font_size=11)
    return _svg("timeline", title, desc, 4 + row * len(rows), body, ids)
