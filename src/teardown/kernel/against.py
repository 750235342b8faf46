"""The engine against the kernel: the same moves in both, and where they part.

The moves of the rig (see `play`) are played in the engine with both programs left to the reader's hand, on the
`linux` stack with the same settings. The wire of the engine obeys the same orders as the wire of the rig.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TextIO

from teardown.errors import InputError
from teardown.kernel.observe import Called, Difference, Observation, compare, from_trace
from teardown.kernel.scenarios import Scenario
from teardown.kernel.walk import play_walks
from teardown.kernel.walk import scenario as walk
from teardown.programs import program
from teardown.stacks import override, stack
from teardown.tcp.endpoint import Event
from teardown.tcp.profile import Profile
from teardown.tcp.segment import Segment
from teardown.world.captions import RETURN
from teardown.world.moves import IllegalMove, apply, begin
from teardown.world.run import ending
from teardown.world.trace import HOSTS, Host, Pair, Running, Trace, other
from teardown.world.world import Flight, HostSetup
from teardown.world.world import Scenario as EngineScenario

_LATENCY: Final = 100  # µs; between the namespaces it is about that
_SECOND: Final = 1_000_000

#: What a kernel setting means for the engine's linux stack: a value of the stack, and its text.
_SETTINGS: Final[Mapping[str, Callable[[Any], dict[str, str]]]] = {
    "tcp_fin_timeout": lambda v: {"fin_wait_2": f"{v}s"},
    "tcp_orphan_retries": lambda v: {"orphan_retries": str(v or 8)},
    "tcp_retries2": lambda v: {"retries": str(v)},
    "tcp_rfc1337": lambda v: {"rst_in_time_wait": "ignored"} if v else {},
    # The tail-loss probe needs SACK.
    "tcp_sack": lambda v: {} if v else {"tail_loss_probe": "false"},
    "tcp_early_retrans": lambda v: {} if v else {"tail_loss_probe": "false"},
    # The engine has no dup-ACK counting and no rate limit for answers to strays.
    "tcp_reordering": lambda v: {},
    "tcp_invalid_ratelimit": lambda v: {},
    "tcp_rto_min_us": lambda v: {"rto": f"{int(v) // 1000}ms", "give_up_rto": f"{int(v) // 1000}ms"},
}

_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "close": ("close",),
    "kill": ("close",),
    "abort": ("abort",),
    "shutdown-write": ("shutdown",),
    "shutdown-read": ("shutdown-read",),
    "shutdown-both": ("shutdown", "shutdown-read"),
    "send": ("send",),
    "recv": ("receive",),
}


def profile(settings: Mapping[str, Any]) -> Profile:
    """The engine's linux stack with these kernel settings. Raises InputError for one that it does not know."""
    made = stack("linux").profile
    for name, value in settings.items():
        if name not in _SETTINGS:
            raise InputError(f"the engine's linux stack has nothing for {name}")
        for key, text in _SETTINGS[name](value).items():
            made = override(made, key, text)
    return made


