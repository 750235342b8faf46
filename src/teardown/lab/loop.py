"""An event loop in virtual time: it calls a program, and the program uses its socket at once.

The engine's own programs answer news with deeds. A learner's program is real code instead: it calls `recv()` and
goes on with what came back. So this loop plays one host by hand: it lets the next thing happen, looks at the
endpoint as `select()` would, calls the program, and makes each of its calls in the engine while it waits.

Everything that a program does is written into a journal. The same loop plays a journal back, and since nothing here
reads a clock or a random source, the trace is the same. So what a program did can be judged where it never ran.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, Protocol

from teardown.errors import InputError
from teardown.programs import Answer, Memory, Program, SetAlarm, StopAlarm
from teardown.tcp.endpoint import Endpoint
from teardown.tcp.table import TIMERS
from teardown.world.doing import Doing
from teardown.world.moves import begin
from teardown.world.run import ending
from teardown.world.trace import HOSTS, Host, Step, Trace
from teardown.world.world import Scenario, first_flight, first_timer

SECOND: Final = 1_000_000
#: More than any of our situations needs; beyond it two machines answer each other for ever.
MOST_STEPS: Final = 2_500
MOST_CALLBACKS: Final = 1_500
MOST_DEEDS: Final = 5_000
#: Callbacks in one instant: a program that is called so often and does not read what is there turns in a circle.
MOST_AT_ONCE: Final = 200
MOST_BYTES: Final = 1_000_000
_TIMER: Final = re.compile(r"[a-z][a-z0-9-]{0,19}")
_LONGEST: Final = 86_400 * SECOND

SHUT_RD, SHUT_WR, SHUT_RDWR = range(3)  # as in <sys/socket.h>
_CALLS: Final = {
    "shut-read": ("shutdown-read",), "shut-write": ("shutdown",), "shut-both": ("shutdown", "shutdown-read"),
    "close": ("close",), "abort": ("abort",),
}  # fmt: skip

#: One thing that a program does: its name and a number or a text. A journal has one list of them for each callback.
Deed = tuple[str | int, ...]
Journal = tuple[tuple[Deed, ...], ...]


class Wish(NamedTuple):
    """The user of the program wants something: at `at` µs a request of so many bytes is to be sent."""

    at: int
    size: int


class Spinning(Exception):
    """The loop calls the program again and again, and the program leaves what it is called for."""


class Stopped(Exception):
    """The program has stopped in the middle of a callback."""


class Plays(Protocol):
    """Whoever plays the host: a learner's object, or a journal."""

    def called(self, callback: str, loop: Loop, *given: Any) -> None:
        """Take the callback. Raises anything to stop the run."""


def _inbox(p: Program, memory: Memory, news: str) -> Answer:
    """A program that only keeps its news: the loop hands them over."""
    return (*memory, news), ()


_INBOX: Final = Program("yours", "Your program", "client", "You write it.", _inbox)


