"""One lane for each system on one axis: how long its server keeps the connection of a client that never closes.

The axis is logarithmic: from a minute to for ever is too far for a linear one on a phone, and each decade is marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Final, NamedTuple

from teardown.draw.palette import FAMILIES, HAIR, INK, LIGHT_PAGE, SOFT
from teardown.draw.svg import el, escape, num
from teardown.world.trace import spoken

WIDTH: Final = 360.0
ROW: Final = 46.0
TOP: Final = 12.0
LEFT, RIGHT = 6.0, 340.0
SIZE: Final = 13.0
_FIRST, _LAST = 10.0, 3_600.0  # seconds at the two ends of the scale; "for ever" lies beyond
_MARKS: Final = ((10, "10 s"), (60, "1 min"), (600, "10 min"), (3_600, "1 h"))
_END: Final = 300.0


class Lane(NamedTuple):
    """One system: how long, in µs (None: for ever), and a remark."""

    name: str
    wait: int | None
    remark: str = ""


def draw(lanes: Sequence[Lane], title: str, *, ids: str = "lanes") -> str:
    """The lanes, the shortest wait first, as one SVG."""
    ordered = sorted(lanes, key=lambda lane: (lane.wait is None, lane.wait or 0, lane.name))
    height = TOP + ROW * len(ordered) + 28
    said = "; ".join(f"{lane.name}: {_said(lane)}" for lane in ordered)
    # The lines of the scale stand beside the bars and not behind the names.
    tops = [TOP + ROW * n + 18 for n in range(len(ordered))]
    grid = "".join(
        el("path", class_="tick", d="".join(f"M{num(_x(s))} {num(y)}V{num(y + 26)}" for y in tops), stroke=HAIR, stroke_width=0.6)
        + el("text", escape(text), class_="note", x=_x(s), y=height - 6, fill=SOFT,
             text_anchor="middle" if s > 10 else "start")
        for s, text in _MARKS
    )
    body = "".join(_lane(lane, TOP + ROW * n) for n, lane in enumerate(ordered))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lanes" role="img" aria-labelledby="{ids}-t {ids}-d" '
        f'viewBox="0 0 {num(WIDTH)} {num(height)}" width="{num(WIDTH)}" height="{num(height)}" font-size="{num(SIZE)}" '
        f'font-family="sans-serif" fill="{INK}"><title id="{ids}-t">{escape(title)}</title>'
        f'<desc id="{ids}-d">{escape(said)}.</desc><g aria-hidden="true">{grid}{body}</g></svg>'
    )


def _said(lane: Lane) -> str:
    length = "for ever" if lane.wait is None else spoken(lane.wait)
    return f"{length} ({lane.remark})" if lane.remark else length


def _lane(lane: Lane, y: float) -> str:
    look = FAMILIES["fin-wait-2"]
    end = _END if lane.wait is None else _x(lane.wait / 1_000_000)
    bar = el("rect", class_="bar fam-fin-wait-2", x=LEFT, y=y + 20, width=end - LEFT, height=12, fill=look.light)
    if lane.wait is None:
        # an open, frayed end: it does not stop here
        teeth = "".join(f"L{num(_END + (6 if n % 2 else -2))} {num(y + 20 + 3 * n)}" for n in range(1, 5))
        d = f"M{num(_END + 12)} {num(y + 20)}L{num(_END)} {num(y + 20)}{teeth}H{num(_END + 12)}Z"
        bar += el("path", class_="fray", d=d, fill=LIGHT_PAGE)
        bar += el("text", "∞", class_="forever", x=_END + 14, y=y + 33, fill=INK, font_size=20)
    label = el("text", escape(lane.name), class_="host", x=LEFT, y=y + 14, fill=INK, font_weight="600")
    length = el("text", _short(lane), class_="note", x=RIGHT + 14, y=y + 14, fill=SOFT, text_anchor="end")
    return label + length + bar


def _short(lane: Lane) -> str:
    return "never" if lane.wait is None else f"{round(lane.wait / 1_000_000)} s"


def _x(seconds: float) -> float:
    share = log10(max(seconds, _FIRST) / _FIRST) / log10(_LAST / _FIRST)
    return LEFT + (_END - 24 - LEFT) * min(share, 1.0)
