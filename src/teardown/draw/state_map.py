"""The state diagram: one map for the whole site, on which two tokens walk.

Every state, arrow, cause and tooltip comes from the transition table. Where they stand comes as a `Plan`, which
Graphviz makes from the same table when the site is built: a map that looks the same on every page is learnt once.

Arrows are drawn by kind of cause: a segment arrives (solid), the program calls (double), a timer fires (dash-dot).
Arrows that only a reset, an abort or giving up can take are thin. Several rules between the same two states are one
arrow; its tooltip lists them all.
"""

from functools import cache
from math import hypot
from typing import Final, NamedTuple

from teardown.draw import words
from teardown.draw.ladder import MONO, SANS, checklist
from teardown.draw.map_plan import NODE, Plan, Way, adapted
from teardown.draw.palette import FAMILIES, HAIR, INK, LIGHT_PAGE, LOOKS, SOFT
from teardown.draw.svg import el, escape, num
from teardown.tcp.states import (
    CLOSE_WAIT,
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
OPENING: Final = (LISTEN, SYN_SENT, SYN_RECEIVED)
LEGEND_ROOM: Final = 74.0  # below the graph

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
    def kind(self) -> str:
        """How it is drawn: by its cause, or as a way that throws the connection away."""
        return self.cause if self.regular else "abort"

    @property
    def labelled(self) -> bool:
        """Whether it has words beside it: the ways that a connection goes if all is well."""
        return bool(self.regular) and (not self.opening or (self.start, self.end) == (SYN_RECEIVED, ESTABLISHED))

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


def draw_edited(plan: Plan, rules: tuple[Rule, ...], ids: str = "map") -> str:
    """The map of a machine with other rows: what has changed is marked, and what is gone is still there, faintly."""
    before, after = ({(e.start, e.end): e for e in edges(rows)} for rows in (RULES, rules))
    own = adapted(plan, {way: edge.label if edge.labelled else "" for way, edge in after.items()})
    changed = {way for way, edge in after.items() if way not in before or before[way].rules != edge.rules}
    gone = "".join(_gone(plan, edge, ids) for way, edge in before.items() if way not in after)
    return _svg(own, ids, tuple(after.values()), None, changed, gone)


def draw(plan: Plan, ids: str = "map", trace: Trace | None = None) -> str:
    """The map as one SVG string; with a trace, its arrows are marked and the tokens stand where it ends."""
    return _svg(plan, ids, edges(), trace, set(), "")


def _svg(plan: Plan, ids: str, drawn: tuple[Edge, ...], trace: Trace | None, changed: set[Way], gone: str) -> str:
    taken = set() if trace is None else _taken(trace)
    ends = {host: trace.steps[-1].states.of(host) for host in HOSTS} if trace else {}
    height = plan.height + LEGEND_ROOM
    # Thin arrows first, so that the ones that matter lie on top.
    ordered = sorted(drawn, key=lambda e: ((e.start, e.end) in taken | changed, not e.opening, bool(e.regular)))
    edited = dict.fromkeys(changed, " edited")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="states" role="img" aria-labelledby="{ids}-t {ids}-d" '
        f'viewBox="0 0 {num(WIDTH)} {num(height)}" width="{num(WIDTH)}" height="{num(height)}" '
        f'font-family="{escape(SANS)}" font-size="13" fill="{INK}">'
        f'<title id="{ids}-t">{escape(words.MAP_TITLE)}</title>'
        f'<desc id="{ids}-d">{escape(words.map_desc(trace))}</desc>'
        f'<g aria-hidden="true">{gone}'
        f'{"".join(_edge(plan, e, ids, (e.start, e.end) in taken, edited.get((e.start, e.end), "")) for e in ordered)}'
        f'{"".join(_node(plan, state, ids, state in ends.values()) for state in STATES)}'
        f'{"".join(_token(plan, host, ends.get(host)) for host in HOSTS)}{_legend(plan.height)}</g></svg>'
    )


def _taken(trace: Trace) -> set[tuple[str, str]]:
    return {
        (a.states.of(host), b.states.of(host))
        for a, b in zip(trace.steps, trace.steps[1:], strict=False)
        for host in HOSTS
        if a.states.of(host) != b.states.of(host)
    }


def _node(plan: Plan, state: str, ids: str, here: bool) -> str:
    x, y = plan.places[state]
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


def head_size(edge: Edge) -> tuple[float, float]:
    """Length and half the width of an arrow's head."""
    return (7.0, 3.0) if not edge.regular or edge.opening else (9.0, 4.2)


def _gone(plan: Plan, edge: Edge, ids: str) -> str:
    """An arrow that the machine no longer has."""
    d = plan.routes[edge.start, edge.end].path()
    line = el("path", class_="line", d=d, stroke=HAIR, stroke_width=1, stroke_dasharray="1 5", fill="none")
    title = escape(words.edge_title(edge.start, edge.end, edge.rules))
    return f'<g class="edge gone" data-from="{edge.start}" data-to="{edge.end}"><title>{title}</title>{line}</g>'


def _edge(plan: Plan, edge: Edge, ids: str, taken: bool, more: str = "") -> str:
    way = edge.start, edge.end
    route = plan.routes[way]
    d = route.path()
    (x0, y0), tip = route.pieces[-1].end, route.tip
    away = hypot(tip[0] - x0, tip[1] - y0)
    ux, uy = (tip[0] - x0) / away, (tip[1] - y0) / away
    half = head_size(edge)[1]
    abort = not edge.regular
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
        f"M{num(tip[0])} {num(tip[1])}L{num(x0 - uy * half)} {num(y0 + ux * half)}"
        f"L{num(x0 + uy * half)} {num(y0 - ux * half)}z"
    )
    parts.append(el("path", class_="head", d=head, fill=color))
    beside = plan.words.get(way)
    if beside:
        ink = SOFT if edge.opening else color
        parts.append(el("text", escape(beside.text), class_="cause", x=beside.x, y=beside.y, fill=ink))
    cls = f"edge {edge.kind}{' opening' if edge.opening else ''}{' on-path' if taken else ''}{more}"
    return (
        f'<g class="{cls}" id="{ids}-{edge.start}-{edge.end}" data-from="{edge.start}" data-to="{edge.end}" '
        f'data-cause="{edge.cause}"><title>{escape(words.edge_title(edge.start, edge.end, edge.rules))}</title>'
        f"{''.join(parts)}</g>"
    )


def _token(plan: Plan, host: str, state: str | None) -> str:
    """A disc with the host's letter; it stands on the lower corner of its side: two fit on one box,
    and neither hides the head of an arrow that comes from above."""
    x, y = plan.places[state or ESTABLISHED]
    dx, dy = (-46.0, 20.0) if host == "server" else (46.0, 20.0)
    server = host == "server"
    disc = el("circle", class_="disc", cx=dx, cy=dy, r=9.5, fill=INK if server else LIGHT_PAGE, stroke=INK,
              stroke_width=1.8)
    letter = el("text", host[0].upper(), class_="letter", x=dx, y=dy + 4.6, text_anchor="middle", font_weight="bold",
                fill=LIGHT_PAGE if server else INK)
    return f'<g class="token" data-host="{host}" transform="translate({num(x)} {num(y)})">{disc}{letter}</g>'


def _legend(top: float) -> str:
    out = []
    for k, (kind, text) in enumerate(words.LEGEND.items()):
        x, y = (8.0, 180.0)[k % 2], top + 38.0 + 20 * (k // 2)
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
