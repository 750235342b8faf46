"""The few words of netlink that the rig needs: set up one TUN device, and look one TCP connection up.

Both halves speak to the kernel directly, because `ip` and `ss` need not be installed and cost a process each.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Final, NamedTuple

from teardown.tcp import states

_NETLINK_ROUTE: Final = 0
_NETLINK_SOCK_DIAG: Final = 4
_REQUEST, _ACK, _CREATE, _REPLACE = 0x001, 0x004, 0x400, 0x100
_ERROR: Final = 2
_RTM_NEWLINK, _RTM_NEWADDR, _RTM_NEWROUTE = 16, 20, 24
_SOCK_DIAG_BY_FAMILY: Final = 20
_IFF_UP: Final = 0x1
_IFA_F_NOPREFIXROUTE: Final = 0x200
_RT_TABLE_MAIN, _RTPROT_STATIC, _RT_SCOPE_LINK, _RTN_UNICAST = 254, 4, 253, 1
_RTAX_QUICKACK: Final = 15

#: Numbers of <net/tcp_states.h>. 12 is a request socket (half of a SYN-RECEIVED).
STATE_NUMBERS: Final = {
    1: states.ESTABLISHED, 2: states.SYN_SENT, 3: states.SYN_RECEIVED, 4: states.FIN_WAIT_1,
    5: states.FIN_WAIT_2, 6: states.TIME_WAIT, 7: states.CLOSED, 8: states.CLOSE_WAIT,
    9: states.LAST_ACK, 10: states.LISTEN, 11: states.CLOSING, 12: states.SYN_RECEIVED,
}  # fmt: skip

#: Timer numbers of sock_diag, by the engine's names. 3 covers both kinds of small entry.
TIMER_NUMBERS: Final = {0: None, 1: "retransmission", 2: "keepalive", 3: "entry", 4: "persist"}


class Entry(NamedTuple):
    """What the kernel knows about one connection. `expires` is in milliseconds, as the kernel gives it.

    `timer` is `entry` for a small FIN-WAIT-2 or TIME-WAIT record, which is no socket any more.
    `orphan` means that no program holds it: its inode is 0.
    """

    state: str
    timer: str | None
    expires: int
    orphan: bool
    unread: int
    unsent: int
    resends: int


_GONE: Final = Entry(states.CLOSED, None, 0, True, 0, 0, 0)


def _attribute(kind: int, value: bytes) -> bytes:
    size = 4 + len(value)
    return struct.pack("=HH", size, kind) + value + bytes(-size % 4)


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body


def configure(device: str, local: str, peer: str, *, quick_ack: bool, mtu: int = 1500) -> None:
    """Bring `device` up in this thread's network namespace, with one address and one route to `peer`.

    `quick_ack` marks the route so that every acknowledgement is sent at once, never delayed.
    Raises OSError with the kernel's error number.
    """
    index = socket.if_nametoindex(device)
    here, there = socket.inet_aton(local), socket.inet_aton(peer)
    address = struct.pack("=BBBBI", socket.AF_INET, 32, 0, 0, index)
    address += _attribute(1, there) + _attribute(2, here)
    address += _attribute(8, struct.pack("=I", _IFA_F_NOPREFIXROUTE))
    link = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, _IFF_UP, _IFF_UP)
    link += _attribute(4, struct.pack("=I", mtu))
    kind = (_RT_TABLE_MAIN, _RTPROT_STATIC, _RT_SCOPE_LINK, _RTN_UNICAST)
    route = struct.pack("=BBBBBBBBI", socket.AF_INET, 32, 0, 0, *kind, 0)
    route += _attribute(1, there) + _attribute(4, struct.pack("=I", index)) + _attribute(7, here)
    if quick_ack:
        route += _attribute(8 | 0x8000, _attribute(_RTAX_QUICKACK, struct.pack("=I", 1)))
    make = _REQUEST | _ACK | _CREATE | _REPLACE
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_ROUTE) as talk:
        for request, flags, body in (
            (_RTM_NEWLINK, _REQUEST | _ACK, link),
            (_RTM_NEWADDR, make, address),
            (_RTM_NEWROUTE, make, route),
        ):
            talk.send(_message(request, flags, body))
            _, answer, _, _, _, error = struct.unpack_from("=IHHIIi", talk.recv(4096))
            if answer == _ERROR and error:
                raise OSError(-error, f"{os.strerror(-error)} (netlink {request} for {device})")


class Lookup:
    """Asks one namespace's kernel about one exact connection: the interface behind `ss`.

    Make it in a thread that is inside the namespace; afterwards any thread may use it.
    """

    def __init__(self) -> None:
        self._talk = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG
        )

    def close(self) -> None:
        """Let go of the netlink socket."""
        self._talk.close()

    def find(self, local: tuple[str, int], peer: tuple[str, int]) -> Entry:
        """The kernel's entry for this connection; a CLOSED one if there is none."""
        body = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF)
        body += struct.pack("!HH", local[1], peer[1])
        body += socket.inet_aton(local[0]) + bytes(12) + socket.inet_aton(peer[0]) + bytes(12)
        body += struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # any interface, no cookie
        self._talk.send(_message(_SOCK_DIAG_BY_FAMILY, _REQUEST, body))
        answer = self._talk.recv(4096)
        if struct.unpack_from("=IH", answer)[1] != _SOCK_DIAG_BY_FAMILY:
            error = -struct.unpack_from("=i", answer, 16)[0]
            if error == 2:  # ENOENT: no such connection
                return _GONE
            raise OSError(error, f"sock_diag: {os.strerror(error)}")
        _, number, timer, resends = struct.unpack_from("=BBBB", answer, 16)
        expires, unread, unsent, _, inode = struct.unpack_from("=IIIII", answer, 16 + 4 + 48)
        return Entry(
            STATE_NUMBERS[number], TIMER_NUMBERS.get(timer), expires, inode == 0, unread, unsent, resends
        )
