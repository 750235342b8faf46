"""The same trace in words: transcript, table, one sentence per step, and the short texts inside the pictures.

All functions that return markup escape what they are given; all others return plain text.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from teardown.draw.svg import escape
from teardown.draw.time_axis import Stop, TimeAxis, choose, lay
from teardown.tcp.states import CLOSED, ESTABLISHED, LISTEN, MEANING, SYN_RECEIVED, SYN_SENT, prose
from teardown.tcp.table import RULES, Rule
from teardown.world.captions import TIMER_NAMES
from teardown.world.trace import HOSTS, Host, Owes, Running, Step, Trace, spoken

# ------------------------------------------------------------------------------- short texts of the pictures

NBSP: Final = "\u00a0"
MISSING_FIN: Final = ("expected,", "not sent")
ORPHAN: Final = "orphan"
NO_TIMER: Final = "no kernel timer"
LOST: Final = "lost"
TRUE_SCALE: Final = "true scale"
FOR_EVER: Final = "∞  for ever"
MAP_TITLE: Final = "The states of a TCP connection and the ways between them"
LEGEND: Final = {
    "segment": "a segment arrives",
    "call": "the program calls",
    "timer": "a timer fires",
    "abort": "reset, abort, giving up",
}

def tight(text: str) -> str:
    """`text` with spaces that do not break."""
    return text.replace(" ", NBSP)


def timer_name(name: str) -> str:
    """A timer or alarm in words: `FIN_WAIT_2 timer`, `linger limit`."""
    return TIMER_NAMES.get(name, name)


def timer_label(timer: Running, length: int, *, again: bool = False, held: bool = True) -> str:
    """What stands beside a timer's bar: name, length, owner; less for a timer of the kernel that was named before.

    In FIN_WAIT_2 it matters whose the socket is, so that is said too: `held` by a program, or an orphan.
    """
    if again and timer.owner == "kernel":
        return tight(f"timer {spoken(length)}")
    whose = f", {'held' if held else ORPHAN}" if timer.name == "fin-wait-2" else ""
    return f"{timer_name(timer.name)} {tight(spoken(length))}, {timer.owner}{whose}"


def timer_over(name: str, *, again: bool = False) -> str:
    """What stands where a timer comes to its end. A program's time limits are events by their name alone."""
    text = timer_name(name)
    if not text.endswith("timer"):
        return text
    return "timer fires" if again else f"{text} fires"


def shown_result(result: str | None) -> str:
    """What a call returned, where that tells something: an error, or the end of what the peer has to say."""
    return "" if result is None or not result.startswith("E") else result


def passes(length: str) -> str:
    """What stands on a break of the axis: 2 h pass, but 1 h passes."""
    number, _, unit = length.partition(" ")
    return f"{length} passes" if number == "1" and " " not in unit else f"{length} pass"


def folded(waits: Sequence[int]) -> tuple[str, str]:
    """What stands where repeats are left out: how many, and how long each time."""
    first, last = tight(spoken(waits[0])), tight(spoken(waits[-1]))
    pairs = [(a, b) for a, b in pairwise(waits)]
    if all(a == b for a, b in pairs):
        return f"{len(waits)} more,", f"one after every {first}"
    if all(abs(b - 2 * a) <= a / 50 for a, b in pairs):
        return f"{len(waits)} more, each wait twice the last:", f"{first} … {last}"
    return f"{len(waits)} more, each after a longer wait:", f"{first} … {last}"


def now(label: str) -> str:
    """What stands at the end of a run that goes on."""
    return f"now: {label}"


def flight_notes(again: int, probe: bool, flying: bool) -> tuple[str, ...]:
    """What stands under a segment's name."""
    what = "probe" if probe else f"again, no. {again}" if again else ""
    return tuple(note for note in (what, "on its way" if flying else "") if note)


# --------------------------------------------------------------------------------------------- one trace


def clock_of(trace: Trace) -> TimeAxis:
    """An axis of the trace's times, for its labels; heights mean nothing."""
    times = [step.t for step in trace.steps]
    return lay([Stop(t) for t in times], 0.0, choose(times))


def title(trace: Trace) -> str:
    """The scenario's title."""
    return str(trace.scenario.get("title") or trace.scenario.get("name") or "A TCP connection")


def path(trace: Trace, host: Host) -> str:
    """The states of one host in order: `ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2`."""
    states: list[str] = []
    for step in trace.steps:
        if not states or states[-1] != step.states.of(host):
            states.append(step.states.of(host))
    return ", ".join(map(prose, states))


