"""The socket calls of a packetdrill script, made on the machine that the script drives."""

from __future__ import annotations

import re
from typing import Final

from teardown.formats.packetdrill import Call
from teardown.formats.packetdrill_machine import Machine, Socket
from teardown.tcp.profile import MS, SECOND
from teardown.tcp.states import CLOSED, LISTEN, SYN_RECEIVED, SYN_SENT, TIME_WAIT

MAX_WRITE: Final = 1_000_000


class Differs(Exception):
    """The engine did something else than the script expects. `line` is filled in where it is known."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message, self.line = message, line


class Skips(Differs):
    """The script asks for something that the engine does not have."""


class Tally:
    """What has been compared so far, and what was read and left alone, by kind."""

    def __init__(self) -> None:
        self.checked = 0
        self.ignored: dict[str, int] = {}

    def ignore(self, what: str, count: int = 1) -> None:
        """Count something that is not compared."""
        self.ignored[what] = self.ignored.get(what, 0) + count


class Calls:
    """Makes calls on a machine and says what they return, as the scripts spell it."""

    def __init__(self, machine: Machine, tally: Tally) -> None:
        self.machine, self.tally = machine, tally

    def make(self, call: Call, socket: Socket | None, *, blocking: bool, begun: int) -> str | None:
        """Make a call; its result ("" for: not compared), or None if it would wait and may."""
        name = call.name
        if socket is None:
            return self._socket(call)
        if name in _READS:
            return self._read(call, socket, blocking)
        if name in _WRITES:
            amount = _amount(call)
            if amount > MAX_WRITE:
                raise Skips(f"a write of more than {MAX_WRITE:,} bytes")
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
            raise Skips(f"socket() = {call.expected} is outside the subset")
        self.machine.open(fd)
        return ""

    def _read(self, call: Call, socket: Socket, blocking: bool) -> str | None:
        e = socket.endpoint
        amount = _amount(call)
        if "MSG_PEEK" in "".join(call.args[3:]):
            return str(min(amount, e.unread)) if e.unread else ("0" if e.peer_fin else "EAGAIN")
        if not amount:
            return "0"
        whole = "MSG_WAITALL" in "".join(call.args[3:])
        if blocking and whole and e.unread < amount and not e.peer_fin and not e.error:
            return None
        if e.state in (SYN_SENT, SYN_RECEIVED):
            return None if blocking else "EAGAIN"
        got = self.machine.call(socket, "receive", amount)
        if got == "EAGAIN" and blocking and "MSG_DONTWAIT" not in call.args:
            return None
        return "0" if got == "EOF" else got

    def _close(self, call: Call, socket: Socket, blocking: bool, begun: int) -> str | None:
        machine = self.machine
        fd = number(call.args[0])
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
        return self.machine.call(socket, "connect") if e.state != CLOSED else "EINVAL"

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
            self.tally.ignore("socket options")
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
            self.tally.ignore("socket options")
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
            self.tally.checked += 1
            if value not in (got, _NUMBERED.get(got)):
                raise Differs(f"expected SO_ERROR {value}, got {got}")
            return "0"
        if option == "SO_RCVBUF" and value.isdecimal() and len(value) < 10:
            # the script knows the size of the buffer, and with it the right edge of the window
            if e.state not in (CLOSED, LISTEN):
                self.machine.change(socket, rcv_buf=max(1, int(value)))
            return ""
        self.tally.ignore("socket options")
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
            self.tally.ignore("calls")
            return ""
        self.tally.checked += 1
        if value.isdecimal() and value != str(got):
            raise Differs(f"expected {request} {value}, got {got}")
        return "0"


_READS: Final = frozenset(("read", "recv", "recvfrom", "readv", "recvmsg"))
_WRITES: Final = frozenset(("write", "send", "sendto", "writev", "sendmsg", "sendfile"))
_NUMBERS = re.compile(r"-?\b\d{1,9}\b")
_PIECE = re.compile(r"\{[^{},]*,\s*(\d{1,9})\s*\}")
_NUMBERED: Final = {"ECONNRESET": "104", "ECONNREFUSED": "111", "ETIMEDOUT": "110", "EPIPE": "32"}


def number(text: str) -> int | None:
    """A small whole number, or None."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _amount(call: Call) -> int:
    """How many bytes a call moves: its third argument, or the sum of its pieces."""
    pieces = [int(n) for a in call.args[1:2] for n in _PIECE.findall(a)]
    if pieces:
        return sum(pieces)
    third = (
        number(call.args[3 if call.name == "sendfile" and len(call.args) > 3 else 2])
        if len(call.args) > 2
        else None
    )
    return third if third is not None else 0
