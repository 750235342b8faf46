"""What a variant deals: the words that a lab's texts and conditions leave open.

A lab file names them in `[deal]`, and a variant deals others. `{loss}` stands for one of them. Where conditions are
written it becomes the value itself (`F from server`), in a text the words for it (`server's FIN`); `{Loss}` begins a
sentence. `{server keepalive_timeout}` is not dealt but read off the scenario, and so is `{latency}`. A crowd deals
`{rate}`, `{room}` and `{stay}`, which is how long each connection may stay if all shall have room. So no text says
what only one of the variants does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from teardown.durations import duration
from teardown.errors import InputError
from teardown.stacks import stack
from teardown.tcp.states import prose
from teardown.world.trace import HOSTS, spoken
from teardown.world.world import Scenario

MOST_WORDS = 30
_NAME = re.compile(r"[a-z][a-z-]{0,30}")
_OPEN = re.compile(r"\{([A-Za-z][\w -]{0,60})\}")
_SEGMENT = re.compile(r"([SFRPA]+) from (server|client)")
#: Which flag gives a segment its name; data have none.
_NAMES = (("R", "reset"), ("F", "FIN"), ("S", "SYN"), ("P", "data"), ("A", "acknowledgement"))
#: What is written for people; everything else is written for the engine.
_TEXTS = {"objectives", "intro", "notice", "closing", "hints", "text", "because", "why", "name"}
#: What is the same in every variant, or is laid over before words are dealt.
_SAME = {"title", "summary", "prerequisites", "see", "scenario", "tables", "deal", "starter", "solution"}
#: Conditions belong together: a variant writes all of them.
_WHOLE = {"when", "once", "must"}


def merged(old: Any, new: Any) -> Any:
    """Plain data with changes laid over it: tables key by key, lists of tables with an id by the id, the rest whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        kept = {key: value for key, value in old.items() if not (key == "set" and "program" in new)}
        return {**kept, **{key: value if key in _WHOLE else merged(kept.get(key), value) for key, value in new.items()}}
    if _has_ids(old) and _has_ids(new):
        by_id = {entry["id"]: entry for entry in old}
        for entry in new:
            by_id[entry["id"]] = merged(by_id.get(entry["id"]), entry)
        return list(by_id.values())
    return new


def _has_ids(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(e, dict) and isinstance(e.get("id"), str) for e in value)


def words(data: Any, place: str) -> dict[str, str]:
    """The table `[deal]`, checked. Raises InputError."""
    mend = 'Write [deal] and loss = "F from server"'
    if not isinstance(data, dict) or len(data) > MOST_WORDS:
        raise InputError(f"deal must be a table of at most {MOST_WORDS} words", place=place, mend=mend)
    for name, value in data.items():
        if not _NAME.fullmatch(name):
            raise InputError(f"a word cannot be called {name[:40]!r}", place=place, mend="Use lower-case letters and hyphens")
        if not isinstance(value, str) or not 0 < len(value) <= 300:
            raise InputError(f"{name} cannot be {str(value)[:40]!r}", place=place, mend="Write a text of at most 300 characters")
    return dict(data)


def filled(data: Mapping[str, Any], scenario: Scenario, place: str) -> dict[str, Any]:
    """A lab's data with every open word in place. Raises InputError for one that nothing deals."""
    # A dealt text may name values of the scenario, and no other words.
    dealt = {
        name: _OPEN.sub(lambda found: _of(scenario, found[1]) or found[0], text)
        for name, text in words(data.get("deal", {}), place).items()
    }
    dealt |= _counted(data.get("crowd"))

    def value(name: str, speak: bool) -> str:
        raw = dealt.get(name[0].lower() + name[1:], _of(scenario, name))
        if raw is None:
            known = ", ".join([*dealt, "latency", "server keepalive_timeout"])
            raise InputError(f"nothing deals {name!r}", place=place, mend=f"Known words, and values of the scenario: {known}")
        if not speak:
            return raw
        told = in_words(raw)
        return told[0].upper() + told[1:] if name[0].isupper() else told

    def fill(here: Any, speak: bool) -> Any:
        if isinstance(here, str):
            return _OPEN.sub(lambda found: value(found[1], speak), here)
        if isinstance(here, list):
            return [fill(inner, speak) for inner in here]
        if isinstance(here, dict):
            return {
                fill(key, False): inner if key in _SAME else fill(inner, speak or key in _TEXTS)
                for key, inner in here.items()
            }
        return here

    # A check of a program has a scenario of its own, which a variant may deal; the lab's own is laid over before.
    out = {key: inner if key in _SAME else fill(inner, key in _TEXTS) for key, inner in data.items()}
    checks = out.get("code", {}).get("checks") if isinstance(out.get("code"), dict) else None
    if isinstance(checks, list):
        out["code"]["checks"] = [
            {**check, "scenario": fill(check["scenario"], False)} if isinstance(check, dict) and "scenario" in check else check
            for check in checks
        ]
    return out


def _counted(crowd: Any) -> dict[str, str]:
    """The words of a crowd: its two numbers, and `stay`, how long each may stay if all shall have room."""
    rate, room = (crowd.get("rate"), crowd.get("room")) if isinstance(crowd, dict) else (None, None)
    if not (isinstance(rate, int) and isinstance(room, int) and 0 < rate <= 1_000_000 and 0 < room <= 1_000_000):
        return {}  # the crowd's own check says what is wrong
    return {"rate": f"{rate:,}", "room": f"{room:,}", "stay": f"{room / rate:g}s"}


def in_words(value: str) -> str:
    """A dealt value as a text says it."""
    if found := _SEGMENT.fullmatch(value):
        return f"{found[2]}'s {next(name for flag, name in _NAMES if flag in found[1])}"
    if re.fullmatch(r"[0-9.]+(ms|s|min|h)", value):
        return spoken(duration(value))
    if re.fullmatch(r"[A-Z]+(-[A-Z0-9]+)+", value):
        return prose(value)
    return value


def _of(scenario: Scenario, name: str) -> str | None:
    """A value of the scenario in words: `server tcp_fin_timeout`, `latency`. None: there is no such value."""
    if name == "latency":
        return spoken(scenario.latency)
    host, _, what = name.partition(" ")
    if host not in HOSTS:
        return None
    setup = scenario.hosts.of("server" if host == "server" else "client")
    if what in setup.program.settings:
        value = setup.program.settings[what]
        return f"{value:,}" if what.endswith("_bytes") or what == "times" else spoken(value)
    known = stack(setup.profile.name).values
    key = next((k for k, v in known.items() if what in (k, v.native)), what)
    found: Any = getattr(setup.profile, key, None)
    if not isinstance(found, int) or isinstance(found, bool):
        return None
    return spoken(found) if found >= 1_000 else str(found)
