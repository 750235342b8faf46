"""Plays moves with real sockets and writes down what happened.

A move is a plain mapping, the same for the kernel and for the engine:

    {"host": "server", "call": "close"}                    close, abort, kill
    {"host": "server", "call": "shutdown-write"}           shutdown-write, shutdown-read, shutdown-both
    {"host": "client", "call": "send", "bytes": 10}        send, recv (never waits)
    {"host": "client", "call": "error"}                    getsockopt SO_ERROR: fetches and clears it
    {"host": "server", "call": "set", "option": "TCP_LINGER2", "value": 2}
    {"net": "hold", "from": "client"}                      keep what the client sends from now on
    {"net": "release", "from": "client"}                   let it go, in order ("backwards" = true: last first,
                                                           "drop" = n: lose the oldest n)
    {"net": "drop", "from": "client", "count": 2}          the next 2 packets are lost
    {"net": "double", "from": "client"}                    the next packet arrives twice
    {"net": "delay", "from": "client"}                     the next packet arrives a second later (as in a lab)
    {"net": "cut"}                                         both directions are dead from now on ("mend" undoes it)
    {"wait": 1.5}                                          let time pass
    {"until": "server CLOSED", "most": 3.0}                let time pass until that state
    {"at": 2.5}                                            let time pass until 2.5 s after the first move
    {"arrivals": 3, "host": "client", "most": 1.0}         let time pass until 3 segments have reached the client
    {"net": "forge", "to": "client", "flags": "R", "ahead": 1, "answers": 0, "bytes": 0}
                                                           a segment that the server never sent (see Wire.forge)
    {"after": 0.1, "host": "client"}                       let time pass until 0.1 s after the client's last call or
                                                           the last segment that has reached it
    {"net": "lose", "from": "server", "nth": [2]}          of all its segments, lose these ("late" with "seconds":
                                                           hold them up for so much longer; "after" with "calls": keep
                                                           them until their receiver has made so many calls)

After each move the wire carries packets until nobody has anything to say, so moves have an order, not a speed.
`abort` is SO_LINGER {1, 0} and close. `kill` hands the socket to a process of its own and kills that process.
A close that may wait (SO_LINGER with seconds) runs in a thread of its own, so that the play goes on.

The kernel's timers do not wait for us, so a play is worth something only if we were never late. While it plays, the
thread goes before all others where it may. How long it was away is measured, and a play in which that was too long
is played again, whatever it showed.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from teardown.errors import InputError
from teardown.kernel.netlink import Entry
from teardown.kernel.observe import ENGINE, Called, Observation, Sent, Stay
from teardown.kernel.rig import RIG_VERSION, Rig, Unavailable, kernel, linger, no_tracefs
from teardown.kernel.scenarios import Scenario
from teardown.kernel.tracefs import Tracer
from teardown.tcp import states
from teardown.world.trace import HOSTS, Host

_SHUTDOWN: Final = {
    "shutdown-write": socket.SHUT_WR,
    "shutdown-read": socket.SHUT_RD,
    "shutdown-both": socket.SHUT_RDWR,
}
#: How late (s) a play may be at any time. Two moments that are each late by no more than this lie no further apart,
#: and no closer together, than the narrowest slack of `observe.compare` forgives.
LATE: Final = ENGINE.early
#: How often a play that was too late is played, and how long (s) its tries may have taken before another begins.
_TRIES, _TRYING = 6, 60.0
_PLAIN_OPTIONS: Final = {
    "TCP_LINGER2": socket.TCP_LINGER2,
    "TCP_USER_TIMEOUT": socket.TCP_USER_TIMEOUT,
}


def _outcome(work: Callable[[], Any]) -> str:
    """What the call returned, as text, or the name of its error."""
    try:
        value = work()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "0" if value is None else str(len(value) if isinstance(value, bytes) else value)


def _keepalive(end: socket.socket, move: Mapping[str, Any]) -> None:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, option in (
        ("idle", socket.TCP_KEEPIDLE),
        ("interval", socket.TCP_KEEPINTVL),
        ("count", socket.TCP_KEEPCNT),
    ):
        if name in move:
            end.setsockopt(socket.IPPROTO_TCP, option, int(move[name]))


def _kill(end: socket.socket) -> None:
    """Give `end` to another process as its last holder, then kill that process."""
    holder = subprocess.Popen(["sleep", "3600"], pass_fds=(end.fileno(),))
    end.close()
    holder.kill()
    holder.wait()


@contextlib.contextmanager
def _before_all_others() -> Iterator[None]:
    """Let this thread run as soon as it has something to do, however busy the machine is, where that is allowed."""
    policy, own = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        with contextlib.suppress(OSError):  # a container may keep it from us: then plays are late more often
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, policy, own)


class Player:
    """Plays the moves of one connection on a rig and keeps what is seen."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._ends: dict[Host, socket.socket | None] = dict.fromkeys(HOSTS)
        self._lingers: dict[Host, bool] = dict.fromkeys(HOSTS, False)
        self._threads: list[threading.Thread] = []
        self._now: dict[Host, Entry] = {}
        self._begin = 0.0
        self.states: dict[Host, list[Stay]] = {h: [] for h in HOSTS}
        self.calls: list[Called] = []
        self.waits: list[Mapping[str, Any]] = []

    def _us(self, t: float) -> int:
        return max(0, round((t - self._begin) * 1e6))

    def _sampled(self, host: Host, entry: Entry) -> None:
        before = self._now.get(host)
        self._now[host] = entry
        gone = entry.state == states.CLOSED
        if before is None or (before.state, before.orphan) != (entry.state, entry.orphan):
            stay = Stay(
                self._us(time.monotonic()),
                entry.state,
                None if gone else entry.orphan,
                None if gone else entry.timer,
            )
            if before is None or before.state != entry.state or not gone:
                self.states[host].append(stay)

    def play(self, moves: Iterable[Mapping[str, Any]]) -> None:
        """Open a connection and play `moves` on it; both sockets are gone afterwards."""
        self._ends.update(self.rig.connect())
        self.rig.sampled = self._sampled
        self._begin = time.monotonic()
        try:
            self.rig.sample()
            for move in moves:
                self._move(move)
                self.rig.wire.settle()
                self.rig.sample()
            while any(thread.is_alive() for thread in self._threads):
                self.rig.run_until(time.monotonic() + 0.01)
            self._threads.clear()
            self.ended = self._us(time.monotonic())
            self.late = self.rig.wire.late_by
            self.log = tuple(self.rig.wire.log)
            self.changes = self.rig.changes()
        finally:
            self.rig.sampled = lambda host, entry: None
            self._tidy()

    def _tidy(self) -> None:
        """Reset whatever is still open, without writing it down."""
        for host in HOSTS:
            self.rig.wire.holding[host] = False
            self.rig.wire.held[host].clear()
            self.rig.wire.cut[host] = False
            if (end := self._ends[host]) is not None:
                with contextlib.suppress(OSError):
                    linger(end, True, 0)
                end.close()
                self._ends[host] = None
        for thread in self._threads:
            thread.join()
        self.rig.wire.settle()

    # One move.

    def _move(self, move: Mapping[str, Any]) -> None:
        if "call" in move:
            self._call(move)
        elif "net" in move:
            self._net(move)
        elif "wait" in move:
            self.rig.run_until(time.monotonic() + float(move["wait"]))
        elif "at" in move:
            self.rig.run_until(self._begin + float(move["at"]))
        elif "arrivals" in move:
            arrived, host = self.rig.wire.arrived, move["host"]
            deadline = time.monotonic() + float(move["most"])
            self.rig.run_until(deadline, lambda: arrived[host] >= move["arrivals"])
        elif "after" in move:
            self.rig.run_until(self.rig.wire.touched[move["host"]] + float(move["after"]))
        else:
            self._until(move)

    def _until(self, move: Mapping[str, Any]) -> None:
        host, state = move["until"].split(maxsplit=1)
        begin = time.monotonic()
        reached = self.rig.run_until(begin + float(move["most"]), lambda: self._now[host].state == state)
        took = round((time.monotonic() - begin) * 1e6)
        self.waits.append({"until": move["until"], "reached": reached, "took": took})

    def _net(self, move: Mapping[str, Any]) -> None:
        wire = self.rig.wire
        if move["net"] == "forge":
            wire.forge(move["to"], move["flags"], move["ahead"], move.get("answers", 0), move.get("bytes", 0))
            return
        senders: tuple[Host, ...] = (move["from"],) if "from" in move else HOSTS
        for sender in senders:
            match move["net"]:
                case "hold":
                    wire.hold(sender)
                case "release":
                    wire.release(sender, backwards=move.get("backwards", False), drop=move.get("drop", 0))
                case "drop":
                    wire.to_drop[sender] += move.get("count", 1)
                case "double":
                    wire.to_double[sender] += move.get("count", 1)
                case "cut" | "mend":
                    wire.cut[sender] = move["net"] == "cut"
                case "lose":
                    wire.lose[sender].update(move["nth"])
                case "delay":
                    wire.to_delay[sender] += move.get("count", 1)
                case "after":
                    wire.after_calls[sender].update(dict.fromkeys(move["nth"], int(move["calls"])))
                case "late":
                    wire.late[sender].update(dict.fromkeys(move["nth"], float(move["seconds"])))

    def _call(self, move: Mapping[str, Any]) -> None:
        host: Host = move["host"]
        end = self._ends[host]
        if end is None:
            raise InputError(f"the {host} has no socket any more", mend="Take the call after its close out.")
        name = move["call"]
        if name in ("close", "abort", "kill"):
            self._ends[host] = None
        if name == "close" and self._lingers[host]:
            thread = threading.Thread(target=self._do, args=(host, name, lambda: os.close(end.detach())))
            self._threads.append(thread)
            before = self._now[host].state
            thread.start()  # the next move comes when the close has come back or has changed the state
            self.rig.run_until(
                time.monotonic() + 0.1,
                lambda: not thread.is_alive() or self._now[host].state != before,
            )
        else:
            self._do(host, self._spelt(move), lambda: self._work(host, end, move))
        if name != "set":
            self.rig.wire.called(host)

    @staticmethod
    def _spelt(move: Mapping[str, Any]) -> str:
        if "bytes" in move:
            return f"{move['call']} {move['bytes']}"
        return f"set {move['option']}" if move["call"] == "set" else str(move["call"])

    def _do(self, host: Host, name: str, work: Callable[[], Any]) -> None:
        begin = time.monotonic()
        outcome = _outcome(work)
        took = round((time.monotonic() - begin) * 1e6)
        self.calls.append(Called(self._us(begin), host, name, outcome, took))

    def _work(self, host: Host, end: socket.socket, move: Mapping[str, Any]) -> Any:
        match move["call"]:
            case "close":
                return os.close(end.detach())
            case "abort":
                linger(end, True, 0)
                return os.close(end.detach())
            case "kill":
                return _kill(end)
            case "send":
                return end.send(b"x" * move["bytes"], socket.MSG_NOSIGNAL)
            case "recv":
                return end.recv(move.get("bytes", 1 << 20))
            case "error":
                return errno.errorcode.get(end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "0")
            case "set":
                return self._option(host, end, move)
            case _:
                return end.shutdown(_SHUTDOWN[move["call"]])

    def _option(self, host: Host, end: socket.socket, move: Mapping[str, Any]) -> None:
        match move["option"]:
            case "SO_LINGER":
                seconds = int(move["seconds"])
                linger(end, bool(move.get("on", True)), seconds)
                self._lingers[host] = bool(move.get("on", True)) and seconds > 0
            case "SO_KEEPALIVE":
                _keepalive(end, move)
            case "SO_RCVBUF":
                end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(move["value"]))
            case option:
                end.setsockopt(socket.IPPROTO_TCP, _PLAIN_OPTIONS[option], int(move["value"]))

    def observation(self, scenario: Scenario, made: Mapping[str, Any]) -> Observation:
        """Everything that was seen, as data."""
        segments: dict[Host, tuple[Sent, ...]] = {
            host: tuple(
                Sent(self._us(p.sent), p.segment, "released" if p.fate == "held" and p.delivered else p.fate)
                for p in self.log
                if p.sender == host
            )
            for host in HOSTS
        }
        traced: dict[Host, tuple[tuple[int, str, str], ...]] = {
            host: tuple((self._us(c.t), c.old, c.new) for h, c in self.changes if h == host) for host in HOSTS
        }
        return Observation(
            scenario.id,
            scenario.title,
            made,
            scenario.settings,
            scenario.moves,
            {h: tuple(self.states[h]) for h in HOSTS},
            traced,
            tuple(sorted(self.calls, key=lambda called: called.t)),
            segments,
            tuple(self.waits),
            self.ended,
        )


