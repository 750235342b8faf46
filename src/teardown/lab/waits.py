"""What ends a wait: the answer of the engine, for predictions and for pastes."""

from __future__ import annotations

from teardown.tcp.states import MEANING, prose
from teardown.world.moves import apply, next_move
from teardown.world.trace import Host
from teardown.world.world import World

_MOST_MOVES = 200  # that a wait is played on; a longer one goes round for ever


def what_ends(host: Host, w: World) -> tuple[str, str]:
    """What takes a host out of its state if nobody interferes, and the sentence that tells it.

    `segment`, `HOST program`, a host and the timer of its kernel or its program (`server fin-wait-2`), or `nothing`.
    """
    state = w.states.of(host)
    for _n in range(_MOST_MOVES):
        if next_move(w) is None:
            break
        w, steps = apply(w, "wait")
        for n, step in enumerate(steps):
            if step.states.of(host) == state:
                continue
            if step.event == "timer":
                return f"{step.host} {step.timer}", step.caption
            if step.event != "call":
                return "segment", step.caption
            alarm = steps[n - 1] if n and steps[n - 1].event == "timer" else None
            return f"{step.host} {alarm.timer if alarm else 'program'}", step.caption
    return "nothing", f"{prose(state)}: {MEANING[state]}. Nothing changes that by itself."
