"""Every lab of the site is proved before it is built: each goal reachable, each question with one answer."""

from __future__ import annotations

import hashlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from teardown.errors import InputError
from teardown.lab import file as labs
from teardown.lab.check import check
from teardown.lab.code import proof
from teardown.site.engine import Say

#: The parts of the engine that a proof depends on.
PARTS = ("tcp", "stacks", "programs", "world", "lab")


def prove(root: Path, say: Say) -> None:
    """Holds every lab file against the engine, unless it has been held against this very engine before.

    Raises InputError for a lab that cannot be solved, or that asks a question with two answers.
    """
    sources = [path for part in PARTS for path in sorted((root / "src" / "teardown" / part).rglob("*.[pt][yo]*"))]
    engine = _digest(*(path.read_bytes() for path in sources if "__pycache__" not in path.parts))
    kept = root / "build" / "proved"
    stamps = {
        path: kept / f"{path.stem}-{_digest(engine.encode(), path.read_bytes())[:20]}"
        for path in sorted((root / "labs").glob("*.toml"))
    }
    missing = [path for path, stamp in stamps.items() if not stamp.exists()]
    if missing:
        kept.mkdir(parents=True, exist_ok=True)
        say(f"==> proving {len(missing)} labs: every goal reachable, every question with one answer")
        with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as workers:
            for path, faults in zip(missing, workers.map(faults_of, map(str, missing)), strict=True):
                if faults:
                    raise InputError(faults[0], place=str(path), mend=f"Run teardown check {path} for all of it")
                stamps[path].touch()
    for old in set(kept.glob("*")) - set(stamps.values()):
        old.unlink()


def faults_of(path: str) -> list[str]:
    """What is wrong with a lab of this project, in any of its variants. Raises InputError."""
    lab = labs.load(path)
    if lab.code is None:
        return list(check(lab).faults)
    return [fault for here in lab.variants if here.code is not None for fault in proof(here.code)]


def _digest(*pieces: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(piece).digest() for piece in pieces)).hexdigest()
