"""SO_LINGER with a time: close() waits, and the trace says when it returns."""

from dataclasses import replace

import pytest

from teardown.world.captions import RETURN
from teardown.world.moves import apply, begin, moves
from teardown.world.run import run
from teardown.world.scenario import load, varied
from teardown.world.trace import Trace
from teardown.world.world import Fault, Scenario

SECOND = 1_000_000


def _lingers(seconds: int, *, lost: int = 0) -> Scenario:
    """The server closes with SO_LINGER; the first `lost` FINs do not arrive."""
    hands = {"server": "hand", "client": "hand"}
    one = varied(load("normal-close"), programs=hands, values=[("server", "linger", f"{seconds}s")])  # type: ignore[arg-type]
    return replace(one, faults=tuple(Fault("server", "F", n) for n in range(1, lost + 1)))


def _close_and_return(trace: Trace) -> tuple[int, int]:
    close = next(s for s in trace.steps if s.call == "close()" and s.host == "server")
    back = next(s for s in trace.steps if s.call == RETURN)
    assert close.result is None
    assert (back.host, back.result) == ("server", "0")
    return close.t, back.t


def test_close_returns_when_the_fin_is_acknowledged() -> None:
    begun, back = _close_and_return(run(_lingers(5), ["call:server:close"]))
    assert back - begun == 40_000  # one round trip


def test_close_returns_when_the_time_is_over_and_the_kernel_goes_on() -> None:
    trace = run(_lingers(1, lost=4), ["call:server:close"])
    begun, back = _close_and_return(trace)
    assert back - begun == SECOND
    fired = next(s for s in trace.steps if s.timer == "so-linger")
    assert (fired.t, fired.states.server) == (back, "FIN-WAIT-1")
    sent = [s for s in trace.steps if s.event == "segment-sent" and s.host == "server" and s.segment]
    assert sum("F" in s.segment.flags for s in sent if s.segment) == 5
    assert trace.ending.text.startswith("Nothing can happen")  # the server is gone, the client has not closed


@pytest.mark.parametrize("call", ["send", "receive", "shutdown", "close", "abort"])
def test_nobody_can_call_while_close_waits(call: str) -> None:
    world, _ = begin(_lingers(5))
    world, _ = apply(world, "call:server:close")
    assert world.ends.server.closing
    assert not world.ends.server.orphan
    assert f"call:server:{call}" not in [m.id for m in moves(world)]
