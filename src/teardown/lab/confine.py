"""Running a learner's program: what it may reach, how long it may run, and what is shown of its mistakes.

This bounds honest mistakes: an endless loop, a recursion without a floor, a flood of output. It is no wall against
malice. That stands in the page's worker (`src/web/worker.js`), which has nothing to reach and can be ended, and in the
grader, which never runs the program but plays its journal (see `lab.loop`).
"""

from __future__ import annotations

import ast
import builtins
import importlib
import io
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, TracebackType
from typing import Any, Final

from teardown.errors import InputError

#: The name under which the learner's file stands in tracebacks.
FILE: Final = "your program"
MOST_SOURCE: Final = 20_000  # characters
MOST_OUTPUT: Final = 10_000  # characters that are shown
_FLOOD: Final = 100 * MOST_OUTPUT
#: Turns of loops in one callback: a hundred thousand times more than any solution needs, and over in a blink.
MOST_TURNS: Final = 200_000
_DEEPEST: Final = 400  # frames above ours

_MODULES: Final = frozenset({
    "__future__", "collections", "dataclasses", "enum", "errno", "functools", "itertools", "math", "operator", "typing",
})  # fmt: skip
_NO_MODULE: Final = {
    "time": "the loop's clock is sock.time, and sleeping would stop the loop for every connection: set a timer",
    "socket": "the loop gives you the socket; SHUT_WR and the like are already there",
    "select": "the loop does that for you, and calls you",
    "asyncio": "the loop here is simpler, and calls you",
}
_WITHHELD: Final = frozenset({
    "open", "input", "breakpoint", "exec", "eval", "compile", "exit", "quit", "help", "license", "credits", "copyright",
})  # fmt: skip
_TOOL: Final = 4  # an identifier of sys.monitoring that no tool of Python's own has


class Faulty(Exception):
    """The learner's program does not run, or stopped. The text is for the learner: their own lines, plain words."""


class Runaway(BaseException):
    """The program does not give the loop its turn back. No `except Exception` of the program catches it."""


class Output(io.TextIOBase):
    """What the program prints, up to a limit."""

    def __init__(self) -> None:
        self.text, self.written = "", 0

    def write(self, text: str) -> int:
        """Keep what fits. Raises Runaway for a flood."""
        self.written += len(text)
        self.text += text[: max(0, MOST_OUTPUT - len(self.text))]
        if self.written > _FLOOD:
            raise Runaway(f"Your program has printed more than {_FLOOD:,} characters.")
        return len(text)

    @property
    def shown(self) -> str:
        """The text, and a line about what was left out."""
        left = self.written - len(self.text)
        return self.text + (f"\n… and {left:,} characters more" if left else "")


