"""What applications do with a connection: servers and their lingering close, healthy and buggy clients.

A program is pure: `react(memory, news)` gives the next memory and what to do now. It sees what a real program sees
(bytes, end of file, an error, its own alarm clock), never a TCP state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

from teardown.durations import duration
from teardown.errors import InputError

SECOND = 1_000_000


class Call(NamedTuple):
    """A socket call: send, receive, shutdown, shutdown-read, close, abort, connect, listen."""

    name: str
    amount: int = 0


class SetAlarm(NamedTuple):
    """Wake me `after` microseconds from now with the news `alarm NAME`."""

    name: str
    after: int


class StopAlarm(NamedTuple):
    """Forget that alarm."""

    name: str


class Vanish(NamedTuple):
    """The host loses power, or its line: from now on nothing reaches it and nothing leaves it."""


class Forget(NamedTuple):
    """The host stays up and loses its memory of the connection, as after a restart. Nothing is sent.

    A middlebox that forgets an idle flow looks like this from either end.
    """


Deed = Call | SetAlarm | StopAlarm | Vanish | Forget
Memory = tuple[Any, ...]
#: News: start, connected, readable, eof, error, closed, acked, "alarm NAME".
Answer = tuple[Memory, tuple[Deed, ...]]


@dataclass(frozen=True, eq=False)
class Program:
    """One program: its name, what it is, its settings (µs or bytes) with sources, and how it reacts."""

    name: str
    title: str
    side: Literal["server", "client"]
    says: str  # one sentence: what it does at the end of a connection
    react: Callable[[Program, Memory, str], Answer]
    settings: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, setting: str) -> int:
        return self.settings[setting]

    def having(self, setting: str, text: str, place: str = "") -> Program:
        """The same program with one setting replaced: a duration, or a count."""
        if setting not in self.settings:
            known = ", ".join(sorted(self.settings)) or "none"
            raise InputError(
                f"program {self.name} has no setting {setting!r}", place=place, mend=f"Its settings: {known}"
            )
        if setting.endswith("_bytes") or setting == "times":
            if not (text.isascii() and text.isdigit() and len(text) < 8):
                raise InputError(f"{text!r} is not a count", place=place, mend="Write a whole number")
            value = int(text)
        else:
            value = duration(text, place)
        return replace(self, settings={**self.settings, setting: value})


# ------------------------------------------------------------------------------------------------ servers
# memory: (phase,) with phase one of: idle, lingering, closed


def _http_server(lingers: Literal["never", "always", "with cause"]) -> Callable[[Program, Memory, str], Answer]:
    """A server that answers requests, keeps the connection for a while, then closes it in its own way."""

    def leave(p: Program, busy: bool) -> Answer:
        """The end, decided by the server. `busy`: the client may still be sending."""
        if lingers == "never" or (lingers == "with cause" and not busy):
            return ("closed",), (Call("close"),)
        if "linger_idle" in p.settings:
            limits: tuple[Deed, ...] = (SetAlarm("linger", p["linger_idle"]), SetAlarm("linger-total", p["linger_total"]))
        else:
            limits = (SetAlarm("linger-total", p["linger_total"] if busy else p["linger_short"]),)
        reads: tuple[Deed, ...] = (Call("receive"),) if busy else ()  # what is already there goes first
        return ("lingering",), (Call("shutdown"), *reads, *limits)

    def react(p: Program, memory: Memory, news: str) -> Answer:
        phase = memory[0] if memory else "idle"
        if phase == "closed":
            return memory, ()
        if phase == "lingering":
            if news == "readable":
                # data still comes: throw it away; a silence is counted afresh, the total is not
                again = (SetAlarm("linger", p["linger_idle"]),) if "linger_idle" in p.settings else ()
                return memory, (Call("receive"), *again)
            if news in ("eof", "error", "alarm linger", "alarm linger-total"):
                return ("closed",), (StopAlarm("linger"), StopAlarm("linger-total"), Call("close"))
            return memory, ()
        if news in ("start", "connected"):
            return ("idle",), (SetAlarm("keep-alive", p["keepalive_timeout"]),)
        if news == "readable":
            if p["early_answer_bytes"]:
                # an answer before the whole request is in (413, 401, 503), then the end
                memory, deeds = leave(p, busy=True)
                return memory, (StopAlarm("keep-alive"), Call("send", p["early_answer_bytes"]), *deeds)
            return ("idle",), (
                Call("receive"), Call("send", p["answer_bytes"]), SetAlarm("keep-alive", p["keepalive_timeout"]),
            )  # fmt: skip
        if news in ("eof", "error"):
            return ("closed",), (StopAlarm("keep-alive"), Call("close"))
        if news == "alarm keep-alive":
            return leave(p, busy=False)
        return memory or ("idle",), ()

    return react


def _server(
    name: str, title: str, says: str, keepalive: int, lingers: Literal["never", "always", "with cause"] = "never",
    *, idle: int = 0, total: int = 0, short: int = 0, **sources: str,
) -> Program:  # fmt: skip
    """A web server; the limits are seconds, 0 where it has no such limit."""
    limits = {"keepalive_timeout": keepalive, "linger_idle": idle, "linger_total": total, "linger_short": short}
    settings = {key: seconds * SECOND for key, seconds in limits.items() if seconds}
    return Program(
        name, title, "server", says, _http_server(lingers),
        settings | {"answer_bytes": 500, "early_answer_bytes": 0}, sources,
    )  # fmt: skip


def _holds_half_closed(p: Program, memory: Memory, news: str) -> Answer:
    phase = memory[0] if memory else "idle"
    if news in ("start", "connected") and phase == "idle":
        return ("idle",), (SetAlarm("keep-alive", p["keepalive_timeout"]),)
    if news == "alarm keep-alive":
        return ("half",), (Call("shutdown"),)
    if news == "readable":
        return memory, (Call("receive"),)
    if news in ("eof", "error") and phase != "closed":
        return ("closed",), (StopAlarm("keep-alive"), Call("close"))
    return memory or ("idle",), ()


def _misses_eof(p: Program, memory: Memory, news: str) -> Answer:
    """A server that does nothing about the client's FIN, or nothing until a limit of its own."""
    phase = memory[0] if memory else "open"
    if phase == "closed":
        return memory, ()
    if news == "readable":
        answer = (Call("send", p["answer_bytes"]),) if p["answer_bytes"] else ()
        return ("open",), (Call("receive"), *answer)
    if news == "eof" and "half_closed_limit" in p.settings:
        return ("open",), (SetAlarm("half-closed", p["half_closed_limit"]),)
    if news in ("error", "alarm half-closed"):
        return ("closed",), (StopAlarm("half-closed"), Call("close"))
    return ("open",), ()


