"""The bench of a lab that asks for a program: the program to start from, what the loop gives it, and its tests.

Readable as it is: the program as text, the tests by name. `<tcp-code>` makes an editor of the one and runs the others.
"""

from __future__ import annotations

import inspect
import re

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.lab.code import Check, Task
from teardown.lab.file import Lab
from teardown.lab.loop import Socket
from teardown.lab.texts import varying

#: The calls of a learner's socket, in the order in which a program meets them.
_CALLS = (
    "recv", "send", "shutdown", "close", "abort", "watch", "set_timer", "stop_timer", "unsent", "time",
)  # fmt: skip
_CALLBACKS = (
    ("on_open(sock)", "Once, at the beginning: the connection is open."),
    ("on_request(sock, request)", "The user wants something: bytes to send."),
    ("on_readable(sock)", "Bytes have arrived. Called again as long as some are left."),
    ("on_eof(sock)", "The peer will send no more, and all that it sent has been read. Called once."),
    ("on_error(sock, error)", "The connection is broken; error is an OSError. Called once."),
    ("on_timer(sock, name)", "A timer of yours is over."),
)


def bench(lab: Lab) -> str:
    """The bench as HTML. Raises InputError for a lab that asks for no program."""
    task = lab.code
    if task is None:
        raise InputError(f"lab {lab.name} asks for no program")
    changing = varying(lab)

    def named(check: Check) -> str:
        """The name of a test; a variant may change it."""
        said = f' data-said="{escape(lab.name)}:check.{escape(check.id)}"' if f"check.{check.id}" in changing else ""
        return f"<h3><span{said}>{escape(check.name)}</span></h3>"

    checks = "".join(
        f'<li data-check="{escape(check.id)}" data-result="none">{named(check)}</li>' for check in task.checks
    )
    return (
        f'<tcp-code data-lab="{escape(lab.name)}" data-engine="idle">'
        f'<div data-region="program"><h2 id="program">Your program</h2>{program(task.starter)}</div>'
        '<div data-region="tools"></div><div data-region="message" role="status"></div>'
        f'<div data-region="checks"><h2 id="tests">Tests</h2><ol>{checks}</ol></div><div data-region="work"></div>'
        f"</tcp-code>{_given(task)}"
    )


def program(source: str) -> str:
    """A program as highlighted text, whole: for those without a script, and for paper."""
    html = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    return f'<pre class="code-text highlight" tabindex="0"><code>{html}</code></pre>'


def _given(task: Task) -> str:
    """What the loop calls, and what a program can call."""
    callbacks = [row for row in _CALLBACKS if row[0].split("(")[0] in task.starter or row[0] == "on_open(sock)"]
    rows = [*callbacks, *((_signature(name), _says(name)) for name in _CALLS)]
    body = "".join(f"<tr><td><code>{escape(name)}</code></td><td>{_marked(says)}</td></tr>" for name, says in rows)
    return (
        '<details class="code-given"><summary>What the loop calls, and what you can call</summary>'
        '<table><thead><tr><th scope="col">Name</th><th scope="col">What it does</th></tr></thead>'
        f"<tbody>{body}</tbody></table></details>"
    )


def _marked(text: str) -> str:
    """Escaped text, with what stands in back-quotes as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _signature(name: str) -> str:
    member = inspect.getattr_static(Socket, name)
    if isinstance(member, property):
        return f"sock.{name}"
    parameters = list(inspect.signature(member).parameters.values())[1:]
    return f"sock.{name}({', '.join(p.name for p in parameters)})"


def _says(name: str) -> str:
    return " ".join((inspect.getdoc(inspect.getattr_static(Socket, name)) or "").split())
