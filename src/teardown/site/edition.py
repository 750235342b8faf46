"""Which edition this is: the version, and the day of the sources. No clock is read when the build gives the day."""

from __future__ import annotations

import datetime
import os
import time

from teardown import __version__
from teardown.errors import InputError


def day() -> str:
    """The day as 2026-11-27: of `SOURCE_DATE_EPOCH`, which the build sets to the last commit; else today."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        seconds = int(given) if given else int(time.time())
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        raise InputError(
            f"SOURCE_DATE_EPOCH cannot be {given[:40]!r}", mend="Give seconds since 1970, or unset it."
        ) from None


def edition() -> str:
    """`Version 0.1.0, 27 November 2026`."""
    date = datetime.date.fromisoformat(day())
    return f"Version {__version__}, {date.day} {date:%B} {date.year}"
