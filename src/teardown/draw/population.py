"""What many connections do to a table of limited size: one curve for each case, from single connections.

A case says how long one connection of a healthy and of a buggy client stays in the server's table; both come out of
runs of the engine. The rest is counting: with `rate` arrivals a second, at time t those are in the table that came
less than their own stay ago, so a stay h contributes rate · min(t, h) entries (Little's law once t > h).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from teardown.draw.palette import FAMILIES, HAIR, INK, SOFT
from teardown.draw.svg import el, escape, num

SECOND: Final = 1_000_000
WIDTH: Final = 360.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 348.0, 30.0, 236.0
HEIGHT: Final = 276.0
SIZE: Final = 13.0
#: The curves run over half an hour: long enough for the longest limit that any system of the figure has.
HORIZON: Final = 1_800


class Stay(NamedTuple):
    """One system: how long a connection of a healthy and of a buggy client stays, µs; None: for ever."""

    id: str
    name: str
    healthy: int | None
    buggy: int | None


class Question(NamedTuple):
    """What is asked: connections a second, percent of buggy clients, entries that fit, bytes for each."""

    rate: int = 10
    buggy: int = 30
    size: int = 4_000
    entry: int = 1_536


LIMITS: Final = {"rate": (1, 1_000), "buggy": (0, 100), "size": (100, 1_000_000)}
#: Line style and colour family of the cases, in order.
_LOOKS: Final = (("established", ""), ("time-wait", "9 5"), ("fin-wait-2", "2 4"))


def entries(stay: Stay, q: Question, t: float) -> float:
    """Entries in the table after `t` seconds, if it had no limit."""

    def part(share: float, hold: int | None) -> float:
        return q.rate * share * (t if hold is None else min(t, hold / SECOND)) if share else 0.0

    return part(1 - q.buggy / 100, stay.healthy) + part(q.buggy / 100, stay.buggy)


def level(stay: Stay, q: Question) -> float | None:
    """Where it levels off: Little's law. None if it never does."""
    if (stay.buggy is None and q.buggy) or (stay.healthy is None and q.buggy < 100):
        return None
    return entries(stay, q, float("inf")) if q.rate else 0.0


def full_after(stay: Stay, q: Question) -> float | None:
    """Seconds until the table is full; None if that never happens."""
    top = level(stay, q)
    if top is not None and top <= q.size:
        return None
    # piecewise linear and rising: walk the corners
    corners = sorted({h / SECOND for h in (stay.healthy, stay.buggy) if h is not None})
    at, have = 0.0, 0.0
    for corner in [*corners, None]:
        slope = entries(stay, q, at + 1e-3) - entries(stay, q, at)
        slope *= 1_000
        if corner is None or have + slope * (corner - at) >= q.size:
            return at + (q.size - have) / slope
        at, have = corner, entries(stay, q, corner)
    return None


def sentence(stay: Stay, q: Question) -> str:
    """What the curve means, in words. The script says the same from the same numbers."""
    full = full_after(stay, q)
    if full is not None:
        return f"the table is full after {_minutes(full)}"
    top = level(stay, q)
    assert top is not None
    return f"levels off at {round(top):,} entries, {_memory(round(top) * q.entry)}"


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"


