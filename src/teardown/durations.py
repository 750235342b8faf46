"""Durations as people write them: `60s`, `2h`, `40ms`, `never`."""

import re

from teardown.errors import InputError

_UNITS = {"us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_SHAPE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) ?(us|µs|ms|s|min|h|d)")
_MEND = "Write a number and a unit, such as 40ms, 60s, 2min, 1h; or never"
LONGEST = 3_650 * _UNITS["d"]


def duration(text: object, place: str = "") -> int:
    """`60s` -> 60000000 (microseconds). Raises InputError for anything else."""
    found = _SHAPE.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise InputError(f"{text!r} is not a duration", place=place, mend=_MEND)
    value = round(float(found[1]) * _UNITS[found[2]])
    if value > LONGEST:
        raise InputError(f"{text!r} is longer than ten years", place=place, mend=_MEND)
    return value


def duration_or_never(text: object, place: str = "") -> int | None:
    """The same, with `never` for None."""
    return None if text == "never" else duration(text, place)