class EnginePlayer:
    """Plays the rig's moves in the engine, move for move as `play.Player` does on the kernel."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        hand = program("hand")
        setups = (HostSetup(profile(scenario.settings.get(host, {})), hand) for host in HOSTS)
        latency = round(scenario.settings.get("latency", 0) * _SECOND) or _LATENCY
        self.world, self.steps = begin(
            EngineScenario(scenario.id, scenario.title, "", Pair(*setups), latency)
        )
        self.calls: list[Called] = []
        self.waits: list[Mapping[str, Any]] = []
        self._sorted: set[int] = set()
        self._copies: dict[int, int] = {}  # the network's copies, and what they are copies of
        self._held: dict[Host, list[int]] = {h: [] for h in HOSTS}
        self._holding: dict[Host, bool] = dict.fromkeys(HOSTS, False)
        self._cut: dict[Host, bool] = dict.fromkeys(HOSTS, False)
        self._drop: dict[Host, int] = dict.fromkeys(HOSTS, 0)
        self._double: dict[Host, int] = dict.fromkeys(HOSTS, 0)
        self._delay: dict[Host, int] = dict.fromkeys(HOSTS, 0)
        self._delayed: set[int] = set()

    def play(self) -> Observation:
        """All moves; what was seen."""
        for move in self.scenario.moves:
            self._move(move)
            self._settle()
        while any(end.closing for end in self.world.ends):  # a close that waits is waited for
            self._advance(self.world.now + _SECOND, lambda: not any(e.closing for e in self.world.ends))
        steps = tuple(s for s in self.steps if not (s.event == "segment-sent" and s.packet in self._copies))
        seen = from_trace(Trace(self.world.scenario.json(), steps, ending(self.world)))
        return replace(
            seen,
            moves=self.scenario.moves,
            settings=self.scenario.settings,
            calls=tuple(called if called.result else self._returned(called) for called in self.calls),
            waits=tuple(self.waits),
        )

    def _returned(self, called: Called) -> Called:
        """The same call with its end, for one that had to wait."""
        back = next(s.t for s in self.steps if s.host == called.host and s.call == RETURN)
        return called._replace(result="0", took=back - called.t)

    # The world.

    def _apply(self, move: str) -> None:
        self.world, more = apply(self.world, move)
        self.steps = (*self.steps, *more)

    def _end(self, host: Host, **values: Any) -> None:
        end = self.world.ends.of(host)._replace(**values)
        self.world = self.world._replace(ends=self.world.ends.having(host, end))

    # The wire.

    def _sort(self) -> list[Flight]:
        """Decide the fate of everything new on the wire; what is under way, the first to arrive first."""
        for flight in self.world.wire:
            if flight.packet in self._sorted:
                continue
            self._sorted.add(flight.packet)
            sender = flight.sender
            if self._cut[sender] or self._drop[sender]:
                self._drop[sender] = max(0, self._drop[sender] - (not self._cut[sender]))
                self._apply(f"drop:{flight.packet}")
                continue
            copies = [flight.packet]
            if self._double[sender]:
                self._double[sender] -= 1
                self._apply(f"duplicate:{flight.packet}")
                copies.append(self.world.packets)
                self._copies[self.world.packets] = flight.packet
                self._sorted.add(self.world.packets)
            if self._holding[sender]:
                self._held[sender] += copies
            elif self._delay[sender]:
                self._delay[sender] -= 1
                self._delayed.update(copies)
                for packet in copies:
                    self._apply(f"delay:{packet}")
        waiting = {packet for held in self._held.values() for packet in held}
        under_way = [f for f in self.world.wire if f.packet not in waiting]
        return sorted(under_way, key=lambda f: (f.due, self._copies.get(f.packet, f.packet), f.packet))

    def _settle(self) -> None:
        while soon := [flight for flight in self._sort() if flight.packet not in self._delayed]:
            self._advance(soon[0].due)

    def _advance(self, until: int, enough: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass until `until` (µs), or until it is enough."""
        while not enough():
            flights, timer = self._sort(), self.world.next_timer()
            due = max(flights[0].due, self.world.now) if flights else None
            if due is not None and due <= until and (timer is None or due <= timer[1].expires):
                self._apply(f"deliver:{flights[0].packet}")
            elif timer is not None and timer[1].expires <= until:
                self._apply(f"fire:{timer[0]}:{timer[1].name}")
            else:
                self.world = self.world._replace(now=max(self.world.now, until))
                return False
        return True

    # One move.

    def _move(self, move: Mapping[str, Any]) -> None:
        if "call" in move:
            self._call(move)
        elif "net" in move:
            self._net(move)
        elif "wait" in move:
            self._advance(self.world.now + round(move["wait"] * _SECOND))
        else:
            words = move["until"].split(maxsplit=1)
            host: Host = words[0]
            start = self.world.now
            reached = self._advance(
                start + round(move["most"] * _SECOND), lambda: self.world.ends.of(host).state == words[1]
            )
            self.waits.append({"until": move["until"], "reached": reached, "took": self.world.now - start})

    def _forge(self, move: Mapping[str, Any]) -> None:
        """As Wire.forge: numbers counted from what the victim itself has sent so far."""
        to: Host = move["to"]
        expects, reached = 1, 1
        windows = {host: self.world.ends.of(host).profile.buffer for host in HOSTS}
        for step in self.steps:
            if step.event != "segment-sent" or step.segment is None or step.packet in self._copies:
                continue
            segment = step.segment
            if step.sender == to:
                reached = max(reached, segment.end)
            if "A" in segment.flags and "R" not in segment.flags and step.sender:
                windows[step.sender] = segment.window
                expects = max(expects, segment.ack) if step.sender == to else expects
        ahead = windows[to] if isinstance(move["ahead"], str) else move["ahead"]
        ack = reached + move.get("answers", 0) if "A" in move["flags"] else 0
        segment = Segment(expects + ahead, ack, move["flags"], move.get("bytes", 0), windows[other(to)])
        packet, now = self.world.packets + 1, self.world.now
        flight = Flight(packet, other(to), segment, now, now)
        self.world = self.world._replace(packets=packet, wire=(*self.world.wire, flight))
        self._sorted.add(packet)
        self._apply(f"deliver:{packet}")

    def _net(self, move: Mapping[str, Any]) -> None:
        if move["net"] == "forge":
            self._forge(move)
            return
        senders: tuple[Host, ...] = (move["from"],) if "from" in move else HOSTS
        for sender in senders:
            match move["net"]:
                case "hold":
                    self._holding[sender] = True
                case "release":
                    self._release(sender, move)
                case "drop":
                    self._drop[sender] += move.get("count", 1)
                case "double":
                    self._double[sender] += move.get("count", 1)
                case "delay":
                    self._delay[sender] += move.get("count", 1)
                case "cut" | "mend":
                    self._cut[sender] = move["net"] == "cut"

    def _release(self, sender: Host, move: Mapping[str, Any]) -> None:
        self._holding[sender] = False
        held, self._held[sender] = self._held[sender], []
        lost = move.get("drop", 0)
        for packet in held[:lost]:
            self._apply(f"drop:{packet}")
        left = held[lost:]
        for packet in reversed(left) if move.get("backwards") else left:
            self._apply(f"deliver:{packet}")

    def _call(self, move: Mapping[str, Any]) -> None:
        host, call = move["host"], move["call"]
        start = self.world.now
        name = f"set {move['option']}" if call == "set" else call
        name = f"{call} {move['bytes']}" if "bytes" in move else name
        if call == "set":
            self._option(host, move)
            result: str | None = "0"
        elif call == "error":
            result = self.world.ends.of(host).error or "0"
            self._end(host, error=None)
        else:
            for event in _EVENTS[call]:
                result = self._do(host, Event(call=event, amount=move.get("bytes", 0)))
        self.calls.append(Called(start, host, name, "0" if result == "EOF" else result))

    def _do(self, host: Host, event: Event) -> str | None:
        """Make one call, whatever it returns. The engine takes a call that fails for no move at all."""
        result = self.world.ends.of(host).step(event).result
        amount = f":{event.amount}" if event.amount else ""
        try:
            self._apply(f"call:{host}:{event.call}{amount}")
        except IllegalMove:
            if result is None or not result.startswith("E"):
                raise
        if self.world.ends.of(host).closing:
            return None  # it has not returned yet
        return result or "0"  # a call that has nothing to say has succeeded

    def _option(self, host: Host, move: Mapping[str, Any]) -> None:
        match move["option"]:
            case "SO_LINGER":
                self._end(host, linger=move["seconds"] * _SECOND if move.get("on", True) else None)
            case "TCP_LINGER2":
                self._end(host, linger2=move["value"] * _SECOND)
            case "TCP_USER_TIMEOUT":
                self._end(host, user_timeout=move["value"] * 1_000)
            case "SO_KEEPALIVE":
                own = self.world.ends.of(host).profile
                idle, interval = (
                    move[key] * _SECOND if key in move else usual
                    for key, usual in (("idle", own.keepalive_idle), ("interval", own.keepalive_interval))
                )
                self._end(host, keepalive=(idle, interval, move.get("count", own.keepalive_count)))
                now, timers = self.world.now, self.world.timers
                running = Running("keepalive", now, now + idle, "kernel")
                both = tuple(sorted((*timers.of(host), running), key=lambda r: (r.expires, r.owner, r.name)))
                self.world = self.world._replace(timers=timers.having(host, both))
            case option:
                raise InputError(f"the engine has no option {option}")


