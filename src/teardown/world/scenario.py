"""Reading scenarios: from the built-in collection or from a file, checked to the letter."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from teardown.durations import duration
from teardown.errors import InputError
from teardown.programs import program
from teardown.stacks import override, stack
from teardown.world.trace import HOSTS, Host, Pair
from teardown.world.world import SEATS, Fault, HostSetup, Scenario

_KEYS = {"base", "title", "summary", "server", "client", "latency", "begin", "faults", "seats", "seed"}
_HOST_KEYS = {"stack", "program", "set", "options"}
_OPTIONS = {"linger": "SO_LINGER", "linger2": "TCP_LINGER2", "user_timeout": "TCP_USER_TIMEOUT"}
_LATENCY = "20ms"


@cache
def _builtin() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("scenarios.toml").read_text("utf-8"))


def names() -> tuple[str, ...]:
    """The built-in scenarios, in the order of the data file."""
    return tuple(_builtin())


@cache
def load(name: str) -> Scenario:
    """The built-in scenario of that name. Raises InputError for an unknown one."""
    if name not in _builtin():
        raise InputError(f"unknown scenario {name!r}", mend=f"Known scenarios: {', '.join(names())}")
    return parse(name, _builtin()[name], f"scenarios.toml, [{name}]")


def parse(name: str, data: dict[str, Any], place: str) -> Scenario:
    """A scenario from plain data (a TOML table). `place` names it in errors."""
    data = _based(data, place)
    _only(data, _KEYS, place)
    title, summary = (_text(data, key, place) for key in ("title", "summary"))
    hosts = Pair(*(_host(data, host, place) for host in HOSTS))
    begin = data.get("begin", "established")
    if begin not in ("established", "closed"):
        raise InputError(f"begin cannot be {begin!r}", place=place, mend="Write established or closed")
    seats = data.get("seats", [])
    if not isinstance(seats, list) or any(s not in SEATS for s in seats):
        raise InputError(f"seats cannot be {seats!r}", place=place, mend=f"Choose from {', '.join(SEATS)}")
    seed = data.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 1 << 32:
        raise InputError(f"seed cannot be {seed!r}", place=place, mend="Write a whole number")
    faults = data.get("faults", [])
    if not isinstance(faults, list) or len(faults) > 50:
        raise InputError("faults must be a list of at most 50 tables", place=place)
    return Scenario(
        name, title, summary, hosts, _latency(data.get("latency", _LATENCY), place), begin,
        tuple(_fault(f, f"{place}, fault {n}") for n, f in enumerate(faults, 1)), tuple(seats), seed,
    )  # fmt: skip


def varied(
    scenario: Scenario,
    *,
    stacks: dict[Host, str] | None = None,
    programs: dict[Host, str] | None = None,
    values: Iterable[tuple[Host, str, str]] = (),
) -> Scenario:
    """The same scenario with other stacks, programs or single values (`server`, `tcp_fin_timeout`, `90s`)."""
    hosts = scenario.hosts
    for host in HOSTS:
        setup = hosts.of(host)
        if stacks and host in stacks:
            setup = replace(setup, profile=stack(stacks[host]).profile)
        if programs and host in programs:
            setup = replace(setup, program=program(programs[host]))
        hosts = hosts.having(host, setup)
    for host, name, text in values:
        hosts = hosts.having(host, _set(hosts.of(host), name, text, f"{host}.{name}"))
    return replace(scenario, hosts=hosts)


def _set(setup: HostSetup, name: str, text: str, place: str) -> HostSetup:
    if name in setup.program.settings:
        return replace(setup, program=setup.program.having(name, text, place))
    if name in _OPTIONS:
        value = -1 if name == "linger2" and text.startswith("-") else duration(text, place)
        return replace(setup, options={**setup.options, name: value})
    if name == "keepalive":
        idle, interval, count = [*text.split("/"), "", ""][:3]
        if not count.isdecimal() or not 0 < int(count[:4]) < 1000:
            raise InputError(f"keepalive cannot be {text!r}", place=place, mend="Write idle/interval/count: 2h/75s/9")
        probes = (duration(idle, place), duration(interval, place), int(count))
        return replace(setup, options={**setup.options, name: probes})
    try:
        return replace(setup, profile=override(setup.profile, name, text, place))
    except InputError as error:
        if "has no value" not in error.what:
            raise
        mine = sorted([*setup.program.settings, *_OPTIONS, "keepalive"])
        raise InputError(
            f"neither stack {setup.profile.name} nor program {setup.program.name} has {name!r}", place=place,
            mend=f"The program's settings and socket options: {', '.join(mine)}. {error.mend}",
        ) from None  # fmt: skip


def _based(data: dict[str, Any], place: str) -> dict[str, Any]:
    base = data.get("base")
    if base is None:
        return data
    if not isinstance(base, str) or base not in _builtin():
        raise InputError(f"unknown base scenario {base!r}", place=place, mend=f"Known: {', '.join(names())}")
    merged = dict(_builtin()[base])
    for key, value in data.items():
        old = merged.get(key)
        merged[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _host(data: dict[str, Any], host: Host, place: str) -> HostSetup:
    place = f"{place}, {host}"
    table = data.get(host)
    if not isinstance(table, dict):
        raise InputError(f"{host} is missing", place=place, mend=f'Write {host} = {{ stack = "linux", program = … }}')
    _only(table, _HOST_KEYS, place)
    try:
        setup = HostSetup(stack(_text(table, "stack", place)).profile, program(_text(table, "program", place)))
    except InputError as error:
        raise error.at(place) from None
    values = table.get("set", {})
    if not isinstance(values, dict):
        raise InputError("set must be a table", place=place, mend='Write set = { tcp_fin_timeout = "90s" }')
    for name, value in values.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        setup = _set(setup, name, text, f"{place}.{name}")
    return setup


def _fault(table: Any, place: str) -> Fault:
    if not isinstance(table, dict):
        raise InputError("a fault must be a table", place=place)
    _only(table, {"from", "flags", "nth", "fate", "late"}, place)
    sender, flags, nth = table.get("from"), table.get("flags", ""), table.get("nth", 1)
    fate = table.get("fate", "lost")
    if sender not in HOSTS:
        raise InputError(f"from cannot be {sender!r}", place=place, mend="Write server or client")
    if not isinstance(flags, str) or set(flags) - set("SFRPA"):
        raise InputError(f"flags cannot be {flags!r}", place=place, mend="Use the letters S F R P A")
    if not isinstance(nth, int) or isinstance(nth, bool) or not 0 < nth < 10_000:
        raise InputError(f"nth cannot be {nth!r}", place=place, mend="Count from 1")
    if fate not in ("lost", "late"):
        raise InputError(f"fate cannot be {fate!r}", place=place, mend="Write lost or late")
    late = duration(table.get("late", "200ms"), place) if fate == "late" else 0
    return Fault(sender, flags, nth, fate, late)


def _latency(text: object, place: str) -> int:
    value = duration(text, f"{place}, latency")
    if value > 60_000_000:
        raise InputError("latency is more than a minute", place=place, mend="Write something like 20ms")
    return value


def _text(table: dict[str, Any], key: str, place: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value or len(value) > 2_000:
        raise InputError(f"{key} is missing or not a text", place=place, mend=f'Write {key} = "…"')
    return value


def _only(table: dict[str, Any], known: set[str], place: str) -> None:
    for key in table:
        if key not in known:
            raise InputError(f"unknown key {key!r}", place=place, mend=f"Known keys: {', '.join(sorted(known))}")
