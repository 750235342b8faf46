"""Packetdrill scripts (`.pkt`): the part of the language that closing a connection needs, read into events.

Theory of operation.

* A script is lines. A line is a comment (`//`), a condition (`#ifdef NAME`), an option (`--name=value`) or an event;
  an event goes on to the next line while a parenthesis, a back-quote or `%{` is open.
* An event is a time and one of: a packet into the machine (`<`), a packet out of it (`>`), a socket call with its
  result, a back-quoted shell command, an assertion `%{ … }%`.
* Shell commands are never run. A few are understood: the switches of FreeBSD and Linux that change how a connection
  closes become knobs of the profile, and a count of sockets in a state becomes an assertion. All others are counted.
* What the engine cannot play (ICMP, UDP, fast open, …) is read as `Unsupported`: the script is skipped with the
  reason, not failed. What is no packetdrill at all raises `InputError` with the line and how to mend it.

* Two comments of ours speak to the reader: `// stack: linux, freebsd` names the stacks that a script is written for,
  `// strict` says that it expects every segment.

`packetdrill_lines` joins and cuts the lines; `packetdrill_run` plays what is read here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from teardown.errors import InputError
from teardown.formats.packetdrill_lines import logical, short
from teardown.tcp import states

MAX_BYTES: Final = 1_000_000
MAX_EVENTS: Final = 20_000
MAX_EVENT_CHARS: Final = 4_096  # one packet or call; a command or an assertion may be longer
MAX_SECONDS: Final = 1_000_000  # virtual time: eleven days
WRAP: Final = 1 << 32


class When(NamedTuple):
    """The time of an event in µs: at `start`, or from `start` to `end`; `until`: the end of a call that blocks."""

    kind: Literal["absolute", "relative", "any"] = "relative"
    start: int = 0
    end: int | None = None
    until: int | None = None


class Packet(NamedTuple):
    """A segment into (`inbound`) or out of the machine. None means: any, or not given."""

    inbound: bool
    flags: str  # letters of SFRA, in that order
    seq: int | None
    length: int
    ack: int | None
    window: int | None = None
    mss: int | None = None
    scale: int | None = None
    timestamps: bool = False
    sack: bool = False

    def __str__(self) -> str:
        return notation(self.flags, self.seq, self.length, self.ack)


class Call(NamedTuple):
    """A socket call and what it must return: `result` as written, `...` for anything."""

    name: str
    args: tuple[str, ...]
    result: str
    errno: str | None

    @property
    def expected(self) -> str:
        """The result as the runner spells its own: a number, or the name of an error."""
        return self.errno if self.errno is not None else self.result


class Check(NamedTuple):
    """Assertions: the state of the connection is (or is not) one of these names; `ignored` others."""

    states: tuple[tuple[str, bool], ...]  # (name, wanted)
    ignored: int


class Count(NamedTuple):
    """So many sockets are in a state."""

    state: str
    number: str


class Switch(NamedTuple):
    """A system-wide setting, by its system's name: `net.inet.tcp.insecure_rst` -> 1."""

    values: tuple[tuple[str, int], ...]


class Ignored(NamedTuple):
    """A command or call that changes nothing here."""

    kind: Literal["command", "call"]


class Unsupported(NamedTuple):
    """Something that packetdrill can do and this engine cannot."""

    reason: str


What = Packet | Call | Check | Count | Switch | Ignored | Unsupported


class Event(NamedTuple):
    """One event of a script, and the line it begins on."""

    line: int
    when: When
    what: What


class Script(NamedTuple):
    """A script as read: its events and its options."""

    name: str
    events: tuple[Event, ...]
    options: dict[str, str]


def notation(flags: str, seq: int | None, length: int, ack: int | None) -> str:
    """A segment in the language of the scripts: `F. 1:1(0) ack 2`."""
    letters = flags.replace("P", "").replace("A", ".") or "-"
    where = f"...({length})" if seq is None else f"{seq % WRAP}:{(seq + length) % WRAP}({length})"
    return f"{letters} {where}" + (f" ack {ack % WRAP}" if "A" in flags and ack is not None else "")


