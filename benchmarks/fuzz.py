"""Hostile files: packetdrill scripts and labs, broken in every way that comes to mind, thrown at the readers.

    python -m benchmarks.fuzz                 one minute
    python -m benchmarks.fuzz --minutes 10    ten
    python -m benchmarks.fuzz --seed 7        another order

Every file is one of ours with something done to it, two of ours spliced, or rubbish. A file may be refused, with one
line that names the file and the line in it and says how to mend it; or it is accepted, and then it is played. What
must not happen: any other exception, a message of two lines, a file that takes longer than a few seconds.
The same seed makes the same files. Exit status 1 if anything was found; each finding prints the file that did it.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from teardown.errors import InputError
from teardown.formats.packetdrill_run import run_script
from teardown.lab import file as labs
from teardown.stacks import names as stack_names
from teardown.world.moves import apply, begin, moves
from teardown.world.run import run

ROOT = Path(__file__).parents[1]
PATIENCE = 5.0  # seconds of processor time for one file

_NUMBERS = (
    "0", "-1", "1", "65535", "65536", "2147483648", "4294967295", "4294967296", "-4294967297", "9" * 30, "9" * 400,
    "1e308", "1e999", "nan", "inf", "0x7fffffff", "00", "1.5.2", ".", "1_000", "٣", "1e-400",
)  # fmt: skip
_TOKENS = (
    "...", "*", "<...>", "<", ">", "`", "%{", "}%", "//", "/*", "*/", "#ifdef X", "#else", "#endif", "(", ")", "{", "}",
    "[", "]", "=", "ack", "win", "S.", "F.", "R", "-", "socket(", "close(4) = 0", "+0", "0...1", "1~0", "-1 EPIPE",
    "mss 1460", "\u202e", "\x00", "\x1b[31m", "\ufeff", "\r", "\t", "\u2028", "é", "<script>", "'", '"', '"""', "\\",
    "[[goals]]", "[scenario]", "version = 1", "true", "never", "60s", "99999999h", "1979-05-27", "linux", "hand",
)  # fmt: skip
_NESTS = (("(", ")"), ("[", "]"), ("{", "}"), ("#ifdef A\n", "#endif\n"), ("%{", "}%"), ("a = {", "}"), ("x = [", "]"), ("[a", "]"))


class Finding(NamedTuple):
    """A file that a reader did not take as it should."""

    reader: str
    what: str
    text: str


# -------------------------------------------------------------------------------------------------- files
def files(rng: random.Random, shipped: list[str]) -> Iterator[str]:
    """Broken files without end."""
    while True:
        if rng.random() < 0.05:
            yield _rubbish(rng)
            continue
        text = rng.choice(shipped)
        for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
            text = rng.choice(_WAYS)(rng, text, shipped)
        yield text[:300_000]


