"""Seeds: one number decides which variant of a lab a reader gets, and the addresses in it.

The same seed gives the same lab everywhere. Seed 0 is the lab as its file tells it.
"""

from __future__ import annotations

import re
import zlib
from typing import Any, NamedTuple

from teardown.errors import InputError
from teardown.lab.deal import merged
from teardown.world import scenario as scenarios
from teardown.world.trace import HOSTS, Pair
from teardown.world.world import Scenario

MOST_SEED = 999_999
#: What a variant or a table may change of the scenario.
_KEYS = {*HOSTS, "latency", "faults"}
#: And what else a variant may change: who sits where, the words it deals, and parts of the lab by their ids.
VARIED = frozenset(("seats", "deal", "crowd", "paste", "goals", "predictions", "code"))
#: Networks that RFC 5737 keeps for documentation, and ports that servers listen at.
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
_PORTS = (443, 80, 8080, 8443)


class Table(NamedTuple):
    """One choice of the reader at the beginning: a setting in which the lab can be played."""

    id: str
    text: str


class Place(NamedTuple):
    """Where both ends are, for the eye: `203.0.113.7:443`."""

    server: str
    client: str


def variant(seed: int, count: int) -> int:
    """Which of `count` variants a seed stands for; 0 is the file's own. So many seeds in a row see all of them."""
    return seed % count


def number(seed: int, what: str) -> int:
    """A number that the seed decides, another one for each `what`."""
    return zlib.crc32(f"{what} {seed}".encode())


def checked(seed: Any) -> int:
    """The seed of a request or a command line. Raises InputError."""
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MOST_SEED:
        raise InputError(f"seed cannot be {seed!r}", mend=f"Write a whole number up to {MOST_SEED}")
    return seed


def places(seed: int) -> Pair[str]:
    """The addresses and ports of a seed."""
    net = number(seed, "network") % 3
    ends = (
        f"{_NETWORKS[net]}.{number(seed, 'server') % 99 + 1}:{_PORTS[number(seed, 'port') % len(_PORTS)]}",
        f"{_NETWORKS[(net + 1) % 3]}.{number(seed, 'client') % 199 + 2}:{49_152 + number(seed, 'client port') % 16_000}",
    )
    return Pair(*ends)


def changes(data: Any, what: str, place: str, more: frozenset[str] = frozenset()) -> tuple[dict[str, Any], ...]:
    """The tables under `variants` or `tables`. Raises InputError for what they must not change."""
    if not isinstance(data, list) or len(data) > 12 or not all(isinstance(entry, dict) for entry in data):
        raise InputError(f"{what} must be a list of at most 12 tables", place=place, mend=f"Write [[{what}]]")
    for n, entry in enumerate(data, 1):
        for key in entry:
            if key not in _KEYS | more:
                raise InputError(
                    f"unknown key {key!r}", place=f"{place}, {what} {n}",
                    mend=f"It can have {', '.join(sorted(_KEYS | more))}",
                )  # fmt: skip
    return tuple(data)


def parse_table(data: dict[str, Any], place: str) -> Table:
    """One of the choices at the beginning."""
    name, text = data.get("id"), data.get("text")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9.-]{1,40}", name):
        raise InputError(f"id cannot be {name!r}", place=place, mend="Use lower-case letters, digits, dots and hyphens")
    if not isinstance(text, str) or not 0 < len(text) <= 120:
        raise InputError("text is missing or too long", place=place, mend='Write text = "…", at most 120 characters')
    return Table(name, text)


def scenario(name: str, data: dict[str, Any], place: str, *over: dict[str, Any]) -> Scenario:
    """The lab's scenario with the changes of a variant and a table laid over it, in this order."""
    return scenarios.parse(name, laid_over(data, *over), place)


def laid_over(data: dict[str, Any], *over: dict[str, Any]) -> dict[str, Any]:
    """The lab's scenario, still as data, with changes laid over it."""
    for change in over:
        data = merged(data, {key: value for key, value in change.items() if key in {*_KEYS, "seats"}})
    return data
