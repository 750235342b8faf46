"""The state diagram: one map for the whole site, on which two tokens walk.

Every state, arrow, cause and tooltip comes from the transition table. Only *places* are chosen by hand, because a map
that looks the same on every page is learnt once: the left column closes first, the right one second, what both share
stands in the middle, resets run along the edges of the sheet. An arrow that the table gains and `ROUTES` does not
know is drawn straight.

Arrows are drawn by kind of cause: a segment arrives (solid), the program calls (double), a timer fires (dash-dot).
Arrows that only a reset, an abort or giving up can take are thin. Several rules between the same two states are one
arrow; its tooltip lists them all.
"""

from functools import cache
from math import hypot
from typing import Final, NamedTuple

from teardown.draw import words
from teardown.draw.ladder import MONO, SANS, checklist
from teardown.draw.palette import FAMILIES, HAIR, INK, LIGHT_PAGE, LOOKS, SOFT
from teardown.draw.svg import el, escape, num
from teardown.tcp.states import (
    CLOSE_WAIT,
    CLOSED,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    LAST_ACK,
    LISTEN,
    STATES,
    SYN_RECEIVED,
    SYN_SENT,
    TIME_WAIT,
    Fins,
    prose,
)
from teardown.tcp.table import RULES, Rule
from teardown.world.trace import HOSTS, Trace

WIDTH: Final = 360.0
NODE: Final = (102.0, 36.0)
LEFT, MIDDLE, RIGHT = 62.0, 180.0, 298.0

#: The middle of each state's box.
PLACES: Final = {
    SYN_SENT: (LEFT, 34.0),
    LISTEN: (RIGHT, 34.0),
    SYN_RECEIVED: (MIDDLE, 84.0),
    ESTABLISHED: (MIDDLE, 158.0),
    FIN_WAIT_1: (LEFT, 236.0),
    CLOSE_WAIT: (RIGHT, 236.0),
    FIN_WAIT_2: (LEFT, 330.0),
    CLOSING: (MIDDLE, 330.0),
    LAST_ACK: (RIGHT, 330.0),
    TIME_WAIT: (MIDDLE, 414.0),
    CLOSED: (MIDDLE, 496.0),
}
OPENING: Final = (LISTEN, SYN_SENT, SYN_RECEIVED)
HEIGHT: Final = 582.0

#: The checklist that makes each closing state what it is: my FIN sent, acknowledged, the peer's FIN received.
BOXES: Final = {
    ESTABLISHED: Fins(False, False, False),
    FIN_WAIT_1: Fins(True, False, False),
    FIN_WAIT_2: Fins(True, True, False),
    CLOSING: Fins(True, False, True),
    CLOSE_WAIT: Fins(False, False, True),
    LAST_ACK: Fins(True, False, True),
    TIME_WAIT: Fins(True, True, True),
}

type Point = tuple[float, float]
_RAIL_L, _RAIL_R = 4.5, 355.5
_TO_CLOSED_L: Final = ((_RAIL_L, 508.0), (129.0, 508.0))
_TO_CLOSED_R: Final = ((_RAIL_R, 508.0), (231.0, 508.0))

#: How arrows run that should not be straight: their corners, from border to border.
ROUTES: Final[dict[tuple[str, str], tuple[Point, ...]]] = {
    (ESTABLISHED, FIN_WAIT_1): ((150, 176), (84, 218)),
    (ESTABLISHED, CLOSE_WAIT): ((210, 176), (276, 218)),
    (FIN_WAIT_1, CLOSING): ((96, 254), (156, 312)),
    (FIN_WAIT_2, TIME_WAIT): ((96, 348), (152, 396)),
    (FIN_WAIT_2, CLOSED): ((LEFT - 14, 348), (LEFT - 14, 490), (129, 490)),
    (LAST_ACK, CLOSED): ((RIGHT, 348), (RIGHT, 490), (231, 490)),
    (FIN_WAIT_1, CLOSED): ((11, 236), (_RAIL_L, 236), *_TO_CLOSED_L),
    (ESTABLISHED, CLOSED): ((129, 158), (_RAIL_L, 158), *_TO_CLOSED_L),
    (SYN_SENT, CLOSED): ((11, 40), (_RAIL_L, 40), *_TO_CLOSED_L),
    (CLOSED, SYN_SENT): ((129, 508), (_RAIL_L, 508), (_RAIL_L, 28), (11, 28)),
    (CLOSE_WAIT, CLOSED): ((349, 236), (_RAIL_R, 236), *_TO_CLOSED_R),
    (LISTEN, CLOSED): ((349, 40), (_RAIL_R, 40), *_TO_CLOSED_R),
    (CLOSED, LISTEN): ((231, 508), (_RAIL_R, 508), (_RAIL_R, 28), (349, 28)),
    (SYN_RECEIVED, CLOSED): ((231, 84), (_RAIL_R, 84), *_TO_CLOSED_R),
    (CLOSING, CLOSED): ((129, 336), (120, 336), (120, 460), (162, 460), (162, 478)),
    (TIME_WAIT, SYN_RECEIVED): ((231, 414), (240, 414), (240, 94), (231, 94)),
    (SYN_SENT, SYN_RECEIVED): ((113, 46), (150, 66)),
    (SYN_SENT, ESTABLISHED): ((84, 52), (84, 150), (129, 150)),
    (LISTEN, SYN_RECEIVED): ((247, 46), (210, 66)),
    (SYN_RECEIVED, LISTEN): ((222, 66), (259, 46)),
    (SYN_RECEIVED, FIN_WAIT_1): ((140, 102), (104, 124), (70, 180), (70, 218)),
    (SYN_RECEIVED, CLOSE_WAIT): ((220, 102), (256, 124), (290, 180), (290, 218)),
}