def _answers_at_eof(p: Program, memory: Memory, news: str) -> Answer:
    """A server that wants the whole request, up to the end of file, before it works on the answer."""
    if memory == ("closed",):
        return memory, ()
    if news == "readable":
        return ("open",), (Call("receive"),)
    if news == "eof":
        return ("open",), (SetAlarm("work", p["work"]),)
    if news == "alarm work":
        return ("closed",), (Call("send", p["answer_bytes"]), Call("close"))
    if news == "error":
        return ("closed",), (StopAlarm("work"), Call("close"))
    return ("open",), ()


def _answers_then_vanishes(p: Program, memory: Memory, news: str) -> Answer:
    """A server that answers one request. Some time later its host loses its line or its power."""
    if news in ("start", "connected"):
        return ("open",), ()
    if news == "readable" and memory == ("open",):
        return ("answered",), (Call("receive"), Call("send", p["answer_bytes"]), SetAlarm("next", p["after"]))
    return memory, (Vanish(),) if news == "alarm next" else ()


def _stops_reading(p: Program, memory: Memory, news: str) -> Answer:
    """A server that hangs: it reads nothing, answers nothing and never closes."""
    return ("stuck",), ()


# ------------------------------------------------------------------------------------------------- clients
def _client(on_eof: str) -> Callable[[Program, Memory, str], Answer]:
    """A client that may upload first; `on_eof` says what it does about the server's FIN."""

    def react(p: Program, memory: Memory, news: str) -> Answer:
        phase = memory[0] if memory else "open"
        if phase == "gone":
            return memory, ()
        if news in ("start", "connected"):
            deeds: list[Deed] = []
            if p.settings.get("upload_bytes"):
                deeds.append(Call("send", p["upload_bytes"]))
            if p.settings.get("after"):
                deeds.append(SetAlarm("next", p["after"]))
            return ("open",), tuple(deeds)
        if news == "error":
            return ("gone",), (StopAlarm("next"), Call("close"))
        if news == "readable" and on_eof != "ignore":
            return memory, (Call("receive"),)
        if news == "eof":
            if on_eof == "close":
                return ("gone",), (StopAlarm("next"), Call("close"))
            return ("eof", *memory[1:]), ()
        if news == "alarm next":
            if on_eof == "vanish":
                return ("gone",), (Vanish(),)
            if on_eof == "finish":
                left = memory[1] if len(memory) > 1 else p["times"]
                if left <= 1:
                    return ("gone",), (Call("send", p["send_bytes"]), Call("close"))
                return (phase, left - 1), (Call("send", p["send_bytes"]), SetAlarm("next", p["after"]))
            if on_eof == "send":
                return memory, (Call("send", p["send_bytes"]), SetAlarm("next", p["after"]))
            if on_eof == "poll" and phase != "eof":
                return memory, (SetAlarm("next", p["after"]),)
            return ("gone",), (Call("close"),)
        return memory or ("open",), ()

    return react


