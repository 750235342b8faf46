"""Where everything in a ladder stands: labels placed by geometry, so that none ever covers another.

The drawing is 360 units wide. From left to right: the strip at true scale, what is written about the left host, its
timers, its lane, the segments, and the same mirrored for the right host. Every step of the trace owns a horizontal
band that no other step's label enters; a veil whose edge stands at the foot of a band hides exactly the future.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from teardown.draw import words
from teardown.draw.labels import HALF_LINE, PITCH, Columns, Label, Line, column, drawn, middle, notes
from teardown.draw.palette import FAMILIES, INK, SOFT
from teardown.draw.story import Flight, Life, Story, closes_first, tell
from teardown.draw.time_axis import TORN, Measure, Stop, TimeAxis, choose, lay
from teardown.world.trace import HOSTS, Host, Trace, other

WIDTH: Final = 360.0
HALF: Final = 9.0  # half the tint of a lane
TRACK: Final = 8.0  # one timer bar with its gap
HEAD: Final = 54.0  # the hosts' names
FOOT: Final = 40.0  # below the last event, so that no veil clips it
STRIP: Final = (1.5, 9.0)  # the strip at true scale
MARGIN: Final = 18.0  # left of the labels: room for the strip
EDGE: Final = 4.0  # right of the labels
REACH: Final = 114.0  # from the middle of a lane to the end of its labels: FIN_WAIT_2 beside three timers
ABSENT: Final = 62.0  # height of the missing FIN with its words
TAIL: Final = {"closed": 12.0, "stuck": 40.0, "open": 22.0}  # lanes go on below the last band
FLYING: Final = 44.0  # ... more where a segment is still on its way


FOLD: Final = TORN + PITCH  # the torn strip where repeats are left out: two lines


class Missing(NamedTuple):
    """The FIN that `host` did not send: `y` is the middle of its outline arrow."""

    host: Host
    step: int
    y: float


class Tick(NamedTuple):
    """A call, or a timer that comes to its end: a short arrow into the lane of `host` from `x`."""

    host: Host
    step: int
    x: float
    y: float


class Layout(NamedTuple):
    """A ladder with every place decided. `ys[i]` is the mark of step i, `playheads[i]` where the future begins."""

    trace: Trace
    story: Story
    axis: TimeAxis
    ys: tuple[float, ...]
    left: Host
    lanes: dict[Host, float]
    labels: tuple[Label, ...]
    playheads: tuple[float, ...]
    ticks: tuple[Tick, ...]
    missing: tuple[Missing, ...]
    bars: tuple[tuple[Life, int], ...]  # with the track that each stands on, 0 nearest to the lane
    end: float  # where the lanes end
    height: float

    @property
    def hidden(self) -> frozenset[int]:
        """The steps that are folded: they have a place on the axis, and nothing of them is drawn."""
        return hidden(self.story)

    def side(self, host: Host) -> int:
        """-1 for the host on the left, 1 for the one on the right."""
        return -1 if host == self.left else 1

    def edge(self, flight: Flight) -> tuple[float, float, float, float]:
        """The line of a flight, from lane to lane: x0, y0, x1, y1. The far end of a lost one is where it would land."""
        here, there = self.lanes[flight.sender], self.lanes[other(flight.sender)]
        away = self.side(flight.sender)
        x0, x1 = here - 2.5 * away, there + 2.5 * away
        if flight.sent is None:  # nobody in this trace sent it: it comes from the middle of nowhere
            y1 = self.end if flight.end is None else self.ys[flight.end]
            return (x0 + x1) / 2, y1 - 14, x1, y1
        y0 = self.ys[flight.sent]
        if flight.end is None:
            return x0, y0, x1, max(self.end + 6, y0 + 40)
        y1 = self.ys[flight.end]
        return (x0, y0, x1, y0 + max((y1 - y0) / 0.6, 24)) if flight.fate == "lost" else (x0, y0, x1, y1)


class Plan(NamedTuple):
    """All that is known of a ladder before heights are: texts, columns, and how much room each step needs."""

    trace: Trace
    story: Story
    left: Host
    lanes: dict[Host, float]
    bars: tuple[tuple[Life, int], ...]
    columns: list[Columns]
    notes: list[Columns]
    middles: list[list[Line]]
    offsets: list[dict[Host, float]]  # from the middle of the lane to its labels, per step
    missing: dict[int, Host]
    stops: list[Stop]


def hidden(story: Story) -> frozenset[int]:
    """The steps that are left out between the first and the last of many repeats."""
    return frozenset(i for fold in story.folds for i in range(fold.first, fold.until))


def lay_out(trace: Trace, *, left: Host = "server", measure: Measure | None = None) -> Layout:
    """Decides every place. `measure` fixes the time scale where several ladders must agree."""
    measure = measure or measure_of(trace)
    plan = _plan(trace, left, measure)
    away = hidden(plan.story)
    axis = lay([stop for i, stop in enumerate(plan.stops) if i not in away], HEAD, measure)
    return _place(plan, axis, _with_folds(plan, axis.ys))


def _with_folds(plan: Plan, shown: Sequence[float]) -> list[float]:
    """The heights of all steps: those that are folded share the room of their fold evenly."""
    rest = iter(shown)
    away = hidden(plan.story)
    ys = [0.0 if i in away else next(rest) for i in range(len(plan.stops))]
    for fold in plan.story.folds:
        before, after = plan.stops[fold.first - 1], plan.stops[fold.until]
        top = ys[fold.first - 1] + before.below + before.after
        room = ys[fold.until] - after.above - top
        for n, i in enumerate(range(fold.first, fold.until), 1):
            ys[i] = top + room * n / (fold.until - fold.first + 1)
    return ys


def lay_out_together(traces: Sequence[Trace], *, left: Host = "server") -> list[Layout]:
    """Several ladders on one time axis: what happens at the same time stands at the same height."""
    times = sorted({step.t for trace in traces for step in trace.steps})
    measure = choose(times, _latency(traces[0]))
    plans = [_plan(trace, left, measure, fold=False) for trace in traces]
    room: dict[tuple[int, int], Stop] = {}
    keys: list[list[tuple[int, int]]] = []
    for plan in plans:
        seen: dict[int, int] = {}
        keys.append([])
        for stop in plan.stops:
            key = (stop.t, seen.setdefault(stop.t, 0))
            seen[stop.t] += 1
            keys[-1].append(key)
            room[key] = Stop(stop.t, *(max(pair) for pair in zip(stop[1:], room.get(key, Stop(0))[1:], strict=True)))
    order = sorted(room)
    axis = lay([room[key] for key in order], HEAD, measure)
    place = {key: axis.ys[k] for k, key in enumerate(order)}
    layouts = [_place(plan, axis, [place[key] for key in own]) for plan, own in zip(plans, keys, strict=True)]
    end = max(layout.end for layout in layouts)
    return [_place(plan, axis, [place[key] for key in own], end) for plan, own in zip(plans, keys, strict=True)]


def measure_of(trace: Trace) -> Measure:
    """The scale and the threshold that suit a trace: its network's latency decides, if it is known."""
    return choose([step.t for step in trace.steps], _latency(trace))


