"""The one list of sources (`references.toml`): what an entry holds, and the checks that each one passes.

Pages cite an entry by its id (`teardown.site.cite`). Nothing else in the project holds a link to a source.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from teardown.errors import InputError

#: Kinds of source, in the order in which the full list shows them, with their headings.
KINDS: Final = {
    "rfc": "Standards",
    "measurement": "Measured for this site",
    "commit": "Commits",
    "source": "Source code",
    "doc": "Manuals and vendors' notes",
    "issue": "Issues and pull requests",
    "post": "Mails and articles",
    "book": "Books",
}

#: An id: readable, and fit for an anchor as it stands.
ID: Final = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", re.IGNORECASE)

_TEXT: Final = ("id", "name", "title", "kind", "author", "url", "where", "method", "archive_url")
_DATES: Final = ("checked", "archive_date")
_NEEDED: Final = ("id", "name", "title", "kind")


class Reference(NamedTuple):
    """One source. What is not known is None, never a guess."""

    id: str  # what pages cite: `rfc9293`
    name: str  # the short, stable way to call it: `RFC 9293`, `httpd commit 9ec927d0c6`
    title: str
    kind: str  # a key of KINDS
    author: str | None = None  # a person or an organisation
    year: int | None = None
    url: str | None = None
    where: str | None = None  # the place inside, when every citation means the same one
    method: str | None = None  # measurements only: how and on what it was measured
    checked: datetime.date | None = None  # when somebody last read it
    archive_url: str | None = None
    archive_date: datetime.date | None = None


def rfc_address(id: str, section: str = "") -> str:
    """Where an RFC can be read, `rfc9293` for one, or a section of it such as `3.10.7.4`: at the IETF."""
    return f"https://datatracker.ietf.org/doc/html/{id}" + (f"#section-{section}" if section else "")


def path() -> Path:
    """Where the project's own list lies."""
    return Path(__file__).with_name("references.toml")


def load(file: Path | None = None) -> Mapping[str, Reference]:
    """The sources in `file` (or the project's own list) by id, in the order of the file.

    Raises `InputError` with file and line for a list that cannot be trusted: bad TOML, an unknown field or
    kind, an id used twice, a link that is no web address, an archive without its date.
    """
    file = path() if file is None else file
    text = file.read_text(encoding="utf-8")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        place = f"{file.name}:{line[1]}" if line else file.name
        raise InputError(f"this is not TOML: {error}", place=place) from error

    heads = [n for n, line in enumerate(text.splitlines(), 1) if line.strip() == "[[reference]]"]
    methods = data.get("methods", {})
    found: dict[str, Reference] = {}
    for n, entry in enumerate(data.get("reference", ())):
        place = f"{file.name}:{heads[n]}" if n < len(heads) else file.name
        reference = _reference(entry, methods, place)
        if reference.id in found:
            raise InputError(
                f"the id {reference.id!r} is used twice", place=place, mend="Give one another id."
            )
        found[reference.id] = reference
    return found


def _reference(entry: Mapping[str, Any], methods: Mapping[str, str], place: str) -> Reference:
    fields = Reference._fields
    for field, value in entry.items():
        if field not in fields:
            raise InputError(f"unknown field {field!r}", place=place, mend=f"Known are {', '.join(fields)}.")
        want = str if field in _TEXT else datetime.date if field in _DATES else int
        if not isinstance(value, want) or value == "":
            raise InputError(
                f"{field} must be a {want.__name__}", place=place, mend="Leave out what is unknown."
            )
    for field in _NEEDED:
        if field not in entry:
            raise InputError(f"{field} is missing", place=place)
    if not ID.fullmatch(entry["id"]):
        raise InputError(
            f"the id {entry['id']!r} is not fit for a link", place=place, mend="Use a-z, 0-9, . _ -."
        )
    if entry["kind"] not in KINDS:
        raise InputError(
            f"unknown kind {entry['kind']!r}", place=place, mend=f"Known are {', '.join(KINDS)}."
        )
    if entry["kind"] == "rfc":
        if "url" in entry:
            raise InputError("the address of an RFC follows from its id", place=place, mend="Leave url out.")
        if not re.fullmatch(r"rfc[1-9]\d{0,5}", entry["id"]):
            raise InputError(f"{entry['id']!r} is no RFC", place=place, mend='Write id = "rfc9293".')
        entry = {**entry, "url": rfc_address(entry["id"])}
    for field in ("url", "archive_url"):
        if field in entry and not re.match(r"https?://[^\s<>\"]+\Z", entry[field]):
            raise InputError(
                f"{field} is no web address", place=place, mend="Start with https:// or http://."
            )
    if ("archive_url" in entry) != ("archive_date" in entry):
        raise InputError("archive_url and archive_date belong together", place=place)
    if (entry["kind"] == "measurement") != ("method" in entry):
        raise InputError("a measurement, and nothing else, has a method", place=place)
    if "method" in entry and entry["method"] not in methods:
        raise InputError(
            f"unknown method {entry['method']!r}", place=place, mend="Describe it under [methods]."
        )
    method = methods[entry["method"]] if "method" in entry else None
    return Reference(**{**entry, "method": method})
