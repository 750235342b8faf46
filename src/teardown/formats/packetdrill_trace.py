"""What a packetdrill script did, as a trace that can be drawn: the machine on one side, the script on the other.

Nobody knows how the script stands: its state is an empty text. A packet of the script has no time on the way, so it
leaves and arrives in the same moment; so does what the machine sends.
"""

from __future__ import annotations

from collections.abc import Sequence

from teardown.formats.packetdrill_machine import Happened
from teardown.tcp.effects import Transmit
from teardown.tcp.endpoint import Endpoint
from teardown.tcp.states import LISTEN, Fins, prose
from teardown.world import captions
from teardown.world.trace import Ending, EventKind, Host, Pair, Running, Step, Trace

_NONE = Fins(False, False, False)
NAMES = {"server": "machine", "client": "script"}


def trace_of(log: Sequence[Happened], stack: str, *, most: int) -> Trace:
    """The trace of the connection that a script tested last, at most its last `most` steps; without steps for none."""
    last = log[-1].socket if log else None
    mine = [h for h in log if last is not None and h.socket in (last, last.listener)]
    making = _Making()
    for happened in mine:
        making.add(happened)
    steps = making.steps[-most:]
    title = f"A script against {stack}" + ("" if len(steps) == len(making.steps) else f", its last {most} steps")
    scenario = {"name": "packetdrill", "title": title, "latency": 20_000, "hosts": NAMES}
    end = Ending("open", steps[-1].t, "") if steps else Ending("open", 0, "")
    return Trace(scenario, tuple(s._replace(i=i) for i, s in enumerate(steps)), end)


class _Making:
    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._packets = 0
        self._since: dict[str, tuple[int, int]] = {}  # timer: started, expires

    def add(self, h: Happened) -> None:
        e, event, rule = h.outcome.endpoint, h.event, h.outcome.rules[-1]
        timers = self._timers(h)
        if not self.steps:
            self._step(h.at, "start", None, "The script begins.", e if event.call else e._replace(peer_fin=False), timers)
        if event.segment is not None:
            self._packets += 1
            what = captions.segment_text(event.segment)
            before = self.steps[-1]
            self.steps.append(before._replace(
                i=0, t=h.at, event="segment-sent", host="client", sender="client", caption=f"The script sends {what}.",
                segment=event.segment, packet=self._packets, call=None, result=None, timer=None, again=0, probe=False,
            ))  # fmt: skip
            caption = f"{what[0].upper()}{what[1:]} reaches the machine. {rule.why}"
            self._step(h.at, "segment-arrived", "server", caption, e, timers, ("client", event.segment, self._packets, 0, False))
        elif event.call is not None:
            text = captions.call_text(event)
            self._step(h.at, "call", "server", f"The program calls {text}. {rule.why}", e, timers,
                       call=text, result=h.outcome.result)
        else:
            name = str(event.timer)
            caption = f"The machine's {captions.TIMER_NAMES.get(name, name)} is over. {rule.why}"
            self._step(h.at, "timer", "server", caption, e, timers, timer=name)
        for effect in h.outcome.effects:
            if isinstance(effect, Transmit):
                self._packets += 1
                what = captions.segment_text(effect.segment, effect.again, effect.probe)
                flight: tuple[Host, object, int, int, bool] = ("server", effect.segment, self._packets, effect.again, effect.probe)
                self._step(h.at, "segment-sent", "server", f"The machine sends {what}.", e, timers, flight)
                self._step(h.at, "segment-arrived", "client", f"The script gets {what}.", e, timers, flight)

    def _timers(self, h: Happened) -> tuple[Running, ...]:
        now = {}
        for name, expires in h.timers:
            started, known = self._since.get(name, (h.at, -1))
            now[name] = (started if known == expires else h.at, expires)
        self._since = now
        running = (Running(name, started, expires, "kernel") for name, (started, expires) in now.items())
        return tuple(sorted(running, key=lambda r: (r.expires, r.name)))

    def _step(
        self, at: int, kind: EventKind, host: Host | None, caption: str, e: Endpoint, timers: tuple[Running, ...],
        flight: tuple[Host, object, int, int, bool] | None = None, *, call: str | None = None, result: str | None = None,
        timer: str | None = None,
    ) -> None:  # fmt: skip
        sender, segment, packet, again, probe = flight or (None, None, None, 0, False)
        fins = e.fins if e.state != LISTEN else _NONE
        self.steps.append(Step(
            0, at, kind, host, f"{caption} The machine is in {prose(e.state)}.", Pair(e.state, ""), Pair(timers, ()),
            Pair(fins, _NONE), None, segment, sender, packet, again, probe, call, result, timer,  # type: ignore[arg-type]
            held=Pair(not e.orphan, True),
        ))  # fmt: skip
