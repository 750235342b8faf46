"""One TCP segment, as far as opening, moving data and closing need it (RFC 9293 §3.1)."""

from typing import NamedTuple

#: Flag letters in the order in which tools print them.
FLAG_ORDER = "SFRPA"
FLAG_NAMES = {"S": "SYN", "F": "FIN", "R": "RST", "P": "PSH", "A": "ACK"}


class Segment(NamedTuple):
    """Sequence numbers are relative to the sender's ISN (its SYN is 0, its first byte 1).

    `ack` is relative to the ISN of the *other* side and means something only with the A flag.
    `length` counts bytes of text; `window` is what the sender is willing to take, in bytes.
    """

    seq: int
    ack: int
    flags: str
    length: int = 0
    window: int = 65_535

    @property
    def span(self) -> int:
        """SEG.LEN: text plus one for SYN and one for FIN (RFC 9293 §3.4)."""
        return self.length + ("S" in self.flags) + ("F" in self.flags)

    @property
    def end(self) -> int:
        """The first sequence number after this segment."""
        return self.seq + self.span

    @property
    def label(self) -> str:
        """What a figure writes on the arrow: `FIN, ACK`, `RST`, `data 120`, `ACK`."""
        names = [FLAG_NAMES[f] for f in "SFRA" if f in self.flags]
        if self.length:
            names = [f"data {self.length}", *(n for n in names if n != "ACK")]
        return ", ".join(names) or "no flags"
