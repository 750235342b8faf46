"""Operating systems as data: which timers they run and how they close, each value with its source.

The values stand in `stacks.toml`; this module reads them into `Profile`s and keeps the sources beside them.
"""

from __future__ import annotations

import tomllib
from dataclasses import fields
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from teardown.durations import duration, duration_or_never
from teardown.errors import InputError
from teardown.tcp.profile import Profile

_TIMES = (
    "time_wait", "rto", "syn_rto", "give_up_rto", "rto_max", "persist_min", "persist_max", "keepalive_idle",
    "keepalive_interval",
)  # fmt: skip
_TIMES_OR_NEVER = (
    "fin_wait_2", "fin_wait_2_recheck", "fin_wait_2_held", "fin_wait_2_split", "linger2_max", "detached_keepalive", "user_timeout",
)  # fmt: skip
_CHOICES = {
    "rst_in_time_wait": ("closes", "closes-if-exact", "ignored"),
    "reset_after_eof": ("ECONNRESET", "EPIPE"),
    "give_up": ("time", "count", "linux"),
    "window_probe": ("byte", "empty"),
    "syn_fin": ("as-syn", "opens-nothing", "dropped"),
}
_DEFAULTS = Profile()
_TYPES: dict[str, type] = {f.name: type(getattr(_DEFAULTS, f.name)) for f in fields(Profile) if f.name not in ("name", "table")}


class Value(NamedTuple):
    """One value of a stack: as written, where it is from, how sure it is, and the system's own name for it."""

    written: str
    source: str
    mark: str
    native: str | None
    note: str | None
    inherited: str | None  # the stack it was taken over from


class Stack(NamedTuple):
    """An operating system: its profile and the origin of each value."""

    name: str
    title: str
    note: str
    profile: Profile
    values: dict[str, Value]


@cache
def _raw() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("stacks.toml").read_text("utf-8"))


def names() -> tuple[str, ...]:
    """All stacks, in the order of the data file."""
    return tuple(_raw())


@cache
def stack(name: str) -> Stack:
    """The stack of that name. Raises InputError for an unknown one."""
    if name not in _raw():
        raise InputError(f"unknown stack {name!r}", mend=f"Known stacks: {', '.join(names())}")
    raw = _raw()[name]
    values: dict[str, Value] = {}
    if "inherits" in raw:
        parent = stack(raw["inherits"])
        values = {key: v._replace(inherited=v.inherited or parent.name) for key, v in parent.values.items()}
    for key, v in raw["values"].items():
        written = str(v["value"]).lower() if isinstance(v["value"], bool) else str(v["value"])
        values[key] = Value(written, v["source"], v["mark"], v.get("native"), v.get("note"), None)
    knobs = {key: _parse(key, v.written, f"stacks.toml, {name}.{key}") for key, v in values.items()}
    return Stack(name, raw["title"], raw["note"], Profile(name=name, **knobs), values)


def override(profile: Profile, name: str, text: str, place: str = "") -> Profile:
    """`profile` with one value replaced, by our name or the system's own (`tcp_fin_timeout`)."""
    known = stack(profile.name).values
    key = next((k for k, v in known.items() if name in (k, v.native)), name)
    if key not in _TYPES:
        natives = sorted({v.native for v in known.values() if v.native})
        raise InputError(
            f"stack {profile.name} has no value {name!r}", place=place,
            mend=f"Its values: {', '.join(sorted(_TYPES))}" + (f"; also {', '.join(natives)}" if natives else ""),
        )  # fmt: skip
    return profile.having(**{key: _parse(key, text, place)})


def _parse(key: str, text: str, place: str) -> Any:
    if key in _TIMES:
        return duration(text, place)
    if key in _TIMES_OR_NEVER:
        return duration_or_never(text, place)
    if key in _CHOICES:
        if text not in _CHOICES[key]:
            raise InputError(f"{key} cannot be {text!r}", place=place, mend=f"Choose {' or '.join(_CHOICES[key])}")
        return text
    kind = _TYPES[key]
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        value = kind(text)
    except (ValueError, KeyError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise InputError(f"{key} cannot be {text!r}", place=place, mend=f"Write {wanted}") from None
    if not 0 <= value <= 1 << 30:
        raise InputError(f"{key} cannot be {text}", place=place, mend="Write a number from 0 to 1073741824")
    return value
