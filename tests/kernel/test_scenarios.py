"""The scenario file, what is recorded of it, and whether this machine's kernel still does the same."""

from itertools import pairwise
from pathlib import Path

import pytest

from teardown.errors import InputError
from teardown.kernel.observe import SAME_KERNEL, Observation, compare
from teardown.kernel.record import recorded
from teardown.kernel.rig import RIG_VERSION
from teardown.kernel.scenarios import Scenario, check, scenario, scenarios

HERE = Path(__file__).parent / "recorded"
ALL = [one.id for one in scenarios()]
FAST = [one.id for one in scenarios() if not one.slow]


def kept(name: str) -> Observation:
    return recorded(name, HERE)


@pytest.mark.parametrize("name", ALL)
def test_every_scenario_is_recorded(name: str) -> None:
    one, seen = scenario(name), kept(name)
    assert (seen.moves, seen.settings, seen.title) == (one.moves, one.settings, one.title)
    assert seen.made["rig"] == RIG_VERSION
    assert seen.dumps() == (HERE / f"{name}.json").read_text("utf-8")
    assert not compare(seen, seen)
    assert all(wait["reached"] for wait in seen.waits)


def test_nothing_else_is_recorded() -> None:
    assert {path.stem for path in HERE.glob("*.json")} == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_the_two_ways_of_looking_agree(name: str) -> None:
    """Every full-socket state seen from outside was told by the trace event too, in the same order."""
    seen = kept(name)
    for host in ("server", "client"):
        told = [new for _, _, new in seen.traced[host]]
        settled = [s.state for s in seen.stays(host)[1:] if s.timer != "entry" and s.state != "CLOSED"]
        at = -1
        for state in settled:
            assert state in told[at + 1 :], f"{host}: {state} not in {told}"
            at = told.index(state, at + 1)


@pytest.mark.kernel
@pytest.mark.parametrize("name", FAST)
def test_this_kernel_does_what_is_recorded(name: str, live: dict[str, Observation]) -> None:
    assert [str(d) for d in compare(live[name], kept(name), SAME_KERNEL)] == []


# What the recorded runs say, in numbers a reader can check.


def time_in(name: str, host: str, state: str) -> float:
    """Seconds from the entry of the first stay in `state` to the next state."""
    stays = kept(name).stays(host)  # type: ignore[arg-type]
    for one, after in pairwise(stays):
        if one.state == state:
            return (after.t - one.t) / 1e6
    raise AssertionError(f"{host} never left {state}")


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("a1-1s", 1), ("a1-3s", 3), ("a1-30s", 30), ("a1-60s", 60),
        ("a2-61s", 2), ("a2-70s", 20), ("a2-90s", 60), ("a2-120s", 120),
        ("a3", 0.7), ("a6-2s", 2), ("a6-70s", 20), ("a6-200s", 120),
    ],
)  # fmt: skip
def test_how_long_an_orphan_stays_in_fin_wait_2(name: str, seconds: float) -> None:
    assert seconds <= time_in(name, "server", "FIN-WAIT-2") <= seconds * 1.13 + 0.1
    assert [s.compared for s in kept(name).segments["server"]] == [("FA", 1, 0, 1)]  # nothing at the end
    assert kept(name).sequence("client") == ("ESTABLISHED", "CLOSE-WAIT")


def test_time_wait_lasts_60_seconds_whatever_tcp_fin_timeout_is() -> None:
    assert 60 <= time_in("h3", "server", "TIME-WAIT") <= 68


@pytest.mark.parametrize("name", ["a4", "a4-130s"])
def test_a_half_closed_socket_has_no_timer(name: str) -> None:
    last = kept(name).states["server"][-1]
    assert (last.state, last.orphan, last.timer) == ("FIN-WAIT-2", False, None)