def _pool(p: Program, memory: Memory, news: str) -> Answer:
    """A pool with an idle limit: it closes what nobody has used for so long, and looks at nothing before that."""
    if memory == ("gone",):
        return memory, ()
    if news in ("start", "connected"):
        return ("open",), (SetAlarm("idle-limit", p["idle_limit"]),)
    if news == "readable":
        return ("open",), (Call("receive"), SetAlarm("idle-limit", p["idle_limit"]))
    if news in ("error", "alarm idle-limit"):
        return ("gone",), (StopAlarm("idle-limit"), Call("close"))
    return ("open",), ()


def _proxy(passes_on: bool) -> Callable[[Program, Memory, str], Answer]:
    """A proxy, seen from the server: another client stands behind it, and the proxy holds a connection to each.

    `passes_on`: it ends its direction to the client behind when the server has ended this one, and closes here when
    that client has closed too. Else nobody behind it learns of the server's FIN.
    """

    def react(p: Program, memory: Memory, news: str) -> Answer:
        if memory == ("gone",):
            return memory, ()
        if news in ("error", "alarm behind", "alarm idle-limit"):
            return ("gone",), (StopAlarm("behind"), StopAlarm("idle-limit"), Call("close"))
        if news == "eof" and passes_on:
            return ("open",), (StopAlarm("idle-limit"), SetAlarm("behind", p["behind"]))
        if news in ("start", "connected", "readable"):
            reads: tuple[Deed, ...] = (Call("receive"),) if news == "readable" else ()
            return ("open",), (*reads, SetAlarm("idle-limit", p["idle_limit"]))
        return ("open",), ()

    return react


def _one_request(p: Program, memory: Memory, news: str) -> Answer:
    """A client without a pool: connect, ask, read the answer, close."""
    if memory == ("gone",):
        return memory, ()
    if news in ("start", "connected"):
        return ("open",), (Call("send", p["upload_bytes"]),)
    if news == "readable":
        return ("gone",), (Call("receive"), Call("close"))
    if news in ("eof", "error"):
        return ("gone",), (Call("close"),)
    return ("open",), ()


def _half_closes(p: Program, memory: Memory, news: str) -> Answer:
    """A client that says with a FIN that its request is complete, and reads the answer to its end."""
    if memory == ("gone",):
        return memory, ()
    if news in ("start", "connected"):
        return ("half",), (Call("send", p["upload_bytes"]), Call("shutdown"))
    if news == "readable":
        return ("half",), (Call("receive"),)
    if news in ("eof", "error"):
        return ("gone",), (Call("close"),)
    return ("half",), ()


