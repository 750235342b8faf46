"""Where everything in a ladder stands: labels placed by geometry, so that none ever covers another.

The drawing is 360 units wide. Five columns, from left to right: the strip at true scale, what is written about the
left host, its timers and its lane, the segments, and the same mirrored for the right host. Every step of the trace
owns a horizontal band that no other step's label enters; a veil whose edge stands at the foot of a band therefore
hides exactly the future.
"""

from typing import Final, NamedTuple

from teardown.draw import words
from teardown.draw.palette import FAMILIES, INK, LOOKS, SOFT
from teardown.draw.story import Flight, Life, Story, closes_first, tell
from teardown.draw.svg import Box, width, wrap
from teardown.draw.time_axis import TORN, Measure, Stop, TimeAxis, choose, lay
from teardown.tcp.states import CLOSED, Fins, prose
from teardown.world.trace import HOSTS, Host, Trace, other

WIDTH: Final = 360.0
SIZE: Final = 13.0  # never below 12.6: 12 px when the drawing is shown 343 px wide
CODE: Final = 12.8
PITCH: Final = 15.0  # from line to line
HALF: Final = 9.0  # half the tint of a lane
TRACK: Final = 8.0  # one timer bar with its gap
HEAD: Final = 54.0  # the hosts' names
FOOT: Final = 40.0  # below the last event, so that no veil clips it
BOX: Final = 8.0  # one box of the FIN checklist
STRIP: Final = (1.5, 9.0)  # the strip at true scale
MARGIN: Final = 18.0  # beside the labels: room for the strip
NARROW: Final = 92.0  # a lane is never nearer to the edge
LABEL: Final = 80.0  # labels beside a lane are broken to this width


class Line(NamedTuple):
    """One line of a block of text."""

    text: str
    cls: str
    fill: str = INK
    mono: bool = False
    bold: bool = False
    fins: Fins | None = None  # the checklist, drawn before the text

    @property
    def width(self) -> float:
        """In units, the checklist included."""
        return width(self.text, CODE if self.mono else SIZE, mono=self.mono, bold=self.bold) + self.indent

    @property
    def indent(self) -> float:
        """How far the checklist pushes the text."""
        return 0.0 if self.fins is None else 3 * BOX + 4 + (5 if self.text else 0)


class Label(NamedTuple):
    """A line of text in its place; `y` is the baseline, `x` the edge that `anchor` names."""

    line: Line
    x: float
    y: float
    anchor: str  # "start", "middle" or "end"
    step: int

    @property
    def left(self) -> float:
        """The left edge."""
        return self.x - self.line.width * {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]

    @property
    def box(self) -> Box:
        """The room that the text may take, from the top of capitals to the foot of a `g`."""
        return Box(self.left, self.y - 10, self.left + self.line.width, self.y + 3)


class Missing(NamedTuple):
    """The FIN that `host` did not send: `y` is the middle of its outline arrow."""

    host: Host
    step: int
    y: float


class Tick(NamedTuple):
    """A call: a short arrow into the lane of `host` from `x`."""

    host: Host
    step: int
    x: float
    y: float


class Layout(NamedTuple):
    """A ladder with every place decided. `playheads[i]`: where the future begins after step i."""

    trace: Trace
    story: Story
    axis: TimeAxis
    lanes: dict[Host, float]
    left: Host
    labels: tuple[Label, ...]
    playheads: tuple[float, ...]
    ticks: tuple[Tick, ...]
    missing: tuple[Missing, ...]
    bars: tuple[tuple[Life, int], ...]  # with the track that each stands on
    end: float  # where the lanes end
    height: float

    def side(self, host: Host) -> int:
        """-1 for the host on the left, 1 for the one on the right."""
        return -1 if host == self.left else 1

    def edge(self, flight: Flight) -> tuple[float, float, float, float]:
        """The line of a flight, from lane to lane: x0, y0, x1, y1. The far end of a lost one is where it would land."""
        here, there = self.lanes[flight.sender], self.lanes[other(flight.sender)]
        away = self.side(flight.sender)
        x0, x1 = here - 2.5 * away, there + 2.5 * away
        y1 = None if flight.end is None else self.axis.ys[flight.end]
        if flight.sent is None:
            y1 = y1 if y1 is not None else self.end
            return (x0 + x1) / 2, y1 - 14, x1, y1
        y0 = self.axis.ys[flight.sent]
        if flight.fate == "lost" and y1 is not None:
            return x0, y0, x1, y0 + max((y1 - y0) / 0.6, 24)
        if y1 is None:
            return x0, y0, x1, max(self.end + 6, y0 + 40)
        return x0, y0, x1, y1


