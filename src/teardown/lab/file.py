"""Lab files: one TOML file per lab, read and checked to the letter.

A lab file is somebody's text: bounded in size, never executed, its words shown as text only.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from teardown.errors import InputError
from teardown.lab.code import Task, parse_task
from teardown.lab.deal import filled, merged, words
from teardown.lab.goals import Goal, parse_goal
from teardown.lab.paste import Row, leaks, parse_rows
from teardown.lab.predictions import Prediction, parse_prediction
from teardown.lab.variants import VARIED, Table, changes, laid_over, parse_table, scenario, variant
from teardown.world.trace import HOSTS
from teardown.world.world import Scenario

MOST_BYTES = 200_000
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
#: A key of more than sixteen parts: reading one takes time with the square of its parts.
_DEEP_KEY = re.compile(r"""(?<![\w"'-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){16}[\w"'-][^\n=\].]*[=\]]""")
_PAGE = re.compile(r"([a-z0-9-]+/)*[a-z0-9-]+\.md(#[a-z0-9-]+)?")
_KEYS = {
    "version", "title", "summary", "minutes", "objectives", "prerequisites", "intro", "notice", "closing",
    "hints", "see", "scenario", "goals", "predictions", "variants", "tables", "crowd", "paste", "code", "deal",
}  # fmt: skip


class Crowd(NamedTuple):
    """Many connections that all go the reader's way: how many a second, and how many entries fit."""

    rate: int
    room: int


class Lab(NamedTuple):
    """A lab in one variant: what to play and what to learn from it. Texts are plain; blank lines part paragraphs."""

    name: str
    title: str
    summary: str
    minutes: int
    objectives: tuple[str, ...]
    prerequisites: tuple[str, ...]
    intro: str
    notice: tuple[str, ...]
    closing: str
    hints: tuple[str, ...]
    see: tuple[tuple[str, str], ...]  # where to read on: text, page below docs/
    goals: tuple[Goal, ...]  # none where a program is asked for
    predictions: tuple[Prediction, ...]
    tables: tuple[Table, ...]  # what the reader may choose first; empty: nothing
    scenarios: tuple[Scenario, ...]  # one for each table; without tables just one
    crowd: Crowd | None
    paste: tuple[Row, ...]
    code: Task | None = None
    others: tuple[Lab, ...] = ()  # this lab in its other variants, if they have been read too
    base: str = ""  # the scenario that it changes: what programs make of the situation

    @property
    def scenario(self) -> Scenario:
        """The scenario at the first table."""
        return self.scenarios[0]

    @property
    def variants(self) -> tuple[Lab, ...]:
        """This lab in every variant; the first is the one of seed 0."""
        return (self, *self.others)

    def dealt(self, seed: int) -> Lab:
        """The lab that a seed stands for. Seed 0 is the lab as its file tells it."""
        return self.variants[variant(seed, len(self.variants))]

    def at(self, table: str | None) -> Scenario:
        """The scenario at a table. Raises InputError for one that is none of this lab's."""
        if table is None:
            return self.scenario
        for known, there in zip(self.tables, self.scenarios, strict=False):
            if known.id == table:
                return there
        raise InputError(
            f"there is no table {table[:40]!r}", mend=f"Known: {', '.join(t.id for t in self.tables) or 'none'}"
        )


def folder() -> Path:
    """Where the lab files are: inside the installed package, or `labs/` of the source tree."""
    packed = Path(__file__).parents[1] / "_labs"
    return packed if packed.is_dir() else Path(__file__).parents[3] / "labs"


def names() -> tuple[str, ...]:
    """All labs that came with the project, in alphabetical order."""
    return tuple(sorted(path.stem for path in folder().glob("*.toml")))


def load(name: str, seed: int | None = None) -> Lab:
    """The lab of that name, or in that file (a path that ends in `.toml`), with all its variants. Raises InputError.

    `seed`: read only the variant that this seed stands for, which is quicker.
    """
    path = Path(name) if name.endswith(".toml") else folder() / f"{name}.toml"
    if not name.endswith(".toml") and name not in names():
        raise InputError(
            f"unknown lab {name[:80]!r}", mend=f"Known labs: {', '.join(names())}; or name a .toml file"
        )
    return read(path, seed)


def read(path: Path, seed: int | None = None) -> Lab:
    """The lab in this file. Errors name the file and, where it is known, the line."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(
                "the file is too large for a lab", place=str(path), mend=f"At most {MOST_BYTES} bytes"
            )
        text = path.read_text("utf-8")
    except OSError as error:
        raise InputError(f"cannot read it: {error.strerror}", place=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("it is not UTF-8 text", place=str(path), mend="Save it as UTF-8") from None
    return parse(path.stem, text, str(path), seed)


def parse(name: str, text: str, place: str, seed: int | None = None) -> Lab:
    """A lab from the text of its file, in all variants or in the one of a seed."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name[:80]!r} is not a lab's name", place=place, mend="Use lower-case words and hyphens"
        )
    if deep := _DEEP_KEY.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        raise InputError("a key has too many parts", place=f"{place}:{line}", mend="Nothing in a lab needs that")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line = str(error).replace(" (at end of document)", ""), text.count("\n", 0, -1) + 1
        if found := re.search(r" \(at line (\d+), column \d+\)", message):
            message, line = message.replace(found[0], ""), int(found[1])
        raise InputError(
            f"this is not TOML: {message}", place=f"{place}:{line}", mend="See toml.io for its rules"
        ) from None
    except (RecursionError, ValueError) as error:
        # Python refuses whole numbers of more than 4,300 digits.
        what = "it is nested too deeply" if isinstance(error, RecursionError) else "a number is too long"
        line = max(enumerate(text.split("\n"), 1), key=lambda numbered: len(numbered[1]))[0]
        raise InputError(what, place=f"{place}:{line}", mend="Nothing in a lab needs that") from None
    try:
        return _labs(name, data, place, seed)
    except InputError as error:
        raise _with_line(error, text, place) from None


def _labs(name: str, data: dict[str, Any], place: str, seed: int | None) -> Lab:
    variants = ({}, *changes(data.get("variants", []), "variants", place, VARIED))

    def one(n: int) -> Lab:
        return _lab(name, data, variants[n], f"{place}, variant {n}" if n else place)

    if seed is not None:
        return one(variant(seed, len(variants)))
    first = one(0)
    return first._replace(others=tuple(one(n) for n in range(1, len(variants))))


def _lab(name: str, data: dict[str, Any], change: dict[str, Any], place: str) -> Lab:
    """One variant of a lab."""
    for key in data:
        if key not in _KEYS:
            raise InputError(
                f"unknown key {key!r}", place=place, mend=f"Known keys: {', '.join(sorted(_KEYS))}"
            )
    if data.get("version") != 1:
        raise InputError(f"version is {data.get('version')!r}", place=place, mend="Write version = 1")
    minutes = data.get("minutes")
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 1 <= minutes <= 180:
        raise InputError(
            f"minutes cannot be {minutes!r}", place=place, mend="Write a whole number from 1 to 180"
        )
    situation = data.get("scenario")
    if not isinstance(situation, dict):
        raise InputError(
            "scenario is missing", place=place, mend='Write [scenario] and base = "buggy-client"'
        )
    tables = changes(data.get("tables", []), "tables", place, frozenset(("id", "text")))
    own = place if change else f"{place}, [scenario]"
    settings = tuple(scenario(name, situation, own, change, table) for table in tables or ({},))
    if "code" not in data:
        _seats(settings[0], own)
    words(data.get("deal", {}), place)
    data = merged(
        {key: value for key, value in data.items() if key != "variants"},
        {key: change[key] for key in VARIED - {"seats"} if key in change},
    )
    data = filled(data, settings[0], place)
    goals = data.get("goals", [])
    if not isinstance(goals, list) or not (0 if "code" in data else 1) <= len(goals) <= 20:
        raise InputError(
            "goals are missing", place=place, mend="Write at least one [[goals]] table, at most 20"
        )
    predictions = data.get("predictions", [])
    if not isinstance(predictions, list) or len(predictions) > 12:
        raise InputError("predictions must be a list of at most 12 tables", place=place, mend="Write [[predictions]]")
    lab = Lab(
        name, _line(data, "title", place), _line(data, "summary", place), minutes,
        _lines(data, "objectives", place), _lines(data, "prerequisites", place),
        _text(data, "intro", place), _lines(data, "notice", place), _text(data, "closing", place),
        _lines(data, "hints", place), _see(data, place),
        tuple(parse_goal(g, f"{place}, goal {n}") for n, g in enumerate(goals, 1)),
        tuple(parse_prediction(p, f"{place}, prediction {n}") for n, p in enumerate(predictions, 1)),
        tuple(parse_table(t, f"{place}, table {n}") for n, t in enumerate(tables, 1)),
        settings, _crowd(data, place), parse_rows(data.get("paste", []), place),
        parse_task(data["code"], laid_over(situation, change), place) if "code" in data else None,
        base=str(situation["base"]),
    )  # fmt: skip
    for what, ids in (
        ("goals", [g.id for g in lab.goals]), ("predictions", [p.id for p in lab.predictions]),
        ("tables", [t.id for t in lab.tables]),
    ):  # fmt: skip
        if len(set(ids)) < len(ids):
            raise InputError(f"two {what} have the same id", place=place, mend="Give each its own id")
    _owners(lab, place)
    return lab


def _owners(lab: Lab, place: str) -> None:
    """Questions about the owner of a leak need a paste in which exactly one process has one."""
    asked = [p for p in lab.predictions if p.ask == "owner"]
    if asked and len(leaks(lab.paste)) != 1:
        found = ", ".join(leaks(lab.paste)) or "none"
        raise InputError(
            f"the paste must have one row that stays in CLOSE_WAIT for ever, and has {found}", place=place,
            mend='Let one [[paste]] have scenario = "missed-eof"',
        )  # fmt: skip
    for p in asked:
        for wrong in p.wrong:
            if wrong.value not in {row.id for row in lab.paste}:
                raise InputError(f"{wrong.value!r} is no row of the paste", place=place, mend="Name the id of a row")


def _seats(scenario: Scenario, place: str) -> None:
    """Each seat has somebody in it: the reader's hand at an open one, a program at a closed one."""
    if not scenario.seats:
        raise InputError("seats are missing", place=place, mend='Write seats = ["network", "client", "clock"]')
    for host in HOSTS:
        by_hand = scenario.hosts.of(host).program.name == "hand"
        if by_hand and host not in scenario.seats:
            raise InputError(
                f"nobody plays the {host}: its program is hand, and its seat is not open", place=f"{place}.seats",
                mend=f'Add "{host}" to seats, or give it a program',
            )  # fmt: skip
        if host in scenario.seats and not by_hand:
            raise InputError(
                f"the {host}'s seat is open, and a program sits in it", place=f"{place}.seats",
                mend=f'Write {host} = {{ program = "hand" }}, or take "{host}" out of seats',
            )  # fmt: skip


def _crowd(data: dict[str, Any], place: str) -> Crowd | None:
    if "crowd" not in data:
        return None
    value, mend = data["crowd"], "Write [crowd], rate = 10 (connections a second) and room = 500 (entries)"
    if not isinstance(value, dict) or set(value) != {"rate", "room"}:
        raise InputError("crowd needs rate and room, nothing else", place=place, mend=mend)
    for key in ("rate", "room"):
        if not isinstance(value[key], int) or isinstance(value[key], bool) or not 0 < value[key] <= 1_000_000:
            raise InputError(f"{key} cannot be {value[key]!r}", place=place, mend=mend)
    return Crowd(value["rate"], value["room"])


def _text(data: dict[str, Any], key: str, place: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{key} is missing or not a text", place=place, mend=f'Write {key} = """…"""')
    if len(value) > 5_000:
        raise InputError(f"{key} is too long", place=place, mend="At most 5000 characters")
    return value.strip()


def _line(data: dict[str, Any], key: str, place: str) -> str:
    value = _text(data, key, place)
    if "\n" in value or len(value) > 300:
        raise InputError(f"{key} must be one line", place=place, mend="At most 300 characters, no line break")
    return value


def _lines(data: dict[str, Any], key: str, place: str) -> tuple[str, ...]:
    values = data.get(key, [])
    if (
        not isinstance(values, list)
        or len(values) > 30
        or not all(isinstance(v, str) and len(v) <= 500 for v in values)
    ):
        raise InputError(
            f"{key} must be a list of short texts", place=place, mend=f'Write {key} = ["…", "…"]'
        )
    return tuple(values)


def _see(data: dict[str, Any], place: str) -> tuple[tuple[str, str], ...]:
    """Links to pages of this site only: a lab file cannot send a reader elsewhere."""
    entries = data.get("see", [])
    mend = 'Write [[see]] with text = "…" and page = "faq/index.md#which-kind"'
    if not isinstance(entries, list) or len(entries) > 10:
        raise InputError("see must be a list of at most 10 tables", place=place, mend=mend)
    for entry in entries:
        if not isinstance(entry, dict) or set(entry) != {"text", "page"}:
            raise InputError("an entry of see needs text and page, nothing else", place=place, mend=mend)
        if not isinstance(entry["page"], str) or not _PAGE.fullmatch(entry["page"]):
            raise InputError(f"page cannot be {entry['page']!r}", place=place, mend=mend)
    return tuple((_line(entry, "text", place), entry["page"]) for entry in entries)


def _with_line(error: InputError, text: str, place: str) -> InputError:
    """The same error with a line: where the word stands that it complains about, else where its table begins, else 1."""
    for word in (
        re.findall(r"'([^']+)'", error.what)
        + re.findall(r"^(\w+) ", error.what)
        + re.findall(r"\.(\w+)$", error.place)
    ):
        lines = [
            n
            for n, line in enumerate(text.splitlines(), 1)
            if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", line)
        ]
        if lines:
            return _at_line(error, lines[0], place)
    inside, _, number = error.place.removeprefix(f"{place}, ").partition(" ")
    number = number.partition(",")[0]
    heading = {"goal": "[[goals]]", "variant": "[[variants]]"}.get(inside, "[scenario")
    headings = [n for n, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith(heading)]
    if error.place == place or not headings:
        return _at_line(error, 1, place)
    nth = int(number) if inside in ("goal", "variant") and number.isdecimal() and int(number) <= len(headings) else 1
    return _at_line(error, headings[nth - 1], place)


def _at_line(error: InputError, line: int, place: str) -> InputError:
    return InputError(error.what, place=error.place.replace(place, f"{place}:{line}", 1), mend=error.mend)
