"""One packetdrill script, played against the engine: time passes, events happen, and what differs stops the play.

How closely things are compared stands at the head of `packetdrill_run`.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from teardown.errors import InputError
from teardown.formats.packetdrill import (
    MAX_SECONDS,
    WRAP,
    Call,
    Check,
    Count,
    Event,
    Ignored,
    Packet,
    Script,
    Switch,
    When,
    state_named,
)
from teardown.formats.packetdrill_calls import Calls, Differs, Skips, Tally, number
from teardown.formats.packetdrill_machine import Machine, Sent, Socket, TooMuch, shown
from teardown.tcp.endpoint import MissingRule
from teardown.tcp.profile import MS, SECOND
from teardown.tcp.states import CLOSED, TIME_WAIT, prose

TOLERANCE: Final = 25 * MS
SHARE: Final = 10  # a tenth of the wait
DELAYED_ACK: Final = 500 * MS
LATEST: Final = 86_400 * SECOND  # how long `*` waits for a packet

Kind = Literal["ok", "not ok", "skip"]


class Result(NamedTuple):
    """What became of one script. `ignored` counts what was read and not compared, by kind."""

    kind: Kind
    name: str
    stack: str
    line: int = 0
    message: str = ""
    ignored: tuple[tuple[str, int], ...] = ()
    checked: int = 0

    def __str__(self) -> str:
        if self.kind == "ok":
            return f"ok {self.name}"
        return f"{self.kind} {self.name}:{self.line}: {self.message}"


class _Pending(NamedTuple):
    """A call that waits: which event, since when, until when."""

    event: Event
    call: Call
    begun: int
    until: int
    socket: Socket
    wake: int | None  # µs: when the call gives up by itself (SO_LINGER)


class Play:
    """One script being played."""

    def __init__(self, script: Script, stack: str, strict: bool) -> None:
        self.script, self.stack, self.strict = script, stack, strict
        self.machine = Machine(stack)
        self.base = 0  # µs: the time of the last event, from which relative times count
        self.waiting: _Pending | None = None
        self.tally = Tally()
        self.calls = Calls(self.machine, self.tally)
        self.line = 0
        asked = script.options.get("tolerance_usecs", "")
        self.least = max(TOLERANCE, min(int(asked), SECOND) if asked.isdecimal() and len(asked) < 10 else 0)

    def play(self) -> Result:
        """Play it to its end, or to the first difference."""
        try:
            for event in self.script.events:
                self.line = event.line
                self._event(event)
            self._finish()
        except Differs as differs:
            kind: Kind = "skip" if isinstance(differs, Skips) else "not ok"
            return self._result(kind, differs.line or self.line, differs.message)
        except (TooMuch, MissingRule) as fault:
            return self._result("not ok", self.line, f"expected an end, got {fault}")
        return self._result("ok")

    def _result(self, kind: Kind, line: int = 0, message: str = "") -> Result:
        ignored = tuple(sorted(self.tally.ignored.items()))
        return Result(kind, self.script.name, self.stack, line, message, ignored, self.tally.checked)

    # -- time
    def _event(self, event: Event) -> None:
        what = event.what
        if type(what) is Packet and not what.inbound:
            self._expect(event, what)
            return
        when = event.when
        start = self._start(when)
        if start > MAX_SECONDS * SECOND:
            raise InputError(
                f"virtual time runs past {MAX_SECONDS:,} seconds",
                place=f"{self.script.name}:{event.line}",
                mend="Shorten the waits",
            )
        self._advance(start)
        self.base = start if when.kind != "any" else self.machine.now
        if type(what) is Packet:
            if self.strict:
                self._nothing_left()
            self.machine.deliver(what)
            self._poll()
        elif type(what) is Call:
            self._call(event, what, start)
        elif type(what) is Check:
            self._check(what)
        elif type(what) is Count:
            count = str(self.machine.count(what.state))
            self.tally.checked += 1
            if what.number not in count:
                raise Differs(f"expected {what.number} in {prose(what.state)}, got {count}")
        elif type(what) is Switch:
            for key, value in what.values:
                if not self.machine.switch(key, value):
                    self.tally.ignore("commands")
        elif type(what) is Ignored:
            self.tally.ignore(f"{what.kind}s")

    def _start(self, when: When) -> int:
        if when.kind == "any":
            return self.machine.now
        return when.start + (self.base if when.kind == "relative" else 0)

    def _tolerance(self, wait: int) -> int:
        return max(self.least, wait // SHARE)

    def _advance(self, limit: int) -> None:
        """Let time pass to `limit`; a call that waits may return on the way, or be overdue."""
        while self._tick(limit):
            self._overdue()
        self._overdue()

    def _tick(self, limit: int) -> bool:
        """Let the next thing happen that is due by `limit`: a timer, or the end of a wait. False: nothing is."""
        wake = self.waiting.wake if self.waiting is not None else None
        if wake is not None and self.machine.now <= wake < limit:
            self.machine.tick(wake)
            self._poll()
            return True
        if not self.machine.tick(limit):
            return False
        self._poll()
        return True

    def _poll(self) -> None:
        """Can the call that waits return now?"""
        pending = self.waiting
        if pending is None:
            return
        got = self.calls.make(pending.call, pending.socket, blocking=True, begun=pending.begun)
        if got is None:
            self._overdue()
            return
        self.waiting = None
        self._compare(pending.call, got, pending.event.line)
        now, end = self.machine.now, pending.until
        if abs(now - end) > self._tolerance(end - pending.begun):
            raise Differs(
                f"expected {pending.call.name}() to return at {_seconds(end)}, got it at {_seconds(now)}",
                pending.event.line,
            )

    def _overdue(self) -> None:
        pending = self.waiting
        if pending is not None and self.machine.now > pending.until + self._tolerance(
            pending.until - pending.begun
        ):
            raise Differs(
                f"expected {pending.call.name}() = {pending.call.expected} at {_seconds(pending.until)}, "
                "got no return: it still waits",
                pending.event.line,
            )

    def _finish(self) -> None:
        if self.waiting is not None:
            pending = self.waiting
            self._advance(pending.until + self._tolerance(pending.until - pending.begun) + 1)
        if self.strict:
            self._nothing_left()

    def _nothing_left(self) -> None:
        for sent in self.machine.sent:
            raise Differs(
                f"expected nothing before this line, got {shown(sent.segment)} at {_seconds(sent.at)}"
            )

    # -- packets out of the machine
    def _expect(self, event: Event, packet: Packet) -> None:
        machine, when = self.machine, event.when
        start = self._start(when)
        if when.kind == "any":
            early, late = 0, machine.now + LATEST
        else:
            last = start if when.end is None else start - when.start + when.end
            early, late = start - self._tolerance(start - self.base), last + self._tolerance(last - self.base)
        passed: Sent | None = None  # a lazy acknowledgement that nobody expected
        while True:
            self._own()
            taken = self._take(packet)
            if taken is not None:
                break
            if machine.sent:
                head = machine.sent[0]
                if self.strict or not head.lazy:
                    raise Differs(f"expected {packet}, got {shown(head.segment)}{_on(head, start, when)}")
                passed = machine.sent.pop(0)
                continue
            if not self._tick(late):
                if passed is not None:
                    raise Differs(f"expected {packet}, got {shown(passed.segment)} at {_seconds(passed.at)}")
                raise Differs(f"expected {packet}, got nothing by {_seconds(machine.now)}")
        self.tally.checked += 1
        lazy = taken.lazy and not self.strict
        if taken.at < early - (DELAYED_ACK if lazy else 0) or taken.at > late:
            raise Differs(f"expected {packet} at {_seconds(start)}, got it at {_seconds(taken.at)}")
        # Relative times count from when the packet really came, so that rounding does not add up.
        self.base = machine.now if when.kind == "any" else max(taken.at, start if lazy else taken.at)
        if lazy and machine.now < self.base:
            self._advance(self.base)

    def _own(self) -> None:
        """Leave out what older connections send: scripts see one connection at a time."""
        machine = self.machine
        mine, sent = machine.under_test, machine.sent
        while sent and sent[0].socket is not mine and sent[0].socket.listener is not mine:
            if mine is not None and sent[0].socket is mine.listener:
                break
            sent.pop(0)

    def _take(self, packet: Packet) -> Sent | None:
        """Take from what was sent what a `>` line asks for; None: something else comes first."""
        sent = self.machine.sent
        if not sent:
            return None
        head = sent[0]
        segment = head.segment
        flags = _plain(segment.flags)
        if packet.seq is not None and (packet.seq - segment.seq) % WRAP:
            return None
        if "A" in packet.flags and packet.ack is not None and (packet.ack - segment.ack) % WRAP:
            return None
        if flags == packet.flags and segment.length == packet.length:
            del sent[0]
            return head
        if self.strict or not segment.length or not packet.length:
            return None
        if packet.length < segment.length and packet.flags == flags.replace("F", ""):
            # the script's system cuts smaller pieces
            rest = segment._replace(seq=segment.seq + packet.length, length=segment.length - packet.length)
            sent[0] = head._replace(segment=rest)
            return head
        length, used = 0, 0
        for later in sent:
            piece = later.segment
            if piece.seq != segment.seq + length or piece.ack != segment.ack or later.at != head.at:
                break
            length, used, flags = length + piece.length, used + 1, _plain(piece.flags)
            if length >= packet.length:
                break
        if length == packet.length and flags == packet.flags:
            del sent[:used]
            return head
        if length == packet.length and used < len(sent) and "F" in packet.flags:
            last = sent[used].segment  # our FIN came alone, the script's rides on the last byte
            if not last.length and _plain(last.flags) == packet.flags and last.seq == segment.seq + length:
                del sent[: used + 1]
                return head
        return None

    # -- assertions
    def _check(self, check: Check) -> None:
        socket = self.machine.under_test
        state = socket.endpoint.state if socket is not None else CLOSED
        for name, wanted in check.states:
            named = state_named(name, self.stack)
            if named is None:
                self.tally.ignore("assertions")
                continue
            self.tally.checked += 1
            # Linux keeps TIME-WAIT apart from the socket, which is then closed
            same = named == state or (state == TIME_WAIT and named == CLOSED and "linux" in self.stack)
            if same is not wanted:
                raise Differs(f"expected {'' if wanted else 'not '}{prose(named)}, got {prose(state)}")
        if check.ignored:
            self.tally.ignore("assertions", check.ignored)

    # -- calls
    def _call(self, event: Event, call: Call, start: int) -> None:
        when = event.when
        if self.waiting is not None and call.name == self.waiting.call.name:
            self._poll()
        until = None
        if when.until is not None:
            until = when.until + (start - when.start)
        socket = None
        if call.name != "socket":
            fd = number(call.args[0]) if call.args else None
            socket = self.machine.fds.get(fd) if fd is not None else None
            if socket is None:
                self._compare(call, "EBADF")
                return
        got = self.calls.make(call, socket, blocking=until is not None, begun=start)
        if got is None:
            if self.waiting is not None:
                raise Skips("two calls that wait at once are outside the subset")
            assert socket is not None
            assert until is not None
            linger = socket.endpoint.linger if call.name == "close" else None
            self.waiting = _Pending(
                event, call, start, until, socket, None if linger is None else start + linger
            )
            return
        self._compare(call, got)
        if (
            until is not None
            and until - start > self._tolerance(0)
            and call.name in ("accept", "accept4", "connect")
        ):
            raise Differs(
                f"expected {call.name}() to return at {_seconds(until)}, got it at {_seconds(start)}"
            )

    def _compare(self, call: Call, got: str, line: int = 0) -> None:
        if got == "":  # nothing to compare
            return
        self.tally.checked += 1
        expected = call.expected
        if expected == "..." or got == expected or (expected == "-1" and got.startswith("E")):
            return
        wanted = f"-1 {expected}" if call.errno is not None else expected
        shown_got = f"-1 {got}" if got.startswith("E") else got
        raise Differs(f"expected {call.name}() = {wanted}, got {shown_got}", line)


def _plain(flags: str) -> str:
    return "".join(f for f in "SFR" if f in flags) + ("A" if "A" in flags else "")


def _seconds(micros: int) -> str:
    return f"{micros / SECOND:.3f} s"


def _on(sent: Sent, start: int, when: When) -> str:
    return "" if sent.at == start or when.kind == "any" else f" at {_seconds(sent.at)}"