def summary(trace: Trace) -> str:
    """The whole trace in a few sentences, for those who do not see the picture."""
    first, last = trace.steps[0], trace.steps[-1]
    ending = trace.ending.text or {
        "closed": "Both ends are closed.",
        "stuck": "From then on nothing can happen any more.",
        "open": "The run goes on.",
    }[trace.ending.kind]
    names = trace.scenario.get("hosts", {})
    ways = " ".join(f"{names.get(h, h).capitalize()}: {path(trace, h)}." for h in HOSTS if path(trace, h))
    return f"{len(trace.steps) - 1} steps in {spoken(last.t - first.t)}. {ways} {ending} The numbered list says every step in words."


def both_states(step: Step) -> str:
    """`Server FIN_WAIT_2, client CLOSE_WAIT.`"""
    return f"Server {prose(step.states.server)}, client {prose(step.states.client)}."


def owed(owes: Owes | None) -> str:
    """Who must act next: `Next: the client's program, close().`"""
    return "" if owes is None else f"Next: {owes.who}, {owes.what}."


def line(trace: Trace, i: int, clock: TimeAxis | None = None) -> str:
    """Step `i` as one line of the transcript: time, event, both states, and who must act next if that has changed."""
    step = trace.steps[i]
    parts = [f"{(clock or clock_of(trace)).label(step.t)}.", _sentence(step.caption), both_states(step)]
    if i == 0 or step.owes != trace.steps[i - 1].owes:
        parts.append(owed(step.owes))
    return " ".join(filter(None, parts))


def spoken_step(trace: Trace, i: int) -> str:
    """Step `i` as it is said aloud: `Step 3 of 7, 80 ms. The ACK arrives. Server FIN_WAIT_2, client CLOSE_WAIT.`"""
    return f"Step {i} of {len(trace.steps) - 1}, {line(trace, i)}"


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


def chapter(step: Step) -> str:
    """The phase of the close that a step belongs to."""
    server, client = step.fins
    states = set(step.states)
    if not (server.sent or client.sent):
        if states & {SYN_SENT, SYN_RECEIVED, LISTEN} or states == {CLOSED}:
            return "opening"
        return "open" if states == {ESTABLISHED} else "aborted"
    if states == {CLOSED}:
        return "closed"
    if server.sent and client.sent:
        return "after both FINs" if server.acked and client.acked else "second FIN"
    return "half-closed" if server.acked or client.acked else "first FIN"


def transcript(trace: Trace) -> str:
    """The ordered list that says every step. Its items carry what the player needs."""
    clock = clock_of(trace)
    items = []
    for i, step in enumerate(trace.steps):
        change = "" if i and step.owes == trace.steps[i - 1].owes else owed(step.owes)
        body = (
            f'<span class="when">{escape(clock.label(step.t))}.</span> {escape(_sentence(step.caption))} '
            f'<span class="both">{escape(both_states(step))}</span>'
        )
        if change:
            body += f' <span class="owes">{escape(change)}</span>'
        items.append(
            f'<li data-step="{i}" data-server="{step.states.server}" data-client="{step.states.client}" '
            f'data-chapter="{chapter(step)}">{body}</li>'
        )
    return f'<ol class="transcript" start="0">{"".join(items)}</ol>'


def table(trace: Trace) -> str:
    """The trace as a real table with headers."""
    clock = clock_of(trace)
    rows = []
    for i, step in enumerate(trace.steps):
        running = [
            f"{host}: {timer_name(r.name)} until {clock.label(r.expires)}"
            for host in HOSTS
            for r in step.timers.of(host)
        ]
        cells = (
            clock.label(step.t),
            _sentence(step.caption),
            prose(step.states.server),
            prose(step.states.client),
            "; ".join(running) or "none",
        )
        rows.append(f'<tr><th scope="row">{i}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>')
    names = ("Step", "Time", "Event", "Server", "Client", "Timers running")
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        f'<table class="events"><caption>{escape(title(trace))}, step by step</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


# --------------------------------------------------------------------------------------- rules and the map

_SHORT: Final = {
    "segment fin": "FIN",
    "segment record": "FIN",
    "segment ack": "ACK",
    "segment syn": "SYN",
    "segment sequence": "SYN",
    "segment text": "data",
    "call close": "close()",
    "call shutdown": "close()",
    "call connect": "connect()",
    "call listen": "listen()",
    "timer time-wait": "2 MSL",
    "timer fin-wait-2": "timer",
}

