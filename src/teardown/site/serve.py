"""Serves the built site on this machine: `python -m teardown.site.serve`.

Right types for WebAssembly, modules and wheels; browsers ask each time whether a file has changed, so that a rebuilt
page shows at once, except for the engine's files, whose names change with their content; what lies beside a file in
compressed form is sent instead; no listing of folders. One thread per request, because a lab page asks for several large
files together.
"""

from __future__ import annotations

import argparse
import errno
import re
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from teardown.errors import InputError

SITE = Path("site")

#: Files whose names, or whose folders' names, carry a piece of their content's hash.
LASTING = re.compile(r"/assets/engine/.*-[0-9a-f]{12}\b")


class Handler(SimpleHTTPRequestHandler):
    """Static files with the types that browsers insist on."""

    protocol_version = "HTTP/1.1"
    # Head and body are two writes: with Nagle's algorithm the second waits until the browser's kernel, which delays its
    # acknowledgements, has answered the first, up to 40 ms for each file.
    disable_nagle_algorithm = True
    # The machine's own table of types differs from one system to the next, so the ones that matter stand here.
    extensions_map = {  # noqa: RUF012 (the base class declares it so)
        **SimpleHTTPRequestHandler.extensions_map,
        "": "application/octet-stream",
        ".css": "text/css",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript",
        ".json": "application/json",
        ".mjs": "text/javascript",
        ".pcapng": "application/octet-stream",
        ".svg": "image/svg+xml",
        ".toml": "text/plain; charset=utf-8",
        ".txt": "text/plain; charset=utf-8",
        ".wasm": "application/wasm",
        ".whl": "application/zip",
        ".woff2": "font/woff2",
        ".xml": "application/xml",
        ".zip": "application/zip",
    }

    #: The compressed form that is being sent: the ending of its file and its name in HTTP.
    squeezed = ("", "")

    def send_head(self) -> Any:
        """Chooses a compressed form that the browser takes, if there is one."""
        self.squeezed = ("", "")
        file = Path(super().translate_path(self.path))
        taken = self.headers.get("Accept-Encoding", "")
        for ending, name in ((".br", "br"), (".gz", "gzip")):
            if name in taken and file.is_file() and file.with_name(file.name + ending).is_file():
                self.squeezed = (ending, name)
                break
        return super().send_head()

    def translate_path(self, path: str) -> str:
        """The file that an address stands for."""
        return super().translate_path(path) + self.squeezed[0]

    def guess_type(self, path: Any) -> str:
        """The type of a file, whatever form it is sent in."""
        return super().guess_type(str(path).removesuffix(self.squeezed[0]))

    def end_headers(self) -> None:
        """Adds what every answer carries."""
        lasting = LASTING.search(self.path.partition("?")[0])
        self.send_header("Cache-Control", "max-age=31536000, immutable" if lasting else "no-cache")
        if self.squeezed[1]:
            self.send_header("Content-Encoding", self.squeezed[1])
            self.send_header("Vary", "Accept-Encoding")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        """A folder without a page is not found."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answers 404 with the site's own page, everything else with the standard one."""
        self.squeezed = ("", "")
        page = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing about requests that went well."""

    def log_error(self, format: str, *args: Any) -> None:
        """Says what went wrong."""
        super().log_message(format, *args)


class Server(ThreadingHTTPServer):
    """A server that does not wait for open connections when it stops."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of a file is no error worth a traceback."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def bind(site: Path, host: str, port: int) -> Server:
    """A server for the folder `site`, bound but not yet running. Port 0 takes any free one.

    Raises InputError when the address is taken or not allowed.
    """
    try:
        return Server((host, port), partial(Handler, directory=str(site)))
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            what, mend = f"port {port} is taken", f"Choose another one: make serve PORT={port + 1}"
        elif number == errno.EACCES:
            what, mend = f"port {port} is not allowed", "Choose one above 1023: make serve PORT=8000"
        else:
            what, mend = f"cannot listen on {host}, port {port}: {error}", "Choose another HOST or PORT."
        raise InputError(what, mend=mend) from error


def main(argv: list[str] | None = None) -> int:
    """Runs until Ctrl-C. Returns 2 when the address cannot be had or there is no site."""
    parser = argparse.ArgumentParser(prog="python -m teardown.site.serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--site", type=Path, default=SITE)
    parser.add_argument("--check", action="store_true", help="only try whether the address is free")
    options = parser.parse_args(argv)
    try:
        if not options.check and not (options.site / "index.html").is_file():
            raise InputError(
                "there is no built site here", place=str(options.site), mend="Run make site first."
            )
        with bind(options.site, options.host, options.port) as server:
            if options.check:
                return 0
            print(
                f"==> the site is at http://{options.host}:{server.server_port}/ (Ctrl-C stops it)",
                flush=True,
            )
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                print("\n==> stopped")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
