"""Random walks on the real kernel."""

import itertools
import os

import pytest

from teardown.kernel.observe import SAME_KERNEL, compare
from teardown.kernel.scenarios import check
from teardown.kernel.walk import play_walks, walk
from teardown.world.trace import HOSTS

#: `TEARDOWN_WALKS=5000` plays more.
WALKS = int(os.environ.get("TEARDOWN_WALKS", "200"))


def test_a_seed_is_a_walk() -> None:
    for seed in range(300):
        for waits, forged in itertools.product((False, True), repeat=2):
            moves = walk(seed, waits=waits, forged=forged)
            assert moves == walk(seed, waits=waits, forged=forged)
            check(tuple(moves), f"walk {seed}")
            held: set[str] = set()
            for move in moves:
                if move.get("net") == "hold":
                    held.add(move["from"])
                elif move.get("net") == "release":
                    held.remove(move["from"])
                else:
                    assert not (held and "wait" in move)
            assert not held
    assert len({str(walk(seed)) for seed in range(300)}) > 280
    assert len(walk(1, 30)) >= 10


@pytest.mark.kernel
@pytest.mark.parametrize("forged", [False, True])
def test_the_kernel_walks_the_same_way_twice(real: None, forged: bool) -> None:
    first, second = (list(play_walks(range(WALKS), forged=forged)) for _ in range(2))
    for one, two in zip(first, second, strict=True):
        assert [str(d) for d in compare(one, two, SAME_KERNEL)] == [], one.moves
    pairs = set()
    for seen in first:
        stays = [(s.t, host, s.state) for host in ("server", "client") for s in seen.stays(host)]
        now = {"server": "ESTABLISHED", "client": "ESTABLISHED"}
        for _, host, state in sorted(stays):
            now[host] = state
            pairs.add((now["server"], now["client"]))
    if WALKS >= 200:
        assert len(pairs) >= 20, sorted(pairs)


@pytest.mark.kernel
def test_walks_that_wait_see_fin_wait_2_run_out(real: None) -> None:
    with_waits = (s for s in itertools.count() if any("wait" in m for m in walk(s, waits=True)))
    seeds = list(itertools.islice(with_waits, 5))
    assert any("CLOSED" in seen.sequence(host) for seen in play_walks(seeds, waits=True) for host in HOSTS)
