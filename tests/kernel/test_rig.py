"""The rig: it works, it keeps to itself, and it leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from teardown.errors import InputError
from teardown.kernel import rig as rig_module
from teardown.kernel.play import LATE, Player, TooBusy, play
from teardown.kernel.record import recorded
from teardown.kernel.rig import Rig, available, kernel, linger
from teardown.kernel.scenarios import Scenario, scenario
from teardown.kernel.tracefs import Tracer, leftovers
from teardown.kernel.wire import parse

pytestmark = pytest.mark.kernel


def _namespaces_in_use() -> set[int]:
    """Inode numbers of the network namespaces that any process is in or holds open."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        for link in [process / "ns/net", *_links(process / "fd")]:
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith("net:["):
                found.add(int(target[5:-1]))
    return found


def _links(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _devices() -> set[str]:
    return {line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]}


def _descriptors() -> set[str]:
    return {os.readlink(link) for link in _links(Path("/proc/self/fd")) if os.path.islink(link)}


def test_a_packet_is_read_to_the_byte() -> None:
    header = bytes.fromhex("4500003400004000400600000a0000010a000002")
    tcp = bytes.fromhex("9c41005000000064000000c880190100000000000101080a0000000000000000")
    assert parse(header + tcp) == (40001, 80, (100, 200, "FPA", 0, 256))
    assert parse(b"\x60" + bytes(60)) is None  # IPv6
    assert parse(header[:9] + b"\x11" + header[10:] + tcp) is None  # UDP


def test_no_rights_are_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    available.cache_clear()
    monkeypatch.setattr(rig_module.os, "geteuid", lambda: 1000)
    try:
        reason = available()
        assert reason is not None
        assert "root" in reason
        with pytest.raises(rig_module.Unavailable, match="root"):
            Rig()
    finally:
        available.cache_clear()


def test_two_machines_and_a_close_between_them(real: None) -> None:
    before = Path("/proc/sys/net/ipv4/tcp_fin_timeout").read_text()
    with Rig({"server": {"tcp_fin_timeout": 7}}) as rig:
        inodes = rig.namespaces()
        assert len({*inodes.values(), os.stat("/proc/self/ns/net").st_ino}) == 3
        ends = rig.connect()
        assert (rig.look("server").state, rig.look("client").state) == ("ESTABLISHED", "ESTABLISHED")
        ends["server"].close()
        rig.wire.settle()
        server, client = rig.look("server"), rig.look("client")
        assert (server.state, server.orphan, server.timer) == ("FIN-WAIT-2", True, "entry")
        assert 6000 < server.expires <= 7000
        assert (client.state, client.orphan, client.timer) == ("CLOSE-WAIT", False, None)
        assert client.unread == 1  # the FIN counts
        assert [(p.sender, p.segment.flags, p.segment.seq, p.segment.ack) for p in rig.wire.log] == [
            ("server", "FA", 1, 1),
            ("client", "A", 1, 2),
        ]
        linger(ends["client"], True, 0)
        ends["client"].close()
    assert Path("/proc/sys/net/ipv4/tcp_fin_timeout").read_text() == before


def test_one_rig_carries_many_connections(real: None) -> None:
    with Rig() as rig:
        for _ in range(3):
            ends = rig.connect()
            assert ends["client"].send(b"hello") == 5
            rig.wire.settle()
            assert ends["server"].recv(100) == b"hello"
            assert [p.segment.seq for p in rig.wire.log] == [1, 1]
            for end in ends.values():
                end.close()
            rig.wire.settle()


def test_latency_holds_packets_back(real: None) -> None:
    with Rig(latency=0.05) as rig:
        ends = rig.connect()
        begin = time.monotonic()
        ends["server"].close()
        assert rig.run_until(begin + 2, lambda: rig.look("server").state == "FIN-WAIT-2")
        assert time.monotonic() - begin >= 0.1
        ends["client"].close()


def test_a_segment_waits_for_the_calls_before_it(real: None) -> None:
    """However late a program is: what is to find its call made does."""
    moves = (
        {"net": "after", "from": "server", "nth": [1], "calls": 1},
        {"host": "server", "call": "close"},
        {"wait": 0.1},
        {"host": "client", "call": "close"},
        {"after": 0.05, "host": "client"},
    )
    seen = play(Scenario("crossing", "", moves, {}))
    assert seen.sequence("client") == ("ESTABLISHED", "CLOSING", "TIME-WAIT")
    assert [sent.compared[0] for sent in seen.segments["client"]] == ["FA", "A"]
    closed = [called.t for called in seen.calls]
    assert 100_000 <= closed[1] - closed[0] < 200_000
    assert seen.ended >= closed[1] + 50_000


