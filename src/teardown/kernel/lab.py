"""`teardown kernel LAB`: a scenario of the engine, played with real sockets in real time.

The engine runs first. Its programs' calls, its losses and its delays become moves of the rig, and its trace is what
the kernel is expected to do.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, NamedTuple, TextIO

from teardown.errors import InputError
from teardown.kernel.observe import Difference, Observation, Stay, compare, from_trace
from teardown.kernel.play import play
from teardown.kernel.rig import available, no_tracefs
from teardown.kernel.scenarios import Scenario
from teardown.kernel.tracefs import Tracer
from teardown.stacks import stack
from teardown.tcp.profile import Profile
from teardown.tcp.states import CLOSED, TIME_WAIT
from teardown.world.captions import RETURN
from teardown.world.run import run
from teardown.world.trace import HOSTS, Host, Step, Trace, spoken
from teardown.world.world import HostSetup
from teardown.world.world import Scenario as EngineScenario

_SECOND: Final = 1_000_000
_MARGIN: Final = 0.05  # seconds that a play goes on after the last thing that is expected
_PATIENCE: Final = 5.0  # seconds to wait for a segment that a call follows
#: Longer plays are cut off here unless the caller says otherwise.
MOST: Final = 180.0

#: The values of the linux stack that a kernel setting can follow, in the kernel's own unit.
_SYSCTLS: Final[Mapping[str, tuple[str, int]]] = {
    "fin_wait_2": ("tcp_fin_timeout", _SECOND),
    "orphan_retries": ("tcp_orphan_retries", 1),
    "retries": ("tcp_retries2", 1),
}


class Verdict(NamedTuple):
    """What the kernel did, what the engine had said, and where they part."""

    kernel: Observation
    engine: Observation
    differences: list[Difference]


def settings(own: Profile, host: Host) -> dict[str, int]:
    """Kernel settings that make Linux what this profile says. Raises InputError where nothing can."""
    if own.name != "linux":
        raise InputError(
            f"the {host} is {own.name}, and only linux can be played on this kernel",
            mend=f"Add --stack-{host} linux",
        )
    usual, made = stack("linux").profile, {}
    for one in fields(own):
        value = getattr(own, one.name)
        if value == getattr(usual, one.name):
            continue
        if one.name == "rst_in_time_wait" and value == "ignored":
            made["tcp_rfc1337"] = 1
            continue
        if one.name not in _SYSCTLS:
            raise InputError(f"no setting of Linux makes {one.name} {value} on the {host}")
        name, unit = _SYSCTLS[one.name]
        if value is None or value % unit:
            raise InputError(f"{name} counts whole seconds, so the {host} cannot have {value} µs")
        made[name] = value // unit
    return made


def _options(setup: HostSetup, host: Host) -> list[dict[str, Any]]:
    """The socket options of a host as moves."""
    moves: list[dict[str, Any]] = []
    for name, value in setup.options.items():
        match name:
            case "linger":
                moves.append({"option": "SO_LINGER", "seconds": value // _SECOND})
            case "linger2":
                moves.append({"option": "TCP_LINGER2", "value": max(-1, value // _SECOND)})
            case "user_timeout":
                moves.append({"option": "TCP_USER_TIMEOUT", "value": value // 1000})
            case "keepalive":
                idle, interval, count = value
                times = {"idle": idle // _SECOND, "interval": interval // _SECOND, "count": count}
                moves.append({"option": "SO_KEEPALIVE", **times})
            case _:
                raise InputError(f"the rig cannot set {name}")
    return [{"host": host, "call": "set", **move} for move in moves]


_CALLS: Final = {
    "close()": "close",
    "shutdown(SHUT_WR)": "shutdown-write",
    "shutdown(SHUT_RD)": "shutdown-read",
    "close() with SO_LINGER 0": "abort",
    "recv()": "recv",
}


def _call(step: Step) -> dict[str, Any]:
    assert step.call is not None
    if step.call == "power off":
        return {"net": "cut"}
    if step.call.startswith("send("):
        return {"host": step.host, "call": "send", "bytes": int(step.call[5:-1])}
    if step.call not in _CALLS:
        raise InputError(f"the rig has no call {step.call}")
    return {"host": step.host, "call": _CALLS[step.call]}


def _leaves_a_hole(trace: Trace) -> bool:
    """True if a segment overtakes what was sent before it, or arrives before a loss is made good."""
    missing: dict[Host, dict[int, int]] = {host: {} for host in HOSTS}  # by packet: its sequence number
    for step in trace.steps:
        if step.sender is None or step.segment is None or step.packet is None or not step.segment.span:
            continue
        if step.event == "segment-sent":
            missing[step.sender][step.packet] = step.segment.seq
        elif step.event == "segment-arrived":
            before = missing[step.sender]
            before.pop(step.packet, None)
            if any(seq < step.segment.seq for seq in before.values()):
                return True
            # What lies below its end is made good, whether or not its own packet ever comes.
            missing[step.sender] = {n: seq for n, seq in before.items() if seq >= step.segment.end}
    return False


def _last(trace: Trace, most: float) -> int:
    """When to stop (µs): after the last event worth waiting for, or at `most`.

    A TIME-WAIT that only waits for its end is not: how long it lasts is measured once and for all.
    """
    end = trace.steps[0].t
    for step in trace.steps:
        if step.t > trace.steps[0].t + most * _SECOND:
            break
        if step.event == "timer" and step.timer == "time-wait":
            continue
        end = step.t
    return end


def plan(scenario: EngineScenario, trace: Trace, most: float = MOST) -> Scenario:
    """The rig's scenario that does what `trace`, a run of `scenario`, did. Raises InputError where it cannot."""
    if scenario.begin != "established":
        raise InputError("the rig begins with an open connection", mend='Write begin = "established"')
    moves = [move for host in HOSTS for move in _options(scenario.hosts.of(host), host)]
    begin, sent, last = trace.steps[0].t, dict.fromkeys(HOSTS, 0), _last(trace, most)
    numbers: dict[int, tuple[Host, int, int]] = {}
    network: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    arrived, made = dict.fromkeys(HOSTS, 0), dict.fromkeys(HOSTS, 0)
    touched = dict.fromkeys(HOSTS, begin)
    gone = False
    for step in trace.steps:
        if step.t > last:
            break
        match step.event:
            case "segment-sent" if step.sender and step.packet:
                if step.move and step.move.startswith("duplicate:"):
                    raise InputError("the rig cannot follow a move that duplicates a segment")
                sent[step.sender] += 1
                numbers[step.packet] = (step.sender, sent[step.sender], step.t)
            case "segment-lost" if step.packet in numbers and not gone:
                sender, number, _ = numbers[step.packet]
                network.append({"net": "lose", "from": sender, "nth": [number]})
            case "segment-arrived" if step.host and step.packet in numbers:
                sender, number, at = numbers[step.packet]
                arrived[step.host] += 1
                touched[step.host] = step.t
                if late := step.t - at - scenario.latency:
                    network.append(
                        {"net": "late", "from": sender, "nth": [number], "seconds": late / _SECOND}
                    )
                if first := made[step.host]:
                    network.append({"net": "after", "from": sender, "nth": [number], "calls": first})
            case "call" if step.host and step.call != RETURN:
                # What a program does follows what it has done or got before, and not a clock on the wall: where one
                # comes late, the other does too.
                if arrived[step.host]:
                    calls.append({"arrivals": arrived[step.host], "host": step.host, "most": _PATIENCE})
                calls.append({"after": (step.t - touched[step.host]) / _SECOND, "host": step.host})
                calls.append(_call(step))
                touched[step.host] = step.t
                gone = gone or step.call == "power off"
                made[step.host] += step.call != "power off"
    moves += [*network, *calls, {"at": (last - begin) / _SECOND * 1.13 + 0.1 + _MARGIN}]
    moves += [{"arrivals": arrived[host], "host": host, "most": _PATIENCE} for host in HOSTS]
    moves.append({"wait": _MARGIN})
    own: dict[str, Any] = {host: settings(scenario.hosts.of(host).profile, host) for host in HOSTS}
    if _leaves_a_hole(trace):  # the engine has no SACK, with which Linux fills a hole at once
        own = {host: {**own[host], "tcp_sack": 0} for host in HOSTS}
    own["latency"] = scenario.latency / _SECOND
    return Scenario(scenario.name, scenario.title, tuple(moves), own)


