"""Hand-made traces: shapes that no shipped scenario has, told with as few words as possible."""

from __future__ import annotations

from dataclasses import dataclass, field

from teardown.tcp.segment import Segment
from teardown.tcp.states import Fins
from teardown.world.trace import Ending, Host, Pair, Running, Step, Trace, other

MS = 1_000
S = 1_000_000
OPEN = Pair("ESTABLISHED", "ESTABLISHED")
UNTICKED = Pair(Fins(False, False, False), Fins(False, False, False))
HELD = Pair(True, True)
IDLE: Pair[tuple[Running, ...]] = Pair((), ())


@dataclass
class Tale:
    """Tells a trace step by step. Times are milliseconds; boxes of the checklist are given as `"110"`."""

    name: str = "tale"
    t: int = 0
    steps: list[Step] = field(default_factory=list)
    states: Pair[str] = OPEN
    fins: Pair[Fins] = UNTICKED
    timers: Pair[tuple[Running, ...]] = IDLE
    packets: int = 0
    held: Pair[bool] = HELD

    def _add(self, event: str, host: Host | None, caption: str, **more: object) -> Tale:
        owes = more.pop("owes", None)
        self.steps.append(
            Step(
                len(self.steps), self.t, event, host, caption, self.states, self.timers, self.fins, owes,  # type: ignore[arg-type]
                held=self.held, **more,  # type: ignore[arg-type]
            )
        )  # fmt: skip
        return self

    def set(self, host: Host, state: str | None = None, boxes: str | None = None) -> None:
        if state:
            self.states = self.states.having(host, state)
        if boxes:
            self.fins = self.fins.having(host, Fins(*(b == "1" for b in boxes)))

    def start(self) -> Tale:
        return self._add("start", None, "The connection is open.")

    def after(self, ms: float) -> Tale:
        self.t += round(ms * MS)
        return self

    def run(self, host: Host, name: str, ms: float, owner: str = "kernel") -> Tale:
        """Starts a timer with the next step."""
        running = tuple(r for r in self.timers.of(host) if r.name != name)
        running += (Running(name, self.t, self.t + round(ms * MS), owner),)  # type: ignore[arg-type]
        self.timers = self.timers.having(host, running)
        return self

    def stop(self, host: Host, name: str) -> Tale:
        """Stops a timer with the next step."""
        self.timers = self.timers.having(host, tuple(r for r in self.timers.of(host) if r.name != name))
        return self

    def call(self, host: Host, what: str, state: str | None = None, boxes: str | None = None, **more: object) -> Tale:
        self.set(host, state, boxes)
        if what == "close()":
            self.held = self.held.having(host, False)
        return self._add("call", host, f"The {host}'s program calls {what}.", call=what, **more)

    def send(self, host: Host, flags: str, state: str | None = None, boxes: str | None = None, *, length: int = 0,
             again: int = 0, probe: bool = False, packet: int | None = None) -> Tale:  # fmt: skip
        self.set(host, state, boxes)
        self.packets += 1
        segment = Segment(1, 1, flags, length)
        return self._add("segment-sent", host, f"The {host} sends {segment.label}.", segment=segment, sender=host,
                         packet=self.packets, again=again, probe=probe)  # fmt: skip

    def _landing(self, event: str, packet: int | None, caption: str) -> Tale:
        sent = next(s for s in self.steps if s.event == "segment-sent" and s.packet == (packet or self.packets))
        host = other(sent.sender) if event == "segment-arrived" else None  # type: ignore[arg-type]
        return self._add(event, host, caption.format(sent.segment.label), segment=sent.segment, sender=sent.sender,
                         packet=sent.packet, again=sent.again, probe=sent.probe)  # fmt: skip

    def arrive(self, state: str | None = None, boxes: str | None = None, packet: int | None = None) -> Tale:
        sent = next(s for s in self.steps if s.event == "segment-sent" and s.packet == (packet or self.packets))
        self.set(other(sent.sender), state, boxes)  # type: ignore[arg-type]
        return self._landing("segment-arrived", packet, "The {} arrives.")

    def lose(self, packet: int | None = None) -> Tale:
        return self._landing("segment-lost", packet, "The {} is lost.")

    def fire(self, host: Host, name: str, state: str | None = None, boxes: str | None = None) -> Tale:
        self.set(host, state, boxes)
        if any(r.name == name and r.expires <= self.t for r in self.timers.of(host)):
            self.stop(host, name)
        return self._add("timer", host, f"The {host}'s {name} timer fires.", timer=name)

    def end(self, kind: str = "closed") -> Trace:
        return Trace({"name": self.name, "title": self.name}, tuple(self.steps), Ending(kind, self.t, ""))  # type: ignore[arg-type]


