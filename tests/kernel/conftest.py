"""Tests against a real kernel: skipped, and loudly so, where the rig cannot be built."""

from collections.abc import Iterator

import pytest

from teardown.kernel.observe import Observation
from teardown.kernel.play import TooBusy, play_all
from teardown.kernel.rig import available, no_tracefs
from teardown.kernel.scenarios import scenarios
from teardown.kernel.tracefs import Tracer

BUSY: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A machine that never came in time has shown nothing, neither that engine and kernel agree nor that they part."""
    try:
        yield
    except TooBusy as late:
        BUSY.append(f"{item.name}: {late}")
        pytest.skip(str(late))


@pytest.fixture(scope="session")
def real() -> None:
    """A test that asks for this needs the real kernel."""
    if reason := available():
        pytest.skip(f"the real kernel was not asked: {reason}")


@pytest.fixture
def tracer(real: None) -> Iterator[Tracer]:
    if reason := no_tracefs():
        pytest.skip(reason)
    with Tracer() as one:
        yield one


@pytest.fixture(scope="session")
def live(real: None) -> dict[str, Observation]:
    """Every fast scenario, played now."""
    try:
        return play_all([one for one in scenarios() if not one.slow])
    except TooBusy as late:
        BUSY.append(str(late))
        pytest.skip(str(late))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if reason := available():
        terminalreporter.section("REAL KERNEL NOT ASKED", yellow=True, bold=True)
        terminalreporter.line(f"The rig cannot be built here: {reason}.")
        terminalreporter.line("Only what was recorded on another machine has been checked.")
    elif reason := no_tracefs():
        terminalreporter.section("REAL KERNEL ASKED WITHOUT TRACEFS", yellow=True, bold=True)
        terminalreporter.line(reason)
    for line in BUSY:
        terminalreporter.section("REAL KERNEL NOT ASKED", yellow=True, bold=True)
        terminalreporter.line(line)
