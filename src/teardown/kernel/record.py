"""Plays the scenarios and keeps what was seen: `python -m teardown.kernel.record [--slow] [ID …]`.

Every scenario is played twice, and one that does not come out the same twice is not kept.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from teardown.errors import InputError
from teardown.kernel.forgery import play_forgeries, write
from teardown.kernel.observe import SAME_KERNEL, Observation, compare
from teardown.kernel.play import play_all
from teardown.kernel.rig import RIG_VERSION, available, kernel, no_tracefs
from teardown.kernel.scenarios import Scenario, scenario, scenarios

PLACE: Final = Path("tests/kernel/recorded")


def recorded(name: str, place: Path = PLACE) -> Observation:
    """The observation that was kept of scenario `name`. Raises InputError if there is none or it is spoilt."""
    path = place / f"{name}.json"
    try:
        return Observation.loads(path.read_text("utf-8"), str(path))
    except FileNotFoundError:
        raise InputError(
            "nothing is recorded of this scenario", place=str(path),
            mend=f"As root: python -m teardown.kernel.record {name}",
        ) from None  # fmt: skip


def record(wanted: Sequence[Scenario], place: Path, *, at_once: int) -> int:
    """Play `wanted` twice, keep what came out the same, and give the number of those that did not."""
    first, second = (play_all(wanted, at_once=at_once) for _ in range(2))
    today = time.strftime("%Y-%m-%d", time.gmtime())
    unlike = 0
    for one in wanted:
        differences = compare(first[one.id], second[one.id], SAME_KERNEL)
        if differences:
            unlike += 1
            print(f"not kept: {one.id}: " + "; ".join(map(str, differences)), file=sys.stderr)
            continue
        kept = replace(first[one.id], made={**first[one.id].made, "date": today})
        (place / f"{one.id}.json").write_text(kept.dumps(), "utf-8")
        print(f"kept {one.id}")
    return unlike


def record_forgeries(place: Path) -> int:
    """Play every forged segment twice, keep the plays if they came out the same, and give 1 if not."""
    first, second = play_forgeries(), play_forgeries()
    unlike = [name for name in first if first[name] != second[name]]
    if unlike:
        print(f"not kept: {', '.join(unlike)}", file=sys.stderr)
        return 1
    made = {**kernel(), "rig": RIG_VERSION, "date": time.strftime("%Y-%m-%d", time.gmtime())}
    write(place / "forged" / "all.json", made, first)
    print(f"kept {len(first)} forged segments")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0: all kept, 1: some came out differently twice, 2: it cannot be done here."""
    parser = argparse.ArgumentParser(prog="python -m teardown.kernel.record", description=__doc__)
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="scenarios to play (all of them if none is named)"
    )
    parser.add_argument("--slow", action="store_true", help="the slow ones too, about two minutes twice")
    parser.add_argument("--into", type=Path, default=PLACE, metavar="DIRECTORY")
    options = parser.parse_args(arguments)
    if reason := available() or no_tracefs():
        print(f"Cannot record here: {reason}.", file=sys.stderr)
        return 2
    if not options.into.is_dir():
        print(f"{options.into}: no such directory. Start this from the top of the sources.", file=sys.stderr)
        return 2
    try:
        wanted = [scenario(name) for name in options.ids] or [
            s for s in scenarios() if options.slow or not s.slow
        ]
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    fast, slow = ([s for s in wanted if s.slow is kind] for kind in (False, True))
    unlike = record(fast, options.into, at_once=10) if fast else 0
    # The slow ones only sleep.
    unlike += record(slow, options.into, at_once=len(slow)) if slow else 0
    if not options.ids:
        unlike += record_forgeries(options.into)
    return 1 if unlike else 0


if __name__ == "__main__":
    sys.exit(main())
