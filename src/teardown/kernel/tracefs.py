"""The kernel's own record of state changes: the trace event `inet_sock_set_state`, in an instance of our own.

It shows states that are passed within one event (FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT on one segment), which a
look-up from outside cannot see. It calls the change from a full socket to a small FIN-WAIT-2 or TIME-WAIT entry
"CLOSE", which the look-up can tell apart. The rig uses both, and can do without this one.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import re
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from teardown.tcp import states

_WHERE: Final = "/sys/kernel/tracing"
_PREFIX: Final = "teardown-"
_MS_REC, _MS_PRIVATE, _MS_NOSUID_NODEV_NOEXEC = 0x4000, 1 << 18, 0x2 | 0x4 | 0x8
_EVENT: Final = "events/sock/inet_sock_set_state"
_LINE: Final = re.compile(
    r"(?P<t>\d+\.\d+): inet_sock_set_state: .*\bsport=(?P<sport>\d+) dport=(?P<dport>\d+) "
    r"saddr=(?P<saddr>\S+) daddr=(?P<daddr>\S+) .*oldstate=TCP_(?P<old>\w+) newstate=TCP_(?P<new>\w+)"
)


class Change(NamedTuple):
    """One state change of one socket. `t` is seconds of CLOCK_MONOTONIC."""

    t: float
    local: tuple[str, int]
    peer: tuple[str, int]
    old: str
    new: str


def _open_instances() -> int:
    """A descriptor of tracefs' `instances` directory, from a thread with a mount table of its own.

    Where nobody has mounted tracefs, the thread mounts it for itself alone; the descriptor keeps that mount
    alive after the thread has gone, and the machine's own mount table never changes.
    """
    path = f"{_WHERE}/instances"
    if not os.path.isdir(path):
        libc = ctypes.CDLL(None, use_errno=True)
        os.unshare(os.CLONE_NEWNS)
        for arguments in (
            (b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None),
            (b"tracefs", _WHERE.encode(), b"tracefs", ctypes.c_ulong(_MS_NOSUID_NODEV_NOEXEC), None),
        ):
            if libc.mount(*arguments):
                error = ctypes.get_errno()
                raise OSError(error, f"mount tracefs: {os.strerror(error)}")
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def in_thread[T](work: Callable[[], T]) -> T:
    """Run `work` in a thread that ends with it, so that no namespace it enters leaks into the caller."""
    answer: list[T] = []
    trouble: list[BaseException] = []

    def body() -> None:
        try:
            answer.append(work())
        except BaseException as error:  # handed to the caller below
            trouble.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if trouble:
        raise trouble[0]
    return answer[0]


def _sweep(instances: int) -> None:
    """Remove what a killed run left behind: instances named after a process that is no more."""
    for name in os.listdir(instances):
        if name.startswith(_PREFIX):
            owner = name.removeprefix(_PREFIX).split("-")[0]
            if owner.isdigit() and not os.path.exists(f"/proc/{owner}"):
                with contextlib.suppress(OSError):
                    os.rmdir(name, dir_fd=instances)


def leftovers() -> list[str]:
    """Names of trace instances of this rig that exist now (for the clean-up test)."""
    instances = in_thread(_open_instances)
    try:
        return [name for name in os.listdir(instances) if name.startswith(_PREFIX)]
    finally:
        os.close(instances)


class Tracer:
    """A private trace instance that records TCP state changes on the machine; the reader picks its own.

    Raises OSError where tracefs cannot be had. Use it as a context manager.
    """

    _made = itertools.count()

    def __init__(self) -> None:
        self._instances = in_thread(_open_instances)
        self._name = f"{_PREFIX}{os.getpid()}-{next(Tracer._made)}"
        self._home = self._pipe = -1
        self._rest = b""
        try:
            _sweep(self._instances)
            os.mkdir(self._name, dir_fd=self._instances)
            self._home = os.open(
                self._name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._instances
            )
            self._write("buffer_size_kb", "256")
            self._write("trace_clock", "mono")
            self._write(f"{_EVENT}/filter", "protocol == 6 && family == 2")
            self._write(f"{_EVENT}/enable", "1")
            self._pipe = os.open("trace_pipe", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._home)
        except BaseException:
            self.close()
            raise

    def _write(self, name: str, text: str) -> None:
        file = os.open(name, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, dir_fd=self._home)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)

    def read(self) -> list[Change]:
        """Every state change since the last call, oldest first."""
        while True:
            try:
                piece = os.read(self._pipe, 65_536)
            except BlockingIOError:
                break
            if not piece:
                break
            self._rest += piece
        whole, _, self._rest = self._rest.rpartition(b"\n")
        changes = []
        for line in whole.decode("utf-8", "replace").splitlines():
            if found := _LINE.search(line):
                old, new = (states.canonical(found[k]) or found[k] for k in ("old", "new"))
                local = (found["saddr"], int(found["sport"]))
                peer = (found["daddr"], int(found["dport"]))
                changes.append(Change(float(found["t"]), local, peer, old, new))
        return sorted(changes, key=lambda change: change.t)

    def close(self) -> None:
        """Remove the instance. Safe to call twice."""
        if self._home >= 0:
            with contextlib.suppress(OSError):
                self._write(f"{_EVENT}/enable", "0")
        for name in ("_pipe", "_home"):
            if getattr(self, name) >= 0:
                os.close(getattr(self, name))
                setattr(self, name, -1)
        if self._instances >= 0:
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(self._name, dir_fd=self._instances)
            os.close(self._instances)
            self._instances = -1

    def __enter__(self) -> Tracer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