def half_close(name: str) -> Tale:
    """The server closes, the client's kernel acknowledges, the client's program does nothing."""
    tale = Tale(name).start().after(15_000)
    tale.run("server", "retransmission", 1000).call("server", "close()", "FIN-WAIT-1")
    tale.send("server", "FA", boxes="100").after(40).arrive("CLOSE-WAIT", "001")
    return tale.send("client", "A").after(40).stop("server", "retransmission")


def orphan_timer() -> Trace:
    tale = half_close("The client never closes, and the server's kernel gives up")
    tale.run("server", "fin-wait-2", 60_000).arrive("FIN-WAIT-2", "110").after(60_000)
    return tale.fire("server", "fin-wait-2", "CLOSED").end("stuck")


def two_hours() -> Trace:
    tale = half_close("The client comes back after two hours").arrive("FIN-WAIT-2", "110").after(7_200_000)
    tale.run("client", "retransmission", 1000).call("client", "close()", "LAST-ACK")
    tale.send("client", "FA", boxes="101").after(40)
    tale.run("server", "time-wait", 60_000).arrive("TIME-WAIT", "111").send("server", "A").after(40)
    tale.stop("client", "retransmission").arrive("CLOSED", "111").after(59_960)
    return tale.fire("server", "time-wait", "CLOSED").end()


def for_ever() -> Trace:
    """4.4BSD: shutdown, then close, and no clock at all."""
    tale = half_close("No timer at all").arrive("FIN-WAIT-2", "110").run("server", "linger", 2000, "program").after(0)
    tale.call("server", "recv()").after(2000)
    return tale.fire("server", "linger").call("server", "close()").end("stuck")


def lost_fin() -> Trace:
    tale = Tale("The FIN is lost twice").start().after(100)
    tale.run("server", "retransmission", 1000).call("server", "close()", "FIN-WAIT-1")
    tale.send("server", "FA", boxes="100").after(24).lose().after(976)
    tale.fire("server", "retransmission").run("server", "retransmission", 2000)
    tale.send("server", "FA", again=1).after(24).lose().after(1976)
    tale.fire("server", "retransmission").run("server", "retransmission", 4000)
    tale.send("server", "FA", again=2).after(40).arrive("CLOSE-WAIT", "001").send("client", "A").after(40)
    tale.stop("server", "retransmission").arrive("FIN-WAIT-2", "110")
    tale.call("client", "close()", "LAST-ACK").run("client", "retransmission", 1000)
    tale.send("client", "FA", boxes="101").after(40).run("server", "time-wait", 240_000).arrive("TIME-WAIT", "111")
    tale.send("server", "A").after(40).stop("client", "retransmission").arrive("CLOSED", "111").after(239_960)
    return tale.fire("server", "time-wait", "CLOSED").end()


def simultaneous() -> Trace:
    tale = Tale("Both close at once").start().after(50).call("server", "close()", "FIN-WAIT-1")
    tale.send("server", "FA", boxes="100").after(10).call("client", "close()", "FIN-WAIT-1")
    tale.send("client", "FA", boxes="100").after(30).arrive("CLOSING", "101", 1).send("client", "A").after(10)
    tale.arrive("CLOSING", "101", 2).send("server", "A").after(30)
    tale.run("server", "time-wait", 60_000).arrive("TIME-WAIT", "111", 3).after(10)
    tale.run("client", "time-wait", 60_000).arrive("TIME-WAIT", "111", 4).after(59_990)
    return tale.fire("server", "time-wait", "CLOSED").after(10).fire("client", "time-wait", "CLOSED").end()


def reset() -> Trace:
    tale = half_close("Late data meets a closed socket").arrive("FIN-WAIT-2", "110").after(120)
    tale.send("client", "PA", length=120).after(40).arrive("CLOSED").send("server", "R").after(40).arrive("CLOSED")
    return tale.call("client", "send()", result="ECONNRESET").end()


def flying() -> Trace:
    return half_close("On its way").end("open")


def probes() -> Trace:
    """Keepalive: probes restart a timer, and traffic restarts it too."""
    tale = Tale("Keepalive").start().run("server", "keepalive", 7_200_000)
    tale.steps.clear()
    tale.start().after(7_200_000)
    for _ in range(2):
        tale.fire("server", "keepalive").run("server", "keepalive", 75_000).send("server", "A", probe=True).after(40)
        tale.arrive().send("client", "A").after(40).run("server", "keepalive", 7_200_000).arrive().after(7_200_000)
    return tale.end("open")


def long(steps: int = 200) -> Trace:
    tale = Tale("Two hundred steps").start()
    while len(tale.steps) < steps - 1:
        tale.after(20).send("client", "PA", length=100).after(40).arrive().send("server", "A").after(40).arrive()
        if len(tale.steps) % 40 < 4:
            tale.after(30_000).run("server", "keepalive", 7_200_000)
    return tale.end("open")


ALL = {f.__name__: f for f in (
    orphan_timer, two_hours, for_ever, lost_fin, simultaneous, reset, flying, probes, long,
)}  # fmt: skip
