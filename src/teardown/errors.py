"""The one error that a reader, a teacher or an operator is meant to see."""


class InputError(ValueError):
    """Bad input: what is wrong, where it stands, and how to mend it.

    `str(error)` is one line, `PLACE: WHAT. MEND`, fit for standard error and for a page. What it quotes may come from
    strangers: line breaks, control characters and marks that turn text round are shown as escapes, and what is too
    long to read is left out.
    The command line turns it into exit status 2, a page fence into a failed build.
    """

    def __init__(self, what: str, *, place: str = "", mend: str = "") -> None:
        what, place, mend = _short(_shown(what)), _short(_shown(place)), _shown(mend)
        self.what, self.place, self.mend = what, place, mend
        text = what.rstrip(".") + "."
        if mend:
            text = f"{text} {mend}"
        super().__init__(f"{place}: {text}" if place else text)

    def at(self, place: str) -> "InputError":
        """The same error, said to be at `place` unless it already names one."""
        return self if self.place else InputError(self.what, place=place, mend=self.mend)


def _shown(text: str) -> str:
    """The text with everything that does not print as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _short(text: str) -> str:
    """The text without its middle, if it is longer than anybody reads."""
    return text if len(text) <= 400 else f"{text[:300]} … {text[-80:]}"