def lay_out(trace: Trace, *, left: Host = "server", measure: Measure | None = None) -> Layout:
    """Decides every place. `measure` fixes the time scale where several ladders must agree."""
    times = [step.t for step in trace.steps]
    measure = measure or choose(times)
    last = len(times) - 1
    waits_for_ever = {last} if trace.ending.kind == "stuck" else set()
    story = tell(trace, measure.breaks_after(times) | frozenset(waits_for_ever))
    bars = _tracks(story)
    clock = lay([Stop(t) for t in times], 0, measure)  # labels of times need no heights
    columns = [_column(trace, story, i, clock) for i in range(len(times))]
    notes = _notes(story, bars, len(times))
    offsets = [{host: HALF + 3 + TRACK * _tracks_at(bars, story, host, i) for host in HOSTS} for i in range(len(times))]
    reach = {host: max(NARROW, *_reaches(host, columns, notes, offsets)) for host in HOSTS}
    lanes: dict[Host, float] = {left: reach[left] + MARGIN, other(left): WIDTH - reach[other(left)] - 4}
    between = abs(lanes["server"] - lanes["client"]) - 2 * HALF - 8
    middles = [_middle(trace, story, i, between) for i in range(len(times))]

    stops = []
    missing_at = {i: host for host, i in story.missing_fins}
    for i, step in enumerate(trace.steps):
        n = max((len(lines) for lines in columns[i].values()), default=0)
        above = max(8.0 if n else 5.0, PITCH * len(middles[i]) + 2)
        below = max(PITCH * (n - 1) + 9 if n else 5.0, 6.0)
        after = max((PITCH * len(lines) + 3 for lines in notes[i].values() if lines), default=0.0)
        if i in missing_at:
            after = max(after, 62.0)
        stops.append(Stop(step.t, above, below, after))
    axis = lay(stops, HEAD, measure)

    labels: list[Label] = []
    ticks: list[Tick] = []
    playheads: list[float] = []
    missing: list[Missing] = []
    for i, stop in enumerate(stops):
        y = axis.ys[i]
        foot = y + stop.below + stop.after
        playheads.append(foot + 1)
        for host in HOSTS:
            away = -1 if host == left else 1
            x = lanes[host] + away * offsets[i][host]
            anchor = "end" if away < 0 else "start"
            for k, line in enumerate(columns[i].get(host, [])):
                labels.append(Label(line, x, y + 4.5 + PITCH * k, anchor, i))
                if k == 0 and line.cls in ("call", "alarm"):
                    ticks.append(Tick(host, i, x + away * -1.5, y))
            for k, line in enumerate(notes[i].get(host, [])):
                labels.append(Label(line, x, y + stop.below + 12 + PITCH * k, anchor, i))
        if i in missing_at:
            host = missing_at[i]
            missing.append(Missing(host, i, y + stop.below + 14))
            away = -1 if host == left else 1
            for k, text in enumerate(words.MISSING_FIN):
                x = lanes[host] - away * (HALF + 5)
                labels.append(
                    Label(Line(text, "absent", SOFT), x, y + stop.below + 40 + PITCH * k, "start" if away < 0 else "end", i)
                )
    flights_from = {flight.sent: flight for flight in story.flights if flight.sent is not None}
    for i, lines in enumerate(middles):
        flight = flights_from.get(i)
        if not lines or flight is None:
            continue
        away = -1 if flight.sender == left else 1
        for k, line in enumerate(lines):
            x = lanes[flight.sender] - away * (HALF + 4)
            y = axis.ys[i] - 3.5 - PITCH * (len(lines) - 1 - k)
            labels.append(Label(line, x, y, "start" if away < 0 else "end", i))
    foot = axis.ys[last] + stops[last].below + stops[last].after
    end = foot + {"closed": 12.0, "stuck": 40.0, "open": 22.0}[trace.ending.kind]
    if trace.ending.kind == "open" and any(f.fate == "flying" for f in story.flights):
        end = foot + 44
    labels.extend(_heading(trace, lanes, bool(axis.breaks)))
    height = max(end + 20, foot + FOOT)
    layout = Layout(
        trace, story, axis, lanes, left, tuple(labels), (*playheads[:-1], height), tuple(ticks), tuple(missing),
        bars, end, height,
    )  # fmt: skip
    return layout._replace(labels=(*layout.labels, *_lost(layout), *_pills(layout)))


