"""Alternative endings side by side: one host's lane for each case, on one time axis that begins at its FIN.

The same close, three fates: the peer closes, the peer never does and the kernel gives up, no timer exists at all.
What happens after the same time stands at the same height, so the eye compares what the numbers say.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from teardown.draw import words
from teardown.draw.labels import HALF_LINE, LABEL, PITCH, SIZE, Line
from teardown.draw.ladder import MONO, SANS, checklist, lane_piece, torn
from teardown.draw.palette import HAIR, INK, LIGHT_PAGE, LOOKS, SOFT
from teardown.draw.svg import el, escape, num, wrap
from teardown.draw.time_axis import TORN, Stop, TimeAxis, choose, lay
from teardown.errors import InputError
from teardown.tcp.states import CLOSED, prose
from teardown.world.trace import Host, Step, Trace, spoken

WIDTH: Final = 360.0
LANE: Final = 14.0  # from the left edge of a column to the middle of its lane
TEXT: Final = 30.0  # ... and to its labels
MOST: Final = 3  # columns that FIN_WAIT_2 fits into


class Ending(NamedTuple):
    """One column: its title, and the steps of one host from its FIN on, times counted from there (µs)."""

    title: str
    steps: tuple[Step, ...]
    stuck: bool
    held: int | None  # how long the host kept the connection, None: for ever


def ending(title: str, trace: Trace, host: Host = "server") -> Ending:
    """The end of `trace` as `host` sees it."""
    first = next((i for i, step in enumerate(trace.steps) if step.fins.of(host).sent), None)
    if first is None:
        raise InputError(f"the {host} sends no FIN in {words.title(trace)!r}", mend="Choose a case in which it does")
    zero = trace.steps[first].t
    kept = [trace.steps[first]]
    for before, step in zip(trace.steps[first:], trace.steps[first + 1 :], strict=False):
        changed = step.states.of(host) != before.states.of(host)
        late_close = step.event == "call" and step.host == host and step.call == "close()"
        if changed or late_close:
            kept.append(step)
    end = next((step.t - zero for step in kept if step.states.of(host) == CLOSED), None)
    moved = tuple(step._replace(t=step.t - zero) for step in kept)
    return Ending(title, moved, end is None, end)


def draw(endings: Sequence[Ending], host: Host = "server", *, title: str = "", ids: str = "endings") -> str:
    """The columns as one SVG."""
    if not 1 <= len(endings) <= MOST:
        raise InputError(f"{len(endings)} endings do not fit side by side", mend=f"Show at most {MOST}")
    column = WIDTH / len(endings)
    room = min(LABEL + 4, column - TEXT - 2)
    blocks = [[_block(case, i, host, room) for i in range(len(case.steps))] for case in endings]
    titles = [wrap(case.title, column - 8, SIZE, bold=True) for case in endings]
    axis, ys = _shared(endings, blocks, 15 + PITCH * max(map(len, titles)) + 16)
    end = max(axis.ys) + max(len(b[-1]) for b in blocks) * PITCH + 30
    height = end + 38
    parts = []
    for k, case in enumerate(endings):
        parts.append(_column(case, blocks[k], ys[k], host, column * k, end))
    parts.extend(
        torn(4, WIDTH - 4, gap.torn) + _pill(words.passes(gap.words), gap.torn) for gap in axis.breaks if gap.torn
    )
    for k, case in enumerate(endings):
        parts.append(_foot(case, column * k, end))
        x = column * k + 4
        parts.extend(_text(Line(text, "host", bold=True), x, 15 + PITCH * n) for n, text in enumerate(titles[k]))
    said = "; ".join(
        f"{case.title}: {'for ever' if case.held is None else spoken(case.held)}" for case in endings
    )
    about = title or f"How long the {host} keeps the connection after its FIN"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ladder endings" role="img" aria-labelledby="{ids}-t {ids}-d" '
        f'viewBox="0 0 {num(WIDTH)} {num(height)}" width="{num(WIDTH)}" height="{num(height)}" '
        f'font-family="{escape(SANS)}" font-size="{num(SIZE)}" fill="{INK}"><title id="{ids}-t">{escape(about)}</title>'
        f'<desc id="{ids}-d">{escape(said)}.</desc><g aria-hidden="true">{"".join(parts)}</g></svg>'
    )


def figure(cases: Sequence[tuple[str, Trace]], host: Host = "server", *, title: str = "", name: str = "endings") -> str:
    """The columns as a figure of a page, with a caption that says the result in words."""
    endings = [ending(text, trace, host) for text, trace in cases]
    about = title or f"How long the {host} keeps the connection after its FIN"
    rows = "".join(
        f"<li>{escape(case.title)}: <b>{'for ever' if case.held is None else escape(spoken(case.held))}</b></li>"
        for case in endings
    )
    return (
        f'<figure class="tcp-figure tcp-endings"><figcaption><b>{escape(about)}.</b></figcaption>'
        f"{draw(endings, host, title=about, ids=name)}<ul>{rows}</ul></figure>"
    )


def _block(case: Ending, i: int, host: Host, room: float) -> list[Line]:
    """What is written beside the lane at one step."""
    step = case.steps[i]
    lines: list[Line] = []
    if step.event == "timer" and step.timer:
        lines.extend(Line(part, "alarm") for part in wrap(words.timer_over(step.timer), room, SIZE))
    elif step.event == "segment-arrived" and step.segment is not None:
        lines.extend(Line(part, "segment") for part in wrap(f"{step.segment.label} arrives", room, SIZE))
    elif step.event == "call" and step.call:
        lines.extend(Line(part, "call", mono=True) for part in wrap(step.call, room, SIZE, mono=True))
    state = step.states.of(host)
    if i == 0 or state != case.steps[i - 1].states.of(host):
        look = LOOKS[state]
        lines.append(Line(prose(state), f"state fam-{look.family}", look.color, mono=True, bold=True))
        if state != CLOSED:
            lines.append(Line("", "time", SOFT, fins=step.fins.of(host)))
    if i:
        lines.append(Line(spoken(step.t), "time", SOFT))
    if case.stuck and i == len(case.steps) - 1 and not any(r.owner == "kernel" for r in step.timers.of(host)):
        lines.extend(Line(part, "absent", SOFT) for part in wrap(words.NO_TIMER, room, SIZE))
    return lines


def _shared(
    endings: Sequence[Ending], blocks: list[list[list[Line]]], top: float
) -> tuple[TimeAxis, list[list[float]]]:
    """One axis for all columns, and the height of each step of each column."""
    rooms: dict[tuple[int, int], float] = {}
    keys: list[list[tuple[int, int]]] = []
    for case, column in zip(endings, blocks, strict=True):
        seen: dict[int, int] = {}
        keys.append([])
        for step, lines in zip(case.steps, column, strict=True):
            key = (step.t, seen.setdefault(step.t, 0))
            seen[step.t] += 1
            keys[-1].append(key)
            rooms[key] = max(rooms.get(key, 0.0), PITCH * (len(lines) - 1) + 13)
    order = sorted(rooms)
    measure = choose([t for t, _ in order], 20_000)
    axis = lay([Stop(t, 8, rooms[t, n]) for t, n in order], top, measure)
    place = dict(zip(order, axis.ys, strict=True))
    return axis, [[place[key] for key in column] for column in keys]


def _column(case: Ending, blocks: list[list[Line]], ys: list[float], host: Host, x: float, end: float) -> str:
    lane = x + LANE
    parts = []
    states = [step.states.of(host) for step in case.steps]
    starts = [i for i, state in enumerate(states) if i == 0 or state != states[i - 1]]
    for i, nxt in zip(starts, [*starts[1:], None], strict=True):
        top = ys[0] - 16 if i == 0 else ys[i]
        parts.append(lane_piece(states[i], lane, top, end if nxt is None else ys[nxt]))
    for y, lines in zip(ys, blocks, strict=True):
        parts.extend(_text(line, x + TEXT, y + HALF_LINE + PITCH * n) for n, line in enumerate(lines))
    return "".join(parts)


def _foot(case: Ending, x: float, end: float) -> str:
    """The result of a column: how long, or an open end."""
    if case.held is not None:
        return _text(Line(f"free after {spoken(case.held)}", "role", SOFT), x + 4, end + 20)
    fray = torn(x + 3, x + LANE + 13, end, open_end=True)
    return fray + _text(Line(words.FOR_EVER, "host", bold=True), x + 4, end + 20)


def _pill(text: str, y: float) -> str:
    line = Line(text, "pill")
    w = line.width + 18
    box = el("rect", class_="pill-box", x=WIDTH / 2 - w / 2, y=y - TORN / 2 + 1, width=w, height=20, rx=10,
             fill=LIGHT_PAGE, stroke=HAIR, stroke_width=1)
    return box + el("text", escape(text), class_="pill", x=WIDTH / 2, y=y + HALF_LINE, text_anchor="middle")


def _text(line: Line, x: float, y: float) -> str:
    marks = "" if line.fins is None else checklist(line.fins, x, y - 9)
    if not line.text:
        return marks
    return marks + el("text", escape(line.text), class_=line.cls, x=x + line.indent, y=y,
                      fill=None if line.fill == INK else line.fill, font_family=MONO if line.mono else None,
                      font_weight="bold" if line.bold else None)
