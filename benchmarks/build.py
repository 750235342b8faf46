"""The build of the whole site, side by side with the same pages whose fences are left as code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.result import ROOT, Result

RUNS = 3


def measure() -> Result:
    """Seconds of `mkdocs build --strict`, in turns, so that a busy moment hits both."""
    result = Result("site-build", "s")
    whole = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    # Without our custom fences superfences shows them as code blocks: same pages, same theme, nothing drawn.
    plain = re.sub(r"      custom_fences:\n(        .*\n)+", "", whole)
    assert plain != whole, "mkdocs.yml has no custom fences"
    with tempfile.TemporaryDirectory() as work:
        for _ in range(RUNS):
            result.add("with figures", build(whole, Path(work)))
            result.add("fences left as code", build(plain, Path(work)))
    ratio = result.middle("with figures") / result.middle("fences left as code")
    result.budget("build, times the build without figures", ratio, 3)
    result.budget("build, seconds", result.middle("with figures"), 15)
    return result


def build(config: str, work: Path) -> float:
    """Seconds that one build takes."""
    file = ROOT / ".bench-mkdocs.yml"  # beside the real one, for its paths are relative
    file.write_text(config, encoding="utf-8")
    try:
        command = [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "-q",
            "-f",
            str(file),
            "-d",
            str(work / "site"),
        ]
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, check=True)
        return time.perf_counter() - start
    finally:
        file.unlink()