#: Where the words of an arrow stand: x, baseline, anchor.
_WORDS_AT: Final[dict[tuple[str, str], tuple[float, float, str]]] = {
    (ESTABLISHED, FIN_WAIT_1): (122, 212, "start"),
    (ESTABLISHED, CLOSE_WAIT): (250, 192, "start"),
    (FIN_WAIT_1, FIN_WAIT_2): (LEFT - 5, 287, "end"),
    (FIN_WAIT_1, CLOSING): (134, 280, "start"),
    (FIN_WAIT_2, TIME_WAIT): (130, 372, "start"),
    (FIN_WAIT_2, CLOSED): (LEFT - 9, 440, "start"),
    (CLOSING, TIME_WAIT): (MIDDLE + 6, 377, "start"),
    (CLOSE_WAIT, LAST_ACK): (RIGHT + 7, 287, "start"),
    (LAST_ACK, CLOSED): (RIGHT + 6, 440, "start"),
    (TIME_WAIT, CLOSED): (MIDDLE + 6, 459, "start"),
    (SYN_RECEIVED, ESTABLISHED): (MIDDLE + 6, 125, "start"),
}

CAUSE_COLORS: Final = {
    "segment": INK,
    "call": FAMILIES["opening"].light,
    "timer": FAMILIES["time-wait"].light,
}


class Edge(NamedTuple):
    """All rules that lead from one state to another."""

    start: str
    end: str
    rules: tuple[Rule, ...]

    @property
    def regular(self) -> tuple[Rule, ...]:
        """Those that are not a reset, an abort or giving up; only the standard's, where it has any."""
        rules = tuple(rule for rule in self.rules if not words.is_abort(rule))
        return tuple(rule for rule in rules if not rule.rfc.startswith("none")) or rules

    @property
    def cause(self) -> str:
        """The kind of cause that the arrow is drawn by."""
        return (self.regular or self.rules)[0].cause

    @property
    def label(self) -> str:
        """A few words for the arrow: `FIN`, `close()`, `2 MSL`."""
        return ", ".join(dict.fromkeys(words.event_short(rule.event) for rule in self.regular))

    @property
    def opening(self) -> bool:
        """Whether it belongs to the greyed corner where connections open."""
        return self.start in OPENING or self.end in OPENING


@cache
def edges(rules: tuple[Rule, ...] = RULES) -> tuple[Edge, ...]:
    """The arrows of the table, in the order of the states."""
    found: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        for state in rule.states:
            if rule.to is not None and rule.to != state:
                found.setdefault((state, rule.to), []).append(rule)
    order = sorted(found, key=lambda key: (STATES.index(key[0]), STATES.index(key[1])))
    return tuple(Edge(*key, tuple(found[key])) for key in order)


