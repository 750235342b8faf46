"""Packetdrill scripts as lines: comments cut off, conditions decided, continued lines joined.

A line may go on while a bracket, a back-quote or `%{` is open, while only its time or the beginning of a packet is
there, and options of a packet may stand on a line of their own. Licences in comments hold back-quotes: comments go first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from teardown.errors import InputError

MAX_NESTING: Final = 64
MAX_JOINED: Final = 8_192  # characters of an event after which nothing is joined to it any more

_GOES_ON = re.compile(r"(?:<[^<>\n]*>|=|,|\)|ack\b|win\b)")
_BEGUN = re.compile(r"(?:[+\d][+\d.~ \t]*|\*[ \t]*)(?:[<>][^()]*)?$")
_NUMBERED = re.compile(r"(?:\+|\*|\d*\.?\d+[\s~<>`%])")
_DIRECTIVE = re.compile(r"#\s*(ifdef|ifndef|else|endif)\b\s*(\w*)\s*(?://.*)?$")


def logical(text: str, name: str, defines: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Events and options as single strings without comments, conditions already decided."""
    conditions: list[tuple[int, bool, bool]] = []  # line, does this branch count, has #else come
    active = True
    held: list[str] = []  # the lines of an event that is still open
    begun = size = 0
    scan = _Scan()
    ready: tuple[int, str] | None = None  # complete, but the next line may still belong to it
    comment = 0  # the line where a comment begins that is still open
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = raw.strip()
        if not scan.open:
            if comment:
                _inside, found, line = line.partition("*/")
                comment = 0 if found else comment
                line = line.strip()
            if not line or line.startswith("//"):
                continue
            if line.startswith("/*"):
                comment = 0 if "*/" in line else number
                line = line.partition("*/")[2].strip()
                if not line:
                    continue
            if line.startswith("#"):
                if ready is not None:
                    yield ready
                    ready = None
                active = _condition(line, number, name, conditions, defines)
                continue
        if not active:
            continue
        part = scan.take(line)
        if scan.open or held:
            if not held:
                if ready is not None:
                    yield ready
                    ready = None
                begun, size = number, 0
            held.append(part)
            size += len(part) + 1
            if scan.open:
                continue
            line, held = "\n".join(held), []
            ready = (begun, line.strip())
            continue
        if not part:
            continue
        if ready is not None:
            if len(ready[1]) < MAX_JOINED and not ready[1].startswith("--") and (
                _GOES_ON.match(part) or (_BEGUN.match(ready[1]) and not _NUMBERED.match(part))
            ):
                ready = (ready[0], f"{ready[1]} {part}")
                continue
            yield ready
        ready = (number, part)
    if scan.open:
        raise InputError(
            f"{scan.open} is opened here and never closed", place=f"{name}:{begun}",
            mend=f"Close it with {_CLOSING[scan.open]}",
        )  # fmt: skip
    if comment:
        raise InputError("a comment is never closed", place=f"{name}:{comment}", mend="Close it with */")
    if ready is not None:
        yield ready
    if conditions:
        raise InputError(
            "this condition is never closed", place=f"{name}:{conditions[-1][0]}", mend="Close it with #endif"
        )


def _condition(
    line: str, number: int, name: str, conditions: list[tuple[int, bool, bool]], defines: frozenset[str]
) -> bool:
    """Take one `#` line; is what follows it to be read?"""
    match = _DIRECTIVE.match(line)
    place = f"{name}:{number}"
    if match is None:
        raise InputError(
            f"{short(line)} is not a condition", place=place,
            mend="Conditions are #ifdef NAME, #ifndef NAME, #else, #endif; a comment begins with //",
        )  # fmt: skip
    word, wanted = match[1], match[2]
    if word in ("ifdef", "ifndef"):
        if not wanted:
            raise InputError(f"#{word} needs a name", place=place, mend=f"Write #{word} NAME")
        if len(conditions) == MAX_NESTING:
            raise InputError(
                "conditions are nested too deeply", place=place, mend=f"At most {MAX_NESTING} deep"
            )
        conditions.append((number, (wanted in defines) == (word == "ifdef"), False))
    elif not conditions:
        raise InputError(
            f"#{word} without #ifdef", place=place, mend="Remove it, or open a condition before it"
        )
    elif word == "else":
        opened, counts, seen = conditions.pop()
        if seen:
            raise InputError(
                "a second #else", place=place, mend=f"The #ifdef of line {opened} has one already"
            )
        conditions.append((opened, not counts, True))
    else:
        conditions.pop()
    return all(counts for _line, counts, _seen in conditions)


_CLOSING: Final = {"(": ")", "[": "]", "{": "}", "`": "`", "%{": "}%", '"': '"'}
_SPECIAL = re.compile(r"//|/\*|%\{|[`\"(){}\[\]]")
_QUOTING = re.compile(r"//|/\*|%\{|[`\"]")


class _Scan:
    """Follows brackets and quotes across lines, and cuts comments off."""

    __slots__ = ("depth", "inside", "open")

    def __init__(self) -> None:
        self.open: str | None = None  # what is open at the end of the last line
        self.inside: str | None = None  # ` or %{ : nothing else counts until it closes
        self.depth = 0

    def take(self, line: str) -> str:
        """One more line; returns it without comments."""
        at = 0
        if self.inside is None and _QUOTING.search(line) is None:
            # the common case: brackets only
            self.depth += (
                line.count("(") + line.count("[") + line.count("{")
                - line.count(")") - line.count("]") - line.count("}")
            )  # fmt: skip
            if self.depth < 0:
                self.depth = 0
            self.open = "(" if self.depth else None
            return line
        while True:
            if self.inside is not None:
                end = line.find(_CLOSING[self.inside], at)
                if end < 0:
                    break
                at = end + len(_CLOSING[self.inside])
                self.inside = None
                continue
            found = _SPECIAL.search(line, at)
            if found is None:
                break
            at, sign = found.end(), found[0]
            if sign == "//":
                line = line[: found.start()].rstrip()
                break
            if sign == "/*":
                end = line.find("*/", at)
                line = line[: found.start()] + (line[end + 2 :] if end >= 0 else "")
                at = found.start()
            elif sign in ("`", "%{", '"'):
                self.inside = sign
            elif sign in "([{":
                self.depth += 1
            else:
                self.depth = max(0, self.depth - 1)
        if self.inside == '"':
            self.inside = None  # a string ends with its line
        self.open = self.inside or ("(" if self.depth else None)
        return line


def short(text: str) -> str:
    """A piece of the script, short enough for a message."""
    text = " ".join(text[:80].split())
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"