def _forgets_idle(p: Program, memory: Memory, news: str) -> Answer:
    """Something with a table of flows: what has been silent for its limit is dropped without a word."""
    if memory == ("gone",):
        return memory, ()
    if news in ("start", "connected"):
        return ("open",), (SetAlarm("flow-limit", p["flow_limit"]),)
    if news == "readable":
        return ("open",), (Call("receive"), Call("send", p["answer_bytes"]), SetAlarm("flow-limit", p["flow_limit"]))
    if news == "alarm flow-limit":
        return ("gone",), (Forget(),)
    if news in ("eof", "error"):
        return ("gone",), (StopAlarm("flow-limit"), Call("close"))
    return ("open",), ()


def _reads_too_slowly(p: Program, memory: Memory, news: str) -> Answer:
    """A server that is busy with what it has, reads nothing more, and gives up on the request in the end."""
    if memory == ("gone",):
        return memory, ()
    if news in ("start", "connected"):
        return ("open",), (SetAlarm("gives-up", p["gives_up"]),)
    if news in ("error", "alarm gives-up"):
        return ("gone",), (StopAlarm("gives-up"), Call("close"))
    return ("open",), ()


def _hand(p: Program, memory: Memory, news: str) -> Answer:
    return memory, ()


_CLIENT_SETTINGS = {"upload_bytes": 0}

