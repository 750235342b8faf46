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
from teardown.lab.paste import text as paste
from teardown.lab.situation import situation
from teardown.lab.variants import checked
from teardown.site import book_figures, sheet_questions, takeaway
from teardown.site.sheet_questions import ruled
from teardown.tcp.states import prose
from teardown.world.moves import begin, moves
from teardown.world.run import run
from teardown.world.trace import HOSTS, Trace

#: Below the root of the site.
FOLDER: Final = "worksheets"
#: Lines to write on, for an answer in words and for each move of a way.
_LINES: Final = 3
_BLANK: Final = "\N{NO-BREAK SPACE}"


def student(lab: Lab, prefix: str = "", seed: int = 0) -> str:
    """The sheet to work on. `prefix` begins every identifier. `seed`: which variant; it stands on every page."""
    lab = lab.dealt(seed)
    facts = (
        f'<p class="sheet-facts">{lab.minutes} minutes · seed {seed} · '
        f'Name <span class="blank">{_BLANK * 34}</span> Date <span class="blank">{_BLANK * 16}</span></p>'
    )
    questions = _asked((f"<p>{escape(text)}</p>{ruled(_LINES)}" for text in lab.objectives), "asked words")
    asked = f'<h4 id="{prefix}questions">Answer in your own words</h4>{questions}'
    return facts + (_to_play(lab, prefix, seed) if lab.code is None else _to_write(lab, lab.code, prefix, seed)) + asked


def _to_play(lab: Lab, prefix: str, seed: int) -> str:
    """The middle of the sheet of a lab in which moves are made."""
    first, scenario = situation(lab.name, [], seed=seed), lab.scenario
    who = "".join(
        f"<li>{host.capitalize()}: {escape(setup.program.title)}, on {escape(setup.profile.name)}.</li>"
        for host in HOSTS
        for setup in [scenario.hosts.of(host)]
    )
    goals = _asked(f"<p>{escape(goal.text)}</p><p>My moves:</p>{ruled(_LINES)}" for goal in lab.goals)
    return (
        f'<div class="sheet-situation"><div class="sheet-start">{book_figures.whole(first["html"]["ladder"])}</div>'
        f"{_paragraphs(lab.intro)}<ul>{who}</ul></div>{_given(lab, seed)}{_first_move(lab, prefix)}"
        f"{_fill_in(run(scenario), prefix)}{_asks(lab, prefix, seed)}"
        f'<h4 id="{prefix}goals">Play: how far can you bring it?</h4>'
        f'<p>Play on the lab’s page, or on paper. Note the moves that take you there.</p>{goals}'
    )


def _fill_in(trace: Trace, prefix: str) -> str:
    """The run of the scenario as a table to fill in; nothing where nothing happens by itself."""
    if len(trace.steps) < 2:
        return ""
    return (
        f'<h4 id="{prefix}fill-in">Fill in: both ends, step by step</h4>'
        f"<p>This is what happens if nobody interferes. Write the state of both ends after each step, "
        f"and whose turn it is then.</p>{_table(trace, filled=False)}"
    )


def _given(lab: Lab, seed: int) -> str:
    """What the bench shows beside both hosts: the operator's list of sockets, the crowd of connections."""
    given = ""
    if lab.paste:
        given += f'<pre class="sheet-paste">{escape(_narrow(paste(lab.paste, seed)))}</pre>'
    if lab.crowd:
        given += (
            f"<p>The whole table: {lab.crowd.rate} connections a second go the way of this one, "
            f"and there is room for {lab.crowd.room:,}.</p>"
        )
    return given


def _narrow(text: str) -> str:
    """A list in columns with one blank between them, so that it can be printed in readable type."""
    lines = text.splitlines()
    wide = max(map(len, lines), default=0)
    blank = [all(line[n : n + 1] in ("", " ") for line in lines) for n in range(wide)]
    kept = [n for n in range(wide) if not (blank[n] and n and blank[n - 1])]
    return "\n".join("".join(line[n : n + 1] for n in kept).rstrip() for line in lines)


def _first_move(lab: Lab, prefix: str) -> str:
    """What the reader can choose from at the beginning."""
    if lab.tables:
        head, texts = "Where do you want to play?", [table.text for table in lab.tables]
    else:
        head, texts = "Your first move: what you can do", [move.text for move in moves(begin(lab.scenario)[0])]
    return f'<h4 id="{prefix}first">{head}</h4><ul class="sheet-two">{"".join(f"<li>{escape(text)}</li>" for text in texts)}</ul>'


def _asks(lab: Lab, prefix: str, seed: int) -> str:
    """The questions that the bench asks at the turning points."""
    if not lab.predictions:
        return ""
    return (
        f'<h4 id="{prefix}expect">What do you expect?</h4><p>Answer before you play. '
        f"Choose one letter, and write the reason.</p>{sheet_questions.asking(lab, seed)}"
    )


def _to_write(lab: Lab, task: Task, prefix: str, seed: int) -> str:
    """The middle of the sheet of a lab that asks for a program."""
    checks = _asked(f"<p>{escape(check.name)}</p>{ruled(1)}" for check in task.checks)
    return (
        f'{_paragraphs(lab.intro)}<h4 id="{prefix}program">The program to start from</h4>{_program(task.starter)}'
        f'<h4 id="{prefix}checks">What it must do</h4><p>Write beside each test whether this program passes it, '
        f"and what you would change.</p>{checks}{_asks(lab, prefix, seed)}"
    )


