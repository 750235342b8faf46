"""A trace as a ladder: two lanes, time running down, one SVG string.

`draw(trace)` gives the finished picture. Colours are concrete attributes and every shape has a class, so that the
site can recolour. No markers, patterns, filters or foreign objects, and no identifiers but three with a prefix.
"""

from collections.abc import Sequence
from math import hypot
from typing import Final, NamedTuple

from teardown.draw import words
from teardown.draw.labels import BOX, CODE, SIZE, Label
from teardown.draw.layout import (
    FOLD,
    HALF,
    STRIP,
    TRACK,
    WIDTH,
    Layout,
    lay_out,
    lay_out_together,
    measure_of,
)
from teardown.draw.palette import FAMILIES, HAIR, INK, LIGHT_PAGE, SOFT, look_of
from teardown.draw.story import Flight, Life
from teardown.draw.svg import el, escape, num
from teardown.draw.time_axis import TORN, Measure, true_scale
from teardown.tcp.states import Fins
from teardown.world.trace import Ending, Host, Trace

SANS: Final = "Roboto, 'Liberation Sans', Arial, sans-serif"
MONO: Final = "'Roboto Mono', 'Liberation Mono', 'DejaVu Sans Mono', monospace"
FAULT: Final = FAMILIES["fault"].light
LANES_FROM: Final = 38.0
BAR: Final = 6.0


class Ladder(NamedTuple):
    """A drawn ladder. `playheads[i]`: the height, in units of the viewBox, at which the future begins after step i."""

    svg: str
    playheads: tuple[float, ...]
    height: float
    layout: Layout


def draw(
    trace: Trace,
    *,
    ids: str = "ladder",
    upto: int | None = None,
    veil: int | None = None,
    left: Host = "server",
    measure: Measure | None = None,
) -> Ladder:
    """Draws `trace`.

    `upto` leaves out everything after that step: the picture of a run that is still going on. `veil` pales everything
    after that step: an older future. `measure` fixes the time scale where several ladders are to be compared.
    `ids` begins the identifiers of the drawing, which must be unique on a page.
    """
    measure = measure or measure_of(trace)
    if upto is not None and upto < len(trace.steps) - 1:
        steps = trace.steps[: upto + 1]
        trace = Trace(trace.scenario, steps, Ending("open", steps[-1].t, ""))
    return _drawn(lay_out(trace, left=left, measure=measure), ids, veil)


def draw_together(traces: Sequence[Trace], *, ids: str = "ladder", left: Host = "server") -> list[Ladder]:
    """Several ladders to stand side by side: one time axis, the same heights, every break in all of them."""
    layouts = lay_out_together(traces, left=left)
    return [_drawn(layout, f"{ids}-{k}", None) for k, layout in enumerate(layouts, 1)]


def _drawn(layout: Layout, ids: str, veil: int | None) -> Ladder:
    top = layout.height if veil is None else layout.playheads[veil]
    veil_box = el("rect", class_="veil", x=0, y=top, width=0 if veil is None else WIDTH, height=layout.height - top,
                  fill=LIGHT_PAGE, fill_opacity="0.8")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ladder" role="img" aria-labelledby="{ids}-t {ids}-d" '
        f'viewBox="0 0 {num(WIDTH)} {num(layout.height)}" width="{num(WIDTH)}" height="{num(layout.height)}" '
        f'font-family="{escape(SANS)}" font-size="{num(SIZE)}" fill="{INK}">'
        f'<title id="{ids}-t">{escape(words.title(layout.trace))}</title>'
        f'<desc id="{ids}-d">{escape(words.summary(layout.trace))}</desc>'
        f'<g id="{ids}-g" aria-hidden="true">{drawing(layout)}</g>{veil_box}</svg>'
    )
    return Ladder(svg, layout.playheads, layout.height, layout)


def drawing(layout: Layout) -> str:
    """Everything inside the picture, back to front."""
    return "".join(
        (
            _lanes(layout),
            *(_bar(layout, life, track) for life, track in layout.bars if not _folded(layout, life)),
            *(_cap(layout, life, track) for life, track in layout.bars if life.until not in layout.hidden),
            *(_no_timer(layout, a.host, a.first, a.until) for a in layout.story.absences),
            *(_flight(layout, flight) for flight in layout.story.flights if flight.sent not in layout.hidden),
            *(_missing(layout, m.host, m.y) for m in layout.missing),
            *(_tick(layout, t.host, t.x, t.y) for t in layout.ticks),
            _breaks(layout),
            _end(layout),
            _strip(layout),
            _labels(layout),
        )
    )


