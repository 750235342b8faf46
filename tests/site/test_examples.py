"""The examples of the guide: short, on the page, and right where their language is on this machine.

Each client is played against the server of its language, and each server against a client that never closes.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "today.md"
FOLDER = PAGE.parent / "examples"
FILES = sorted(FOLDER.iterdir())

#: Client, server.
PAIRS = {
    "python": ("watch.py", "linger.py"),
    "asyncio": ("watch_asyncio.py", "linger_asyncio.py"),
    "node": ("watch.mjs", "linger.mjs"),
    "go": ("watch.go", "linger.go"),
    "java": ("Watch.java", "Linger.java"),
    "c": ("watch.c", "linger.c"),
}
each = pytest.mark.parametrize("pair", PAIRS)


def command(name: str, work: Path) -> list[str]:
    """What runs this example; the test is skipped where the language is missing."""
    file = FOLDER / name
    if file.suffix == ".py":
        return [sys.executable, "-I", str(file)]
    tool = {".mjs": "node", ".go": "go", ".java": "java", ".c": "gcc"}[file.suffix]
    found = shutil.which(tool)
    if not found:
        pytest.skip(f"there is no {tool} here")
    if file.suffix == ".c":
        out = work / file.stem
        subprocess.run(
            [found, "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-o", out, file], check=True, timeout=60
        )
        return [str(out)]
    return [found, "run", str(file)] if tool == "go" else [found, str(file)]


def start(command: list[str], *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> list[str]:
    """The lines it printed. It must end by itself, quietly."""
    try:
        out, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert (process.returncode, err) == (0, "")
    return out.splitlines()


def test_every_file_is_short_and_on_the_page() -> None:
    assert {file.name for file in FILES} == {name for pair in PAIRS.values() for name in pair}
    page = PAGE.read_text(encoding="utf-8")
    for file in FILES:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 30, file.name
        assert max(map(len, lines)) <= 110, file.name
        assert f'--8<-- "{file.name}"' in page


def test_what_is_not_run_is_said() -> None:
    """The usual machine has no Go: the page says so, and with which Go the two last passed."""
    section = PAGE.read_text(encoding="utf-8").partition('=== "Go"')[2].partition("===")[0]
    assert "has no Go" in section
    assert "last passed with Go 1." in section


@pytest.mark.kernel
@each
def test_client_closes_when_the_server_has(pair: str, tmp_path: Path) -> None:
    client, server = (command(name, tmp_path) for name in PAIRS[pair])
    serving = start(server)
    assert serving.stdout is not None
    port = serving.stdout.readline().strip()
    assert finish(start(client, port)) == ["ok", "the server has closed", "closed"]
    assert finish(serving) == ["the client closed too"]


@pytest.mark.kernel
@each
def test_server_does_not_wait_for_ever(pair: str, tmp_path: Path) -> None:
    serving = start(command(PAIRS[pair][1], tmp_path))
    assert serving.stdout is not None
    port = int(serving.stdout.readline())
    with socket.create_connection(("127.0.0.1", port)) as forgetful:
        forgetful.sendall(b"hello\n")
        began = time.monotonic()
        assert finish(serving) == ["lingered long enough"]
        assert 1.9 < time.monotonic() - began < 15  # about 0.3 s idle and 2 s silent, on a busy machine more
        forgetful.settimeout(5)
        assert forgetful.recv(100) == b"ok\n"
        assert forgetful.recv(100) == b"", "the end came in order, not as a reset"