def engine(scenario: Scenario) -> Observation:
    """What the engine does with a scenario of the rig. Raises InputError for something that it does not have."""
    return EnginePlayer(scenario).play()


def differences(scenario: Scenario, kernel: Observation) -> list[Difference]:
    """Where the kernel's observation of `scenario` and the engine's run of it part."""
    return compare(kernel, engine(scenario))


def walks_apart(
    seeds: Iterable[int], *, waits: bool = False, forged: bool = False
) -> Iterator[tuple[Scenario, list[Difference]]]:
    """Play the random walks of `seeds` on the kernel and in the engine; each with where they part."""
    seeds = tuple(seeds)
    for seed, kernel in zip(seeds, play_walks(seeds, waits=waits, forged=forged), strict=True):
        one = walk(seed, waits=waits, forged=forged)
        yield one, differences(one, kernel)


def command(
    seeds: Iterable[int], out: TextIO, *, waits: bool = False, forged: bool = False, as_json: bool = False
) -> int:
    """`teardown kernel --walks N`: print every walk that parts, and how many there were. Exit status 0 or 1."""
    count, apart = 0, []
    for one, found in walks_apart(seeds, waits=waits, forged=forged):
        count += 1
        if found:
            apart.append((one, found))
    if as_json:
        rows = [{"walk": o.id, "moves": o.moves, "differences": [d._asdict() for d in f]} for o, f in apart]
        print(json.dumps({"version": 1, "walks": count, "apart": rows}, ensure_ascii=False), file=out)
    else:
        for one, found in apart:
            print(f"not ok {one.id}: {'; '.join(map(str, found))}", file=out)
        print(f"{count - len(apart)} walks agreed, {len(apart)} did not", file=out)
    return 1 if apart else 0
