"""Links in prose that drive a figure: `[the FIN](#buggy-client/4)` shows step 4 of that scenario's figure.

A Python-Markdown extension, named `teardown.site.steps` in the site's configuration. A figure counts its steps from
0, as its transcript does. A link to a figure that the page does not have, or to a step that its run does not reach,
ends the build: a figure changes with the engine, and prose that points past its end would point at nothing.

Without a script the link leads to the figure. The anchors are written by the figure's fence, as finished HTML that
a builder's check of anchors does not see, so this check stands in for it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from markdown import Markdown

from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.site.inline import Inline
from teardown.world.run import run
from teardown.world.scenario import load

_LINK: Final = r"\[([^\[\]`*]+)\]\(#([a-z0-9]+(?:-[a-z0-9]+)*)/(\d{1,3})\)"


def anchors(scenario: str, steps: int) -> str:
    """The places that links to the steps of a figure lead to where no script runs: just before the figure."""
    return f'<div class="tcp-anchors">{"".join(f"""<a id="{escape(scenario)}/{i}"></a>""" for i in range(steps))}</div>'


def _html(md: Markdown, match: re.Match[str]) -> str:
    """One link to one step."""
    text, name, step = match[1], match[2], int(match[3])
    check(name, step, getattr(md, "teardown_figures", {}))
    return f'<a class="tcp-step" href="#{escape(name)}/{step}">{escape(text)}</a>'


def makeExtension(**kwargs: Any) -> Inline:  # noqa: N802 (Python-Markdown's name)
    """What Python-Markdown calls for `teardown.site.steps`: before its own links (160)."""
    return Inline("teardown-step", _LINK, 176, _html, **kwargs)


def check(scenario: str, step: int, figures: dict[str, int]) -> None:
    """Raises InputError unless the page has a figure of that scenario with that step."""
    if not figures.get(scenario):
        raise InputError(
            f"this page has no figure of {scenario!r}", mend=f'Add a ```teardown fence with scenario = "{scenario}"'
        )
    last = len(run(load(scenario)).steps) - 1
    if step > last:
        raise InputError(f"{scenario} has no step {step}", mend=f"Its steps are 0 to {last}: teardown run {scenario}")