# ------------------------------------------------------------------------------------------------- lines
_OPTION = re.compile(r"--([A-Za-z]\w*)(?:=(.*))?$")
_HEADER = re.compile(r"^// (?:stack:([ \w.,-]+)|(strict))$", re.MULTILINE)
_NUMBER = r"(?:\d+(?:\.(?!\.)\d*)?|\.\d+)"
_WHEN = re.compile(
    rf"(?:(?P<rel>\+)?\s*(?P<start>{_NUMBER})(?:\s*~\s*\+?\s*(?P<end>{_NUMBER}))?"
    rf"(?:\s*\.\.\.\s*\+?(?P<until>{_NUMBER}))?|(?P<any>\*))(?=[\s<>`%])\s*"
)
_PACKET = re.compile(
    r"(?P<way>[<>])\s*(?:(?:\[[^\]]*\]|\((?:tos|flowlabel|ttl)\b[^()]*\))\s*){0,4}(?P<flags>[SFRPEWUACN.\d-]+)\s+"
    r"(?:(?P<first>-?\d+):(?P<last>-?\d+)\s*\(\s*(?P<len>\d+)\s*\)|\.\.\.\s*\(\s*(?P<any>\d+)\s*\))\s*"
    r"(?:ack\s+(?P<ack>-?\d+|\.\.\.)\s*)?(?:win\s+(?P<win>\d+|\.\.\.)\s*)?(?:urg\s+\d+\s*)?"
    r"(?:<(?P<options>[^<>]*)>)?\s*(?:\[[^\]]*\])?$",
)  # fmt: skip
_CALL = re.compile(
    r"(?P<name>[A-Za-z_]\w*)\s*\((?P<args>.*)\)\s*=\s*(?P<result>-?\w+|\.\.\.)"
    r"(?:\s+(?P<errno>E[A-Z0-9]+))?\s*(?:\([^()]*\))?$", re.DOTALL,
)  # fmt: skip
_FOREIGN = re.compile(
    r"\b(icmp|icmpv6|udp|udplite|sctp|gre|mpls|ipv4|ipv6|ip|psp|vxlan|geneve|addr|mtu|DATA|INIT|COOKIE)\b"
)


def parse(text: str, name: str = "script", defines: frozenset[str] = frozenset()) -> Script:
    """Read a script. `defines` are the names that `#ifdef` asks for.

    Raises InputError, with `name:line`, for anything that is not packetdrill or beyond the limits above.
    """
    if len(text) > MAX_BYTES:
        raise InputError(
            f"the script has {len(text):,} characters", place=name, mend=f"A script may have {MAX_BYTES:,}"
        )
    options: dict[str, str] = {}
    events: list[Event] = []
    for line, source in logical(text, name, defines):
        if source.startswith("--"):
            option = _OPTION.match(source)
            if option is None:
                raise InputError(
                    f"{short(source)} is not an option",
                    place=f"{name}:{line}",
                    mend="Write --name or --name=value",
                )
            options[option[1]] = (option[2] or "").strip()
            continue
        if len(events) == MAX_EVENTS:
            raise InputError(
                f"more than {MAX_EVENTS:,} events",
                place=f"{name}:{line}",
                mend="Split the script into several",
            )
        try:
            when, what = _read(source) if len(source) < 200 else _read.__wrapped__(source)
        except InputError as error:
            raise error.at(f"{name}:{line}") from None
        events.append(Event(line, when, what))
    return Script(name, tuple(events), options)


def header(text: str) -> tuple[tuple[str, ...], bool]:
    """What the comments of a script ask for: the stacks it is written for, and whether it is strict."""
    stacks: tuple[str, ...] = ()
    strict = False
    if "// stack:" in text or "// strict" in text:
        for names, exact in _HEADER.findall(text):
            strict = strict or bool(exact)
            stacks = tuple(names.replace(",", " ").split()) or stacks
    return stacks, strict


# ------------------------------------------------------------------------------------------------ events
@lru_cache(maxsize=4_096)
def _read(source: str) -> tuple[When, What]:
    """One event. Scripts repeat their lines, within a file and across files: remembering them pays."""
    if source[0] == "`":
        return When(), _command(source)
    timed = _WHEN.match(source)
    if timed is None:
        raise InputError(
            f"{short(source)} has no time",
            mend="An event begins with a time: 0.1, +0.1, 0.1~0.2, * or 0.1...0.2",
        )
    if timed["any"]:
        when = When("any")
    else:
        start = _micros(timed["start"])
        end = _micros(timed["end"]) if timed["end"] else None
        until = _micros(timed["until"]) if timed["until"] else None
        if (end is not None and end < start) or (until is not None and until < start):
            raise InputError("the time ends before it begins", mend="Write the earlier time first")
        when = When("relative" if timed["rel"] else "absolute", start, end, until)
    rest = source[timed.end() :]
    if not rest:
        raise InputError("a time without an event", mend="Write a packet, a call or a command after it")
    if rest[0] == "`":
        return when, _command(rest)
    if rest.startswith("%{"):
        return when, _check(rest)
    if len(rest) > MAX_EVENT_CHARS:
        raise InputError(
            f"an event of {len(rest):,} characters", mend=f"At most {MAX_EVENT_CHARS:,} are read"
        )
    rest = " ".join(rest.split())  # the patterns below have little patience with runs of blanks
    return when, _packet(rest) if rest[0] in "<>" else _call(rest)


