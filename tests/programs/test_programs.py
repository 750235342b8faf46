"""What servers and clients do at the end of a connection, and when: measured from runs, held against their sources."""

from __future__ import annotations

import pytest

from teardown.errors import InputError
from teardown.lab import file as labs
from teardown.programs import PROGRAMS, program
from teardown.world.run import run
from teardown.world.scenario import load, names, varied
from teardown.world.trace import Host, Trace

#: Server: idle seconds until it ends the connection, and seconds from its shutdown() to its close(): on an idle
#: connection; after an early answer to a client that falls silent; and to one that never stops sending.
#: None: it closes at once, without shutdown().
SERVERS: dict[str, tuple[int, int | None, int | None, int | None]] = {
    "httpd-1.1": (15, None, None, None),
    "httpd-1.2": (15, 2, 2, 30),
    "httpd-1.3": (15, 2, 2, 30),
    "httpd-2.4-prefork": (5, 2, 2, 30),
    "httpd-2.4-event": (5, 2, 30, 30),
    "nginx": (75, None, 5, 30),
}


def ends(server: str, client: str, **settings: str) -> Trace:
    """A run in which that server ends the connection. Settings named server_… or client_… belong to a program."""
    values: list[tuple[Host, str, str]] = []
    for name, value in settings.items():
        host, _, setting = name.partition("_")
        assert host == "server" or host == "client"
        values.append((host, setting, value))
    return run(varied(load("buggy-client"), programs={"server": server, "client": client}, values=values))


def called(trace: Trace, host: Host, call: str) -> float | None:
    """When a host made that call, in seconds."""
    return next((s.t / 1e6 for s in trace.steps if s.host == host and s.call == call), None)


def lingered(trace: Trace) -> float | None:
    """Seconds from the server's shutdown() to its close()."""
    half, whole = (called(trace, "server", call) for call in ("shutdown(SHUT_WR)", "close()"))
    assert whole is not None
    return None if half is None else whole - half


@pytest.mark.parametrize("name", SERVERS)
def test_an_idle_connection_ends_after_the_keep_alive_timeout(name: str) -> None:
    trace = ends(name, "ignores-eof")
    half, whole = (called(trace, "server", call) for call in ("shutdown(SHUT_WR)", "close()"))
    assert (whole if half is None else half) == SERVERS[name][0]
    assert lingered(trace) == SERVERS[name][1]


@pytest.mark.parametrize("name", SERVERS)
def test_an_early_answer_is_followed_by_a_wait_for_a_silent_client(name: str) -> None:
    trace = ends(name, "ignores-eof", server_early_answer_bytes="200", client_upload_bytes="1000")
    assert lingered(trace) == SERVERS[name][2]


@pytest.mark.parametrize("name", SERVERS)
def test_a_client_that_never_stops_sending_is_heard_for_thirty_seconds(name: str) -> None:
    trace = ends(
        name, "keeps-sending", server_early_answer_bytes="200", client_upload_bytes="1000", client_after="1s"
    )
    assert lingered(trace) == SERVERS[name][3]
    assert "R" in "".join(s.segment.flags for s in trace.steps if s.segment is not None)  # what comes later is refused


@pytest.mark.parametrize("name", SERVERS)
def test_a_request_starts_the_idle_time_again(name: str) -> None:
    trace = ends(name, "finishes-sending", client_after="2s", client_times="1")
    assert called(trace, "server", "recv()") == pytest.approx(2.02)
    assert called(trace, "server", "send(500)") == pytest.approx(2.02)


def test_a_proxy_that_passes_the_fin_on_closes_when_the_client_behind_it_has() -> None:
    trace = run(load("proxy-passes-fin"))
    eof = next(s for s in trace.steps if s.states.client == "CLOSE-WAIT")
    assert called(trace, "client", "close()") == eof.t / 1e6 + 1
    assert trace.ending.kind == "closed"
    assert "TIME-WAIT" in {s.states.server for s in trace.steps}


def test_a_proxy_that_keeps_the_fin_outlives_the_servers_kernel() -> None:
    trace = run(load("proxy-keeps-fin"))
    assert called(trace, "client", "close()") == 600
    gone = next(s for s in trace.steps if s.states.server == "CLOSED")
    assert gone.timer == "fin-wait-2"
    assert any(s.segment is not None and s.segment.flags == "R" and s.host == "server" for s in trace.steps)


def test_bytes_keep_a_proxys_connection_alive() -> None:
    trace = ends("httpd-2.4-event", "proxy-keeps-fin", client_idle_limit="3s")
    assert called(trace, "client", "close()") == 3
    assert trace.ending.kind == "closed"


def test_every_program_is_played_by_a_scenario_or_a_lab() -> None:
    played = {setup.program.name for name in names() for setup in load(name).hosts}
    lessons = "".join(path.read_text("utf-8") for path in labs.folder().glob("*.toml"))
    assert [p for p in PROGRAMS if p not in played and f'"{p}"' not in lessons] == ["polls-every"]


def test_an_unknown_program_is_named_with_those_that_exist() -> None:
    with pytest.raises(InputError, match="unknown program 'apache'") as error:
        program("apache")
    assert "httpd-2.4-event" in error.value.mend