class Program:
    """A learner's source, compiled, with a namespace of its own."""

    def __init__(self, source: str, wanted: str, given: dict[str, Any]) -> None:
        """`wanted`: the class that the source must define; `given`: names that it finds there. Raises Faulty."""
        self.output = Output()
        if len(source) > MOST_SOURCE:
            raise Faulty(f"The program has {len(source):,} characters. At most {MOST_SOURCE:,} are read.")
        linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
        self.namespace: dict[str, Any] = {"__name__": "yours", "__builtins__": self._builtins(), **given}
        with self.running():
            tree = ast.parse(source, FILE)
            code = compile(tree, FILE, "exec", dont_inherit=True)
            _watch(code)
            exec(code, self.namespace)
        made = self.namespace.get(wanted)
        if not isinstance(made, type):
            raise Faulty(f"Your program defines no class {wanted}. The loop looks for one of that name.")
        self._class = made

    def instance(self) -> Any:
        """A new object of the learner's class. Raises Faulty."""
        with self.running():
            return self._class()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Bounds what runs inside, and turns whatever it raises into Faulty. Loops count afresh."""
        _budget[0] = MOST_TURNS
        deepest = sys.getrecursionlimit()
        try:
            with _counting():
                sys.setrecursionlimit(min(deepest, _depth() + _DEEPEST))
                yield
        except Faulty:
            raise
        except BaseException as error:
            sys.setrecursionlimit(deepest)
            raise Faulty(told(error)) from None
        finally:
            sys.setrecursionlimit(deepest)

    def _builtins(self) -> dict[str, Any]:
        own = {name: value for name, value in vars(builtins).items() if name not in _WITHHELD}

        def print_here(*values: object, sep: str | None = " ", end: str | None = "\n", **_ignored: object) -> None:
            builtins.print(*values, sep=sep, end=end, file=self.output)

        return own | {"print": print_here, "__import__": _import}


def shut() -> None:
    """Takes the way to JavaScript out of Pyodide's Python, for good. Does nothing in any other Python.

    What learners may import is imported before, since nothing can be fetched afterwards.
    """
    for name in _MODULES:
        importlib.import_module(name)
    if sys.platform != "emscripten":
        return
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "JsFinder"]
    for name in [n for n in sys.modules if n.partition(".")[0] in _TO_JAVASCRIPT]:
        del sys.modules[name]


_TO_JAVASCRIPT: Final = frozenset({"js", "pyodide", "pyodide_js", "_pyodide", "_pyodide_core"})


def _import(name: str, *given: Any) -> Any:
    if name.partition(".")[0] not in _MODULES or (len(given) > 3 and given[3]):
        why = _NO_MODULE.get(name, f"here are {', '.join(sorted(_MODULES - {'__future__'}))}")
        raise ImportError(f"there is no module {name[:40]} here: {why}")
    return __import__(name, *given)


def _depth() -> int:
    depth, frame = 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    return depth


# -------------------------------------------------------------------------------------------- the budget
_budget = [0]
_counting_now = [False]


def _turn(code: CodeType, offset: int, to: int) -> None:
    if not _counting_now[0]:
        return
    _budget[0] -= 1
    if _budget[0] < 0:
        raise Runaway(
            f"A loop has turned {MOST_TURNS:,} times in one callback. While it turns, the event loop gets no turn of "
            "its own: no segment is read, no timer is looked at."
        )


def _watch(code: CodeType) -> None:
    """Counts the turns of all loops in the learner's code, and in nothing else."""
    monitoring = sys.monitoring
    if monitoring.get_tool(_TOOL) is None:
        monitoring.use_tool_id(_TOOL, "teardown")
        monitoring.register_callback(_TOOL, monitoring.events.JUMP, _turn)
    monitoring.set_local_events(_TOOL, code, monitoring.events.JUMP)
    for part in code.co_consts:
        if isinstance(part, CodeType):
            _watch(part)


@contextmanager
def _counting() -> Iterator[None]:
    before, _counting_now[0] = _counting_now[0], True
    try:
        yield
    finally:
        _counting_now[0] = before


# -------------------------------------------------------------------------------------------- tracebacks
_MOST_FRAMES: Final = 6
_MOST_TOLD: Final = 2_000


def told(error: BaseException) -> str:
    """A mistake as the learner should see it: their own lines with their numbers, then what Python says."""
    if isinstance(error, SyntaxError) and error.filename == FILE:
        said = _safely(lambda: traceback.format_exception_only(error))
        return "".join(said).rstrip().replace(f'File "{FILE}", line', "Line")[:_MOST_TOLD]
    frames = _own_frames(error.__traceback__)
    lines = []
    for n, (line, name) in enumerate(frames):
        if len(frames) > _MOST_FRAMES and n == _MOST_FRAMES // 2:
            lines.append(f"  … {len(frames) - _MOST_FRAMES} calls more …")
        if len(frames) > _MOST_FRAMES and _MOST_FRAMES // 2 <= n < len(frames) - _MOST_FRAMES // 2:
            continue
        lines.append(f"Line {line}, in {name}")
        source = linecache.getline(FILE, line).strip()
        if source:
            lines.append(f"    {source}")
    plain = isinstance(error, (Runaway, InputError))  # our own words: the name of the class would say nothing
    said = [str(error)] if plain else _safely(lambda: traceback.format_exception_only(type(error), error))
    return "\n".join([*lines, "".join(said).rstrip()])[:_MOST_TOLD]


def _safely(say: Callable[[], list[str]]) -> list[str]:
    try:
        return say()
    except BaseException:  # the exception is the learner's own, and so is how it is written
        return ["an exception that cannot be shown"]


def _own_frames(tb: TracebackType | None) -> list[tuple[int, str]]:
    frames = []
    while tb is not None:
        code = tb.tb_frame.f_code
        if code.co_filename == FILE:
            frames.append((tb.tb_lineno, code.co_name))
        tb = tb.tb_next
    return frames
