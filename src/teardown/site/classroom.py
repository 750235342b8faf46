"""`teardown classroom`: one laptop serves the site to everybody on the local network.

Serves the built site, or an unpacked offline copy. Reads files of that folder and nothing else, writes nothing, lists
nothing. A client that says nothing for some seconds, or takes its answer by drops, is let go, and there is an upper
bound on how many are served at once; so forty browsers at one moment are fine, and a few bad ones do no harm.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

from teardown.errors import InputError
from teardown.site.serve import Handler, Server

PORT: Final = 8000
#: Seconds in which a request must be whole, and for which a connection may stay open in silence.
PATIENCE: Final = 10
#: Seconds that one answer may take at most: 4 MB at a line of 40 kB/s.
LONGEST: Final = 120
#: Connections served at one moment; more wait in the queue of the system.
MOST: Final = 400


class Pupil(Handler):
    """One connection of a browser in the room."""

    timeout = PATIENCE
    server_version = "teardown"
    sys_version = ""

    def setup(self) -> None:
        """The whole connection ends in time, however slowly its bytes come and go."""
        super().setup()
        self._watch = threading.Timer(LONGEST, self._end)
        self._watch.daemon = True
        self._watch.start()

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """Tidies up."""
        self._watch.cancel()
        super().finish()

    def handle_one_request(self) -> None:
        """A request line and its headers must come within `PATIENCE`, not only each of their bytes."""
        watch = threading.Timer(PATIENCE, self._end)
        watch.daemon = True
        self._late = watch
        watch.start()
        try:
            super().handle_one_request()
        except TimeoutError:
            self.close_connection = True
        finally:
            watch.cancel()

    def parse_request(self) -> bool:
        """The request is here: from now on only the answer takes time."""
        there = super().parse_request()
        self._late.cancel()
        return there

    def send_head(self) -> Any:
        """Only files below the folder: not where a link on the disk leads to, and nothing hidden."""
        root = Path(self.directory).resolve()
        name = self.translate_path(self.path.partition("?")[0])
        path = root.parent if "\0" in name else Path(name).resolve()
        hidden = path.is_relative_to(root) and any(part.startswith(".") for part in path.relative_to(root).parts)
        if not path.is_relative_to(root) or hidden:
            self.send_error(404)
            return None
        return super().send_head()


class Room(Server):
    """A server with a bound on how many it serves at once."""

    request_queue_size = 256

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._places = threading.BoundedSemaphore(MOST)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Waits for a place. Every connection ends in time, so there will be one."""
        self._places.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Gives the place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()


def folder_of(given: str | None) -> Path:
    """The folder to serve: the one given, or `site`; of an unpacked offline copy the folder inside."""
    folder = Path(given or "site")
    inside = folder / "fin-wait-2"
    if not (folder / "index.html").is_file() and (inside / "index.html").is_file():
        folder = inside
    if not (folder / "index.html").is_file():
        raise InputError(
            "there is no site in this folder", place=str(folder),
            mend="Run make site first, or name the folder of an unpacked offline copy.",
        )  # fmt: skip
    return folder


def bind(folder: Path, host: str, port: int) -> Room:
    """The server, bound but not running. Raises InputError when the address cannot be had."""
    try:
        return Room((host, port), partial(Pupil, directory=str(folder)))
    except (OSError, OverflowError) as error:
        raise InputError(
            f"cannot listen on port {port}: {getattr(error, 'strerror', None) or error}",
            mend=f"Choose another one: teardown classroom --port {port + 1 if 0 < port < 65535 else PORT}",
        ) from error


def address() -> str:
    """This machine's address on the local network: the one from which it would send outwards. No packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def picture(text: str) -> str:
    """A QR code of half blocks for a terminal; nothing where segno is not installed."""
    try:
        import segno
    except ImportError:
        return ""
    rows = [list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    # Light modules are drawn, so that the code is right on a dark terminal; scanners take both.
    blocks = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    return "\n".join(
        "".join(blocks[int(bool(a)), int(bool(b))] for a, b in zip(rows[n], rows[n + 1], strict=True))
        for n in range(0, len(rows), 2)
    )


def command(given: str | None, host: str, port: int, out: TextIO) -> int:
    """Serves until Ctrl-C. Answers the exit status."""
    folder = folder_of(given)
    with bind(folder, host, port) as room:
        shown = address() if host in ("", "0.0.0.0") else host
        url = f"http://{shown}:{room.server_port}/"
        code = picture(url)
        print(*([code] if code else []), f"The site is at {url}", "Ctrl-C stops it.", sep="\n", file=out, flush=True)
        begun = time.monotonic()
        try:
            room.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            print(f"\nStopped after {(time.monotonic() - begun) / 60:.0f} minutes.", file=out)
    return 0
