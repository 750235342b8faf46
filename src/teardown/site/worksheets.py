"""One lab on paper: the situation, a table to fill in, questions with room for the answer, and the answers.

`python -m teardown.site.worksheets` prints every lab twice, for students and for teachers, into `site/worksheets/`.
The book holds the same sheets. Everything comes from the lab file and from runs of the engine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from teardown import __version__
from teardown.draw import words
from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.lab import file as labs
from teardown.lab import ways
from teardown.lab.code import Task
from teardown.lab.file import Lab
from teardown.lab.goals import Goal
from teardown.lab.situation import situation
from teardown.site import book_figures, takeaway
from teardown.tcp.states import prose
from teardown.world.run import run
from teardown.world.trace import HOSTS, Trace

#: Below the root of the site.
FOLDER: Final = "worksheets"
#: Lines to write on, for an answer in words and for each move of a way.
_LINES: Final = 4
_BLANK: Final = "\N{NO-BREAK SPACE}"


def seed(lab: Lab) -> str:
    """The seed as it is printed on every page: with it the lab plays the same way again."""
    return f"seed {lab.scenario.seed}"


def student(lab: Lab, prefix: str = "") -> str:
    """The sheet to work on. `prefix` begins every identifier."""
    facts = (
        f'<p class="sheet-facts">{lab.minutes} minutes · {seed(lab)} · '
        f'Name <span class="blank">{_BLANK * 34}</span> Date <span class="blank">{_BLANK * 16}</span></p>'
    )
    questions = _asked(f"<p>{escape(text)}</p>{_ruled(_LINES)}" for text in lab.objectives)
    asked = f'<h4 id="{prefix}questions">Answer in your own words</h4>{questions}'
    return facts + (_to_play(lab, prefix) if lab.code is None else _to_write(lab, lab.code, prefix)) + asked


def _to_play(lab: Lab, prefix: str) -> str:
    """The middle of the sheet of a lab in which moves are made."""
    first = situation(lab.name, [])
    who = "".join(
        f"<li>{host.capitalize()}: {escape(setup.program.title)}, on {escape(setup.profile.name)}.</li>"
        for host in HOSTS
        for setup in [lab.scenario.hosts.of(host)]
    )
    goals = _asked(f"<p>{escape(goal.text)}</p><p>My moves:</p>{_ruled(_LINES)}" for goal in lab.goals)
    return (
        f'<div class="sheet-situation"><div class="sheet-start">{book_figures.whole(first["html"]["ladder"])}</div>'
        f"{_paragraphs(lab.intro)}<ul>{who}</ul></div>"
        f'<h4 id="{prefix}fill-in">Fill in: both ends, step by step</h4>'
        f"<p>This is what happens if nobody interferes. Write the state of both ends after each step, "
        f"and whose turn it is then.</p>{_table(run(lab.scenario), filled=False)}"
        f'<h4 id="{prefix}goals">Play: how far can you bring it?</h4>'
        f'<p>Play on the lab’s page, or on paper. Note the moves that take you there.</p>{goals}'
    )


def _to_write(lab: Lab, task: Task, prefix: str) -> str:
    """The middle of the sheet of a lab that asks for a program."""
    checks = _asked(f"<p>{escape(check.name)}</p>{_ruled(1)}" for check in task.checks)
    return (
        f'{_paragraphs(lab.intro)}<h4 id="{prefix}program">The program to start from</h4>{_program(task.starter)}'
        f'<h4 id="{prefix}checks">What it must do</h4><p>Write beside each test whether this program passes it, '
        f"and what you would change.</p>{checks}"
    )


def answers(lab: Lab, prefix: str = "") -> str:
    """What the sheet asks for: the filled table and the shortest ways, or the program; then what to notice."""
    notice = "".join(f"<li>{escape(text)}</li>" for text in lab.notice)
    hints = "".join(f"<li>{escape(text)}</li>" for text in (*lab.hints, *(hint for goal in lab.goals for hint in goal.hints)))
    if lab.code is None:
        solved = _asked(f"<p>{escape(goal.text)} {_way(lab, goal)}" for goal in lab.goals)
        first = (
            f'<h4 id="{prefix}filled">The table, filled in</h4>{_table(run(lab.scenario), filled=True)}'
            f'<h4 id="{prefix}ways">A shortest way to each goal</h4>{solved}'
        )
    else:
        checks = "".join(
            f"<li><b>{escape(check.name)}</b> {'The first program fails it.' if check.fails else 'The first program passes it.'} "
            f"{escape(check.why)}</li>"
            for check in lab.code.checks
        )
        first = f'<h4 id="{prefix}solved">The tests</h4><ol>{checks}</ol>'
        if lab.code.solution:
            first += f'<h4 id="{prefix}solution">A program that passes them all</h4>{_program(lab.code.solution)}'
    return (
        f'<p class="sheet-facts">{lab.minutes} minutes · {seed(lab)}</p>{first}'
        f'<h4 id="{prefix}hints">Hints, in the order in which to give them</h4><ol>{hints}</ol>'
        f'<h4 id="{prefix}notice">What to notice</h4><ul>{notice}</ul>{_paragraphs(lab.closing)}'
    )


def _program(source: str) -> str:
    """Python as highlighted text, as on the pages."""
    return f'<div class="highlight"><pre><code>{highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))}</code></pre></div>'


def _asked(items: Iterable[str]) -> str:
    """A numbered list of items that are more than a line; each begins with a paragraph.

    The numbers are written out: a tagged PDF has no place for a marker beside several blocks.
    """
    numbered = (item.replace("<p>", f"<p><b>{n}.</b> ", 1) for n, item in enumerate(items, 1))
    return f'<ul class="asked">{"".join(f"<li>{item}</li>" for item in numbered)}</ul>'


def _way(lab: Lab, goal: Goal) -> str:
    """A shortest way to the goal; where the reader chooses a table first, at the first one that has a way."""
    tables = [f"At “{table.text}”, " for table in lab.tables] or [""]
    settings = zip(tables, lab.scenarios[0], strict=True)
    found = ((at, scenario, moves) for at, scenario in settings if (moves := ways.way(scenario, goal)) is not None)
    at, scenario, made = next(found, ("", lab.scenario, None))
    if made is None:
        raise InputError("no moves reach a goal", place=f"labs/{lab.name}.toml", mend=f"Try teardown check {lab.name}")
    moves = "".join(f"<li>{escape(text)}</li>" for text in ways.told(scenario, made))
    return f"<b>{escape(at)}{len(made)} moves:</b></p><ol>{moves}</ol>" if made else "<b>It is so from the start.</b></p>"


def _table(trace: Trace, *, filled: bool) -> str:
    clock = words.clock_of(trace)
    rows = []
    for i, step in enumerate(trace.steps):
        owed = "nobody" if step.owes is None else f"{step.owes.who}: {step.owes.what}"
        given = (prose(step.states.server), prose(step.states.client), owed)
        cells = given if filled or i == 0 else (_BLANK,) * 3
        rows.append(
            f'<tr><th scope="row">{i}</th><td>{escape(clock.label(step.t))}</td><td>{escape(step.caption)}</td>'
            + "".join(f'<td class="{"" if filled or i == 0 else "fill"}">{escape(cell)}</td>' for cell in cells)
            + "</tr>"
        )
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("Step", "Time", "What happens", "Server", "Client", "Whose turn")
    )
    return f'<table class="sheet"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part.strip())}</p>" for part in text.split("\n\n") if part.strip())


def _ruled(lines: int) -> str:
    return f'<div class="sheet-ruled">{f"<p>{_BLANK}</p>" * lines}</div>'


# --- sheets of their own ---------------------------------------------------------------------------------------------


def document(lab: Lab, edition: str, date: str) -> str:
    """A whole HTML document: the sheet, for teachers with the answers behind it."""
    teacher = edition == "teacher"
    body = f'<section class="sheet"><h1>{escape(lab.title)}</h1><p class="lead">{escape(lab.summary)}</p>{student(lab)}</section>'
    if teacher:
        body += f'<section class="sheet break"><h1>Answers: {escape(lab.title)}</h1>{answers(lab, "a-")}</section>'
    body = body.replace("<h4", "<h2").replace("</h4>", "</h2>")
    title = f"{lab.title}: worksheet{', with answers' if teacher else ''}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="author" content="The FIN_WAIT_2 project"><meta name="description" content="{escape(lab.summary)}">'
        f'<meta name="dcterms.created" content="{date}"><meta name="dcterms.modified" content="{date}"></head>'
        f"<body>{body}</body></html>"
    )


def feet(lab: Lab, edition: str, date: str) -> str:
    """The rules of a sheet's running foot: lab, edition, seed and version on every page."""
    left = f"FIN_WAIT_2 · lab {lab.name} · {seed(lab)}"
    right = f"{edition.capitalize()}’s edition · {__version__}, {date}"
    return (
        f'@page{{margin:16mm 18mm 18mm;@top-left{{content:none}}@top-right{{content:none}}'
        f'@bottom-left{{content:"{left}"}}@bottom-right{{content:"{right}"}}}}'
        '@page:first{@bottom-center{content:counter(page)}}'
    )


def main(argv: list[str] | None = None) -> int:
    """Prints the worksheets. Returns 2 on bad input."""
    from teardown.site import press
    from teardown.site.edition import day

    parser = argparse.ArgumentParser(prog="python -m teardown.site.worksheets", description=__doc__)
    parser.add_argument("labs", nargs="*", metavar="LAB", help="default: every lab")
    parser.add_argument("--paper", choices=press.PAPERS, default="a4")
    parser.add_argument("--site", type=Path, default=Path("site"))
    options = parser.parse_args(argv)
    made = {}
    try:
        date = day()
        for lab in map(labs.load, options.labs or labs.names()):
            for edition in ("student", "teacher"):
                name = f"{FOLDER}/{lab.name}-{edition}.pdf"
                with press.strict(name):
                    pages = press.lay_out(
                        document(lab, edition, date), options.site, Path("build/book"), options.paper, feet(lab, edition, date)
                    )
                    content = press.print_pages(pages)
                made[name] = content
                print(f"==> {options.site / name} ({len(pages.pages)} pages, {len(content) / 1000:.0f} kB)")
        takeaway.keep(options.site, made)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