class Loop:
    """Plays `scenario` with `player` at `host` until everything is over, nothing can happen, or `until` µs."""

    def __init__(
        self, scenario: Scenario, host: Host, player: Plays, wishes: Iterable[Wish] = (), until: int = 600 * SECOND
    ) -> None:
        self.host, self._at, self._player, self._until = host, HOSTS.index(host), player, until
        setup = replace(scenario.hosts.of(host), program=_INBOX)
        self._scenario = replace(scenario, hosts=scenario.hosts.having(host, setup), seats=())
        self._wishes = sorted(wishes)
        self._watching = True
        self._told: set[str] = set()  # callbacks that come once
        self._timers: set[str] = set()
        self._deeds = self._callbacks = 0
        self._journal: list[list[Deed]] = []
        world, self._before = begin(self._scenario)
        self._doing = Doing(world)

    # -- for whoever asks afterwards
    @property
    def journal(self) -> Journal:
        """What the program has done, callback by callback."""
        return tuple(tuple(deeds) for deeds in self._journal)

    def trace(self) -> Trace:
        """Everything that has happened."""
        return Trace(self._scenario.json(), (*self._before, *self._doing.steps), ending(self._doing))

    # -- for the program
    @property
    def endpoint(self) -> Endpoint:
        """The program's own end, as its kernel sees it."""
        return self._doing.ends[self._at]

    @property
    def now(self) -> int:
        """Virtual time in µs."""
        return self._doing.now

    def do(self, name: str, what: str | int = 0) -> str:
        """Make a deed now; what a call returns, as the engine spells it. Raises InputError for what is none."""
        deed = _deed(name, what)
        self._deeds += 1
        if self._deeds > MOST_DEEDS:
            raise InputError(f"more than {MOST_DEEDS} calls", mend="Let the loop call you, and then wait")
        self._journal[-1].append(deed)
        doing, host = self._doing, self.host
        match deed:
            case ("watch", on):
                self._watching = bool(on)
            case ("timer", after, timer):
                self._timers.add(str(timer))
                doing.deeds(host, (SetAlarm(str(timer), int(after)),))
            case ("stop", timer):
                doing.deeds(host, (StopAlarm(str(timer)),))
            case ("send" | "receive" as call, amount):
                return self._call(call, int(amount))
            case _:
                if name in ("close", "abort") and self._timers:
                    doing.deeds(host, tuple(map(StopAlarm, sorted(self._timers))))
                results = [self._call(call) for call in _CALLS[name]]
                return next((r for r in results if r.startswith("E")), results[0])
        return "0"

    def _call(self, name: str, amount: int = 0) -> str:
        before = len(self._doing.steps)
        self._doing.call(self.host, name, amount)
        return next(s.result or "0" for s in self._doing.steps[before:] if s.event == "call" and s.host == self.host)

    # -- time passes
    def run(self) -> Loop:
        """Play to the end. Raises what the program raises, and Spinning."""
        doing = self._doing
        self._tell("on_open")
        self._attend()
        while len(doing.steps) < MOST_STEPS:
            flight, timer = first_flight(doing.now, doing.wire), first_timer(doing.timers)
            due = [max(flight.due, doing.now)] if flight is not None else []
            due += [timer[1].expires] if timer is not None else []
            wish = self._wishes[0].at if self._wishes and not self._gone else None
            if wish is not None and (not due or wish <= min(due)):
                if wish > self._until:
                    break
                doing.now = max(doing.now, wish)
                self._tell("on_request", self._wishes.pop(0).size)
            elif not due or min(due) > self._until or (doing.over and not self._waits):
                break
            else:
                doing.advance()
            self._attend()
        return self

    @property
    def _gone(self) -> bool:
        """The program has given its socket back, or its host is gone."""
        e = self.endpoint
        return e.orphan or e.closing or self._doing.down[self._at]

    @property
    def _waits(self) -> bool:
        """The program still holds a socket and has a clock of its own running."""
        return not self._gone and any(r.owner == "program" for r in self._doing.timers.of(self.host))

    def _attend(self) -> None:
        """Call the program for everything that it should look at now."""
        for _i in range(MOST_AT_ONCE):
            callback = self._due()
            if callback is None:
                return
            self._tell(*callback)
        raise Spinning(
            f"The loop called your program {MOST_AT_ONCE} times in the same moment, and what it was called for is "
            "still there. A real event loop would burn a whole CPU here. Read what has come, close the socket, or "
            "stop watching it."
        )

    def _due(self) -> tuple[str, Any] | tuple[str] | None:
        news: tuple[Any, ...] = self._doing.memory[self._at]
        alarms = [n for n in news if n.startswith("alarm ")]
        self._doing.memory[self._at] = tuple(alarms[1:])
        if self._gone:
            return None
        if alarms:
            return "on_timer", alarms[0].removeprefix("alarm ")
        if not self._watching:
            return None
        e = self.endpoint
        if e.unread:
            return ("on_readable",)
        if e.error and not (e.peer_fin and e.profile.eof_before_error):
            return self._once("on_error", e.error)
        return self._once("on_eof") if e.peer_fin else None

    def _once(self, callback: str, *given: Any) -> tuple[str, Any] | tuple[str] | None:
        if callback in self._told:
            return None
        self._told.add(callback)
        return callback, *given

    def _tell(self, callback: str, *given: Any) -> None:
        self._callbacks += 1
        if self._callbacks > MOST_CALLBACKS:
            raise Spinning(f"Your program was called {MOST_CALLBACKS} times, and there is no end in sight.")
        self._journal.append([])
        self._player.called(callback, self, *given)


def _deed(name: str, what: object) -> Deed:
    """A deed, checked. Raises InputError."""
    if name in _CALLS:
        return (name,)
    if name == "watch" and isinstance(what, int):
        return "watch", int(bool(what))
    if name in ("send", "receive") and isinstance(what, int) and 0 < what <= MOST_BYTES:
        return name, int(what)
    if name == "stop" and isinstance(what, str) and _TIMER.fullmatch(what):
        return "stop", what
    if name == "timer" and isinstance(what, str):
        after, _, timer = what.partition(" ")
        if after.isdecimal() and len(after) < 12 and 0 < int(after) <= _LONGEST and _TIMER.fullmatch(timer):
            if timer in TIMERS:
                raise InputError(f"a timer cannot be named {timer}", mend="That clock belongs to the kernel")
            return "timer", int(after), timer
    raise InputError(f"{name[:20]} {str(what)[:40]!r} is nothing that a program can do")


# --------------------------------------------------------------------------------------------- the journal
class Recorded:
    """Plays a journal: the program's deeds without the program. `crashed`: it stopped after the last of them."""

    def __init__(self, journal: Sequence[Sequence[Deed]], *, crashed: bool = False) -> None:
        self._journal, self._crashed, self._next = journal, crashed, 0

    def called(self, callback: str, loop: Loop, *given: Any) -> None:
        """Do what the program did when it was called."""
        if self._next < len(self._journal):
            for name, *what in self._journal[self._next]:
                loop.do(str(name), " ".join(map(str, what)) if name == "timer" else what[0] if what else 0)
        self._next += 1
        if self._crashed and self._next >= len(self._journal):
            raise Stopped