def _latency(trace: Trace) -> int | None:
    latency = trace.scenario.get("latency")
    return latency if isinstance(latency, int) and latency > 0 else None


# ------------------------------------------------------------------------------------------- before heights


def _plan(trace: Trace, left: Host, measure: Measure, *, fold: bool = True) -> Plan:
    times = [step.t for step in trace.steps]
    steps = range(len(times))
    waits_for_ever = {len(times) - 1} if trace.ending.kind == "stuck" else set()
    story = tell(trace, measure.breaks_after(times) | frozenset(waits_for_ever))
    if not fold:
        story = story._replace(folds=())
    bars = _tracks(story)
    clock = lay([Stop(t) for t in times], 0, measure)  # labels of times need no heights
    fired: set[tuple[Host, str]] = set()
    columns = [column(trace, story, i, clock, fired) for i in steps]
    beside = notes(story, len(times))
    away = hidden(story)
    for i in away:
        columns[i], beside[i] = {}, {}
    folded = {fold.first - 1 for fold in story.folds}
    widths = _bars_beside(bars, len(times))
    offsets = [{host: HALF + 3 + TRACK * widths[host][i] for host in HOSTS} for i in steps]
    reach = {host: max([REACH, *_reaches(host, columns, beside, offsets)]) for host in HOSTS}
    lanes: dict[Host, float] = {left: reach[left] + MARGIN, other(left): WIDTH - reach[other(left)] - EDGE}
    between = abs(lanes["server"] - lanes["client"]) - 2 * HALF - 8
    leaving = {flight.sent: flight for flight in story.flights if flight.sent is not None and not flight.copy}
    middles = [middle(leaving[i], between) if i in leaving and i not in away else [] for i in steps]
    missing = {i: host for host, i in story.missing_fins}

    stops = []
    for i in steps:
        if i in away:
            stops.append(Stop(times[i]))
            continue
        lines = max((len(block) for block in columns[i].values()), default=0)
        above = max(8.0 if lines else 5.0, PITCH * len(middles[i]) + 2)
        below = PITCH * (lines - 1) + 9 if lines else 6.0
        after = max((PITCH * len(block) + 3 for block in beside[i].values()), default=0.0)
        after = max(after, ABSENT) if i in missing else after
        stops.append(Stop(times[i], above, below, after, FOLD if i in folded else 0.0))
    return Plan(trace, story, left, lanes, bars, columns, beside, middles, offsets, missing, stops)