def test_a_play_that_comes_late_is_void_whatever_it_shows(real: None, monkeypatch: pytest.MonkeyPatch) -> None:
    one, tries = scenario("d2"), []
    there = Player.play

    def held_up(self: Player, moves: Iterable[Mapping[str, Any]]) -> None:
        first, *others = moves

        def slowly() -> Iterator[Mapping[str, Any]]:
            yield first
            time.sleep(LATE + 0.01 if len(tries) <= times else 0)
            yield from others

        tries.append(0)
        there(self, slowly())

    monkeypatch.setattr(Player, "play", held_up)
    times = 2
    assert play(one).sequence("server") == recorded("d2", Path(__file__).parent / "recorded").sequence("server")
    assert len(tries) >= 3
    tries.clear()
    times = 100
    with pytest.raises(TooBusy, match=r"too busy to play d2: none of 6 tries was in time, with up to \d+ ms"):
        play(one)
    assert len(tries) == 6


def test_a_play_goes_before_all_others(real: None, monkeypatch: pytest.MonkeyPatch) -> None:
    policies, there = [], Player.play

    def watched(self: Player, moves: Iterable[Mapping[str, Any]]) -> None:
        policies.append(os.sched_getscheduler(0))
        there(self, moves)

    monkeypatch.setattr(Player, "play", watched)
    before = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError as error:
        pytest.skip(f"no thread may go before others here: {error.strerror}")
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))
    play(scenario("d2"))
    assert policies == [os.SCHED_FIFO]
    assert os.sched_getscheduler(0) == before


def test_the_trace_event_shows_states_that_are_passed(tracer: Tracer) -> None:
    seen = play(scenario("d2"), tracer=tracer)
    assert seen.sequence("server") == ("ESTABLISHED", "FIN-WAIT-1", "TIME-WAIT")
    assert [new for _, _, new in seen.traced["server"]] == ["FIN-WAIT-1", "FIN-WAIT-2", "CLOSED"]


def test_look_ups_alone_see_the_same_states(tracer: Tracer) -> None:
    one = scenario("b1")
    with_event, without = play(one, tracer=tracer), play(one)
    assert not without.traced["server"]
    for host in ("server", "client"):
        assert with_event.sequence(host) == without.sequence(host)


def test_nothing_is_left(real: None) -> None:
    devices, descriptors = _devices(), len(_descriptors())
    with Rig() as rig:
        inodes = set(rig.namespaces().values())
        assert inodes <= _namespaces_in_use()
        play(scenario("c5"), rig=rig)
    assert not inodes & _namespaces_in_use()
    assert _devices() == devices
    assert len(_descriptors()) == descriptors
    assert not [name for name in leftovers() if f"-{os.getpid()}-" in name]


def test_nothing_is_left_after_a_failure(real: None) -> None:
    used, devices, descriptors = _namespaces_in_use(), _devices(), len(_descriptors())
    with pytest.raises(InputError, match="tcp_nonsense"):
        Rig({"client": {"tcp_nonsense": 1}})
    with pytest.raises(InputError, match="tcp_fin_timeout = 'never'"):
        Rig({"client": {"tcp_fin_timeout": "never"}})
    with pytest.raises(InputError, match="no socket any more"):
        play(Scenario("twice", "", ({"host": "server", "call": "close"},) * 2, {}))
    assert _namespaces_in_use() <= used
    assert _devices() == devices
    assert len(_descriptors()) == descriptors


def test_nothing_is_left_of_a_killed_play(real: None) -> None:
    """The namespaces go with the process; its trace instance goes with the next run."""
    program = (
        "from teardown.kernel.rig import Rig\nfrom teardown.kernel.tracefs import Tracer\n"
        "import time\nrig = Rig(tracer=Tracer())\nrig.connect()\n"
        "print(*rig.namespaces().values(), flush=True)\ntime.sleep(60)\n"
    )
    if reason := rig_module.no_tracefs():
        pytest.skip(reason)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        inodes = set(map(int, child.stdout.readline().split()))
        assert len(inodes) == 2
        assert inodes <= _namespaces_in_use()
        child.send_signal(signal.SIGKILL)
    assert not inodes & _namespaces_in_use()
    with Tracer():
        assert not [name for name in leftovers() if f"-{child.pid}-" in name]


def test_it_says_what_it_ran_on(real: None) -> None:
    assert kernel()["kernel"].startswith("Linux ")