def _heading(trace: Trace, lanes: dict[Host, float], strip: bool) -> list[Label]:
    roles = closes_first(trace)
    tight = abs(lanes["server"] - lanes["client"]) < 96  # too near to write the roles over the lanes' middles
    labels = [Label(Line(words.TRUE_SCALE, "scale", SOFT), 1.0, 15.0 if tight else 30.0, "start", -1)] if strip else []
    for host in HOSTS:
        labels.append(Label(Line(host, "host", INK, bold=True), lanes[host], 15, "middle", -1))
        if roles.get(host):
            line = Line(roles[host], "role", SOFT)
            if tight:
                x, anchor = (lanes[host] + HALF, "end") if lanes[host] < WIDTH / 2 else (lanes[host] - HALF, "start")
            else:
                x, anchor = lanes[host], "middle"
            labels.append(Label(line, x, 30, anchor, -1))
    return labels


def _column(trace: Trace, story: Story, i: int, clock: TimeAxis) -> dict[Host, list[Line]]:
    """What is written outward of each lane at step i: the call or the timer, then the state entered, then when."""
    step = trace.steps[i]
    column: dict[Host, list[Line]] = {}
    if step.host is not None and step.event == "call" and step.call:
        column[step.host] = [Line(t, "call", mono=True) for t in wrap(step.call, LABEL, CODE, mono=True)]
        if words.shown_result(step.result):
            column[step.host].append(Line(step.result or "", "result", FAMILIES["fault"].light, mono=True))
    elif step.host is not None and step.event == "timer" and step.timer:
        before = any((s.host, s.timer, s.event) == (step.host, step.timer, "timer") for s in trace.steps[:i])
        column[step.host] = [Line(t, "alarm") for t in wrap(words.timer_over(step.timer, again=before), LABEL, SIZE)]
    time = clock.short(step.t)
    for host in HOSTS:
        state = story.changed(i, host)
        fins = step.fins.of(host)
        ticked = fins if i == 0 or fins != trace.steps[i - 1].fins.of(host) else None
        if i == 0 and state == CLOSED:
            ticked = None
        lines = column.setdefault(host, [])
        if state is not None:
            look = LOOKS[state]
            lines.append(Line(prose(state), f"state fam-{look.family}", look.color, mono=True, bold=True))
        when = time if state is not None and i else ""
        if ticked or when:
            both = Line(when, "time", SOFT, fins=ticked)
            lines.extend([both] if both.width <= LABEL + 8 else [Line("", "time", fins=ticked), Line(when, "time", SOFT)])
    if clock.opens_cluster(step.t) and step.t != trace.steps[i - 1].t and step.host is not None:
        lines = column[step.host]
        if not any(line.cls == "time" and line.text for line in lines):
            lines.append(Line(time, "time", SOFT))
    return {host: lines for host, lines in column.items() if lines}


def _reaches(
    host: Host,
    columns: list[dict[Host, list[Line]]],
    notes: list[dict[Host, list[Line]]],
    offsets: list[dict[Host, float]],
) -> list[float]:
    """How far from the middle of its lane each step's labels of `host` reach."""
    return [
        line.width + offset[host]
        for column, note, offset in zip(columns, notes, offsets, strict=True)
        for line in (*column.get(host, ()), *note.get(host, ()))
    ]


def _middle(trace: Trace, story: Story, i: int, room: float) -> list[Line]:
    """What is written above a segment that leaves at step i."""
    flight = next((f for f in story.flights if f.sent == i), None)
    if flight is None:
        return []
    reset = "R" in flight.segment.flags
    color = FAMILIES["fault"].light if reset or flight.fate == "lost" else INK
    cls = "segment reset" if reset else "segment lost" if flight.fate == "lost" else "segment"
    lines = [Line(part, cls, color, bold=reset) for part in wrap(flight.segment.label, room, SIZE, bold=reset)]
    extra = words.flight_notes(flight.again, flight.probe, flight.fate == "flying")
    lines.extend(Line(text, "note", SOFT) for text in extra)
    return lines