def _reaches(
    host: Host, columns: list[Columns], beside: list[Columns], offsets: list[dict[Host, float]]
) -> list[float]:
    """How far from the middle of its lane each line of `host` reaches."""
    return [
        line.width + offset[host]
        for block, note, offset in zip(columns, beside, offsets, strict=True)
        for line in (*block.get(host, ()), *note.get(host, ()))
    ]


def _tracks(story: Story) -> tuple[tuple[Life, int], ...]:
    """The timers that are drawn, each with its place beside the lane: 0 is nearest.

    The nearest place belongs to a timer that does not exist, where there is one to be missed.
    """
    bars: list[tuple[Life, int]] = []
    for host in HOSTS:
        taken = [[(a.first, _until(a.until)) for a in story.absences if a.host == host]]
        for life in story.lives:
            if life.host != host or not drawn(life):
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


def _until(step: int | None) -> int:
    return 10**9 if step is None else step


def _bars_beside(bars: tuple[tuple[Life, int], ...], steps: int) -> dict[Host, list[int]]:
    """How many bars stand beside each lane in the band of each step; room for one is always left."""
    counts: dict[Host, list[int]] = {host: [1] * steps for host in HOSTS}
    for life, track in bars:
        row = counts[life.host]
        for i in range(life.first, min(_until(life.until) + 1, steps)):
            row[i] = max(row[i], track + 1)
    return counts


# -------------------------------------------------------------------------------------------- with heights


def _place(plan: Plan, axis: TimeAxis, ys: Sequence[float], end: float | None = None) -> Layout:
    trace, story, left, lanes = plan.trace, plan.story, plan.left, plan.lanes
    feet = [y + stop.below + stop.after for y, stop in zip(ys, plan.stops, strict=True)]
    kind = trace.ending.kind
    flying = kind == "open" and any(flight.fate == "flying" for flight in story.flights)
    end = max(end or 0.0, feet[-1] + (FLYING if flying else TAIL[kind]))
    height = max(end + 20, feet[-1] + FOOT)
    labels = [*_heading(trace, lanes, bool(axis.breaks))]
    ticks: list[Tick] = []
    for i, y in enumerate(ys):
        for host in HOSTS:
            away = -1 if host == left else 1
            x = lanes[host] + away * plan.offsets[i][host]
            anchor = "end" if away < 0 else "start"
            block = plan.columns[i].get(host, [])
            labels.extend(Label(line, x, y + HALF_LINE + PITCH * k, anchor, i) for k, line in enumerate(block))
            if block and block[0].cls in ("call", "alarm"):
                ticks.append(Tick(host, i, x - away * 2.5, y))
            below = y + plan.stops[i].below + 12
            labels.extend(
                Label(line, x, below + PITCH * k, anchor, i) for k, line in enumerate(plan.notes[i].get(host, []))
            )
    missing = [
        Missing(host, i, ys[i] + plan.stops[i].below + 14) for i, host in plan.missing.items()
    ]
    for host, i, y in missing:
        away = -1 if host == left else 1
        x, anchor = lanes[host] - away * (HALF + 5), "start" if away < 0 else "end"
        labels.extend(
            Label(Line(text, "absent", SOFT), x, y + 26 + PITCH * k, anchor, i)
            for k, text in enumerate(words.MISSING_FIN)
        )
    away_steps = hidden(story)
    for flight in story.flights:
        if flight.sent is None or flight.copy or flight.sent in away_steps:
            continue
        lines = plan.middles[flight.sent]
        away = -1 if flight.sender == left else 1
        x, anchor = lanes[flight.sender] - away * (HALF + 4), "start" if away < 0 else "end"
        top = ys[flight.sent] - 3.5 - PITCH * (len(lines) - 1)
        labels.extend(Label(line, x, top + PITCH * k, anchor, flight.sent) for k, line in enumerate(lines))
    playheads = (*(foot + 1 for foot in feet[:-1]), height)
    layout = Layout(
        trace, story, axis, tuple(ys), left, lanes, tuple(labels), playheads, tuple(ticks), tuple(missing), plan.bars,
        end, height,
    )
    return layout._replace(labels=(*labels, *_lost(layout), *_pills(layout)))