@pytest.mark.parametrize(
    ("name", "host", "fins", "seconds"),
    [
        ("c1", "server", 10, 108), ("c2", "server", 6, 6.8), ("c3", "server", 6, 6.8),
        ("c4", "server", 5, 1.9), ("h2-default", "server", 10, 108),
    ],
)  # fmt: skip
def test_how_often_a_fin_is_sent_before_the_kernel_gives_up(
    name: str, host: str, fins: int, seconds: float
) -> None:
    seen = kept(name)
    sent = [s.t / 1e6 for s in seen.segments[host] if "F" in s.segment.flags]  # type: ignore[index]
    assert len(sent) == fins
    gone = seen.stays(host)[-1]  # type: ignore[arg-type]
    assert gone.state == "CLOSED"
    assert seconds * 0.95 <= gone.t / 1e6 <= seconds * 1.13
    pauses = [after - before for before, after in pairwise(sent)]
    # The first resend is the tail-loss probe, then the timeout starts again from its full length and doubles.
    assert pauses[0] == pytest.approx(0.205, abs=0.03)
    assert pauses[1] == pytest.approx(0.21, abs=0.03)
    for before, after in pairwise(pauses[1:]):
        assert after / before == pytest.approx(2, rel=0.13)


@pytest.mark.parametrize(
    ("name", "results"),
    [
        ("b3", ["0", "10", "EPIPE", "EPIPE", "0", "0"]),
        ("g1", ["100", "200", "0", "200", "ECONNRESET", "0", "0"]),
        ("g2", ["100", "200", "0", "ECONNRESET", "200", "0", "0"]),
        ("g3", ["100", "200", "0", "ECONNRESET", "0", "0"]),
        ("e1-established", ["0", "ECONNRESET", "EPIPE", "0"]),
        ("e1-fin-wait-2", ["0", "0", "EPIPE", "0"]),
        ("c6", ["0", "0", "ETIMEDOUT", "0"]),
    ],
)
def test_what_the_calls_return(name: str, results: list[str]) -> None:
    assert [called.result for called in kept(name).calls] == results


def test_a_lingering_close_resets_nothing_and_loses_nothing() -> None:
    seen = kept("g5")
    assert not [s for host in ("server", "client") for s in seen.segments[host] if "R" in s.segment.flags]
    assert [c.result for c in seen.calls if c.call.startswith("recv")] == ["200", "200", "0", "0"]


def test_a_repeated_fin_assassinates_time_wait_unless_rfc_1337_is_heeded() -> None:
    assert kept("j2").sequence("server")[-2:] == ("TIME-WAIT", "CLOSED")
    assert kept("j2-rfc1337").sequence("server")[-1] == "TIME-WAIT"
    for name in ("j2", "j2-rfc1337"):
        assert kept(name).segments["client"][-1].compared == ("R", 2, 0, None)


# Bad input.


@pytest.mark.parametrize(
    ("moves", "says"),
    [
        ([{"host": "server", "call": "shout"}], "no call 'shout'"),
        ([{"host": "printer", "call": "close"}], "no host 'printer'"),
        ([{"host": "server", "call": "send"}], "send needs bytes"),
        ([{"host": "server", "call": "set", "option": "SO_MAGIC"}], "no option 'SO_MAGIC'"),
        ([{"host": "server", "call": "set", "option": "TCP_LINGER2"}], "set needs value"),
        ([{"host": "server", "call": "close"}, {"host": "server", "call": "recv", "bytes": 1}], "move 2"),
        ([{"net": "explode"}], "no network move 'explode'"),
        ([{"net": "hold", "from": "printer"}], "no host 'printer'"),
        ([{"until": "server ASLEEP", "most": 1}], "cannot be understood"),
        ([{"until": "server CLOSED"}], "cannot be understood"),
        ([{"wait": "long"}], "no such move"),
        ([{}], "no such move"),
    ],
)
def test_moves_that_are_none_are_refused(moves: list[dict[str, object]], says: str) -> None:
    with pytest.raises(InputError, match=says):
        check(tuple(moves), "here")


def test_an_unknown_scenario_and_a_spoilt_record_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There are a1-1s"):
        scenario("zz")
    with pytest.raises(InputError, match="nothing is recorded"):
        recorded("a3", tmp_path)
    for text in ("", "[]", "{}", '{"version": 99}', '{"version": 1, "scenario": 1}'):
        (tmp_path / "a3.json").write_text(text)
        with pytest.raises(InputError, match=r"a3\.json"):
            recorded("a3", tmp_path)


def test_a_scenario_is_data() -> None:
    assert Scenario("x", "", (), {}) == Scenario("x", "", (), {})