def play_all(wanted: Sequence[Scenario], *, at_once: int = 10, tracing: bool = True) -> dict[str, Observation]:
    """Play several scenarios side by side, each in namespaces of its own; observations by scenario id.

    Most of a play is waiting, so ten at once take a tenth of the time and little more of the processor.
    """
    waiting = deque(wanted)
    done: dict[str, Observation] = {}

    def worker() -> None:
        with contextlib.ExitStack() as stack:
            tracer = stack.enter_context(Tracer()) if tracing and no_tracefs() is None else None
            while True:
                try:
                    one = waiting.popleft()
                except IndexError:
                    return
                done[one.id] = play(one, tracer=tracer)

    with ThreadPoolExecutor(at_once) as pool:
        for job in [pool.submit(worker) for _ in range(min(at_once, len(wanted)))]:
            job.result()
    return {one.id: done[one.id] for one in wanted}


class TooBusy(Unavailable):
    """Every try came too late to show anything; the text says by how much."""


def play(
    scenario: Scenario, *, tracer: Tracer | None = None, rig: Rig | None = None, most: float = math.inf
) -> Observation:
    """Play `scenario` on a rig of its own, or on `rig`, whose settings then hold.

    A play in which this process was late by more than LATE, or which took longer than `most` seconds, is void and is
    played again, a few times. What it showed has no part in that.
    Raises TooBusy if no try was in time, Unavailable where the rig cannot be built, and InputError for a move that
    makes no sense.
    """
    made = {**kernel(), "rig": RIG_VERSION}
    begin, late = time.monotonic(), list[float]()
    while len(late) < _TRIES and time.monotonic() - begin < _TRYING:
        with (
            _before_all_others(),
            scenario.rig(tracer) if rig is None else contextlib.nullcontext(rig) as used,
        ):
            player = Player(used)
            player.play(scenario.moves)
            seen = player.observation(scenario, made)
        if player.late <= LATE and seen.ended <= most * 1e6:
            return seen
        late.append(player.late)
    raise TooBusy(
        f"this machine is too busy to play {scenario.id}: "
        f"none of {len(late)} tries was in time, with up to {max(late) * 1e3:.0f} ms too late",
        mend="Play it again when less is running.",
    )
