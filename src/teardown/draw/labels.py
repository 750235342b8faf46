"""What is written in a ladder: the lines beside the lanes, above the segments and beside the timers.

Where they stand is decided in `layout`; here is only what they say, how wide they are, and how they look.
"""

from typing import Final, NamedTuple

from teardown.draw import words
from teardown.draw.palette import FAMILIES, INK, LOOKS, SOFT
from teardown.draw.story import Flight, Life, Story
from teardown.draw.svg import Box, width, wrap
from teardown.draw.time_axis import TimeAxis
from teardown.tcp.states import CLOSED, FIN_WAIT_2, Fins, prose
from teardown.world.trace import HOSTS, Host, Step, Trace

SIZE: Final = 13.0  # never below 12.6: 12 px when the drawing is shown 343 px wide
CODE: Final = 12.9
PITCH: Final = 15.0  # from line to line
HALF_LINE: Final = 4.5  # from the middle of capitals to their baseline
BOX: Final = 8.0  # one box of the FIN checklist
LABEL: Final = 78.0  # labels beside a lane are broken to this width: that of FIN_WAIT_2
FAULT: Final = FAMILIES["fault"].light


class Line(NamedTuple):
    """One line of a block of text. `cls` is its class in the drawing, `fins` a checklist drawn before the text."""

    text: str
    cls: str
    fill: str = INK
    mono: bool = False
    bold: bool = False
    fins: Fins | None = None

    @property
    def indent(self) -> float:
        """How far the checklist pushes the text."""
        return 0.0 if self.fins is None else 3 * BOX + 4 + (5 if self.text else 0)

    @property
    def width(self) -> float:
        """In units, the checklist included."""
        return width(self.text, CODE if self.mono else SIZE, mono=self.mono, bold=self.bold) + self.indent


class Label(NamedTuple):
    """A line in its place: `y` is the baseline, `x` the edge that `anchor` names ("start", "middle", "end").

    `step` is the step whose band it belongs to, -1 for what belongs to none.
    """

    line: Line
    x: float
    y: float
    anchor: str
    step: int

    @property
    def left(self) -> float:
        """The left edge."""
        return self.x - self.line.width * {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]

    @property
    def box(self) -> Box:
        """The room that the text may take, from the top of capitals to the foot of a `g`."""
        return Box(self.left, self.y - 10, self.left + self.line.width, self.y + 3)


#: Lines for both hosts at one step.
Columns = dict[Host, list[Line]]


def column(trace: Trace, story: Story, i: int, clock: TimeAxis, fired: set[tuple[Host, str]]) -> Columns:
    """What is written outward of each lane at step i: the call or the timer, the state entered, the time.

    `fired` remembers which timers have fired before.
    """
    step = trace.steps[i]
    lines: Columns = {host: [] for host in HOSTS}
    if step.host is not None:
        lines[step.host].extend(_event(step, fired))
    time = clock.short(step.t)
    for host in HOSTS:
        if not step.states.of(host):
            continue  # nobody knows how this host stands
        state = story.entered.get((host, i))
        fins = step.fins.of(host)
        ticked = None if i and fins == trace.steps[i - 1].fins.of(host) else fins
        if i == 0 and state in (None, CLOSED):
            ticked = None
        if state is not None:
            look = LOOKS[state]
            lines[host].append(Line(prose(state), f"state fam-{look.family}", look.color, mono=True, bold=True))
        when = time if state is not None and i else ""
        if ticked or when:
            both = Line(when, "time", SOFT, fins=ticked)
            if both.width <= LABEL + 8:
                lines[host].append(both)
            else:
                lines[host].extend((Line("", "time", fins=ticked), Line(when, "time", SOFT)))
        if _given_up(trace, i, host):
            lines[host].append(Line(words.ORPHAN, "note", SOFT))
    opens = i > 0 and step.t != trace.steps[i - 1].t and clock.opens_cluster(step.t)
    if opens and step.host is not None and not any(line.cls == "time" and line.text for line in lines[step.host]):
        # After a break the first step always says when it is: the short times that follow count from there.
        lines[step.host].append(Line(time, "time", SOFT))
    return {host: block for host, block in lines.items() if block}


def _given_up(trace: Trace, i: int, host: Host) -> bool:
    """Whether step i makes the connection of `host` an orphan in FIN_WAIT_2, and no timer's label says so."""

    def orphan(step: Step) -> bool:
        return step.states.of(host) == FIN_WAIT_2 and not step.held.of(host)

    said = any(r.name == "fin-wait-2" for r in trace.steps[i].timers.of(host))
    return orphan(trace.steps[i]) and not (i and orphan(trace.steps[i - 1])) and not said


def _event(step: Step, fired: set[tuple[Host, str]]) -> list[Line]:
    """The call that the host's program makes, or the timer that comes to its end."""
    if step.event == "call" and step.call:
        lines = [Line(part, "call", mono=True) for part in wrap(step.call, LABEL, CODE, mono=True)]
        result = words.shown_result(step.result)
        return [*lines, Line(result, "result", FAULT, mono=True)] if result else lines
    if step.event == "timer" and step.timer and step.host is not None:
        key = (step.host, step.timer)
        text = words.timer_over(step.timer, again=key in fired)
        fired.add(key)
        return [Line(part, "alarm") for part in wrap(text, LABEL, SIZE)]
    return []


def middle(flight: Flight, room: float) -> list[Line]:
    """What is written above a segment where it leaves, no wider than `room`."""
    reset = "R" in flight.segment.flags
    lost = flight.fate == "lost"
    cls = "segment reset" if reset else "segment lost" if lost else "segment"
    color = FAULT if reset or lost else INK
    parts = wrap(flight.segment.label, room, SIZE, bold=reset)
    notes = words.flight_notes(flight.again, flight.probe, flight.fate == "flying")
    return [
        *(Line(part, cls, color, bold=reset) for part in parts),
        *(Line(note, "note", SOFT) for note in notes),
    ]


def notes(story: Story, steps: int) -> list[Columns]:
    """What is written beside the timers that start at each step, and beside those that do not exist."""
    out: list[Columns] = [{} for _ in range(steps)]
    said: set[tuple[Host, str]] = set()
    restarts = {(b.host, b.timer.name, b.length, b.until) for b in story.lives if b.fate == "restarted"}
    for life in story.lives:
        key = (life.host, life.timer.name)
        if not drawn(life) or not _speaks(life) or (*key, life.length, life.first) in restarts:
            continue  # a restart for the same length is said by the round arrow
        text = words.timer_label(life.timer, life.length, again=key in said, held=life.held)
        said.add(key)
        block = out[life.first].setdefault(life.host, [])
        block.extend(Line(part, "timer", SOFT) for part in wrap(text, LABEL, SIZE))
    for absence in story.absences:
        block = out[absence.first].setdefault(absence.host, [])
        block.extend(Line(part, "absent", SOFT) for part in wrap(words.NO_TIMER, LABEL, SIZE))
    return out


def drawn(life: Life) -> bool:
    """Whether a timer gets a bar. A user timeout that is cancelled in time is not worth one."""
    return life.timer.name != "user" or life.fate != "cancelled"


def _speaks(life: Life) -> bool:
    """Whether a bar gets a label: it fires, still runs, or matters while it runs."""
    return life.fate in ("fires", "runs") or life.timer.name not in ("retransmission", "user")