_PHRASES: Final = {
    "segment fin": "a FIN arrives",
    "segment ack": "an ACK arrives",
    "segment rst": "a RST arrives",
    "segment syn": "a SYN arrives",
    "segment sequence": "a SYN for a new connection arrives",
    "segment text": "data arrives that nobody will read",
    "segment flags": "a segment with SYN and FIN together arrives, on Linux",
    "segment record": "a FIN arrives",
    "call close": "the program calls close()",
    "call shutdown": "the program calls shutdown()",
    "call abort": "the program aborts",
    "call connect": "the program calls connect()",
    "call listen": "the program calls listen()",
    "timer retransmission": "nothing is acknowledged and TCP gives up",
    "timer persist": "the window stays shut and TCP gives up",
    "timer user": "the user timeout is over",
    "timer keepalive": "keepalive finds the peer dead",
    "timer time-wait": "2 MSL have passed",
    "timer fin-wait-2": "the FIN_WAIT_2 timer fires, on systems that have one",
}

_GUARDED: Final = (
    ("ack-of-fin", "its FIN is acknowledged"),
    ("linger-zero", "the program calls close() with SO_LINGER 0"),
    ("unread", "the program calls close() with bytes unread"),
    ("linger2-negative", "a negative TCP_LINGER2 forbids waiting"),
)

#: Actions after which the connection has not ended but was thrown away.
ABORTS: Final = frozenset({"end-aborted", "end-reset", "end-timeout", "end-refused", "reset"})


def is_abort(rule: Rule) -> bool:
    """Whether a rule throws the connection away: a reset, an abort, or giving up."""
    return bool(ABORTS & set(rule.actions)) or rule.event in ("segment rst", "call abort", "timer user")


def event_short(event: str) -> str:
    """An event in a word or two, for an arrow of the map."""
    return _SHORT.get(event, event.partition(" ")[2])


def phrase(rule: Rule) -> str:
    """What has to happen for `rule`, as half a sentence."""
    for guard, text in _GUARDED:
        if guard in rule.guards and ("negative" not in guard or is_abort(rule)):
            return text
    return _PHRASES.get(rule.event, rule.event)


def _phrases(rules: Iterable[Rule]) -> str:
    return " or ".join(dict.fromkeys(map(phrase, rules)))


def state_title(state: str) -> str:
    """`FIN_WAIT_2: its FIN is acknowledged; waits for the peer's FIN`"""
    return f"{prose(state)}: {MEANING[state]}"


def edge_title(start: str, end: str, rules: tuple[Rule, ...]) -> str:
    """Everything that leads from one state to another, and why the first of it does."""
    ordered = sorted(rules, key=lambda rule: (is_abort(rule), rule.rfc.startswith("none")))
    return f"{prose(start)} to {prose(end)}: {_phrases(ordered)}. {ordered[0].why}"


def map_desc(trace: Trace | None) -> str:
    """What the state diagram shows, in words."""
    if trace is None:
        return "The reference of the rules lists every way from state to state."
    return f"The server's way: {path(trace, 'server')}. The client's way: {path(trace, 'client')}."


def ways_out(state: str) -> tuple[tuple[str, str], ...]:
    """All that can end a stay in `state`: pairs of an event in words and the state it leads to."""
    regular: dict[str, list[Rule]] = {}
    thrown: dict[str, None] = {}
    for rule in RULES:
        if state not in rule.states or rule.to in (None, state):
            continue
        if is_abort(rule):
            thrown[str(rule.to)] = None
        else:
            regular.setdefault(str(rule.to), []).append(rule)
    pairs = [(_phrases(rules), to) for to, rules in regular.items()]
    pairs.extend(("a reset, an abort or giving up", to) for to in thrown)
    return tuple(pairs)


def region(state: str) -> str:
    """The region of interest as text: `From FIN_WAIT_2: a FIN arrives, TIME_WAIT; …`"""
    return f"From {prose(state)}: " + "; ".join(f"{text}, {prose(to)}" for text, to in ways_out(state)) + "."


def regions(trace: Trace) -> str:
    """The ways out of every state that the trace visits, as a list: the state diagram's twin in words."""
    visited = dict.fromkeys(step.states.of(host) for host in HOSTS for step in trace.steps)
    rows = []
    for state in visited:
        ways = ways_out(state)
        if state == CLOSED or not ways:
            continue
        items = "; ".join(f"{escape(text)}, <b>{prose(to)}</b>" for text, to in ways)
        rows.append(f'<li data-region-of="{state}">From <b>{prose(state)}</b>: {items}.</li>')
    return f'<ul class="regions">{"".join(rows)}</ul>'