# ------------------------------------------------------------------------------------------------- lanes


def _lanes(layout: Layout) -> str:
    pieces = []
    for stay in layout.story.stays:
        x = layout.lanes[stay.host]
        y0 = LANES_FROM if stay.first == 0 else layout.ys[stay.first]
        y1 = layout.end if stay.until is None else layout.ys[stay.until]
        gone = layout.story.gone.get(stay.host)
        if gone is not None and y1 > layout.ys[gone]:
            y1 = max(y0, layout.ys[gone])
            pieces.append(_gone(x, y1, layout.end))
        pieces.append(lane_piece(stay.state, x, y0, y1))
    return "".join(pieces)


def lane_piece(state: str, x: float, y0: float, y1: float) -> str:
    """A stay in `state` on the lane at `x`: a tint, and the line in the state's colour and style."""
    look = look_of(state)
    family = f"fam-{look.family}"
    tint = el("rect", class_=f"tint {family}", x=x - HALF, y=y0, width=2 * HALF, height=y1 - y0, fill=look.tint)
    lines = [
        el("path", class_=f"lane {family}", d=f"M{num(x + shift)} {num(y0)}V{num(y1)}", fill="none",
           stroke=look.color, stroke_width=look.width, stroke_dasharray=look.dash or None,
           stroke_linecap="round" if look.dash.startswith("0.") else None)
        for shift in ((-2.5, 2.5) if look.double else (0,))
    ]
    return tint + "".join(lines)


def _gone(x: float, y0: float, y1: float) -> str:
    """The lane of a host that is not there any more: its last state means nothing now."""
    end = el("path", class_="gone", d=f"M{num(x - HALF)} {num(y0)}h{num(2 * HALF)}", stroke=SOFT, stroke_width=3)
    return end + el("path", class_="gone", d=f"M{num(x)} {num(y0)}V{num(y1)}", stroke=HAIR, stroke_width=1,
                    stroke_dasharray="1 6", fill="none")


# ------------------------------------------------------------------------------------------------ timers


def _place(layout: Layout, host: Host, track: int) -> float:
    """The left edge of a timer bar."""
    away = layout.side(host)
    near = layout.lanes[host] + away * (HALF + 2 + TRACK * track)
    return near if away > 0 else near - BAR


def _folded(layout: Layout, life: Life) -> bool:
    """Whether a timer's whole life is folded away."""
    return life.first in layout.hidden and life.until in layout.hidden


def _bar(layout: Layout, life: Life, track: int) -> str:
    x = _place(layout, life.host, track)
    ys = layout.ys
    y0 = ys[life.first]
    y1 = layout.end if life.until is None else ys[life.until]
    kernel = life.timer.owner == "kernel"
    whose = f"timer {life.timer.owner}"
    parts = [
        el("rect", class_=f"{whose} bar", x=x, y=y0, width=BAR, height=y1 - y0, fill=LIGHT_PAGE, stroke=SOFT,
           stroke_width=1),
        el("path", class_=f"{whose} hatch", d=_hatch(x, y0, BAR, y1 - y0, rising=kernel), stroke=SOFT, fill="none",
           stroke_width=1),
    ]
    return "".join(parts)


def _cap(layout: Layout, life: Life, track: int) -> str:
    """The end of a bar tells the timer's fate."""
    x = _place(layout, life.host, track)
    y = layout.end if life.until is None else layout.ys[life.until]
    cls = f"timer {life.timer.owner} cap"
    if life.fate == "fires":
        d = f"M{num(x - 2)} {num(y)}h{num(BAR + 4)}"
        return el("path", class_=cls, d=d, stroke=SOFT, stroke_width=3, fill="none")
    if life.fate == "cancelled":
        return _cross(x + BAR / 2, y, 4, cls, SOFT, 2)
    return _loop(x + BAR / 2, y, cls) if life.fate == "restarted" else ""


def _hatch(x: float, y: float, w: float, h: float, *, rising: bool) -> str:
    """Slanted lines over a rectangle, cut at its edges; no pattern, so no identifier is needed."""
    out = []
    foot = y + 4.0
    while foot < y + h + w:
        a = max(0.0, foot - (y + h))
        b = min(w, foot - y)
        if b - a > 0.5:
            x0 = x + a if rising else x + w - a
            run = b - a if rising else a - b
            out.append(f"M{num(x0)} {num(foot - a)}l{num(run)} {num(a - b)}")
        foot += 5.0
    return "".join(out)


