"""Play a packetdrill script against one endpoint of the engine, and say where the two differ.

What is compared, and how closely:

* Packets out of the machine: flags (without PSH, ECE, CWR), sequence, length and acknowledgement. Windows and
  options are read and not compared. Text may be cut into segments differently: bytes are compared, not cuts.
* The machine's packets are compared in order with the `>` lines. As in packetdrill, a packet that no later `>` line
  meets goes unnoticed, unless the script asks for `// strict`.
* An acknowledgement of text may come up to 0.5 s before the script's time, or be left out: systems may delay and
  merge them (RFC 9293 §3.8.6.3), and this engine never does.
* Times: 25 ms, or a tenth of the wait, or `--tolerance_usecs`, whichever is most. Scripts are written for real
  kernels, whose clocks round; the engine's clock is exact.
* Calls: the result, and the name of the error. A call `start...end` must return at its end; a write never waits
  here, because the engine has no limit on what it takes from a program.

Names for `#ifdef` that are defined unless others are given: FreeBSD for the BSD stacks; STANDARD for all others,
and Linux or linux with it for the Linux stacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, TextIO

from teardown.errors import InputError
from teardown.formats.packetdrill import (
    Call,
    Check,
    Count,
    Event,
    Ignored,
    Packet,
    Script,
    Switch,
    Unsupported,
    When,
    parse,
    state_named,
)
from teardown.formats.packetdrill_machine import Machine, Sent, Socket, TooMuch, shown
from teardown.stacks import names as stack_names
from teardown.stacks import stack as stack_of
from teardown.tcp.endpoint import MissingRule
from teardown.tcp.profile import MS, SECOND
from teardown.tcp.states import (
    CLOSED,
    LISTEN,
    SYN_RECEIVED,
    SYN_SENT,
    TIME_WAIT,
    prose,
)

TOLERANCE: Final = 25 * MS
SHARE: Final = 10  # a tenth of the wait
DELAYED_ACK: Final = 500 * MS
LATEST: Final = 86_400 * SECOND  # how long `*` waits for a packet
MAX_WRITE: Final = 1_000_000

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


class _Differs(Exception):
    """The engine did something else than the script expects."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


class _Skips(_Differs):
    """The script asks for something that the engine does not have."""


def default_defines(stack: str) -> frozenset[str]:
    """The names that `#ifdef` finds defined for a stack."""
    if "bsd" in stack:
        return frozenset({"FreeBSD"})
    return frozenset({"STANDARD", "Linux", "linux"} if "linux" in stack else {"STANDARD"})


def run_script(
    text: str, name: str = "script", stack: str | None = None, defines: Iterable[str] = (), *,
    strict: bool | None = None,
) -> Result:  # fmt: skip
    """Play one script.

    `stack`: one of `teardown.stacks`; None: what the script's `// stack:` names first, else freebsd for a script
    that sets FreeBSD's switches, else linux. `defines`: names for `#ifdef` instead of the stack's own.
    Raises InputError (place `name:line`) for what is no packetdrill, and for an unknown stack.
    """
    chosen = stack
    script: Script | None = None
    if chosen is None:
        script = parse(text, name, frozenset(defines))
        chosen = script.stacks[0] if script.stacks else ("freebsd" if script.system == "freebsd" else "linux")
    if chosen not in stack_names():
        raise InputError(f"unknown stack {chosen!r}", place=name, mend=f"Known stacks: {', '.join(stack_names())}")
    names = frozenset(defines) or default_defines(chosen)
    if script is None or ("#if" in text and names != frozenset(defines)):
        script = parse(text, name, names)
    if script.stacks and chosen not in script.stacks:
        return Result("skip", name, chosen, 1, f"written for {', '.join(script.stacks)}, not for {chosen}")
    for event in script.events:
        if isinstance(event.what, Unsupported):
            return Result("skip", name, chosen, event.line, event.what.reason)
    return _Run(script, chosen, script.strict if strict is None else strict).play()


class _Pending(NamedTuple):
    """A call that waits: which event, since when, until when."""

    event: Event
    call: Call
    begun: int
    until: int
    socket: Socket
    wake: int | None  # µs: when the call gives up by itself (SO_LINGER)


