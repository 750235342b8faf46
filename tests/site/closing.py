"""Watches how a program of another language ends its connections, from the other end and from /proc/net.

Each probe in `probes/` opens five connections, one after the other, and ends each in its own way: with bytes unread,
by an abort, by a half-close, not at all though the peer has closed, and by the end of the process.
"""

from __future__ import annotations

import errno
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = Path(__file__).parent / "probes"

#: A runtime of the matrix -> its probe, and what the probe is told besides the port.
PROBES: Final = {
    "c": ("probe.c",),
    "python": ("probe.py",),
    "asyncio-streams": ("probe_asyncio.py", "streams"),
    "asyncio-protocol": ("probe_asyncio.py", "protocol"),
    "node": ("probe.mjs",),
    "java-socket": ("Probe.java", "socket"),
    "java-channel": ("Probe.java", "channel"),
    "go": ("probe.go",),
}
TOOLS: Final = {".c": "gcc", ".mjs": "node", ".java": "java", ".go": "go"}


class Seen(NamedTuple):
    """What the other end saw of one runtime."""

    unread: str  # close with bytes unread: "reset", "fin" or "fin, then reset"
    abort: str
    half: str  # half-close: "works" if the program still got what came afterwards
    eof: str  # the peer has closed: "waits" for its program, or "closes" by itself
    keepalive: str  # SO_KEEPALIVE without being asked for: "on" or "off"
    ends: str  # the process ends without a close: "reset" or "fin"


def missing(runtime: str) -> str | None:
    """The tool that this runtime's probe needs and this machine lacks."""
    tool = TOOLS.get(Path(PROBES[runtime][0]).suffix)
    return tool if tool and not shutil.which(tool) else None


def command(runtime: str, work: Path) -> list[str]:
    """What runs the probe of `runtime`, without the port. C is compiled into `work`."""
    file = FOLDER / PROBES[runtime][0]
    if file.suffix == ".py":
        return [sys.executable, "-I", str(file)]
    tool = shutil.which(TOOLS[file.suffix])
    assert tool
    if file.suffix == ".c":
        out = work / "probe"
        subprocess.run([tool, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", out, file], check=True, timeout=60)
        return [str(out)]
    return [tool, "run", str(file)] if file.suffix == ".go" else [tool, str(file)]


def watch(runtime: str, work: Path) -> Seen:
    """Runs the probe of `runtime` and says what it did."""
    begin = command(runtime, work)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        port = server.getsockname()[1]
        process = subprocess.Popen(
            [*begin, str(port), *PROBES[runtime][1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            unread = _end(server, 100)
            abort = _end(server, 0)
            with _accept(server) as peer:
                peer.sendall(b"!")
                assert peer.recv(1) == b"", "a half-close is a FIN"
                peer.sendall(b"0123456789")
            with _accept(server) as peer:
                peer.sendall(b"!")
                time.sleep(0.15)  # some set their options when the connection is already there
                keepalive = "on" if _timer(peer) == 2 else "off"
                peer.shutdown(socket.SHUT_WR)
                eof = _answer(peer, 1.0)
                peer.settimeout(20)
                _outcome(peer)
            ends = _end(server, 0)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
    assert err == "", err
    half = "works" if out.split()[1:] == ["10"] else f"got {out.split()[1:]}"
    return Seen(unread, abort, half, eof, keepalive, ends)


def _accept(server: socket.socket) -> socket.socket:
    peer, _ = server.accept()
    peer.settimeout(20)
    return peer


def _end(server: socket.socket, more: int) -> str:
    """Says the word, and so many bytes behind it, and waits for the end."""
    with _accept(server) as peer:
        peer.sendall(b"!" + b"x" * more)
        return _outcome(peer)


def _outcome(peer: socket.socket) -> str:
    try:
        if peer.recv(1):
            return "data"
    except ConnectionResetError:
        return "reset"
    time.sleep(0.1)
    # A reset behind the FIN is no error to a reader; the kernel keeps it for the next call that writes.
    return "fin, then reset" if peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.EPIPE else "fin"


def _answer(peer: socket.socket, seconds: float) -> str:
    """Whether the other end closes within that time of our FIN."""
    peer.settimeout(seconds)
    try:
        return "closes" if _outcome(peer) else ""
    except TimeoutError:
        return "waits"


def _timer(peer: socket.socket) -> int:
    """The kind of timer on the other end of `peer`, from the kernel's lists: 0 none, 1 retransmission, 2 keepalive.

    Java's sockets are IPv6 ones even to an IPv4 address, so both lists are read.
    """
    ours, theirs = (f"{name[1]:04X}" for name in (peer.getsockname(), peer.getpeername()))
    lines = [line for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text("ascii").splitlines()[1:]]
    for fields in map(str.split, lines):
        if fields[1].endswith(f":{theirs}") and fields[2].endswith(f":{ours}"):
            return int(fields[5].split(":")[0], 16)
    raise AssertionError("the kernel does not list the connection")
