"""One step of a run as a small card: both ends' states and FIN checklists, and between them what happens.

For paper, where a run cannot be stepped through. A card says little enough to be set in readable type.
"""

from __future__ import annotations

from math import hypot
from typing import Final

from teardown.draw import words
from teardown.draw.labels import BOX, FAULT
from teardown.draw.ladder import checklist, lane_piece
from teardown.draw.palette import INK, look_of
from teardown.draw.svg import MONO_ADVANCE, el, escape, num, wrap
from teardown.tcp.states import prose
from teardown.world.trace import Host, Step, Trace, other

#: Width and height of a card, in units of its drawing. Its type is `SIZE` of them.
WIDTH: Final = 151.0
HEIGHT: Final = 52.0
SIZE: Final = 10.0
_LANES: Final = (38.0, WIDTH - 38.0)
_TOP: Final = 15.0  # of the lanes
_ROOM: Final = 62.0  # between the lanes, for a word


def card(trace: Trace, i: int, left: Host) -> str:
    """Step `i` of a trace as one SVG. `left` is the host that stands on the left, as in the run's ladder."""
    step, hosts = trace.steps[i], (left, other(left))
    out = []
    for host, x, edge, anchor in zip(hosts, _LANES, (0.0, WIDTH), (None, "end"), strict=True):
        state = step.states.of(host)
        name = prose(state)
        size = min(SIZE, WIDTH / 2 / (len(name) * MONO_ADVANCE)) if name else SIZE
        out += [
            lane_piece(state, x, _TOP, HEIGHT),
            el("text", escape(name), x=edge, y=9, text_anchor=anchor, font_family="monospace", font_size=size,
               font_weight="bold", fill=look_of(state).color),
            checklist(step.fins.of(host), edge if anchor is None else WIDTH - 3 * BOX - 4, _TOP),
        ]  # fmt: skip
    middle = _segment(step, left) if step.segment is not None and step.sender else _event(step, left)
    said = f"Step {i}: " + ", ".join(f"{host} {prose(step.states.of(host)) or 'unknown'}" for host in hosts) + "."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {num(WIDTH)} {num(HEIGHT)}" font-size="{num(SIZE)}">'
        f"<title>{escape(said)}</title>{''.join(out)}{middle}</svg>"
    )


def _segment(step: Step, left: Host) -> str:
    """The segment that leaves, arrives or is lost, as an arrow from its sender."""
    assert step.segment is not None
    rightward = step.sender == left
    x0, x1 = (_LANES[0] + 7, _LANES[1] - 7) if rightward else (_LANES[1] - 7, _LANES[0] + 7)
    y0, y1 = 34.0, 45.0
    lost, reset = step.event == "segment-lost", "R" in step.segment.flags
    color = FAULT if lost or reset else INK
    if step.event == "segment-sent" or lost:
        x1, y1 = x0 + 0.55 * (x1 - x0), y0 + 0.55 * (y1 - y0)
    away = hypot(x1 - x0, y1 - y0)
    ux, uy = (x1 - x0) / away, (y1 - y0) / away
    bx, by = x1 - ux * 8, y1 - uy * 8
    d = f"M{num(bx - uy * 3.5)} {num(by + ux * 3.5)}L{num(x1)} {num(y1)}L{num(bx + uy * 3.5)} {num(by - ux * 3.5)}"
    if lost:
        head = el("path", d=f"M{num(x1 - 4)} {num(y1 - 4)}l8 8m0 -8l-8 8", stroke=color, stroke_width=2, fill="none")
    elif step.event == "segment-sent":
        head = el("path", d=d, stroke=color, stroke_width=1.6, fill="none")
    else:
        head = el("path", d=f"{d}z", fill=color)
    shaft = el("path", d=f"M{num(x0)} {num(y0)}L{num(bx if not lost else x1)} {num(by if not lost else y1)}",
               stroke=color, stroke_width=2.4 if reset else 1.6, fill="none")  # fmt: skip
    return shaft + head + _words(wrap(step.segment.label, _ROOM, SIZE, bold=reset), color)


def _event(step: Step, left: Host) -> str:
    """A call or a timer, with a tick at the lane of the host whose it is."""
    if step.host is None:
        return ""
    if step.event == "call" and step.call:
        text, mono = step.call, True
    elif step.event == "timer" and step.timer:
        text, mono = words.timer_over(step.timer), False
    else:
        return ""
    x, to = (_LANES[0] + 4, -1) if step.host == left else (_LANES[1] - 4, 1)
    tick = el("path", d=f"M{num(x)} 43l{num(-7 * to)} -4v8z", fill=INK)
    return tick + _words(wrap(text, _ROOM, SIZE, mono=mono), INK, mono=mono)


def _words(lines: tuple[str, ...], fill: str, *, mono: bool = False) -> str:
    """At most two lines in the middle, on a ground of their own."""
    out = []
    for n, line in enumerate(lines[:2]):
        out.append(
            el("text", escape(line), x=WIDTH / 2, y=21 + 10 * n if len(lines) > 1 else 26, text_anchor="middle",
               fill=None if fill == INK else fill, font_family="monospace" if mono else None,
               font_size=9 if mono else None)
        )  # fmt: skip
    return "".join(out)

