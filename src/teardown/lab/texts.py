"""The texts of a lab that stand on its page around the bench, each with a name by which a variant can change it."""

from __future__ import annotations

from teardown.draw import ladder
from teardown.draw.words import transcript
from teardown.lab.file import Lab
from teardown.world.run import run
from teardown.world.scenario import load
from teardown.world.trace import HOSTS
from teardown.world.world import SEATS

#: The seats as a reader meets them.
_SEATS = {"network": "the network", "server": "the server’s program", "client": "the client’s program", "clock": "the clock"}


def texts(lab: Lab) -> dict[str, str]:
    """Every text by its name: `intro.0` is the first paragraph, `goal.stuck.1` the second hint for a goal."""
    found = {"seats": seats(lab)} if lab.code is None else {}
    for name, parts in (
        ("intro", paragraphs(lab.intro)), ("objectives", lab.objectives), ("notice", lab.notice),
        ("closing", paragraphs(lab.closing)), ("hints", lab.hints),
    ):  # fmt: skip
        found |= {f"{name}.{n}": part for n, part in enumerate(parts)}
    for goal in lab.goals:
        found[f"goal.{goal.id}"] = goal.text
        found |= {f"goal.{goal.id}.{n}": hint for n, hint in enumerate(goal.hints)}
    if lab.code is not None:
        found |= {f"check.{check.id}": check.name for check in lab.code.checks}
    return found


def varying(lab: Lab) -> frozenset[str]:
    """The names of those texts that are not the same in all variants of this lab."""
    own = texts(lab)
    others = [texts(other) for other in lab.others]
    return frozenset(name for name in own if any(other.get(name) != own[name] for other in others))


def plays_itself(lab: Lab) -> bool:
    """Whether it goes on without the reader: no program is the reader's hand."""
    return not any(host in lab.scenario.seats for host in HOSTS)


def story(lab: Lab) -> str:
    """What happens if nobody interferes, as HTML: picture and words. Where the reader is a program, one that plays it."""
    played = run(lab.scenario if plays_itself(lab) else load(lab.base))
    words = transcript(played).replace('class="transcript"', 'class="walkthrough"', 1)
    return f'<div class="lab-picture">{ladder.draw(played, ids=f"walk-{lab.name}").svg}</div>{words}'


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, which blank lines part."""
    return [part.strip() for part in text.split("\n\n") if part.strip()]


def seats(lab: Lab) -> str:
    """Which seats are the reader's, and who sits at the others; it goes on from “You play”."""
    scenario = lab.scenario
    mine = [_SEATS[seat] for seat in SEATS if seat in scenario.seats]
    others = []
    for host in HOSTS:
        if host not in scenario.seats:
            program = scenario.hosts.of(host).program
            others.append(f"The {host} is played by “{program.title}”: {program.says[0].lower()}{program.says[1:]}")
    if "network" not in scenario.seats:
        others.append("The network delivers everything in order.")
    if "clock" not in scenario.seats:
        others.append("Time passes by itself.")
    kernels = "The kernels at both ends do by themselves what TCP asks of them."
    return f"{', '.join(mine[:-1])}{' and ' if mine[1:] else ''}{mine[-1]}. {' '.join([*others, kernels])}"
