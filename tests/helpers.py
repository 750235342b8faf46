"""Two endpoints and the wire between them, for tests that read like a ladder.

    ladder(
        "server shutdown | FA | FIN-WAIT-1 ESTABLISHED",
        "client < FA     | A  | FIN-WAIT-1 CLOSE-WAIT",
        "server < A      |    | FIN-WAIT-2 CLOSE-WAIT",
    )

Each line says what happens, what that host sends because of it, and in which states the server and the client are
afterwards. All three are checked. What can happen:

    server close            a call: close, shutdown, shutdown-read, abort, send 100, receive
    server close = EBADF    a call, and what it returns
    client < FA             the oldest segment on its way to the client arrives; it has these flags
    client <2 A             the second oldest arrives: it has overtaken the first
    client <+ FA            a copy of the oldest arrives; the segment itself stays on the wire
    client x FA             the oldest is lost
    client <! R 1 0         a segment that nobody has sent: flags, sequence number, acknowledgement, bytes
    server ! time-wait      a timer fires, which must be running

A segment is written with its flags; `FA 1 2` gives the sequence number and the acknowledgement too, `PA 1 1 100`
also the bytes. Flags are compared in the order S F R A, without PSH. Several segments are separated by commas.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from teardown.stacks import stack
from teardown.tcp import endpoint as machine
from teardown.tcp.endpoint import Endpoint, Event, StartTimer, StopTimer, Tell, Transmit
from teardown.tcp.guards import GUARDS
from teardown.tcp.segment import Segment
from teardown.tcp.table import RULES, index

HOSTS = ("server", "client")


class Two:
    """A server and a client, both ESTABLISHED unless asked otherwise, and what is on the wire to each."""

    def __init__(
        self, server: str = "rfc9293", client: str = "rfc9293", *, opened: bool = True, **options: Any
    ) -> None:
        """`options` are fields of an endpoint (`linger=0`) or of its profile (`buffer=100`), for the server;
        with the prefix `client_` for the client."""
        self.ends: dict[str, Endpoint] = {}
        for host, name in zip(HOSTS, (server, client), strict=True):
            mine = {
                key.removeprefix("client_"): value
                for key, value in options.items()
                if key.startswith("client_") is (host == "client")
            }
            fields = {key: mine.pop(key) for key in list(mine) if key in Endpoint._fields}
            profile = stack(name).profile.having(**mine)
            if opened:
                end = Endpoint.established(profile, passive=host == "server", peer_window=65_535)
            else:
                end = Endpoint(profile, passive=host == "server")
            self.ends[host] = end._replace(**fields)
        if opened:
            for host, far in (HOSTS, HOSTS[::-1]):
                self.ends[host] = self.ends[host]._replace(snd_wnd=self.ends[far].window)
        self.wire: dict[str, list[Segment]] = {host: [] for host in HOSTS}
        self.timers: dict[str, dict[str, int]] = {host: {} for host in HOSTS}
        self.news: dict[str, list[str]] = {host: [] for host in HOSTS}
        self.result: str | None = None
        self.rules: list[str] = []

    @property
    def states(self) -> str:
        """Both states, the server's first."""
        return " ".join(self.ends[host].state for host in HOSTS)

    def step(self, host: str, event: Event) -> list[Segment]:
        """Let something happen to a host; what it sends is on the wire, and is the answer."""
        outcome = self.ends[host].step(event)
        self.ends[host], self.result = outcome.endpoint, outcome.result
        self.rules += [rule.id for rule in outcome.rules]
        sent = []
        for effect in outcome.effects:
            match effect:
                case Transmit(segment):
                    sent.append(segment)
                case StartTimer(name, after):
                    self.timers[host][name] = after
                case StopTimer(name):
                    self.timers[host].pop(name, None)
                case Tell(news):
                    self.news[host].append(news)
        self.wire["client" if host == "server" else "server"] += sent
        return sent

    def act(self, text: str) -> list[Segment]:
        """Let one line's event happen."""
        host, what, *words = text.split()
        queue = self.wire[host]
        if what == "<!":
            flags, *numbers = words
            seq, ack, length = ([int(n) for n in numbers] + [0, 0, 0])[:3]
            return self.step(host, Event(segment=Segment(seq, ack, flags, length)))
        if what == "!":
            (name,) = words
            assert name in self.timers[host], f"{text}: only {sorted(self.timers[host])} run"
            del self.timers[host][name]
            return self.step(host, Event(timer=name))
        if what == "x" or what.startswith("<"):
            place = int(what[1:]) - 1 if what[1:].isdecimal() else 0
            assert place < len(queue), f"{text}: on the wire is only {[written(s) for s in queue]}"
            segment = queue[place] if what == "<+" else queue.pop(place)
            wanted = " ".join(words)
            assert matches(segment, wanted), f"{text}: what arrives is {written(segment)}"
            return [] if what == "x" else self.step(host, Event(segment=segment))
        result = words.pop() if "=" in words else None
        amount = int(words[0]) if words and words[0].isdecimal() else 0
        sent = self.step(host, Event(call=what, amount=amount))
        if result is not None:
            assert self.result == result, f"{text}: the call returns {self.result}"
        return sent

    def play(self, *lines: str) -> Two:
        """Let all lines happen, and check what each of them says."""
        for line in lines:
            event, sent, states = ([part.strip() for part in line.split("|")] + ["", ""])[:3]
            segments = self.act(event)
            expected = [s.strip() for s in sent.split(",")] if sent else []
            found = [written(s) for s in segments]
            assert len(found) == len(expected), f"{line}\n  sent: {found}"
            for segment, wanted in zip(segments, expected, strict=True):
                assert matches(segment, wanted), f"{line}\n  sent: {found}"
            if states:
                assert self.states == states, f"{line}\n  states: {self.states}"
            check(self.ends["server"])
            check(self.ends["client"])
        return self


