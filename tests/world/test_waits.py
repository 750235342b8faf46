"""How long a server waits: every stack × every style of closing, from runs, never from constants."""

import pytest

from teardown.site.tables import budget_rows, waits
from teardown.stacks import names
from teardown.tcp.states import CLOSE_WAIT, CLOSED, FIN_WAIT_2, TIME_WAIT
from teardown.world.run import run
from teardown.world.scenario import load, varied

#: Seconds: close() first; shutdown(), close() 2 s later; shutdown() and held; TIME_WAIT. None: for ever.
#: Counted from close() where a program closes, else from FIN_WAIT_2. 4.4BSD counts idle time, so a close() two
#: seconds late finds the limit of 600 s passed when it looks, and needs no second look.
PROFILES = {
    "rfc9293": (None, None, None, 240),
    "bsd-4.4": (675, None, None, 60),
    "bsd-fixed": (675, 600, None, 60),
    "freebsd": (60, 60, None, 60),
    "linux": (60, 60, None, 60),
    "linux-2.2": (180, 180, None, 60),
    "solaris": (675, 675, None, 240),
    "illumos": (60, 60, None, 60),
    "windows-2003": (120, 118, 120, 120),
    "hpux-11": (None, None, None, 60),
}


@pytest.mark.parametrize("name", names())
def test_every_stack_waits_as_its_sources_say(name: str) -> None:
    found = waits(name)
    seconds = [None if us is None else round(us / 1e6) for us in found[1:]]
    assert tuple(seconds) == PROFILES[name]


def test_the_sums_of_the_faq_are_runs() -> None:
    totals = [None if row.total is None else round(row.total / 1e6) for row in budget_rows()]
    assert totals == [67, 77, None, 690, 135, 90]


@pytest.mark.parametrize("name", names())
def test_the_timer_frees_one_end_only(name: str) -> None:
    """Whatever the server's kernel does, the silent client stays in CLOSE_WAIT."""
    trace = run(varied(load("buggy-client"), stacks={"server": name}))
    assert trace.steps[-1].states.client == CLOSE_WAIT


@pytest.mark.parametrize("name", names())
def test_a_healthy_client_always_brings_the_server_to_time_wait(name: str) -> None:
    trace = run(varied(load("normal-close"), stacks={"server": name, "client": name}))
    assert list(dict.fromkeys(step.states.server for step in trace.steps))[-3:] == [
        FIN_WAIT_2, TIME_WAIT, CLOSED,
    ]  # fmt: skip
    assert trace.ending.kind == "closed"


@pytest.mark.parametrize(
    ("value", "seconds"), [("10s", 10), ("30s", 30), ("60s", 60), ("61s", 2), ("70s", 20), ("90s", 60), ("120s", 120)]
)
def test_linux_waits_twice_for_what_exceeds_sixty_seconds(value: str, seconds: int) -> None:
    trace = run(varied(load("lingering-linux"), values=[("server", "tcp_fin_timeout", value)]))
    closed = next(s.t for s in trace.steps if s.call == "close()")
    assert trace.steps[-1].t - closed == seconds * 1_000_000


def test_linux_never_waits_less_than_three_and_a_half_rto() -> None:
    trace = run(varied(load("lingering-linux"), values=[("server", "tcp_fin_timeout", "0s")]))
    closed = next(s.t for s in trace.steps if s.call == "close()")
    assert 700_000 <= trace.steps[-1].t - closed <= 1_000_000


def test_a_socket_that_is_held_never_ends_by_itself() -> None:
    trace = run(load("held-half-closed"))
    assert trace.ending.kind == "stuck"
    assert trace.steps[-1].states == (FIN_WAIT_2, CLOSE_WAIT)