def expected(trace: Trace, most: float = MOST) -> Observation:
    """What the kernel should do until the end of the plan: the trace, cut off there."""
    last = _last(trace, most)
    steps = tuple(step for step in trace.steps if step.t <= last)
    seen = from_trace(trace._replace(steps=steps))
    return replace(seen, calls=tuple(called for called in seen.calls if called.call != "power off"))


def _comparable(kernel: Observation, engine: Observation) -> Observation:
    """The play without the socket options that the plan has set, and without the end of a TIME-WAIT."""
    states: dict[Host, tuple[Stay, ...]] = {}
    for host in HOSTS:
        stays = kernel.stays(host)
        if len(stays) > 1 and stays[-1].state == CLOSED and stays[-2].state == TIME_WAIT:
            stays = stays[:-1] if engine.sequence(host)[-1] == TIME_WAIT else stays
        states[host] = stays
    calls = tuple(called for called in kernel.calls if not called.call.startswith("set "))
    return replace(kernel, states=states, calls=calls)


class Prepared(NamedTuple):
    """A scenario that has been run in the engine: what to play on the kernel, and what should come of it."""

    scenario: Scenario
    engine: Observation

    def play(self, tracer: Tracer | None = None) -> Verdict:
        """Play it on this kernel in real time and compare.

        Raises rig.Unavailable where there is no rig, and play.TooBusy on a machine that never came in time.
        """
        kernel = play(self.scenario, tracer=tracer)
        return Verdict(kernel, self.engine, compare(_comparable(kernel, self.engine), self.engine))