def draw(ids: str = "map", trace: Trace | None = None) -> str:
    """The map as one SVG string; with a trace, its arrows are marked and the tokens stand where it ends."""
    taken = set() if trace is None else _taken(trace)
    ends = {host: trace.steps[-1].states.of(host) for host in HOSTS} if trace else {}
    # Thin arrows first, so that the ones that matter lie on top.
    ordered = sorted(edges(), key=lambda edge: (not edge.opening, bool(edge.regular)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="states" role="img" aria-labelledby="{ids}-t {ids}-d" '
        f'viewBox="0 0 {num(WIDTH)} {num(HEIGHT)}" width="{num(WIDTH)}" height="{num(HEIGHT)}" '
        f'font-family="{escape(SANS)}" font-size="13" fill="{INK}">'
        f'<title id="{ids}-t">{escape(words.MAP_TITLE)}</title>'
        f'<desc id="{ids}-d">{escape(words.map_desc(trace))}</desc>'
        f'<g aria-hidden="true">{"".join(_edge(edge, ids, (edge.start, edge.end) in taken) for edge in ordered)}'
        f'{"".join(_node(state, ids, state in ends.values()) for state in STATES)}'
        f'{"".join(_token(host, ends.get(host)) for host in HOSTS)}{_legend()}</g></svg>'
    )


def _taken(trace: Trace) -> set[tuple[str, str]]:
    return {
        (a.states.of(host), b.states.of(host))
        for a, b in zip(trace.steps, trace.steps[1:], strict=False)
        for host in HOSTS
        if a.states.of(host) != b.states.of(host)
    }


def _node(state: str, ids: str, here: bool) -> str:
    x, y = PLACES[state]
    w, h = NODE
    look = LOOKS[state]
    quiet = state in OPENING
    color = HAIR if quiet else look.color
    boxes = BOXES.get(state)
    cls = f"node fam-{look.family}{' opening' if quiet else ''}{' here' if here else ''}"
    rect = {"x": x - w / 2, "y": y - h / 2, "width": w, "height": h}
    frame = el("rect", class_="frame", **rect, rx=9, fill=LIGHT_PAGE if quiet else look.tint, stroke=color,
               stroke_width=1 if quiet else min(look.width, 3.5) - 1 + (0.5 if here else 0),
               stroke_dasharray=look.dash.replace("0.1 6", "0.1 4.5") or None,
               stroke_linecap="round" if look.dash.startswith("0.") else None)
    inner = ""
    if look.double:
        inner = el("rect", class_="frame", x=x - w / 2 + 3, y=y - h / 2 + 3, width=w - 6, height=h - 6, rx=6,
                   fill="none", stroke=color, stroke_width=1, stroke_dasharray=look.dash)
    ring = el("rect", class_="ring", x=x - w / 2 - 3, y=y - h / 2 - 3, width=w + 6, height=h + 6, rx=12,
              fill="none", stroke="none", stroke_width=1.5)
    name = el("text", prose(state), class_="name", x=x, y=y + (4.5 if boxes is None else -1), text_anchor="middle",
              font_family=MONO, font_size=12.9, font_weight=None if quiet else "bold",
              fill=SOFT if quiet else look.color)
    marks = "" if boxes is None else checklist(boxes, x - 14, y + 4.5)
    return (
        f'<g class="{cls}" id="{ids}-{state}" data-state="{state}" data-x="{num(x)}" data-y="{num(y)}">'
        f"<title>{escape(words.state_title(state))}</title>{ring}{frame}{inner}{name}{marks}</g>"
    )


def route(edge: Edge) -> tuple[Point, ...]:
    """The corners of an arrow, from the border of one box to the border of the other."""
    known = ROUTES.get((edge.start, edge.end))
    if known:
        return known
    (x0, y0), (x1, y1) = PLACES[edge.start], PLACES[edge.end]
    return _border(x0, y0, x1, y1), _border(x1, y1, x0, y0)


def _border(x: float, y: float, to_x: float, to_y: float) -> Point:
    """Where the line from the middle of a box towards a point leaves the box."""
    dx, dy = to_x - x, to_y - y
    share = min(NODE[0] / 2 / abs(dx) if dx else 9.0, NODE[1] / 2 / abs(dy) if dy else 9.0)
    return x + dx * share, y + dy * share


def _edge(edge: Edge, ids: str, taken: bool) -> str:
    points = list(route(edge))
    (x0, y0), (x1, y1) = points[-2:]
    away = hypot(x1 - x0, y1 - y0)
    ux, uy = (x1 - x0) / away, (y1 - y0) / away
    abort = not edge.regular
    long, half = (7.0, 3.0) if abort or edge.opening else (9.0, 4.2)
    tip, (bx, by) = (x1, y1), (x1 - ux * long, y1 - uy * long)
    points[-1] = (bx, by)
    d = _rounded(points)
    color = HAIR if edge.opening else FAMILIES["fault"].light if abort else CAUSE_COLORS[edge.cause]
    wide = 1.0 if abort or edge.opening else 1.8
    stroke = {"stroke": color, "fill": "none"}
    parts = [el("path", class_="hit", d=d, stroke="none", stroke_width=14, fill="none")]
    if edge.cause == "call" and not abort and not edge.opening:
        parts.append(el("path", class_="line", d=d, stroke_width=wide + 2.6, **stroke))
        parts.append(el("path", class_="core", d=d, stroke=LIGHT_PAGE, stroke_width=max(1.0, wide - 0.2), fill="none"))
    else:
        dash = "8 3 1.5 3" if edge.cause == "timer" and not abort else None
        parts.append(el("path", class_="line", d=d, stroke_width=wide, stroke_dasharray=dash, **stroke))
    head = (
        f"M{num(tip[0])} {num(tip[1])}L{num(bx - uy * half)} {num(by + ux * half)}"
        f"L{num(bx + uy * half)} {num(by - ux * half)}z"
    )
    parts.append(el("path", class_="head", d=head, fill=color))
    at = _WORDS_AT.get((edge.start, edge.end))
    if at and edge.label:
        x, y, anchor = at
        parts.append(
            el("text", escape(edge.label), class_="cause", x=x, y=y, text_anchor=None if anchor == "start" else anchor,
               fill=SOFT if edge.opening else color)
        )
    kind = "abort" if abort else edge.cause
    cls = f"edge {kind}{' opening' if edge.opening else ''}{' on-path' if taken else ''}"
    return (
        f'<g class="{cls}" id="{ids}-{edge.start}-{edge.end}" data-from="{edge.start}" data-to="{edge.end}" '
        f'data-cause="{edge.cause}"><title>{escape(words.edge_title(edge.start, edge.end, edge.rules))}</title>'
        f"{''.join(parts)}</g>"
    )


def _rounded(points: list[Point], radius: float = 8.0) -> str:
    """A line through `points` with round corners."""
    out = [f"M{num(points[0][0])} {num(points[0][1])}"]
    for (ax, ay), (bx, by), (cx, cy) in zip(points, points[1:], points[2:], strict=False):
        before, after = hypot(bx - ax, by - ay), hypot(cx - bx, cy - by)
        r = min(radius, before / 2, after / 2)
        p = (bx + (ax - bx) / before * r, by + (ay - by) / before * r)
        q = (bx + (cx - bx) / after * r, by + (cy - by) / after * r)
        out.append(f"L{num(p[0])} {num(p[1])}Q{num(bx)} {num(by)} {num(q[0])} {num(q[1])}")
    out.append(f"L{num(points[-1][0])} {num(points[-1][1])}")
    return "".join(out)


def _token(host: str, state: str | None) -> str:
    """A disc with the host's letter; it stands on the upper corner of its side, so that two fit on one box."""
    x, y = PLACES[state or ESTABLISHED]
    dx, dy = (-46.0, -20.0) if host == "server" else (46.0, -20.0)
    server = host == "server"
    disc = el("circle", class_="disc", cx=dx, cy=dy, r=9.5, fill=INK if server else LIGHT_PAGE, stroke=INK,
              stroke_width=1.8)
    letter = el("text", host[0].upper(), class_="letter", x=dx, y=dy + 4.6, text_anchor="middle", font_weight="bold",
                fill=LIGHT_PAGE if server else INK)
    return f'<g class="token" data-host="{host}" transform="translate({num(x)} {num(y)})">{disc}{letter}</g>'


def _legend() -> str:
    out = []
    for k, (kind, text) in enumerate(words.LEGEND.items()):
        x, y = (8.0, 180.0)[k % 2], 547.0 + 20 * (k // 2)
        d = f"M{num(x)} {num(y)}h30"
        color = CAUSE_COLORS.get(kind, FAMILIES["fault"].light)
        if kind == "call":
            line = el("path", class_="line", d=d, stroke=color, stroke_width=4.4, fill="none") + el(
                "path", class_="core", d=d, stroke=LIGHT_PAGE, stroke_width=1.6, fill="none"
            )
        else:
            line = el("path", class_="line", d=d, stroke=color, stroke_width=1.0 if kind == "abort" else 1.8,
                      stroke_dasharray="8 3 1.5 3" if kind == "timer" else None, fill="none")
        words_ = el("text", escape(text), class_="cause", x=x + 36, y=y + 4.5, fill=SOFT)
        out.append(f'<g class="edge {kind} key">{line}{words_}</g>')
    return "".join(out)
