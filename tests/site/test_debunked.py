"""The scripts of the page of wrong claims: short, harmless, and right on this machine.

`python tests/site/test_debunked.py` writes down what they print here; the page shows that.
"""

from __future__ import annotations

import ast
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "debunked"
SCRIPTS = sorted((PAGE / "scripts").glob("*.py"))


def start(script: Path) -> subprocess.Popen[str]:
    """Start one script, without the settings of this process."""
    return subprocess.Popen(
        [sys.executable, "-I", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, output and errors. A script must end by itself within ten seconds."""
    try:
        out, err = process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out, err


@cache
def started() -> dict[str, subprocess.Popen[str]]:
    """All scripts at once: they mostly wait, and they use ports of their own."""
    return {script.stem: start(script) for script in SCRIPTS}


@cache
def ran(script: Path) -> tuple[int, str, str]:
    """What one script did beside the others; a second time on its own, should it have failed.

    The kernel hands out /proc/net/tcp piece by piece. While a thousand connections come and go beside it, a
    script may miss the row that it looks for.
    """
    done = finish(started()[script.stem])
    return done if done[0] == 0 else finish(start(script))


def recorded(name: str) -> str:
    """What the script printed when it was recorded, without the line that says where."""
    text = (PAGE / "scripts" / f"{name}.txt").read_text(encoding="utf-8")
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("# "))


each = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


@each
def test_at_most_twenty_lines_of_the_standard_library(script: Path):
    source = script.read_text(encoding="utf-8")
    tree = ast.parse(source)
    described = ast.get_docstring(tree)
    assert described
    assert "\n" not in described
    lines = [line for line in source.splitlines()[1:] if line.strip()]
    assert len(lines) <= 20
    assert max(map(len, lines)) <= 110
    modules = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    assert {m.partition(".")[0] for m in modules} <= sys.stdlib_module_names
    assert "127.0.0.1" in source


@each
def test_is_on_the_page_with_what_it_printed(script: Path):
    page = (PAGE / "index.md").read_text(encoding="utf-8")
    assert f'--8<-- "{script.name}"' in page
    assert f'--8<-- "{script.stem}.txt"' in page
    assert f"](scripts/{script.name})" in page


@pytest.mark.kernel
@each
def test_holds_here(script: Path):
    code, out, err = ran(script)
    if sys.platform != "linux" and "Linux" in err:
        pytest.skip(err.strip())
    if sys.platform == "linux" and out != recorded(script.stem):
        code, out, err = finish(start(script))  # a busy machine may have come too late for a look between
        assert out == recorded(script.stem)
    assert code == 0, out + err
    assert err == ""


def record() -> None:
    """Write what each script prints, with the system it ran on."""
    where = (
        f"# {platform.system()} {platform.release().partition('-')[0]}, Python {platform.python_version()}\n"
    )
    for script in SCRIPTS:
        code, out, err = ran(script)
        if code:
            sys.exit(f"{script.name}: {err}")
        script.with_suffix(".txt").write_text(where + out, encoding="utf-8")
        print(script.name, "recorded")


if __name__ == "__main__":
    record()
