"""The comparison finds what differs, and nothing else."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from teardown.kernel.observe import Called, Observation, Sent, Slack, Stay, compare, from_trace
from teardown.tcp.segment import Segment
from teardown.tcp.states import Fins
from teardown.world.trace import Ending, Pair, Step, Trace

SEEN = Observation(
    "x",
    states={
        "server": (
            Stay(0, "ESTABLISHED"),
            Stay(100, "FIN-WAIT-1"),
            Stay(200, "FIN-WAIT-2"),
            Stay(1_000_200, "CLOSED"),
        ),
        "client": (Stay(0, "ESTABLISHED"), Stay(150, "CLOSE-WAIT")),
    },
    calls=(Called(90, "server", "close", "0"), Called(300, "client", "recv 10", "0")),
    segments={
        "server": (Sent(100, Segment(1, 1, "FA")), Sent(200_100, Segment(1, 1, "FA"))),
        "client": (Sent(160, Segment(1, 2, "A")),),
    },
)


def _states(seen: Observation, *stays: Stay) -> Observation:
    return replace(seen, states={**seen.states, "server": stays})


def _server(seen: Observation, *sent: Sent) -> Observation:
    return replace(seen, segments={**seen.segments, "server": sent})


CHANGES: dict[str, tuple[Callable[[Observation], Observation], str | None]] = {
    "nothing": (lambda o: o, None),
    "another state": (lambda o: _states(o, *o.states["server"][:3]), "states of the server"),
    "a change of owner is no state": (
        lambda o: _states(o, *o.states["server"][:3], Stay(500, "FIN-WAIT-2", True), o.states["server"][3]),
        None,
    ),
    "late within reason": (lambda o: _states(o, *o.states["server"][:3], Stay(1_220_000, "CLOSED")), None),
    "too late": (
        lambda o: _states(o, *o.states["server"][:3], Stay(1_240_000, "CLOSED")),
        "time of the server in FIN-WAIT-2",
    ),
    "too early": (
        lambda o: _states(o, *o.states["server"][:3], Stay(880_000, "CLOSED")),
        "time of the server in FIN-WAIT-2",
    ),
    "one segment less": (lambda o: _server(o, o.segments["server"][0]), "segments of the server"),
    "another flag": (
        lambda o: _server(o, o.segments["server"][0], Sent(200_100, Segment(1, 1, "RA"))),
        "segments of the server",
    ),
    "another ack": (
        lambda o: _server(o, o.segments["server"][0], Sent(200_100, Segment(1, 2, "FA"))),
        "segments of the server",
    ),
    "PSH and window do not count": (
        lambda o: _server(o, o.segments["server"][0], Sent(200_100, Segment(1, 1, "FPA", 0, 17))),
        None,
    ),
    "resent too late": (
        lambda o: _server(o, o.segments["server"][0], Sent(400_000, Segment(1, 1, "FA"))),
        "pause of the server before its segment 2",
    ),
    "another result": (
        lambda o: replace(o, calls=(o.calls[0], Called(300, "client", "recv 10", "EAGAIN"))),
        "result of call 2",
    ),
    "a call that waits": (
        lambda o: replace(o, calls=(Called(90, "server", "close", "0", 500_000), o.calls[1])),
        "length of call 1",
    ),
    "a call less": (lambda o: replace(o, calls=o.calls[:1]), "call 2"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_kind_of_difference_is_found(name: str) -> None:
    change, what = CHANGES[name]
    found = compare(change(SEEN), SEEN)
    assert len(found) == (what is not None)
    assert all(what and d.what.startswith(what) for d in found)
    assert all("kernel" in str(d) for d in found)


def test_a_result_that_nobody_knows_is_not_compared() -> None:
    silent = replace(SEEN, calls=tuple(c._replace(result=None) for c in SEEN.calls))
    assert compare(SEEN, silent) == []
    assert compare(replace(SEEN, calls=()), SEEN, calls=False) == []


def test_the_text_form_comes_back_unchanged() -> None:
    assert Observation.loads(SEEN.dumps()) == replace(SEEN, traced={"server": (), "client": ()})
    assert Observation.loads(SEEN.dumps()).dumps() == SEEN.dumps()


def test_slack_is_wider_for_longer_times() -> None:
    assert Slack().holds(60_000_000, 61_900_000)
    assert not Slack().holds(1_000_000, 2_900_000)
    assert not Slack().holds(60_000_000, 56_000_000)


def _step(i: int, t: int, event: str, states: tuple[str, str], **more: object) -> Step:
    nothing: Pair[tuple[()]] = Pair((), ())
    fins = Pair(Fins(False, False, False), Fins(False, False, False))
    return Step(i, t, event, None, "", Pair(*states), nothing, fins, None)._replace(**more)  # type: ignore[arg-type]


def test_a_trace_is_seen_as_the_rig_sees_the_kernel() -> None:
    fin, ack = Segment(1, 1, "FA"), Segment(1, 2, "A")
    steps = (
        _step(0, 1000, "start", ("ESTABLISHED", "ESTABLISHED")),
        _step(1, 2000, "call", ("FIN-WAIT-1", "ESTABLISHED"), host="server", call="close", result="0"),
        _step(2, 2000, "segment-sent", ("FIN-WAIT-1", "ESTABLISHED"), segment=fin, sender="server", packet=1),
        _step(
            3, 2500, "segment-arrived", ("FIN-WAIT-1", "CLOSE-WAIT"), segment=fin, sender="server", packet=1
        ),
        _step(4, 2500, "segment-sent", ("FIN-WAIT-1", "CLOSE-WAIT"), segment=ack, sender="client", packet=2),
        _step(5, 3000, "segment-lost", ("FIN-WAIT-1", "CLOSE-WAIT"), segment=ack, sender="client", packet=2),
    )
    seen = from_trace(Trace({"id": "y"}, steps, Ending("open", 4000, "")))
    assert seen.states == {
        "server": (Stay(0, "ESTABLISHED"), Stay(1000, "FIN-WAIT-1")),
        "client": (Stay(0, "ESTABLISHED"), Stay(1500, "CLOSE-WAIT")),
    }
    assert seen.segments == {"server": (Sent(1000, fin),), "client": (Sent(1500, ack, "dropped"),)}
    assert seen.calls == (Called(1000, "server", "close", "0"),)
    assert seen.ended == 3000