def _micros(text: str) -> int:
    seconds = float(text) if len(text) <= 30 else float("inf")
    if seconds > MAX_SECONDS:
        raise InputError(f"{short(text)} s is too long", mend=f"Times go up to {MAX_SECONDS:,} seconds")
    return round(seconds * 1_000_000)


def _packet(source: str) -> Packet | Unsupported:
    match = _PACKET.match(source)
    if match is None and source.endswith("}"):
        return Unsupported("packets changed on their way ({ mut … }) are outside the subset")
    if match is None:
        foreign = _FOREIGN.search(source)
        if foreign is not None:
            return Unsupported(f"{foreign[1]} packets are outside the engine")
        raise InputError(
            f"{short(source)} is not a packet",
            mend="Write < or >, flags, first:last(length), and perhaps ack, win, <options>",
        )  # fmt: skip
    inbound = match["way"] == "<"
    letters = match["flags"]
    flags = "".join(f for f in "SFR" if f in letters) + ("A" if "." in letters else "")
    ack = None if match["ack"] in (None, "...") else _sequence(match["ack"])
    if match["first"] is None:
        seq, length = None, _sequence(match["any"])
        if inbound:
            raise InputError("an inbound packet needs a sequence number", mend="Write first:last(length)")
    else:
        seq, length = _sequence(match["first"]), _sequence(match["len"])
        if (_sequence(match["last"]) - seq - length) % WRAP:
            raise InputError(
                f"{match['first']}:{match['last']} does not span {length} bytes",
                mend="The length in parentheses is last minus first",
            )
    if length > 65_535 and inbound:
        raise InputError(f"a packet of {length:,} bytes", mend="A packet carries at most 65,535 bytes")
    window = None if match["win"] in (None, "...") else min(_sequence(match["win"]), 65_535)
    if match["options"]:
        foreign = _FOREIGN_OPTION.search(match["options"])
        if foreign is not None:
            return Unsupported(f"the TCP option {foreign[0].strip()} is outside the engine")
    if inbound and "S" in flags and match["options"]:
        return Packet(True, flags, seq, length, ack, window, *_options(match["options"]))
    return Packet(inbound, flags, seq, length, ack, window)


#: Options that change what a segment means: fast open, signatures, several paths.
_FOREIGN_OPTION = re.compile(r"\b(?:FO|FOEXP|md5|tcp-ao|mp_\w+|mpcapable|dss|add_address|remove_address)\b")
_MSS = re.compile(r"\bmss\s+(\d{1,5})\b")
_SCALE = re.compile(r"\bwscale\s+(\d{1,2})\b")


def _options(text: str) -> tuple[int | None, int | None, bool, bool]:
    mss, scale = _MSS.search(text), _SCALE.search(text)
    return (
        int(mss[1]) if mss else None, min(int(scale[1]), 14) if scale else None, "TS val" in text, "sackOK" in text,
    )  # fmt: skip


def _sequence(text: str) -> int:
    if len(text) > 11 or not -WRAP < int(text) < WRAP:
        raise InputError(f"{short(text)} is too large", mend="Numbers in packets have 32 bits")
    return int(text)


# Calls that end or change nothing in TCP: their results are not looked at.
_IDLE: Final = frozenset(
    "fcntl poll ppoll select epoll_create epoll_create1 epoll_ctl epoll_wait getsockname getpeername open dup pipe "
    "usleep nanosleep sysctl".split()
)
CALLS: Final = frozenset(
    "socket bind listen accept accept4 connect close shutdown read recv recvfrom readv recvmsg write send sendto "
    "writev sendmsg sendfile getsockopt setsockopt ioctl".split()
)
_BEYOND = re.compile(
    r"\b(MSG_FASTOPEN|TCP_FASTOPEN\w*|TCP_MD5SIG\w*|TCP_REPAIR\w*|TCP_ULP|MSG_ERRQUEUE|MSG_OOB|IPPROTO_SCTP|IPPROTO_UDP\w*|"
    r"IPPROTO_MPTCP|IPPROTO_ICMP|SOCK_DGRAM|SOCK_RAW|SOCK_SEQPACKET|TCP_DEFER_ACCEPT|TCP_REMOTE_UDP_ENCAPS_PORT)\b"
)


