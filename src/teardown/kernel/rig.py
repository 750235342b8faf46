"""Two machines made of network namespaces, one TUN device each, and a wire of ours between them.

Nothing here touches the machine's own network: the namespaces have no name and live only as descriptors of this
process, so the kernel removes them, their devices and their sockets when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import gzip
import itertools
import os
import platform
import re
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from teardown.errors import InputError
from teardown.kernel.netlink import Entry, Lookup, configure
from teardown.kernel.tracefs import Change, Tracer, in_thread
from teardown.kernel.wire import Wire
from teardown.tcp import states
from teardown.world.trace import HOSTS, Host, other

#: Raised when the rig or the meaning of what it records changes; recorded observations carry it.
RIG_VERSION: Final = 1
SERVER_PORT: Final = 80
_FIRST_CLIENT_PORT: Final = 40_001
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000

#: Kernel settings of both namespaces, below `net.ipv4`. Everything else is the kernel's default.
#: Timestamps would only fill the segments with options. Metrics saved from one connection would colour the next.
#: Reno is the one congestion control that a namespace may always choose; the machine's default may pace.
#: Without window scaling the windows in the log are bytes, as they are in the engine.
SETTINGS: Final[Mapping[str, str]] = {
    "tcp_timestamps": "0",
    "tcp_window_scaling": "0",
    "tcp_congestion_control": "reno",
    "tcp_no_metrics_save": "1",
    "tcp_ecn": "0",
}


class Unavailable(InputError):
    """The rig cannot be built here; the text says why in words."""


class Namespace:
    """One machine: a network namespace, its TUN device, and a way to look its connections up."""

    def __init__(
        self, host: Host, address: str, peer: str, settings: Mapping[str, str], quick_ack: bool
    ) -> None:
        self.host, self.address = host, address
        self.fd = self.tun = -1
        self.lookup: Lookup | None = None
        try:
            in_thread(lambda: self._make(peer, settings, quick_ack))
        except BaseException:
            self.close()
            raise

    def _make(self, peer: str, settings: Mapping[str, str], quick_ack: bool) -> None:
        before = os.stat("/proc/thread-self/ns/net").st_ino
        os.unshare(os.CLONE_NEWNET)
        if os.stat("/proc/thread-self/ns/net").st_ino == before:
            raise Unavailable("the kernel did not give a network namespace of our own")
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6 sends no router solicitations
            _set("net/ipv6/conf/default/disable_ipv6", "1")
        for name, value in settings.items():
            _set(f"net/ipv4/{name}", value)
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(self.tun, _TUNSETIFF, struct.pack("16sH22x", b"wire", _IFF_TUN | _IFF_NO_PI))
        configure("wire", self.address, peer, quick_ack=quick_ack)
        self.lookup = Lookup()

    def inside[T](self, work: Callable[[], T]) -> T:
        """Run `work` in this namespace. Sockets it makes belong to the namespace for good."""

        def enter() -> T:
            os.setns(self.fd, os.CLONE_NEWNET)
            return work()

        return in_thread(enter)

    def close(self) -> None:
        """Let go of everything. The kernel takes the namespace down once nothing refers to it."""
        if self.lookup is not None:
            self.lookup.close()
            self.lookup = None
        for name in ("tun", "fd"):
            if getattr(self, name) >= 0:
                os.close(getattr(self, name))
                setattr(self, name, -1)


def _set(name: str, value: str) -> None:
    """Write one kernel setting of the namespace that this thread is in."""
    try:
        with open(f"/proc/sys/{name}", "w") as file:
            file.write(value)
    except FileNotFoundError:
        raise InputError(f"this kernel has no setting {name.replace('/', '.')}") from None
    except OSError as error:
        raise InputError(f"{name.replace('/', '.')} = {value!r}: {error.strerror}") from None


def _tcp_socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)


class Rig:
    """The two machines, the wire, and one connection between them at a time.

    `settings` maps `server` and `client` to kernel settings below `net.ipv4` (`{"tcp_fin_timeout": "1"}`).
    `latency` is seconds each way. With `quick_ack` (the default) the route asks the kernel to acknowledge at
    once; without it Linux delays some acknowledgements by 40 ms, which the engine does not model.
    Raises Unavailable, or InputError for a setting that the kernel refuses.
    """

    _made = itertools.count()

    def __init__(
        self,
        settings: Mapping[Host, Mapping[str, Any]] | None = None,
        *,
        latency: float = 0.0,
        quick_ack: bool = True,
        tracer: Tracer | None = None,
    ) -> None:
        if reason := available():
            raise Unavailable(f"the real kernel cannot be asked: {reason}")
        # The trace event names addresses, not namespaces: every rig of the machine has a pair of its own.
        low = (os.getpid() * 67 + next(Rig._made)) & 0xFFFF
        self.address: dict[Host, str] = {
            "server": f"198.18.{low >> 8}.{low & 255}",  # RFC 2544's range for bench work
            "client": f"198.19.{low >> 8}.{low & 255}",
        }
        self.tracer = tracer
        self._spaces: dict[Host, Namespace] = {}
        self._port = _FIRST_CLIENT_PORT
        self._ends: dict[Host, tuple[str, int]] = {}
        try:
            for host in HOSTS:
                own = {**SETTINGS} | {k: str(v) for k, v in (settings or {}).get(host, {}).items()}
                self._spaces[host] = Namespace(
                    host, self.address[host], self.address[other(host)], own, quick_ack
                )
        except BaseException:
            self.close()
            raise
        self.sampled: Callable[[Host, Entry], None] = lambda host, entry: None
        self.wire = Wire({h: s.tun for h, s in self._spaces.items()}, self.sample, latency)

    def _listen(self) -> socket.socket:
        listener = _tcp_socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # earlier connections are in TIME-WAIT
        listener.bind((self.address["server"], SERVER_PORT))
        listener.listen(1)
        listener.setblocking(False)
        return listener

    # One connection at a time.

    def connect(self) -> dict[Host, socket.socket]:
        """Open a new connection and give the two sockets. Both ends are ESTABLISHED, the wire is empty.

        The sockets do not wait: a `recv` with nothing to read fails with EAGAIN. Nobody listens any more, so
        that a server that is done with the connection is CLOSED.
        """
        self._port += 1
        self._ends = {
            "server": (self.address["server"], SERVER_PORT),
            "client": (self.address["client"], self._port),
        }
        watch, self.sampled = self.sampled, lambda host, entry: None
        self.wire.start(self._ends)
        listener = self._spaces["server"].inside(self._listen)
        client = self._spaces["client"].inside(_tcp_socket)
        server: socket.socket | None = None
        try:
            client.setblocking(False)
            client.bind(self._ends["client"])
            with contextlib.suppress(BlockingIOError):
                client.connect(self._ends["server"])
            deadline = time.monotonic() + 5.0
            while server is None:
                self.wire.step(time.monotonic() + 0.01)
                with contextlib.suppress(BlockingIOError):
                    server = listener.accept()[0]
                if server is None and time.monotonic() > deadline:
                    raise Unavailable("the kernel did not open a connection across the wire within 5 s")
            while self.wire.busy:
                self.wire.step(time.monotonic() + 1.0)
            self.wire.settle()
            for end in (server, client):
                end.setblocking(False)
                # Nagle's delay of small segments is no part of a close.
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for host in HOSTS:
                if (state := self.look(host).state) != states.ESTABLISHED:
                    raise Unavailable(f"the {host} is {state} after the handshake")
        except BaseException:
            client.close()
            if server is not None:
                server.close()
            raise
        finally:
            listener.close()
            self.sampled = watch
        if self.tracer is not None:
            self.tracer.read()  # the handshake's changes are not part of the play
        self.wire.forget()
        return {"server": server, "client": client}

    def look(self, host: Host) -> Entry:
        """What `host`'s kernel knows of the present connection."""
        lookup = self._spaces[host].lookup
        assert lookup is not None
        return lookup.find(self._ends[host], self._ends[other(host)])

    def sample(self) -> None:
        """Look at both ends and tell `sampled` what was seen."""
        for host in HOSTS:
            self.sampled(host, self.look(host))

    def changes(self) -> list[tuple[Host, Change]]:
        """State changes of the present connection that the trace event has shown since the last call."""
        if self.tracer is None:
            return []
        hosts = {(self._ends[host], self._ends[other(host)]): host for host in HOSTS}
        return [
            (hosts[change.local, change.peer], change)
            for change in self.tracer.read()
            if (change.local, change.peer) in hosts
        ]

    def run_until(self, deadline: float, enough: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass and packets travel until `deadline` (monotonic) or `enough()`; true if it was enough.

        Looks every 2 ms at first and every 10 ms when nothing has happened for a second.
        """
        self.wire.settle()
        self.sample()
        last, count = time.monotonic(), len(self.wire.log)
        while not enough():
            now = time.monotonic()
            if now >= deadline:
                return False
            if len(self.wire.log) != count:
                last, count = now, len(self.wire.log)
            self.wire.step(min(deadline, now + (0.002 if now - last < 1.0 else 0.010)))
            self.sample()
        return True

    # The end.

    def close(self) -> None:
        """Take everything down. Safe to call twice, and on a rig that was only half built."""
        for space in self._spaces.values():
            space.close()

    def namespaces(self) -> dict[Host, int]:
        """The inode numbers of the namespaces, by which the clean-up test looks for leftovers."""
        return {host: os.fstat(space.fd).st_ino for host, space in self._spaces.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@functools.cache
def available() -> str | None:
    """Why the rig cannot be built on this machine, in words; None if it can.

    Tracefs is not asked for here: without it the rig works from look-ups alone (see `no_tracefs`).
    """
    if not sys.platform.startswith("linux"):
        return f"it plays on a real Linux kernel, and this is {platform.system() or sys.platform}"
    if not hasattr(os, "unshare"):
        return "this Python cannot make namespaces: os.unshare came with Python 3.12"
    if os.geteuid() != 0:
        return "it makes network namespaces, which needs root (try sudo)"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"/dev/net/tun cannot be opened: {error.strerror} (try modprobe tun)"
    try:
        space = Namespace("server", "198.18.255.1", "198.18.255.2", SETTINGS, True)
    except PermissionError as error:
        return f"root may not make network namespaces here: {error.strerror} (a container without CAP_SYS_ADMIN?)"
    except (OSError, InputError, Unavailable) as error:
        return f"a trial namespace failed: {error}"
    try:
        assert space.lookup is not None
        space.lookup.find(("198.18.255.1", 1), ("198.18.255.2", 1))
    except OSError as error:
        return f"the kernel does not answer sock_diag look-ups: {error}"
    finally:
        space.close()
    return None


@functools.cache
def no_tracefs() -> str | None:
    """Why states come from look-ups alone, in words; None if the kernel's trace event can be had too."""
    try:
        with Tracer():
            return None
    except (OSError, AttributeError) as error:
        return f"no trace event inet_sock_set_state, so states come from look-ups alone: {error}"


@functools.cache
def kernel() -> dict[str, Any]:
    """What was measured on: kernel release without the local build's name, and HZ if the kernel tells."""
    release = re.match(r"[\d.]+", platform.release())
    return {"kernel": f"Linux {release[0] if release else platform.release()}", "hz": _hz()}


def _hz() -> int | None:
    places: list[tuple[str, Callable[..., Any]]] = [
        ("/proc/config.gz", gzip.open),
        (f"/boot/config-{platform.release()}", open),
    ]
    for path, opener in places:
        with contextlib.suppress(OSError), opener(path, "rt") as file:
            if found := re.search(r"^CONFIG_HZ=(\d+)$", file.read(), re.MULTILINE):
                return int(found[1])
    return None


def linger(end: socket.socket, on: bool, seconds: int) -> None:
    """Set SO_LINGER."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", on, seconds))