def _notes(story: Story, bars: tuple[tuple[Life, int], ...], steps: int) -> list[dict[Host, list[Line]]]:
    """What is written beside the timers that start at each step, and beside those that do not exist."""
    notes: list[dict[Host, list[Line]]] = [{} for _ in range(steps)]
    said: set[tuple[Host, str]] = set()
    restarts = {(b.host, b.timer.name, b.length, b.until) for b, _ in bars if b.fate == "restarted"}
    for life, _ in bars:
        if not _speaks(life):
            continue
        key = (life.host, life.timer.name)
        if (life.host, life.timer.name, life.length, life.first) in restarts:
            continue  # the round arrow says it
        text = words.timer_label(life.timer, life.length, again=key in said)
        said.add(key)
        notes[life.first].setdefault(life.host, []).extend(
            Line(part, "timer", SOFT) for part in wrap(text, LABEL, SIZE)
        )
    for absence in story.absences:
        notes[absence.first].setdefault(absence.host, []).extend(
            Line(part, "absent", SOFT) for part in wrap(words.NO_TIMER, LABEL, SIZE)
        )
    return notes


def _speaks(life: Life) -> bool:
    """Whether a timer's bar gets a label: it fires, still runs, or matters while it runs."""
    return life.fate in ("fires", "runs") or life.timer.name not in ("retransmission", "user")


def _tracks_at(bars: tuple[tuple[Life, int], ...], story: Story, host: Host, i: int) -> int:
    """How many bars stand beside the lane of `host` in the band of step i; room for one is always left."""
    here = [track + 1 for life, track in bars if life.host == host and life.first <= i <= _until(life.until)]
    return max(here, default=1)


def _until(step: int | None) -> int:
    return 10**9 if step is None else step


def _tracks(story: Story) -> tuple[tuple[Life, int], ...]:
    """The timers that are drawn, each with its place beside the lane: 0 is nearest.

    The nearest place belongs to a timer that does not exist, where there is one to be missed.
    """
    bars: list[tuple[Life, int]] = []
    for host in HOSTS:
        taken = [[(a.first, _until(a.until)) for a in story.absences if a.host == host]]
        for life in story.lives:
            if life.host != host or (life.timer.name == "user" and life.fate == "cancelled"):
                continue
            span = (life.first, _until(life.until))
            track = next((k for k, spans in enumerate(taken) if not _clash(span, spans)), len(taken))
            if track == len(taken):
                taken.append([])
            taken[track].append(span)
            bars.append((life, track))
    return tuple(bars)


def _clash(span: tuple[int, int], spans: list[tuple[int, int]]) -> bool:
    return any(a < span[1] and span[0] < b for a, b in spans)


def _lost(layout: Layout) -> list[Label]:
    """The word "lost" beside each cross."""
    labels = []
    for flight in layout.story.flights:
        if flight.fate != "lost":
            continue
        x0, y0, x1, y1 = layout.edge(flight)
        x, y = x0 + 0.6 * (x1 - x0), y0 + 0.6 * (y1 - y0)
        line = Line(words.LOST, "segment lost", FAMILIES["fault"].light)
        labels.append(Label(line, x + 9 * (1 if x1 > x0 else -1), y + 4.5, "start" if x1 > x0 else "end", flight.end or 0))
    return labels


def _pills(layout: Layout) -> list[Label]:
    """The waited time on each break, the end of a wait that has none, and the present of an open run."""
    labels = []
    for gap in layout.axis.breaks:
        assert gap.torn is not None
        labels.append(Label(Line(words.passes(gap.words), "pill"), WIDTH / 2, gap.torn + 4.5, "middle", -1))
    if layout.trace.ending.kind == "stuck":
        labels.append(Label(Line(words.FOR_EVER, "pill"), WIDTH / 2, layout.end - TORN / 2 + 4.5, "middle", -1))
    if layout.trace.ending.kind == "open":
        text = words.now(layout.axis.label(layout.trace.steps[-1].t))
        labels.append(Label(Line(text, "now", SOFT), WIDTH / 2, layout.end + 14, "middle", -1))
    return labels
