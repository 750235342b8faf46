"""The server for a class: the folder and nothing else, many at once, slow ones let go, and a clean end."""

from __future__ import annotations

import concurrent.futures
import http.client
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from teardown.errors import InputError
from teardown.site import classroom


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A small site, with a file beside it that nobody may have."""
    folder = tmp_path / "site"
    (folder / "labs").mkdir(parents=True)
    (folder / "index.html").write_text("front")
    (folder / "labs" / "index.html").write_text("labs")
    (folder / "big.wasm").write_bytes(b"\0" * 3_000_000)
    (folder / ".secret").write_text("hidden")
    (folder / "empty").mkdir()
    (tmp_path / "outside.txt").write_text("outside")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    return folder


@pytest.fixture
def port(site: Path) -> Iterator[int]:
    with classroom.bind(site, "127.0.0.1", 0) as room:
        thread = threading.Thread(target=room.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield room.server_port
        room.shutdown()
        thread.join()


def get(port: int, path: str) -> tuple[int, bytes]:
    """Status and body, for the path as it stands."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize(
    "path",
    ["/../outside.txt", "/%2e%2e/outside.txt", "/labs/../../outside.txt", "/..%2foutside.txt", "/link.txt", "/.secret",
     "/empty/", "//etc/passwd", "/%00", "/labs/..%5c..%5coutside.txt"],
)  # fmt: skip
def test_nothing_outside_of_the_folder_is_given_and_no_folder_is_listed(port: int, path: str) -> None:
    status, body = get(port, path)
    assert status in (400, 404)
    assert b"outside" not in body.replace(path.encode(), b"")
    assert b"hidden" not in body


def test_types_and_caching_are_the_sites(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/big.wasm")
    answer = connection.getresponse()
    assert answer.getheader("Content-Type") == "application/wasm"
    assert answer.getheader("Cache-Control") == "no-cache"
    assert len(answer.read()) == 3_000_000
    connection.close()


def test_forty_at_once_get_everything(port: int) -> None:
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        got = list(pool.map(lambda _: get(port, "/big.wasm"), range(40)))
    assert {(status, len(body)) for status, body in got} == {(200, 3_000_000)}


def test_slow_ones_are_let_go_and_hold_nobody_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classroom, "PATIENCE", 0.5)
    monkeypatch.setattr(classroom.Pupil, "timeout", 5)
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
    stop = time.monotonic() + 3
    for one in slow:
        one.sendall(b"GET / HTTP/1.1\r\nX-A: ")
    assert get(port, "/")[0] == 200
    ended = 0
    while time.monotonic() < stop and ended < len(slow):
        ended = 0
        for one in slow:
            try:
                one.sendall(b"b")  # a byte now and then keeps no place
            except OSError:
                ended += 1
        time.sleep(0.1)
    for one in slow:
        one.close()
    assert ended == len(slow)


def test_a_folder_without_a_site_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make site"):
        classroom.folder_of(str(tmp_path))


def test_an_unpacked_copy_is_found(tmp_path: Path) -> None:
    (tmp_path / "fin-wait-2").mkdir()
    (tmp_path / "fin-wait-2" / "index.html").write_text("front")
    assert classroom.folder_of(str(tmp_path)) == tmp_path / "fin-wait-2"


def test_the_code_is_a_square_of_blocks() -> None:
    code = classroom.picture("http://192.0.2.7:8000/").splitlines()
    assert len({len(line) for line in code}) == 1
    assert abs(len(code) * 2 - len(code[0])) <= 1
    assert set("".join(code)) <= set("█▀▄ ")


def test_the_command_says_where_and_ends_cleanly(site: Path) -> None:
    before = sorted(path.name for path in site.rglob("*"))
    running = subprocess.Popen(
        [sys.executable, "-m", "teardown.cli", "classroom", str(site), "--port", "0", "--host", "127.0.0.1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert running.stdout is not None
    said = ""
    while "Ctrl-C" not in said:
        line = running.stdout.readline()
        assert line
        said += line
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", said)
    assert found
    assert get(int(found[1]), "/")[1] == b"front"
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=10)
    assert running.returncode == 0
    assert "Stopped" in out
    assert err == ""
    assert sorted(path.name for path in site.rglob("*")) == before


def test_a_taken_port_is_one_clear_line(site: Path, port: int) -> None:
    with pytest.raises(InputError, match="--port"):
        classroom.command(str(site), "127.0.0.1", port, io.StringIO())