def _cross(x: float, y: float, r: float, cls: str, color: str, wide: float) -> str:
    d = f"M{num(x - r)} {num(y - r)}l{num(2 * r)} {num(2 * r)}m0 {num(-2 * r)}l{num(-2 * r)} {num(2 * r)}"
    return el("path", class_=cls, d=d, stroke=color, stroke_width=wide, fill="none")


def _loop(x: float, y: float, cls: str) -> str:
    """A round arrow: the timer starts again."""
    paper = el("circle", class_="paper", cx=x, cy=y, r=6.5, fill=LIGHT_PAGE)
    ring = el("path", class_=cls, d=f"M{num(x + 4.5)} {num(y)}A4.5 4.5 0 1 1 {num(x)} {num(y - 4.5)}", stroke=SOFT,
              stroke_width=1.6, fill="none")
    head = el("path", class_=f"{cls} head", d=f"M{num(x - 1)} {num(y - 8)}l6 3.5l-6 3.5z", fill=SOFT)
    return paper + ring + head


def _no_timer(layout: Layout, host: Host, first: int, until: int | None) -> str:
    """The outline of a bar that is not there, without an end."""
    x = _place(layout, host, 0)
    y0 = layout.ys[first] + 1
    y1 = layout.end - TORN - 13 if until is None else layout.ys[until] - 8
    d = f"M{num(x)} {num(y1)}V{num(y0)}h{num(BAR)}V{num(y1)}"
    bar = el("path", class_="timer none", d=d, stroke=HAIR, stroke_width=1, stroke_dasharray="2 3", fill="none")
    r = 2.6
    cx, cy = x + BAR / 2, y1 + 3
    d = (
        f"M{num(cx)} {num(cy)}c{num(r)} {num(-1.6 * r)} {num(2.6 * r)} {num(-1.6 * r)} {num(2.6 * r)} 0"
        f"s{num(-1.6 * r)} {num(1.6 * r)} {num(-2.6 * r)} 0s{num(-2.6 * r)} {num(-1.6 * r)} {num(-2.6 * r)} 0"
        f"s{num(1.6 * r)} {num(1.6 * r)} {num(2.6 * r)} 0z"
    )
    return bar + el("path", class_="timer none cap", d=d, stroke=SOFT, stroke_width=1.5, fill="none")


# ---------------------------------------------------------------------------------------------- segments


def _flight(layout: Layout, flight: Flight) -> str:
    x0, y0, x1, y1 = layout.edge(flight)
    reset = "R" in flight.segment.flags
    color = FAULT if reset or flight.fate == "lost" else INK
    kind = "reset" if reset else "lost" if flight.fate == "lost" else "probe" if flight.probe else "plain"
    if flight.fate == "flying":
        reach = min(1.0, (layout.end - y0) / (y1 - y0)) if y1 > y0 else 1.0
        x1, y1 = x0 + (x1 - x0) * min(reach, 0.62), y0 + (y1 - y0) * min(reach, 0.62)
    away = hypot(x1 - x0, y1 - y0)
    ux, uy = (x1 - x0) / away, (y1 - y0) / away
    wide = 3.0 if reset else 1.2 if flight.probe or flight.copy else 2.0
    cls = f"wire {kind}"
    if flight.fate == "lost":
        xc, yc = x0 + 0.6 * (x1 - x0), y0 + 0.6 * (y1 - y0)
        return (
            _line(x0, y0, xc, yc, cls, color, wide, double=bool(flight.again))
            + el("path", class_=f"{cls} tail", d=_to(xc, yc, x1, y1), stroke=color, stroke_width=1.2,
                 stroke_dasharray="1 4", fill="none")
            + _cross(xc, yc, 5, f"{cls} cross", color, 2.5)
        )
    long, half = (12.0, 5.5) if reset else (9.0, 4.0)
    bx, by = x1 - ux * long, y1 - uy * long
    if flight.fate == "flying":
        shaft = _line(x0, y0, x1, y1, cls, color, wide, double=bool(flight.again))
        d = _to(bx - uy * half, by + ux * half, x1, y1) + f"L{num(bx + uy * half)} {num(by - ux * half)}"
        return shaft + el("path", class_=f"{cls} open", d=d, stroke=color, stroke_width=wide, fill="none")
    shaft = _line(x0, y0, bx, by, cls, color, wide, double=bool(flight.again))
    d = _to(x1, y1, bx - uy * half, by + ux * half) + f"L{num(bx + uy * half)} {num(by - ux * half)}z"
    hollow = flight.probe
    head = el("path", class_=f"{cls} head{' hollow' if hollow else ''}", d=d, fill=LIGHT_PAGE if hollow else color,
              stroke=color if hollow else None, stroke_width=1.2 if hollow else None)
    origin = "" if flight.sent is not None else el("circle", class_=f"{cls} origin", cx=x0, cy=y0, r=3, fill=color)
    return shaft + origin + head