def _call(source: str) -> Call | Ignored | Unsupported:
    match = _CALL.match(source)
    if match is None:
        raise InputError(
            f"{short(source)} is neither a packet nor a call",
            mend="Write name(arguments) = result, with the error's name after -1",
        )  # fmt: skip
    name = match["name"]
    if name in _IDLE:
        return Ignored("call")
    if name not in CALLS:
        return Unsupported(f"{name}() is outside the subset")
    beyond = _BEYOND.search(source)
    if beyond is not None and "getsockopt" not in name:
        return Unsupported(f"{beyond[1]} is outside the engine")
    result = match["result"]
    if result != "...":
        try:
            result = str(int(result, 0)) if len(result) < 20 else "?"
        except ValueError:
            result = "?"
        if result == "?":
            raise InputError(
                f"{short(match['result'])} is no result of {name}()", mend="Write a number or ..."
            )
    return Call(name, tuple(_split(match["args"])), result, _ERRNO.get(match["errno"], match["errno"]))


#: Two names for one error.
_ERRNO: Final = {"EWOULDBLOCK": "EAGAIN", "ENOTSUP": "EOPNOTSUPP"}


def _split(args: str) -> list[str]:
    """Arguments, cut at the commas that stand in no bracket."""
    if not any(c in args for c in "([{"):
        return [a.strip() for a in args.split(",")] if args.strip() else []
    parts, depth, begin = [], 0, 0
    for at, c in enumerate(args):
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth <= 0:
            parts.append(args[begin:at].strip())
            begin = at + 1
    parts.append(args[begin:].strip())
    return parts


# ------------------------------------------------------------------------------ commands and assertions
_SETTING = re.compile(r"\b(net[./](?:inet[./]tcp|ipv4)[./]\w+)\s*=\s*[\"']?(\d{1,9})\b")
_COUNTED = re.compile(
    r"\bgrep\s+-c\s+[\"']?([\w-]+)[\"']?\s*\|\s*grep\s+(?:-\w+\s+)*[\"']?\^?(\d{1,6})\$?[\"']?\s*$"
)


def _command(source: str) -> What:
    """A shell command: a switch, a count of sockets, or nothing to us. It is never run."""
    body = source.strip().strip("`").strip()
    values = tuple((key.replace("/", "."), int(v)) for key, v in _SETTING.findall(body))
    if values:
        return Switch(values)
    counted = _COUNTED.search(body)
    if counted is not None:
        state = state_named(counted[1], None)
        if state is not None:
            return Count(state, counted[2])
    return Ignored("command")


_ASSERT = re.compile(r"\bassert\b")
_STATE = re.compile(r"\(? ?(?:tcpi_state ?(==|!=) ?(\w+)|(\w+) ?(==|!=) ?tcpi_state) ?\)? ?(?:,.*)?$")


def _check(source: str) -> Check:
    """Python between %{ and }%: assertions on the state are kept, all others counted."""
    body = source[2:].rsplit("}%", 1)[0]
    wanted: list[tuple[str, bool]] = []
    ignored = 0
    for statement in _ASSERT.split(body)[1:]:
        match = _STATE.match(" ".join(statement.rstrip("\\; \n").split())) if len(statement) < 500 else None
        if match is None:
            ignored += 1
        else:
            wanted.append((match[2] or match[3], (match[1] or match[4]) == "=="))
    return Check(tuple(wanted), ignored or (0 if wanted else 1))


_PREFIX = re.compile(r"^(?:TCPS|TCPI|TCP)_(?=[A-Z])")
_LINUX_NUMBERS: Final = dict(enumerate(
    (states.ESTABLISHED, states.SYN_SENT, states.SYN_RECEIVED, states.FIN_WAIT_1, states.FIN_WAIT_2, states.TIME_WAIT,
     states.CLOSED, states.CLOSE_WAIT, states.LAST_ACK, states.LISTEN, states.CLOSING, states.SYN_RECEIVED), 1,
))  # fmt: skip
_BSD_NUMBERS: Final = dict(enumerate(
    (states.CLOSED, states.LISTEN, states.SYN_SENT, states.SYN_RECEIVED, states.ESTABLISHED, states.CLOSE_WAIT,
     states.FIN_WAIT_1, states.CLOSING, states.LAST_ACK, states.FIN_WAIT_2, states.TIME_WAIT)
))  # fmt: skip


def state_named(name: str, stack: str | None) -> str | None:
    """The state behind `TCP_FIN_WAIT2`, `TCPS_FIN_WAIT_2` or a number of this stack's; None: no such state."""
    if name.isdecimal():
        numbers = _BSD_NUMBERS if stack is not None and "bsd" in stack else _LINUX_NUMBERS
        return numbers.get(int(name[:4]))
    return states.canonical(_PREFIX.sub("", name))
