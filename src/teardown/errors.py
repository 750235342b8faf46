"""The one error that a reader, a teacher or an operator is meant to see."""


class InputError(ValueError):
    """Bad input: what is wrong, where it stands, and how to mend it.

    `str(error)` is one line, `PLACE: WHAT. MEND`, fit for standard error and for a page.
    The command line turns it into exit status 2, a page fence into a failed build.
    """

    def __init__(self, what: str, *, place: str = "", mend: str = "") -> None:
        self.what, self.place, self.mend = what, place, mend
        text = what.rstrip(".") + "."
        if mend:
            text = f"{text} {mend}"
        super().__init__(f"{place}: {text}" if place else text)

    def at(self, place: str) -> "InputError":
        """The same error, said to be at `place` unless it already names one."""
        return self if self.place else InputError(self.what, place=place, mend=self.mend)