_ALL: Final = (
    _server("httpd-1.1", "Apache httpd 1.1 (1996)", "It calls close() as soon as the idle connection times out.",
            15, keepalive_timeout="httpd-5b4dc7b9cd"),
    _server("httpd-1.2", "Apache httpd 1.2 (1997)",
            "It calls shutdown(), reads for up to 2 s of silence (30 s in all), then calls close().",
            15, "always", idle=2, total=30, keepalive_timeout="httpd-changes-1.3", linger_idle="httpd-7dbf90b367"),
    _server("httpd-1.3", "Apache httpd 1.3 (1998)",
            "It calls shutdown(), reads for up to 2 s of silence (30 s in all), then calls close().",
            15, "always", idle=2, total=30, keepalive_timeout="httpd-changes-1.3", linger_idle="httpd-1.3-http_main.c"),
    _server("httpd-2.4-prefork", "Apache httpd 2.4, prefork or worker",
            "It calls shutdown(), reads for up to 2 s of silence (30 s in all), then calls close().",
            5, "always", idle=2, total=30, keepalive_timeout="httpd-6efa778213", linger_idle="httpd-2.4-connection.c"),
    _server("httpd-2.4-event", "Apache httpd 2.4, event",
            "An idle connection lingers 2 s between shutdown() and close(); one with a request in it, up to 30 s.",
            5, "always", short=2, total=30, keepalive_timeout="httpd-6efa778213", linger_total="httpd-2.4-event.c"),
    _server("nginx", "nginx",
            "It calls close() at once when nothing is unread; with cause it lingers 5 s between reads, 30 s in all.",
            75, "with cause", idle=5, total=30, keepalive_timeout="nginx-core", linger_idle="nginx-core"),
    Program("holds-half-closed", "A server that half-closes and holds on", "server",
            "It calls shutdown() and keeps the descriptor until the peer closes.",
            _holds_half_closed, {"keepalive_timeout": 5 * SECOND}),
    _server("closes-idle", "A server with an idle limit",
            "It calls close() as soon as a connection has been idle for its limit.", 5),
    Program("misses-eof", "A server that misses the end", "server",
            "It answers requests, but never looks for the client's end of file, so it never closes.",
            _misses_eof, {"answer_bytes": 500}),
    Program("waits-long", "A server with a long limit", "server",
            "It waits for an answer from elsewhere. After the client's end of file it waits on, up to two hours.",
            _misses_eof, {"answer_bytes": 0, "half_closed_limit": 7200 * SECOND}),
    Program("answers-at-eof", "A server that answers at the end of the request", "server",
            "It reads the request up to the end of file, works on it, sends the answer and closes.",
            _answers_at_eof, {"answer_bytes": 500, "work": 2 * SECOND}),
    Program("answers-then-vanishes", "A server that disappears", "server",
            "It answers a request. Then its host loses the line or the power, without a word to the client.",
            _answers_then_vanishes, {"answer_bytes": 500, "after": 3 * SECOND}),
    Program("stops-reading", "A server that hangs", "server",
            "It reads nothing, so its kernel's buffer fills and the window shuts.",
            _stops_reading, {}),
    Program("forgets-idle", "A middlebox that forgets", "server",
            "It drops a connection that has been silent for its limit, and tells neither end.",
            _forgets_idle, {"flow_limit": 350 * SECOND, "answer_bytes": 500}, {"flow_limit": "aws-nlb-idle"}),
    Program("reads-too-slowly", "A server that does not read in time", "server",
            "It reads nothing while it is busy, and closes when its limit for the request is over.",
            _reads_too_slowly, {"gives_up": 30 * SECOND}),
    Program("closes-on-eof", "A healthy client", "client",
            "It watches its idle connection and closes as soon as the server has.",
            _client("close"), dict(_CLIENT_SETTINGS)),
    Program("polls-every", "A client that looks now and then", "client",
            "It looks at its idle connection every few seconds and closes when it finds the end of file.",
            _client("poll"), {**_CLIENT_SETTINGS, "after": 10 * SECOND}),
    Program("ignores-eof", "The buggy client of 1997", "client",
            "It never looks at its idle connection again, so it never closes it.",
            _client("ignore"), dict(_CLIENT_SETTINGS)),
    Program("closes-on-next-use", "A client that notices late", "client",
            "It notices the server's close only when it wants to use the connection again.",
            _client("next-use"), {**_CLIENT_SETTINGS, "after": 30 * SECOND}),
    Program("quits", "A client whose user quits", "client",
            "It does nothing until its process ends; then the operating system closes the socket.",
            _client("quit"), {**_CLIENT_SETTINGS, "after": 40 * SECOND}),
    Program("vanishes", "A client that disappears", "client",
            "Its host loses the line or the power, without a word to the server.",
            _client("vanish"), {**_CLIENT_SETTINGS, "after": 3 * SECOND}),
    Program("keeps-sending", "A client that keeps sending", "client",
            "It goes on sending every few seconds, whatever the server has said.",
            _client("send"), {**_CLIENT_SETTINGS, "after": 3 * SECOND, "send_bytes": 100}),
    Program("finishes-sending", "A client that finishes what it has to say", "client",
            "It sees the server's end of file, sends the rest of its own data, and then closes.",
            _client("finish"),
            {**_CLIENT_SETTINGS, "after": 3 * SECOND, "send_bytes": 100, "times": 3}),
    Program("pool", "A connection pool with an idle limit", "client",
            "It closes a connection that nobody has used for its limit, and does not look at it before.",
            _pool, {"idle_limit": 300 * SECOND}),
    Program("pool-reuses", "A pool that does not look first", "client",
            "It sends its next request on the connection without looking whether the server has closed it.",
            _client("send"), {**_CLIENT_SETTINGS, "after": 90 * SECOND, "send_bytes": 100}),
    Program("proxy-passes-fin", "A proxy that passes the FIN on", "client",
            "It tells the client behind it that the server has closed, and closes when that client has.",
            _proxy(passes_on=True), {"idle_limit": 600 * SECOND, "behind": SECOND}),
    Program("proxy-keeps-fin", "A proxy that keeps the FIN to itself", "client",
            "The client behind it never learns that the server has closed; the proxy closes at its own idle limit.",
            _proxy(passes_on=False), {"idle_limit": 600 * SECOND}),
    Program("one-request", "A client without a pool", "client",
            "It sends one request, reads the answer and closes.",
            _one_request, {"upload_bytes": 200}),
    Program("half-closes", "A client that half-closes", "client",
            "It sends its request, ends its direction with shutdown(), and reads the answer to its end.",
            _half_closes, {"upload_bytes": 200}),
    Program("hand", "You", "client", "You decide what this program does.", _hand, {}),
)  # fmt: skip
PROGRAMS: Final = {p.name: p for p in _ALL}


def program(name: str) -> Program:
    """The program of that name. Raises InputError for an unknown one."""
    if name not in PROGRAMS:
        raise InputError(f"unknown program {name!r}", mend=f"Known programs: {', '.join(PROGRAMS)}")
    return PROGRAMS[name]
