"""The shared scenarios, played on the real kernel with real sockets."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from teardown.errors import InputError
from teardown.kernel.lab import Verdict, command, expected, plan, prepared, report
from teardown.kernel.observe import Observation
from teardown.kernel.play import TooBusy
from teardown.stacks import stack
from teardown.world.run import run
from teardown.world.scenario import load, names, varied
from teardown.world.trace import HOSTS, Host
from teardown.world.world import Scenario

_SECOND = 1_000_000
LINUX = [
    name
    for name in names()
    if all(setup.profile.name == "linux" for setup in load(name).hosts) and load(name).begin == "established"
]


def hurried(scenario: Scenario) -> Scenario:
    """The same story faster, where that is a matter of settings: programs and FIN-WAIT-2.

    Twenty times, or as much faster as makes the longest wait of a program twelve seconds.
    """
    hosts = scenario.hosts
    waits = [v for s in hosts for k, v in s.program.settings.items() if not (k.endswith("_bytes") or k == "times")]
    by = max(20, max(waits, default=0) // (12 * _SECOND))
    for host in HOSTS:
        setup = hosts.of(host)
        times = {
            key: value if key.endswith("_bytes") or key == "times" else max(value // by, 20_000)
            for key, value in setup.program.settings.items()
        }
        hosts = hosts.having(
            host,
            replace(
                setup,
                program=replace(setup.program, settings=times),
                profile=setup.profile.having(fin_wait_2=3 * _SECOND, orphan_retries=2),
            ),
        )
    return replace(scenario, hosts=hosts)


@pytest.fixture(scope="module")
def verdicts(real: None) -> dict[str, Verdict | TooBusy]:
    """What each scenario came to, played once; whether that came in time is for the rig to say, not for us."""
    plans = {name: prepared(hurried(load(name))) for name in LINUX}  # before any play begins: it takes the processor

    def judged(name: str) -> Verdict | TooBusy:
        try:
            return plans[name].play()
        except TooBusy as late:
            return late

    with ThreadPoolExecutor(10) as pool:
        return dict(zip(LINUX, list(pool.map(judged, LINUX)), strict=True))


@pytest.mark.kernel
@pytest.mark.parametrize("name", LINUX)
def test_the_kernel_plays_the_scenario_as_the_engine_does(
    name: str, verdicts: dict[str, Verdict | TooBusy]
) -> None:
    verdict = verdicts[name]
    if isinstance(verdict, TooBusy):
        raise verdict
    assert [str(d) for d in verdict.differences] == []
    assert "  ok: " in report(verdict)


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("name", "moves", "sent"),
    [
        # The server's FIN comes a second late, after its copy.
        ("normal-close", ["wait", "delay:1"], ("server", "FA", 2)),
        # The client's ACK of it: the FIN behind it is quicker, and what then comes late meets nobody.
        ("normal-close", ["wait", "deliver:1", "delay:2"], ("client", "R", 1)),
    ],
)
def test_what_a_learner_delays_is_late_on_the_kernel_too(
    real: None, name: str, moves: list[str], sent: tuple[Host, str, int]
) -> None:
    verdict = prepared(hurried(load(name)), moves).play()
    assert [str(d) for d in verdict.differences] == []
    host, flags, count = sent
    assert [one.compared[0] for one in verdict.kernel.segments[host]].count(flags) == count


@pytest.mark.kernel
def test_the_command_prints_a_verdict(real: None) -> None:
    one, out = hurried(load("held-half-closed")), io.StringIO()
    assert command(one, (), out) == 0
    assert "kernel  ESTABLISHED → FIN-WAIT-1 → FIN-WAIT-2" in out.getvalue()
    out = io.StringIO()
    assert command(one, (), out, as_json=True) == 0
    data = json.loads(out.getvalue())
    assert data["differences"] == []
    assert data["kernel"]["states"]["server"][-1]["state"] == "FIN-WAIT-2"


def test_a_plan_repeats_calls_and_losses() -> None:
    one = load("lost-fin")
    moves = plan(one, run(one)).moves
    assert {"net": "lose", "from": "server", "nth": [1]} in moves
    calls = [move["call"] for move in moves if "call" in move]
    assert calls == [called.call for called in expected(run(one)).calls]
    assert expected(run(one)).sequence("server")[-1] == "TIME-WAIT"


def test_what_linux_cannot_play_is_refused_in_words() -> None:
    for name, says in (("lingering-bsd", "only linux can be played"),):
        with pytest.raises(InputError, match=says):
            plan(load(name), run(load(name)))
    odd = varied(load("buggy-client"), values=[("server", "fin_wait_2", "1500ms")])
    with pytest.raises(InputError, match="whole seconds"):
        plan(odd, run(odd))
    odd = varied(load("buggy-client"), values=[("server", "time_wait", "10s")])
    with pytest.raises(InputError, match="no setting of Linux makes time_wait"):
        plan(odd, run(odd))
    assert stack("linux").profile.time_wait == 60 * _SECOND


def test_a_difference_is_told() -> None:
    one = load("buggy-client")
    engine = expected(run(one))
    silent = Observation("x", made={"kernel": "Linux 0"}, states=engine.states)
    verdict = Verdict(silent, engine, [])
    assert report(verdict).splitlines()[0].startswith("The buggy client: played on Linux 0")