def _heading(trace: Trace, lanes: dict[Host, float], strip: bool) -> list[Label]:
    """The hosts and their roles over the lanes, and the name of the strip."""
    roles = closes_first(trace)
    near = abs(lanes["server"] - lanes["client"]) < 96  # too near to write the roles over the lanes' middles
    labels = [Label(Line(words.TRUE_SCALE, "scale", SOFT), 1.0, 15.0 if near else 30.0, "start", -1)] if strip else []
    names = trace.scenario.get("hosts", {})
    for host in HOSTS:
        x = lanes[host]
        labels.append(Label(Line(names.get(host, host), "host", INK, bold=True), x, 15, "middle", -1))
        if roles.get(host):
            outward = ("end", x + HALF) if x < WIDTH / 2 else ("start", x - HALF)
            anchor, x = outward if near else ("middle", x)
            labels.append(Label(Line(roles[host], "role", SOFT), x, 30, anchor, -1))
    return labels


def _lost(layout: Layout) -> list[Label]:
    """The word "lost" beside each cross."""
    labels = []
    for flight in layout.story.flights:
        if flight.fate == "lost" and flight.sent not in layout.hidden:
            x0, y0, x1, y1 = layout.edge(flight)
            to = 1 if x1 > x0 else -1
            x, y = x0 + 0.6 * (x1 - x0) + 9 * to, y0 + 0.6 * (y1 - y0) + HALF_LINE
            line = Line(words.LOST, "segment lost", FAMILIES["fault"].light)
            labels.append(Label(line, x, y, "start" if to > 0 else "end", flight.end or 0))
    return labels


def _pills(layout: Layout) -> list[Label]:
    """The waited time on each break, the end of a wait that has none, and the present of an open run."""
    middle = (layout.lanes["server"] + layout.lanes["client"]) / 2
    folds = {layout.trace.steps[fold.first - 1].t: fold for fold in layout.story.folds}
    labels = [
        Label(Line(words.passes(gap.words), "pill"), middle, gap.torn + HALF_LINE, "middle", -1)
        for gap in layout.axis.breaks
        if gap.torn is not None and gap.t0 not in folds
    ]
    for gap in layout.axis.breaks:
        if gap.torn is not None and gap.t0 in folds:
            lines = [Line(text, "fold") for text in words.folded(folds[gap.t0].waits)]
            y = gap.torn + HALF_LINE - PITCH * (len(lines) - 1) / 2
            labels.extend(Label(line, middle, y + PITCH * k, "middle", -1) for k, line in enumerate(lines))
    if layout.trace.ending.kind == "stuck":
        y = layout.end - TORN / 2 + HALF_LINE
        labels.append(Label(Line(words.FOR_EVER, "pill"), middle, y, "middle", -1))
    if layout.trace.ending.kind == "open":
        text = words.now(layout.axis.label(layout.trace.steps[-1].t))
        labels.append(Label(Line(text, "now", SOFT), middle, layout.end + 14, "middle", -1))
    return labels
