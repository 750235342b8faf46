"""The little server: right types, nothing stale, no listings, one clear line when it cannot start."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from teardown.errors import InputError
from teardown.site import serve


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[str]:
    """A server for a small site."""
    (tmp_path / "index.html").write_text("front")
    (tmp_path / "404.html").write_text("lost")
    (tmp_path / "empty").mkdir()
    for name in ("a.wasm", "a.mjs", "a.js", "a.whl", "a.json", "a.svg", "a.woff2", "a.css"):
        (tmp_path / name).write_bytes(b"{}")
    with serve.bind(tmp_path, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def get(address: str) -> tuple[int, Message, bytes]:
    """Status, headers and body of an answer."""
    try:
        with urllib.request.urlopen(address) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", "text/html; charset=utf-8"),
        ("a.wasm", "application/wasm"),
        ("a.mjs", "text/javascript"),
        ("a.js", "text/javascript"),
        ("a.css", "text/css"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.woff2", "font/woff2"),
        ("a.whl", "application/zip"),
    ],
)
def test_files_have_the_type_that_browsers_ask_for(origin: str, name: str, kind: str) -> None:
    status, headers, _ = get(origin + name)
    assert (status, headers["content-type"]) == (200, kind)
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["nowhere", "empty/", "%2e%2e/%2e%2e/etc/passwd"])
def test_what_is_not_there_gets_the_page_for_it(origin: str, path: str) -> None:
    status, headers, body = get(origin + path)
    assert (status, headers["content-type"], body) == (404, "text/html; charset=utf-8", b"lost")


def test_check_says_that_a_port_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert serve.main(["--check", "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert error == f"error: port {port} is taken. Choose another one: make serve PORT={port + 1}\n"


def test_check_is_silent_about_a_free_port(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve.main(["--check", "--port", "0"]) == 0
    assert capsys.readouterr() == ("", "")


def test_no_site_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve.main(["--site", str(tmp_path), "--port", "0"]) == 2
    assert "there is no built site here" in capsys.readouterr().err


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("192.0.2.1", 8000)])
def test_an_address_that_cannot_be_had_is_bad_input(tmp_path: Path, host: str, port: int) -> None:
    with pytest.raises(InputError, match="cannot listen"):
        serve.bind(tmp_path, host, port)


def asked(address: str, **headers: str) -> tuple[int, Message, bytes]:
    """The answer to a request with these headers."""
    request = urllib.request.Request(address, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_what_lies_beside_a_file_in_compressed_form_is_sent_to_who_takes_it(origin: str, tmp_path: Path) -> None:
    (tmp_path / "a.wasm.br").write_bytes(b"B")
    (tmp_path / "a.wasm.gz").write_bytes(b"G")
    for taken, sent, form in (("gzip, br", b"B", "br"), ("gzip", b"G", "gzip"), ("identity", b"{}", None)):
        status, headers, body = asked(origin + "a.wasm", Accept_Encoding=taken)
        assert (status, body, headers["content-encoding"]) == (200, sent, form)
        assert headers["content-type"] == "application/wasm"
    _, headers, body = asked(origin + "a.js", Accept_Encoding="gzip, br")
    assert (body, headers["content-encoding"]) == (b"{}", None)
    status, headers, body = asked(origin + "none.js", Accept_Encoding="gzip, br")
    assert (status, body, headers["content-encoding"]) == (404, b"lost", None)


def test_names_with_a_hash_last_and_others_are_asked_for_again(origin: str, tmp_path: Path) -> None:
    engine = tmp_path / "assets" / "engine"
    (engine / "pyodide-1.2.3-0123456789ab").mkdir(parents=True)
    names = {"manifest.json": False, "image-0123456789ab.bin": True, "pyodide-1.2.3-0123456789ab/a.wasm": True}
    for name, lasting in names.items():
        (engine / name).write_bytes(b"{}")
        headers = asked(f"{origin}assets/engine/{name}")[1]
        assert ("immutable" in headers["cache-control"]) is lasting
    seen = asked(f"{origin}a.js")[1]["last-modified"]
    assert asked(f"{origin}a.js", If_Modified_Since=seen)[0] == 304