def _rubbish(rng: random.Random) -> str:
    size = rng.choice((0, 1, 10, 100, 2_000))
    if rng.random() < 0.5:
        return "".join(chr(rng.choice((rng.randrange(128), rng.randrange(0x2100)))) for _ in range(size))
    return " ".join(rng.choice(_TOKENS + _NUMBERS) for _ in range(size // 4))


def _lines(change: Callable[[random.Random, list[str]], None]) -> Callable[[random.Random, str, list[str]], str]:
    def way(rng: random.Random, text: str, _shipped: list[str]) -> str:
        lines = text.split("\n")
        change(rng, lines)
        return "\n".join(lines)

    return way


def _drop(rng: random.Random, lines: list[str]) -> None:
    at = rng.randrange(len(lines))
    del lines[at : at + rng.choice((1, 1, 1, 3, 10))]


def _twice(rng: random.Random, lines: list[str]) -> None:
    at = rng.randrange(len(lines))
    lines[at:at] = [lines[at]] * rng.choice((1, 1, 2, 300))


def _swap(rng: random.Random, lines: list[str]) -> None:
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]


def _number(rng: random.Random, text: str, _shipped: list[str]) -> str:
    found = list(re.finditer(r"\d+(?:\.\d+)?", text))
    if not found:
        return text
    one = rng.choice(found)
    return text[: one.start()] + rng.choice(_NUMBERS) + text[one.end() :]


def _word(rng: random.Random, text: str, shipped: list[str]) -> str:
    found = list(re.finditer(r"[\w.-]+", text))
    if not found:
        return text
    one, words = rng.choice(found), re.findall(r"[\w.-]+", rng.choice(shipped))
    return text[: one.start()] + rng.choice(words or ["x"]) + text[one.end() :]


def _cut(rng: random.Random, text: str, _shipped: list[str]) -> str:
    start = rng.randrange(len(text) + 1)
    return text[:start] + text[start + rng.choice((1, 1, 2, 20, 500, len(text))) :]


def _insert(rng: random.Random, text: str, _shipped: list[str]) -> str:
    at, many = rng.randrange(len(text) + 1), rng.choice((1, 1, 1, 2, 50, 5_000))
    return text[:at] + rng.choice(_TOKENS + _NUMBERS) * many + text[at:]


def _nest(rng: random.Random, text: str, _shipped: list[str]) -> str:
    at, deep, (opening, closing) = rng.randrange(len(text) + 1), rng.choice((2, 70, 3_000)), rng.choice(_NESTS)
    inside = text[at : at + rng.choice((0, 10, 200))]
    return text[:at] + opening * deep + inside + closing * rng.choice((deep, deep - 1, 0)) + text[at + len(inside) :]


def _splice(rng: random.Random, text: str, shipped: list[str]) -> str:
    far = rng.choice(shipped)
    return text[: rng.randrange(len(text) + 1)] + far[rng.randrange(len(far) + 1) :]


_WAYS = (_lines(_drop), _lines(_twice), _lines(_swap), _number, _number, _word, _word, _cut, _insert, _nest, _splice)


# ------------------------------------------------------------------------------------------------ readers
def _pkt(text: str, rng: random.Random) -> str:
    return run_script(text, "fuzz.pkt", rng.choice((None, *stack_names()))).kind


def _lab(text: str, rng: random.Random) -> str:
    lab = labs.parse("fuzz", text, "fuzz.toml")
    run(lab.scenario)
    world, _steps = begin(lab.scenario)
    for _ in range(12):
        legal = moves(world)
        if not legal:
            break
        world, _steps = apply(world, rng.choice(legal).id)
    return "played"


READERS: dict[str, tuple[Callable[[str, random.Random], str], str, str]] = {
    "pkt": (_pkt, "tests/pkt", "*.pkt"),
    "lab": (_lab, "labs", "*.toml"),
}
#: Where a message may stand: the file and a line of it.
_PLACE = re.compile(r"fuzz\.(?:pkt|toml):\d+")


def judge(reader: str, text: str, rng: random.Random) -> tuple[str, str | None]:
    """What became of a file, and what was wrong with that, if anything."""
    read = READERS[reader][0]
    start = time.process_time()
    try:
        kind, wrong = read(text, rng), None
    except InputError as error:
        kind, wrong = "refused", None
        message = str(error)
        if len(message.splitlines()) != 1 or not message.isprintable():
            wrong = f"not one clean line: {message[:300]!r}"
        elif not _PLACE.match(error.place):
            wrong = f"no file and line: {message[:300]}"
        elif len(message) > 2_000:
            wrong = f"a message of {len(message)} characters"
    except Exception:
        kind, wrong = "crashed", traceback.format_exc(limit=-4)
    seconds = time.process_time() - start
    return kind, wrong or (f"{seconds:.1f} s" if seconds > PATIENCE else None)


def fuzz(*, seed: int, seconds: float = 0.0, count: int = 0) -> tuple[Counter[str], list[Finding]]:
    """Throw files at each reader in turn, for so long or so many; the counts by reader and kind, and what was found."""
    rng = random.Random(seed)
    shipped = {
        name: [path.read_text(encoding="utf-8") for path in sorted((ROOT / folder).glob(pattern))]
        for name, (_read, folder, pattern) in READERS.items()
    }
    sources = {name: files(rng, texts) for name, texts in shipped.items()}
    counts: Counter[str] = Counter()
    found: list[Finding] = []
    stop, done = time.monotonic() + seconds, 0
    while (done < count if count else time.monotonic() < stop) and len(found) < 20:
        for name, source in sources.items():
            text = next(source)
            kind, wrong = judge(name, text, rng)
            counts[f"{name} {kind}"] += 1
            if wrong is not None:
                found.append(Finding(name, wrong, text))
            done += 1
    return counts, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    counts, found = fuzz(seed=args.seed, seconds=60 * args.minutes)
    for number, finding in enumerate(found, 1):
        kept = Path("build") / f"fuzz-{args.seed}-{number}.{'toml' if finding.reader == 'lab' else 'pkt'}"
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(finding.text, encoding="utf-8", errors="surrogatepass")
        print(f"{kept}: {finding.what}")
    print(f"{sum(counts.values())} files: " + ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items())))
    print(f"{len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