def read_journal(data: object) -> Journal:
    """A journal from plain data that anybody may have written. Raises InputError."""
    if not isinstance(data, list) or len(data) > MOST_CALLBACKS:
        raise InputError("a journal is a list of callbacks", mend=f"At most {MOST_CALLBACKS}")
    if not all(isinstance(deeds, list) for deeds in data) or sum(map(len, data)) > MOST_DEEDS:
        raise InputError("each callback of a journal is a list of deeds", mend=f"At most {MOST_DEEDS} in all")
    return tuple(tuple(_read_deed(deed) for deed in deeds) for deeds in data)


def _read_deed(data: object) -> Deed:
    if not isinstance(data, list) or not 0 < len(data) <= 3 or not isinstance(data[0], str):
        raise InputError("a deed is a list of a name and what belongs to it")
    name, *what = data
    if not all(type(w) in (str, int) for w in what):
        raise InputError("what belongs to a deed is a number or a text")
    deed = _deed(name, " ".join(map(str, what)) if name == "timer" else what[0] if what else 0)
    if list(deed) != data:
        raise InputError(f"{str(data)[:40]} is no deed")
    return deed


# --------------------------------------------------------------------------------------------- the learner
class Socket:
    """What a learner's program holds: a socket that never blocks, and clocks. Times are in seconds."""

    __slots__ = ("_loop",)

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def recv(self, size: int = 4096) -> bytes:
        """Up to `size` bytes that have arrived; b"" at the peer's end. Raises BlockingIOError if there is nothing."""
        result = _checked(self._loop.do("receive", _whole(size, "recv")))
        return b"" if result == "EOF" else b"." * int(result)

    def send(self, data: bytes) -> int:
        """Hands bytes to the kernel, which takes them all and sends them when it can. Answers how many."""
        if not isinstance(data, (bytes, bytearray)):
            raise TypeError(f"send() takes bytes, not {type(data).__name__}")
        if len(data) > MOST_BYTES:
            raise ValueError(f"send() takes at most {MOST_BYTES:,} bytes here")
        return int(_checked(self._loop.do("send", len(data)))) if data else 0

    def shutdown(self, how: int = SHUT_WR) -> None:
        """Ends a direction: SHUT_WR says with a FIN that no more bytes will come."""
        if how not in (SHUT_RD, SHUT_WR, SHUT_RDWR):
            raise ValueError("shutdown() takes SHUT_RD, SHUT_WR or SHUT_RDWR")
        _checked(self._loop.do(("shut-read", "shut-write", "shut-both")[how]))

    def close(self) -> None:
        """Gives the socket back. Its timers end with it."""
        _checked(self._loop.do("close"))

    def abort(self) -> None:
        """close() with SO_LINGER 0: a reset, and what is unsent is thrown away."""
        _checked(self._loop.do("abort"))

    def watch(self, on: bool = True) -> None:
        """Whether the loop looks at this socket: as if it were put into the set of select(), or taken out."""
        self._loop.do("watch", int(bool(on)))

    def set_timer(self, name: str, seconds: float) -> None:
        """Calls `on_timer` with this name after so many seconds; a timer of the same name starts again."""
        if not isinstance(name, str) or not _TIMER.fullmatch(name):
            raise ValueError("a timer's name is one word of small letters")
        after = round(float(seconds) * SECOND)
        if not 0 < after <= _LONGEST:
            raise ValueError("a timer runs for more than 0 seconds, and at most a day")
        self._loop.do("timer", f"{after} {name}")

    def stop_timer(self, name: str) -> None:
        """Stops that timer, if it runs."""
        self._loop.do("stop", name)

    @property
    def unsent(self) -> int:
        """Bytes that the peer's kernel has not acknowledged yet."""
        e = self._loop.endpoint
        return max(0, e.snd_end - max(1, e.snd_una))

    @property
    def time(self) -> float:
        """Seconds of virtual time since the connection was opened."""
        return self._loop.now / SECOND


class Learner:
    """A learner's object as a player: callbacks that it does not have are not missed."""

    def __init__(self, program: Any) -> None:
        self._program = program

    def called(self, callback: str, loop: Loop, *given: Any) -> None:
        """Call the learner's method."""
        method = getattr(self._program, callback, None)
        if method is None:
            return
        if callback == "on_request":
            given = (b"." * given[0],)
        elif callback == "on_error":
            given = (_error(given[0]),)
        method(Socket(loop), *given)


def _whole(size: object, call: str) -> int:
    if not isinstance(size, int) or not 0 < size <= MOST_BYTES:
        raise ValueError(f"{call}() takes a number from 1 to {MOST_BYTES:,}")
    return int(size)


def _checked(result: str) -> str:
    """The result of a call, or the error that it is, raised as Python's own socket would."""
    if result.startswith("E") and result != "EOF":
        raise _error(result)
    return result


def _error(name: str) -> OSError:
    number = getattr(errno, name, errno.EIO)
    return OSError(number, f"{os.strerror(number)} ({name})")


def calls_of(steps: Iterable[Step], host: Host) -> Iterable[Step]:
    """The calls that the program of a host made."""
    return (s for s in steps if s.event == "call" and s.host == host)