def answers(lab: Lab, prefix: str = "", seed: int = 0) -> str:
    """What the sheet asks for: the filled table, the answers and the shortest ways, or the program; then what to notice."""
    lab = lab.dealt(seed)
    expected = (
        f'<h4 id="{prefix}expected">What to expect, and why</h4>{sheet_questions.answering(lab, seed)}'
        if lab.predictions
        else ""
    )
    notice = "".join(f"<li>{escape(text)}</li>" for text in lab.notice)
    hints = "".join(f"<li>{escape(text)}</li>" for text in (*lab.hints, *(hint for goal in lab.goals for hint in goal.hints)))
    if lab.code is None:
        solved = _asked(f"<p>{escape(goal.text)} {_way(lab, goal)}" for goal in lab.goals)
        trace = run(lab.scenario)
        filled = f'<h4 id="{prefix}filled">The table, filled in</h4>{_table(trace, filled=True)}' if len(trace.steps) > 1 else ""
        first = (
            f"{filled}{expected}"
            f'<h4 id="{prefix}ways">A shortest way to each goal</h4>{solved}'
        )
    else:
        checks = "".join(
            f"<li><b>{escape(check.name)}.</b> {'The first program fails it.' if check.fails else 'The first program passes it.'} "
            f"{escape(check.why)}</li>"
            for check in lab.code.checks
        )
        first = f'<h4 id="{prefix}solved">The tests</h4><ol>{checks}</ol>'
        if lab.code.solution:
            first += f'<h4 id="{prefix}solution">A program that passes them all</h4>{_program(lab.code.solution)}'
        first += expected
    return (
        f'<p class="sheet-facts">{lab.minutes} minutes · seed {seed}</p>{first}'
        f'<h4 id="{prefix}hints">Hints, in the order in which to give them</h4><ol>{hints}</ol>'
        f'<h4 id="{prefix}notice">What to notice</h4><ul>{notice}</ul>{_paragraphs(lab.closing)}'
    )


def _program(source: str) -> str:
    """Python as highlighted text, as on the pages."""
    return f'<div class="highlight"><pre><code>{highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))}</code></pre></div>'


def _asked(items: Iterable[str], kind: str = "asked") -> str:
    """A numbered list of items that are more than a line; each begins with a paragraph.

    The numbers are written out: a tagged PDF has no place for a marker beside several blocks.
    """
    numbered = (item.replace("<p>", f"<p><b>{n}.</b> ", 1) for n, item in enumerate(items, 1))
    return f'<ul class="{kind}">{"".join(f"<li>{item}</li>" for item in numbered)}</ul>'


def _way(lab: Lab, goal: Goal) -> str:
    """A shortest way to the goal; where the reader chooses a table first, at the first one that has a way."""
    tables = [f"At “{table.text}”, " for table in lab.tables] or [""]
    settings = zip(tables, lab.scenarios, strict=True)
    found = ((at, scenario, way) for at, scenario in settings if (way := ways.way(scenario, goal)) is not None)
    at, scenario, made = next(found, ("", lab.scenario, None))
    if made is None:
        raise InputError("no moves reach a goal", place=f"labs/{lab.name}.toml", mend=f"Try teardown check {lab.name}")
    told = "".join(f"<li>{escape(text)}</li>" for text in ways.told(scenario, made))
    if not made:
        return "<b>It is so from the start.</b></p>"
    return f'<b>{escape(at)}{len(made)} move{"s" if len(made) > 1 else ""}:</b></p><ol class="sheet-two">{told}</ol>'


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
    kind = "sheet steps filled" if filled else "sheet steps"
    return f'<table class="{kind}"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part.strip())}</p>" for part in text.split("\n\n") if part.strip())


# --- sheets of their own ---------------------------------------------------------------------------------------------


def document(lab: Lab, edition: str, date: str, seed: int = 0) -> str:
    """A whole HTML document: the sheet, for teachers with the answers behind it."""
    lab, teacher = lab.dealt(seed), edition == "teacher"
    lead = f'<h1>{escape(lab.title)}</h1><p class="lead">{escape(lab.summary)}</p>'
    body = f'<section class="sheet">{lead}{student(lab, seed=seed)}</section>'
    if teacher:
        body += f'<section class="sheet break"><h1>Answers: {escape(lab.title)}</h1>{answers(lab, "a-", seed)}</section>'
    body = body.replace("<h4", "<h2").replace("</h4>", "</h2>")
    title = f"{lab.title}: worksheet{', with answers' if teacher else ''}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="author" content="The FIN_WAIT_2 project"><meta name="description" content="{escape(lab.summary)}">'
        f'<meta name="dcterms.created" content="{date}"><meta name="dcterms.modified" content="{date}"></head>'
        f"<body>{body}</body></html>"
    )


def feet(lab: Lab, edition: str, date: str, seed: int = 0) -> str:
    """The rules of a sheet's running foot: lab, edition, seed and version on every page."""
    left = f"FIN_WAIT_2 · lab {lab.name} · seed {seed}"
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
    parser.add_argument("--seed", type=int, default=0, help="which variant; 0 is the lab as its file tells it")
    parser.add_argument("--paper", choices=press.PAPERS, default="a4")
    parser.add_argument("--site", type=Path, default=Path("site"))
    options = parser.parse_args(argv)
    made = {}
    try:
        date, seed = day(), checked(options.seed)
        for lab in map(labs.load, options.labs or labs.names()):
            for edition in ("student", "teacher"):
                name = f"{FOLDER}/{lab.name}-{edition}{f'-seed-{seed}' if seed else ''}.pdf"
                with press.strict(name):
                    pages = press.lay_out(
                        document(lab, edition, date, seed), options.site, Path("build/book"), options.paper,
                        feet(lab, edition, date, seed),
                    )  # fmt: skip
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