def _to(x0: float, y0: float, x1: float, y1: float) -> str:
    return f"M{num(x0)} {num(y0)}L{num(x1)} {num(y1)}"


def _line(
    x0: float, y0: float, x1: float, y1: float, cls: str, color: str, wide: float, *, double: bool = False
) -> str:
    """A shaft; a repeated segment has two thin ones."""
    if not double:
        return el("path", class_=cls, d=_to(x0, y0, x1, y1), stroke=color, stroke_width=wide, fill="none")
    length = hypot(x1 - x0, y1 - y0) or 1.0
    sx, sy = -(y1 - y0) / length * 1.7, (x1 - x0) / length * 1.7
    d = _to(x0 + sx, y0 + sy, x1 + sx, y1 + sy) + _to(x0 - sx, y0 - sy, x1 - sx, y1 - sy)
    return el("path", class_=f"{cls} again", d=d, stroke=color, stroke_width=1.1, fill="none")


def _missing(layout: Layout, host: Host, y: float) -> str:
    """The FIN that was expected and not sent: an outline that does not leave its lane, and a question mark."""
    to = -layout.side(host)
    here, there = layout.lanes[host], layout.lanes["client" if host == "server" else "server"]
    body = min(50.0, max(28.0, abs(there - here) - 2 * HALF - 38))
    x = here + 2.5 * to
    d = f"M{num(x)} {num(y - 8)}h{num(body * to)}v-5l{num(14 * to)} 13l{num(-14 * to)} 13v-5h{num(-body * to)}"
    shape = el("path", class_="missing", d=d, stroke=HAIR, stroke_width=1.3, stroke_dasharray="4 3", fill=LIGHT_PAGE,
               stroke_linejoin="round")
    fin = el("text", "FIN", class_="missing-fin", x=x + (body / 2 + 6) * to, y=y + 4.5, text_anchor="middle", fill=SOFT)
    mark = el("text", "?", class_="missing-mark", x=x + (body + 22) * to, y=y + 7, text_anchor="middle", fill=SOFT,
              font_size=20, font_weight="bold")
    return shape + fin + mark


def _tick(layout: Layout, host: Host, x: float, y: float) -> str:
    """A call, or a timer that fires: a short arrow into the lane."""
    to = -layout.side(host)
    tip = layout.lanes[host] - 3 * to
    d = f"M{num(x)} {num(y)}H{num(tip - 6 * to)}"
    shaft = el("path", class_="tick", d=d, stroke=INK, stroke_width=1.4, fill="none")
    return shaft + el("path", class_="tick head", d=f"M{num(tip)} {num(y)}l{num(-7 * to)} -3.5v7z", fill=INK)


# ------------------------------------------------------------------------------------------ breaks and end


def _reach(layout: Layout) -> tuple[float, float]:
    """From where to where a break tears the drawing."""
    xs = []
    for host, lane in layout.lanes.items():
        tracks = max([track + 1 for life, track in layout.bars if life.host == host], default=1)
        xs.append(lane + layout.side(host) * (HALF + TRACK * tracks + 1))
    return min(xs), max(xs)


def _zigzag(x0: float, x1: float, y: float) -> list[tuple[float, float]]:
    teeth = max(2, round((x1 - x0) / 7))
    pitch = (x1 - x0) / teeth
    return [(x0 + pitch * k, y + (2.5 if k % 2 else -2.5)) for k in range(teeth + 1)]


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{num(x)} {num(y)}" for x, y in points)


def torn(x0: float, x1: float, y: float, high: float = TORN, *, open_end: bool = False) -> str:
    """A strip torn out of the paper around height `y`; an open end has no lower edge."""
    top = _zigzag(x0, x1, y - high / 2)
    low = [(x0, y + high), (x1, y + high)] if open_end else _zigzag(x0, x1, y + high / 2)
    paper = el("path", class_="paper", d=_path(top + low[::-1]) + "z", fill=LIGHT_PAGE)
    edges = _path(top) + ("" if open_end else _path(low))
    return paper + el("path", class_="torn", d=edges, stroke=HAIR, stroke_width=1.2, fill="none")