def _memory(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 100_000 else f"{count / 1_000:.1f} kB"


def draw(stays: Sequence[Stay], q: Question | None = None, *, ids: str = "population") -> str:
    """The figure, finished: curves, the table's limit, one sentence for each case. Sliders are added by a script."""
    q = q or Question()
    curves = []
    for stay, (family, dash) in zip(stays, _LOOKS, strict=True):
        points = " ".join(f"{num(x)},{num(y)}" for x, y in _points(stay, q))
        curves.append(
            el("polyline", class_=f"curve fam-{family}", data_case=stay.id, points=points, fill="none",
               stroke=FAMILIES[family].light, stroke_width=3, stroke_dasharray=dash or None)
        )
    limit = _y(q.size, q)
    ticks = "".join(
        el("path", class_="tick", d=f"M{num(_x(m * 60))} {num(BOTTOM)}v5", stroke=HAIR)
        + el("text", f"{m} min" if m else "0", class_="note", x=_x(m * 60), y=BOTTOM + 19, fill=SOFT,
             text_anchor="middle" if m else "start")
        for m in (0, 10, 20)
    )  # fmt: skip
    label, fault = f"full: {q.size:,} entries", FAMILIES["fault"].light
    title = "How a table of connections fills"
    said = ". ".join(f"{s.name}: {sentence(s, q)}" for s in stays)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="population" role="img" aria-labelledby="{ids}-t {ids}-d" '
        f'viewBox="0 0 {num(WIDTH)} {num(HEIGHT)}" width="{num(WIDTH)}" height="{num(HEIGHT)}" font-size="{num(SIZE)}" '
        f'font-family="sans-serif" fill="{INK}"><title id="{ids}-t">{title}</title>'
        f'<desc id="{ids}-d">{escape(said)}.</desc><g aria-hidden="true">'
        + el("path", class_="axis", d=f"M{num(LEFT)} {num(TOP - 8)}V{num(BOTTOM)}H{num(RIGHT)}", fill="none",
             stroke=HAIR)
        + el("path", class_="limit", d=f"M{num(LEFT)} {num(limit)}H{num(RIGHT)}", stroke=fault, stroke_width=2)
        + el("text", label, class_="limit-label", x=RIGHT, y=limit - 7, fill=fault, text_anchor="end")
        + ticks
        + el("text", "time since the first connection", class_="note", x=RIGHT, y=HEIGHT - 5, fill=SOFT,
             text_anchor="end")
        + "".join(curves)
        + "</g></svg>"
    )
    rows = "".join(
        f'<li data-case="{escape(s.id)}">{_key(family, dash)}<b>{escape(s.name)}</b>: '
        f'<span data-says>{escape(sentence(s, q))}</span>.</li>'
        for s, (family, dash) in zip(stays, _LOOKS, strict=True)
    )
    data = json.dumps(
        {
            "stays": [s._asdict() for s in stays], "question": q._asdict(), "limits": LIMITS, "horizon": HORIZON,
            "box": [LEFT, RIGHT, TOP, BOTTOM],
        }, separators=(",", ":"),
    )  # fmt: skip
    return (
        f'<tcp-population data-figure="{escape(data)}"><figure class="tcp-figure"><figcaption><b>{title}.</b> '
        f'<span data-asks>{escape(asks(q))}</span></figcaption>{svg}'
        f'<ul class="population-key">{rows}</ul></figure></tcp-population>'
    )


def asks(q: Question) -> str:
    """The question in words."""
    return (
        f"{q.rate:,} new connections a second, {q.buggy} % of them from clients that never close, "
        f"and a table with room for {q.size:,}."
    )


def _x(seconds: float) -> float:
    return LEFT + (RIGHT - LEFT) * seconds / HORIZON


def _y(count: float, q: Question) -> float:
    """The table's limit stands at four fifths of the height; above it nothing can be held."""
    return BOTTOM - (BOTTOM - TOP) * min(count / (q.size * 1.25), 1.0)


def _points(stay: Stay, q: Question) -> list[tuple[float, float]]:
    full = full_after(stay, q)
    times = sorted({0.0, float(HORIZON), *(h / SECOND for h in (stay.healthy, stay.buggy) if h is not None),
                    *([full] if full is not None else [])})  # fmt: skip
    return [(_x(t), _y(min(entries(stay, q, t), q.size), q)) for t in times if t <= HORIZON]


def _key(family: str, dash: str) -> str:
    return (
        '<svg class="population-swatch" viewBox="0 0 36 8" width="36" height="8" aria-hidden="true">'
        + el("path", class_=f"curve fam-{family}", d="M0 4H36", stroke=FAMILIES[family].light, stroke_width=3,
             stroke_dasharray=dash or None)
        + "</svg> "
    )  # fmt: skip