class _Run:
    """One script being played."""

    def __init__(self, script: Script, stack: str, strict: bool) -> None:
        self.script, self.stack, self.strict = script, stack, strict
        self.machine = Machine(stack)
        self.base = 0  # µs: the time of the last event, from which relative times count
        self.waiting: _Pending | None = None
        self.ignored: dict[str, int] = {}
        self.checked = 0
        self.line = 0
        asked = script.options.get("tolerance_usecs", "")
        self.least = max(TOLERANCE, min(int(asked), SECOND) if asked.isdecimal() and len(asked) < 10 else 0)

    def play(self) -> Result:
        try:
            for event in self.script.events:
                self.line = event.line
                self._event(event)
            self._finish()
        except _Differs as differs:
            return self._result("skip" if isinstance(differs, _Skips) else "not ok", differs.line, differs.message)
        except (TooMuch, MissingRule) as fault:
            return self._result("not ok", self.line, f"expected an end, got {fault}")
        return self._result("ok")

    def _result(self, kind: Kind, line: int = 0, message: str = "") -> Result:
        ignored = tuple(sorted(self.ignored.items()))
        return Result(kind, self.script.name, self.stack, line, message, ignored, self.checked)

    def _ignore(self, what: str, count: int = 1) -> None:
        self.ignored[what] = self.ignored.get(what, 0) + count

    # -- time
    def _event(self, event: Event) -> None:
        what = event.what
        if type(what) is Packet and not what.inbound:
            self._expect(event, what)
            return
        when = event.when
        start = self._start(when)
        self._advance(start, event.line)
        self.base = start if when.kind != "any" else self.machine.now
        if type(what) is Packet:
            if self.strict:
                self._nothing_left(event.line)
            self.machine.deliver(what)
            self._poll()
        elif type(what) is Call:
            self._call(event, what, start)
        elif type(what) is Check:
            self._check(event.line, what)
        elif type(what) is Count:
            count = str(self.machine.count(what.state))
            self.checked += 1
            if what.number not in count:
                raise _Differs(event.line, f"expected {what.number} sockets in {prose(what.state)}, got {count}")
        elif type(what) is Switch:
            for key, value in what.values:
                if not self.machine.switch(key, value):
                    self._ignore("commands")
        elif type(what) is Ignored:
            self._ignore(f"{what.kind}s")

    def _start(self, when: When) -> int:
        if when.kind == "any":
            return self.machine.now
        return when.start + (self.base if when.kind == "relative" else 0)

    def _tolerance(self, wait: int) -> int:
        return max(self.least, wait // SHARE)

    def _advance(self, limit: int, line: int) -> None:
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
        got = self._attempt(pending.call, pending.socket, blocking=True, begun=pending.begun)
        if got is None:
            self._overdue()
            return
        self.waiting = None
        self._compare(pending.event.line, pending.call, got)
        now, end = self.machine.now, pending.until
        if abs(now - end) > self._tolerance(end - pending.begun):
            raise _Differs(
                pending.event.line,
                f"expected {pending.call.name}() to return at {_seconds(end)}, got it at {_seconds(now)}",
            )

    def _overdue(self) -> None:
        pending = self.waiting
        if pending is not None and self.machine.now > pending.until + self._tolerance(pending.until - pending.begun):
            raise _Differs(
                pending.event.line,
                f"expected {pending.call.name}() = {pending.call.expected} at {_seconds(pending.until)}, "
                "got no return: it still waits",
            )

    def _finish(self) -> None:
        if self.waiting is not None:
            pending = self.waiting
            self._advance(pending.until + self._tolerance(pending.until - pending.begun) + 1, pending.event.line)
        if self.strict:
            self._nothing_left(self.line)

    def _nothing_left(self, line: int) -> None:
        for sent in self.machine.sent:
            raise _Differs(line, f"expected nothing before this line, got {shown(sent.segment)} at {_seconds(sent.at)}")

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
                    raise _Differs(event.line, f"expected {packet}, got {shown(head.segment)}{_on(head, start, when)}")
                passed = machine.sent.pop(0)
                continue
            if not self._tick(late):
                got = f"got {shown(passed.segment)} at {_seconds(passed.at)}" if passed else "got nothing"
                raise _Differs(event.line, f"expected {packet}, {got} by {_seconds(machine.now)}")
        self.checked += 1
        lazy = taken.lazy and not self.strict
        if taken.at < early - (DELAYED_ACK if lazy else 0) or taken.at > late:
            raise _Differs(
                event.line, f"expected {packet} at {_seconds(start)}, got it at {_seconds(taken.at)}"
            )
        # Relative times count from when the packet really came, so that rounding does not add up.
        self.base = machine.now if when.kind == "any" else max(taken.at, start if lazy else taken.at)
        if lazy and machine.now < self.base:
            self._advance(self.base, event.line)

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
        if packet.seq is not None and (packet.seq - segment.seq) % (1 << 32):
            return None
        if "A" in packet.flags and packet.ack is not None and (packet.ack - segment.ack) % (1 << 32):
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
    def _check(self, line: int, check: Check) -> None:
        socket = self.machine.under_test
        state = socket.endpoint.state if socket is not None else CLOSED
        for name, wanted in check.states:
            named = state_named(name, self.stack)
            if named is None:
                self._ignore("assertions")
                continue
            self.checked += 1
            # Linux keeps TIME-WAIT apart from the socket, which is then closed
            same = named == state or (state == TIME_WAIT and named == CLOSED and "linux" in self.stack)
            if same is not wanted:
                raise _Differs(line, f"expected {'' if wanted else 'not '}{prose(named)}, got {prose(state)}")
        if check.ignored:
            self._ignore("assertions", check.ignored)

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
            fd = _int(call.args[0]) if call.args else None
            socket = self.machine.fds.get(fd) if fd is not None else None
            if socket is None:
                self._compare(event.line, call, "EBADF")
                return
        got = self._attempt(call, socket, blocking=until is not None, begun=start)
        if got is None:
            if self.waiting is not None:
                raise _Skips(event.line, "two calls that wait at once are outside the subset")
            assert socket is not None and until is not None
            linger = socket.endpoint.linger if call.name == "close" else None
            self.waiting = _Pending(event, call, start, until, socket, None if linger is None else start + linger)
            return
        self._compare(event.line, call, got)
        if until is not None and until - start > self._tolerance(0) and call.name in ("accept", "accept4", "connect"):
            raise _Differs(
                event.line, f"expected {call.name}() to return at {_seconds(until)}, got it at {_seconds(start)}"
            )

    def _compare(self, line: int, call: Call, got: str) -> None:
        if got == "":  # nothing to compare
            return
        self.checked += 1
        expected = call.expected
        if expected == "..." or got == expected or (expected == "-1" and got.startswith("E")):
            return
        wanted = f"-1 {expected}" if call.errno is not None else expected
        shown_got = f"-1 {got}" if got.startswith("E") else got
        raise _Differs(line, f"expected {call.name}() = {wanted}, got {shown_got}")

    def _attempt(self, call: Call, socket: Socket | None, *, blocking: bool, begun: int) -> str | None:
        """Make a call; its result ("" for: not compared), or None if it would wait and may."""
        name = call.name
        if socket is None:
            return self._socket(call)
        if name in _READS:
            return self._read(call, socket, blocking)
        if name in _WRITES:
            amount = _amount(call)
            if amount > MAX_WRITE:
                raise _Skips(self.line, f"a write of more than {MAX_WRITE:,} bytes")
            return "0" if not amount else self.machine.call(socket, "send", amount)
        if name == "close":
            return self._close(call, socket, blocking, begun)
        if name == "accept" or name == "accept4":
            return self._accept(call, socket, blocking)
        if name == "connect":
            return self._connect(socket, blocking)
        if name == "shutdown":
            return self._shutdown(call, socket)
        if name == "setsockopt":
            return self._set(call, socket)
        if name == "getsockopt":
            return self._get(call, socket)
        if name == "ioctl":
            return self._ioctl(call, socket)
        if name == "bind":
            if socket.endpoint.state == CLOSED and socket.endpoint.end is None:
                self.machine.under_test = socket
            return "0"
        got = self.machine.call(socket, "listen") if socket.endpoint.state != LISTEN else "0"
        self.machine.under_test = socket
        return got

    def _socket(self, call: Call) -> str:
        fd = int(call.result) if call.result.isdecimal() else -1
        if not 0 <= fd < 65_536 or fd in self.machine.fds:
            raise _Skips(self.line, f"socket() = {call.expected} is outside the subset")
        self.machine.open(fd)
        return ""

    def _read(self, call: Call, socket: Socket, blocking: bool) -> str | None:
        e = socket.endpoint
        amount = _amount(call)
        if "MSG_PEEK" in "".join(call.args[3:]):
            return str(min(amount, e.unread)) if e.unread else ("0" if e.peer_fin else "EAGAIN")
        if not amount:
            return "0"
        if blocking and "MSG_WAITALL" in "".join(call.args[3:]) and e.unread < amount and not e.peer_fin and not e.error:
            return None
        if e.state in (SYN_SENT, SYN_RECEIVED):
            return None if blocking else "EAGAIN"
        got = self.machine.call(socket, "receive", amount)
        if got == "EAGAIN" and blocking and "MSG_DONTWAIT" not in call.args:
            return None
        return "0" if got == "EOF" else got

    def _close(self, call: Call, socket: Socket, blocking: bool, begun: int) -> str | None:
        machine = self.machine
        fd = _int(call.args[0])
        if fd is not None and machine.fds.get(fd) is socket:
            machine.close(fd)
        if not blocking:
            return "0"
        # SO_LINGER: close() waits until the FIN is acknowledged, or as long as it was told to
        e = socket.endpoint
        if e.state in (CLOSED, TIME_WAIT) or e.fins.acked or not e.linger or machine.now >= begun + e.linger:
            return "0"
        return None

    def _accept(self, call: Call, socket: Socket, blocking: bool) -> str | None:
        if socket.endpoint.state != LISTEN:
            return "EINVAL"
        fd = int(call.result) if call.result.isdecimal() else -1
        if not socket.queue:
            return None if blocking else "EAGAIN"
        if not 0 <= fd < 65_536 or fd in self.machine.fds:
            return f"{max(self.machine.fds) + 1}"
        self.machine.accept(socket, fd)
        return str(fd)

    def _connect(self, socket: Socket, blocking: bool) -> str | None:
        e = socket.endpoint
        if e.error is not None and socket.connecting:
            socket.connecting = False
            self.machine.change(socket, error=None)
            return e.error
        if e.state in (SYN_SENT, SYN_RECEIVED):
            return None if blocking else "EALREADY"
        if socket.connecting:
            socket.connecting = False
            return "0"
        if e.state == CLOSED and e.end is None:
            self.machine.under_test = socket
            self.machine.sent.clear()
            self.machine.call(socket, "connect")
            socket.connecting = True
            return None if blocking else "EINPROGRESS"
        return "EISCONN" if e.state != CLOSED else "EINVAL"

    def _shutdown(self, call: Call, socket: Socket) -> str:
        how = call.args[1] if len(call.args) > 1 else ""
        got = "0"
        if how in ("SHUT_RD", "SHUT_RDWR", "0", "2"):
            got = self.machine.call(socket, "shutdown-read")
        if how in ("SHUT_WR", "SHUT_RDWR", "1", "2"):
            got = self.machine.call(socket, "shutdown")
        return got

    def _set(self, call: Call, socket: Socket) -> str:
        option = call.args[2] if len(call.args) > 2 else ""
        numbers = [int(n) for n in _NUMBERS.findall(call.args[3])] if len(call.args) > 3 else []
        machine = self.machine
        if option == "SO_LINGER" and len(numbers) >= 2:
            machine.change(socket, linger=numbers[1] * SECOND if numbers[0] else None)
        elif not numbers:
            self._ignore("socket options")
            return ""
        elif option == "TCP_LINGER2":
            machine.change(socket, linger2=numbers[0] * SECOND)
        elif option == "TCP_USER_TIMEOUT":
            machine.change(socket, user_timeout=numbers[0] * MS or None)
        elif option in ("SO_KEEPALIVE", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"):
            if option != "SO_KEEPALIVE" and not 1 <= numbers[0] <= 32_767:
                return "EINVAL"
            unit = SECOND if option in ("TCP_KEEPIDLE", "TCP_KEEPINTVL") else 1
            socket.set[option] = numbers[0] * unit
            machine.keep_alive(socket)
        elif option == "SO_RCVBUF":
            machine.change(socket, rcv_buf=max(1, numbers[0]))
        else:
            self._ignore("socket options")
            return ""
        return "0"

    def _get(self, call: Call, socket: Socket) -> str:
        option = call.args[2] if len(call.args) > 2 else ""
        value = call.args[3].strip("[] ") if len(call.args) > 3 else ""
        e = socket.endpoint
        if option == "SO_ERROR":
            self.machine.change(socket, error=None)
            if e.state != SYN_SENT and e.error is None:
                socket.connecting = False
            if value in ("...", ""):
                return ""
            got = e.error or "0"
            self.checked += 1
            if value not in (got, _NUMBERED.get(got)):
                raise _Differs(self.line, f"expected SO_ERROR {value}, got {got}")
            return "0"
        if option == "SO_RCVBUF" and value.isdecimal() and len(value) < 10:
            # the script knows the size of the buffer, and with it the right edge of the window
            if e.state not in (CLOSED, LISTEN):
                self.machine.change(socket, rcv_buf=max(1, int(value)))
            return ""
        self._ignore("socket options")
        return ""

    def _ioctl(self, call: Call, socket: Socket) -> str:
        request = call.args[1] if len(call.args) > 1 else ""
        value = call.args[2].strip("[] ") if len(call.args) > 2 else ""
        e = socket.endpoint
        if request in ("SIOCINQ", "FIONREAD"):
            got = e.unread
        elif request in ("SIOCOUTQ", "TIOCOUTQ"):
            got = max(0, e.snd_end - max(1, e.snd_una))
        else:
            self._ignore("calls")
            return ""
        self.checked += 1
        if value.isdecimal() and value != str(got):
            raise _Differs(self.line, f"expected {request} {value}, got {got}")
        return "0"


_READS: Final = frozenset(("read", "recv", "recvfrom", "readv", "recvmsg"))
_WRITES: Final = frozenset(("write", "send", "sendto", "writev", "sendmsg", "sendfile"))
_NUMBERS = re.compile(r"-?\b\d{1,9}\b")
_PIECE = re.compile(r"\{[^{},]*,\s*(\d{1,9})\s*\}")
_NUMBERED: Final = {"ECONNRESET": "104", "ECONNREFUSED": "111", "ETIMEDOUT": "110", "EPIPE": "32"}


def _int(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _amount(call: Call) -> int:
    """How many bytes a call moves: its third argument, or the sum of its pieces."""
    pieces = [int(n) for a in call.args[1:2] for n in _PIECE.findall(a)]
    if pieces:
        return sum(pieces)
    third = _int(call.args[3 if call.name == "sendfile" and len(call.args) > 3 else 2]) if len(call.args) > 2 else None
    return third if third is not None else 0


def _plain(flags: str) -> str:
    return "".join(f for f in "SFR" if f in flags) + ("A" if "A" in flags else "")


def _seconds(micros: int) -> str:
    return f"{micros / SECOND:.3f} s"


def _on(sent: Sent, start: int, when: When) -> str:
    return "" if sent.at == start or when.kind == "any" else f" at {_seconds(sent.at)}"


# ----------------------------------------------------------------------------------------- several scripts
def main_pkt(
    paths: Sequence[str], stack: str | None = None, defines: Iterable[str] = (), *, out: TextIO, err: TextIO,
    stdin: TextIO | None = None,
) -> int:  # fmt: skip
    """Play scripts and print one line for each, then the counts. Returns the exit status.

    0: none failed (skipped ones do not count). 1: one failed. 2: one could not be read (its line goes to `err`).
    """
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    ignored: dict[str, int] = {}
    unreadable = False
    if stack is not None:
        stack_of(stack)
    for path in paths:
        try:
            result = run_script(_text(path, stdin), path, stack, defines)
        except InputError as error:
            print(error, file=err)
            unreadable = True
            continue
        counts[result.kind] += 1
        for what, count in result.ignored:
            ignored[what] = ignored.get(what, 0) + count
        print(result, file=out)
    if ignored:
        print("# not compared: " + ", ".join(f"{n} {what}" for what, n in sorted(ignored.items())), file=out)
    print(f"{counts['ok']} passed, {counts['not ok']} failed, {counts['skip']} skipped", file=out)
    return 2 if unreadable else 1 if counts["not ok"] else 0


def _text(path: str, stdin: TextIO | None) -> str:
    try:
        if path == "-" and stdin is not None:
            return stdin.read(1_000_001)
        with Path(path).open("rb") as file:
            return file.read(1_000_001).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=path, mend="Name a .pkt file") from None