def _breaks(layout: Layout) -> str:
    x0, x1 = _reach(layout)
    folds = {layout.trace.steps[fold.first - 1].t for fold in layout.story.folds}
    return "".join(
        torn(x0, x1, gap.torn, FOLD if gap.t0 in folds else TORN) for gap in layout.axis.breaks if gap.torn is not None
    )


def _end(layout: Layout) -> str:
    if layout.trace.ending.kind == "stuck":
        x0, x1 = _reach(layout)
        return torn(x0, x1, layout.end - TORN / 2, open_end=True)
    if layout.trace.ending.kind == "open":
        return el("path", class_="now", d=f"M14 {num(layout.end)}H{num(WIDTH - 14)}", stroke=HAIR, stroke_width=1,
                  stroke_dasharray="1 4", fill="none")
    return ""


def _strip(layout: Layout) -> str:
    """The whole run at true scale, in the colours of the left host's states."""
    if not layout.axis.breaks:
        return ""
    x0, x1 = STRIP
    y0, y1 = LANES_FROM, layout.end
    span = layout.axis.span
    steps = layout.trace.steps
    parts = [el("rect", class_="scale frame", x=x0, y=y0, width=x1 - x0, height=y1 - y0, fill=LIGHT_PAGE, stroke=HAIR,
                stroke_width=1)]
    for stay in layout.story.stays:
        if stay.host != layout.left:
            continue
        top = true_scale(steps[stay.first].t, span, y0, y1)
        foot = y1 if stay.until is None else true_scale(steps[stay.until].t, span, y0, y1)
        look = look_of(stay.state)
        if foot - top >= 0.05:
            parts.append(el("rect", class_=f"scale fam-{look.family}", x=x0, y=top, width=x1 - x0, height=foot - top,
                            fill=look.color, fill_opacity="0.55"))
    marks = sorted({num(true_scale(step.t, span, y0, y1)) for step in steps}, key=float)
    d = "".join(f"M{num(x0 - 1.5)} {y}H{num(x1 + 1.5)}" for y in marks)
    parts.append(el("path", class_="scale mark", d=d, stroke=INK, stroke_width=1, fill="none"))
    return "".join(parts)


# ------------------------------------------------------------------------------------------------- labels


def _labels(layout: Layout) -> str:
    """All text. What would be crossed by a segment's line gets a piece of paper behind it."""
    wires = [layout.edge(flight) for flight in layout.story.flights if flight.sent not in layout.hidden]
    out = []
    for label in layout.labels:
        box = label.box
        near = (wire for wire in wires if wire[1] <= box.y1 and wire[3] >= box.y0)
        out.append(_label(label, any(box.crossed_by(*wire) for wire in near)))
    return "".join(out)


def _label(label: Label, crossed: bool) -> str:
    line = label.line
    out = []
    if line.cls == "pill":
        w = line.width + 18
        out.append(el("rect", class_="pill-box", x=label.x - w / 2, y=label.y - 14.5, width=w, height=20, rx=10,
                      fill=LIGHT_PAGE, stroke=HAIR, stroke_width=1))
    elif crossed or line.cls == "fold":
        box = label.box
        out.append(el("rect", class_="paper", x=box.x0 - 1, y=box.y0, width=box.x1 - box.x0 + 2, height=box.y1 - box.y0,
                      fill=LIGHT_PAGE))
    x, anchor = label.x, label.anchor
    if line.fins is not None:
        out.append(checklist(line.fins, label.left, label.y - 9))
        x, anchor = label.left + line.indent, "start"
    if line.text:
        out.append(
            el(
                "text", escape(line.text), class_=line.cls, x=x, y=label.y,
                fill=None if line.fill == INK else line.fill, text_anchor=None if anchor == "start" else anchor,
                font_family=MONO if line.mono else None, font_size=CODE if line.mono else None,
                font_weight="bold" if line.bold else None,
            )
        )
    return "".join(out)


def checklist(fins: Fins, x: float, y: float) -> str:
    """Three small boxes: my FIN sent, my FIN acknowledged, the peer's FIN received."""
    out = []
    for k, done in enumerate(fins):
        left = x + k * (BOX + 2)
        out.append(
            el("rect", class_="fin done" if done else "fin", x=left + 0.5, y=y + 0.5, width=BOX - 1, height=BOX - 1,
               fill=INK if done else LIGHT_PAGE, stroke=INK, stroke_width=1)
        )
    return "".join(out)