def prepared(scenario: EngineScenario, moves: Sequence[str] = (), *, most: float = MOST) -> Prepared:
    """Run `scenario` in the engine and plan its play, of at most `most` seconds.

    Raises InputError for a scenario that Linux cannot play.
    """
    trace = run(scenario, moves)
    return Prepared(plan(scenario, trace, most), expected(trace, most))


def report(verdict: Verdict) -> str:
    """The verdict for a terminal: what both did, side by side, then every difference or that there is none."""
    kernel, engine, differences = verdict
    made = kernel.made
    lines = [f"{engine.title or engine.scenario}: played on {made['kernel']} in {spoken(kernel.ended)}"]
    for host in HOSTS:
        lines.append(f"  {host:6}  kernel  {' → '.join(kernel.sequence(host))}")
        lines.append(f"          engine  {' → '.join(engine.sequence(host))}")
        counts = f"{len(kernel.segments.get(host, ()))} segments, engine {len(engine.segments[host])}"
        lines.append(f"          sent    kernel {counts}")
    if reason := no_tracefs():
        lines.append(f"  ({reason})")
    lines += [f"  differs: {one}" for one in differences]
    lines.append("  not ok" if differences else "  ok: states, calls, segments and durations agree")
    return "\n".join(lines)


def command(
    scenario: EngineScenario,
    moves: Sequence[str],
    out: TextIO,
    *,
    most: float = MOST,
    as_json: bool = False,
) -> int:
    """`teardown kernel LAB`: print the verdict. Exit status 0 or 1; InputError (so 2) where it cannot be played."""
    with contextlib.ExitStack() as stack_of:
        tracer = stack_of.enter_context(Tracer()) if available() is no_tracefs() is None else None
        verdict = prepared(scenario, moves, most=most).play(tracer)
    if as_json:
        data = {
            "version": 1,
            "kernel": verdict.kernel.json(),
            "engine": verdict.engine.json(),
            "differences": [one._asdict() for one in verdict.differences],
        }
        print(json.dumps(data, ensure_ascii=False), file=out)
    else:
        print(report(verdict), file=out)
    return 1 if verdict.differences else 0