def ladder(*lines: str, server: str = "rfc9293", client: str = "rfc9293", **options: Any) -> Two:
    """Play a ladder between two endpoints, and check every line of it."""
    return Two(server, client, **options).play(*lines)


def written(segment: Segment) -> str:
    """A segment as the lines of a ladder write it."""
    flags = "".join(f for f in "SFRA" if f in segment.flags)
    return f"{flags} {segment.seq} {segment.ack}" + (f" {segment.length}" if segment.length else "")


def matches(segment: Segment, wanted: str) -> bool:
    """Does the segment agree with what a line says of it? What the line does not say does not count."""
    said, found = wanted.split(), written(segment).split()
    return "".join(sorted(said[0].replace("P", ""))) == "".join(sorted(found[0])) and said[1:] == found[1:][: len(said) - 1]


def check(e: Endpoint) -> None:
    """The relations between an endpoint's numbers that always hold (RFC 9293 §3.3.1, §3.4, §3.8)."""
    assert e.snd_una <= e.snd_nxt, e
    assert e.snd_nxt <= e.snd_end + e.fin_queued, e
    assert e.unread >= 0, e
    assert 0 <= e.window <= e.rcv_buf, e
    assert not e.fins.acked or e.fins.sent, e
    assert (e.clock is None) or e.clock in ("retransmission", "persist"), e


CALLS = ("connect", "listen", "send", "receive", "shutdown", "shutdown-read", "close", "abort")


@contextmanager
def strictly() -> Iterator[None]:
    """Meanwhile every event must find exactly one row: none is a fault, and so are two."""
    rows, take = index(RULES), machine._take

    def strict(draft: Any, event: str, segment: Segment | None, taken: list[Any]) -> Segment | None:
        found = [
            rule.id
            for rule in rows.get((draft.state, event), ())
            if all(GUARDS[g.removeprefix("!")](draft, segment) is not g.startswith("!") for g in rule.guards)
        ]
        assert len(found) == 1, f"{event} in {draft.state} finds {found or 'no row'}: {segment} {draft.freeze()}"
        return take(draft, event, segment, taken)

    machine.forget()
    machine._take = strict
    try:
        yield
    finally:
        machine._take = take
        machine.forget()


#: Ways into every state, for the server.
WAYS = {
    "CLOSED": ("server abort",),
    "ESTABLISHED": (),
    "FIN-WAIT-1": ("server shutdown",),
    "FIN-WAIT-2": ("server shutdown", "client < FA", "server < A"),
    "CLOSE-WAIT": ("client shutdown", "server < FA"),
    "CLOSING": ("server shutdown", "client shutdown", "server < FA"),
    "LAST-ACK": ("client shutdown", "server < FA", "server shutdown"),
    "TIME-WAIT": (
        "server shutdown", "client < FA", "server < A", "client shutdown", "server < FA",
    ),
    "LISTEN": ("server listen",),
    "SYN-SENT": ("server connect",),
    "SYN-RECEIVED": ("server listen", "client connect", "server < S"),
}  # fmt: skip


def reach(name: str, state: str) -> list[Endpoint]:
    """Endpoints of that stack in that state: as they come, given up by their program, and with bytes not yet read."""
    opened = state not in ("LISTEN", "SYN-SENT", "SYN-RECEIVED")
    found = []
    for opening in ((), ("client send 10", "server < PA", "client < A")):
        if opening and not opened:
            continue
        two = Two(name, name, opened=opened)
        for line in (*opening, *WAYS[state]):
            two.act(line)
        e = two.ends["server"]
        assert e.state == state, (name, state, e.state)
        found.append(e)
        if not opening:
            found.append(two.ends["server"].step(Event(call="close")).endpoint)
    if state == "SYN-RECEIVED":
        two = Two(name, name, opened=False)
        for line in ("client connect", "server connect", "server < S"):
            two.act(line)
        found.append(two.ends["server"])
    if state == "CLOSED":
        found.append(Endpoint(found[0].profile))
    return found
