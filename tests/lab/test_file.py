"""Lab files: what is right is read, what is wrong is said with file, line and mend."""

import pytest

from teardown.errors import InputError
from teardown.lab.file import load, names, parse

GOOD = '''\
version = 1
title = "A lab"
summary = "It teaches."
minutes = 10
objectives = ["Name it."]
intro = """Do it."""
closing = """Done."""

[scenario]
base = "buggy-client"
client = { program = "hand" }
seats = ["network", "client", "clock"]

[[goals]]
id = "over"
text = "End it."
when = { server = "CLOSED", client = "CLOSED" }
'''


def test_a_right_file_is_read() -> None:
    lab = parse("a-lab", GOOD, "labs/a-lab.toml")
    assert (lab.title, lab.minutes, lab.goals[0].when) == ("A lab", 10, (("server", "CLOSED"), ("client", "CLOSED")))
    assert lab.scenario.hosts.client.program.name == "hand"
    assert lab.scenario.hosts.server.program.name == "httpd-2.4-event", "the base fills in what the lab leaves out"


@pytest.mark.parametrize("name", names())
def test_every_lab_that_ships_is_right(name: str) -> None:
    assert load(name).name == name


@pytest.mark.parametrize(
    ("change", "line", "says", "mend"),
    [
        (("version = 1", "version = 2"), 1, "version is 2", "version = 1"),
        (('title = "A lab"', 'titel = "A lab"'), 2, "unknown key 'titel'", "title"),
        (("minutes = 10", "minutes = 0"), 4, "minutes cannot be 0", "from 1 to 180"),
        (("minutes = 10", "minutes = true"), 4, "minutes cannot be True", "whole number"),
        (('intro = """Do it."""', 'intro = """ """'), 6, "intro is missing", "intro ="),
        (('program = "hand"', 'program = "netscape"'), 11, "unknown program 'netscape'", "Known programs"),
        (('program = "hand"', 'program = "hand", stack = "lnux"'), 11, "unknown stack 'lnux'", "linux"),
        (('program = "hand"', 'program = "hand", set = { tcp_fin = "9s" }'), 11, "has 'tcp_fin'", "tcp_fin_timeout"),
        (('program = "hand"', 'program = "hand", set = { tcp_fin_timeout = "soon" }'), 11, "not a duration", "60s"),
        (('"clock"]', '"judge"]'), 12, "seats cannot be", "clock"),
        (('base = "buggy-client"', 'base = "none"'), 10, "unknown base scenario 'none'", "buggy-client"),
        (('server = "CLOSED"', 'server = "SHUT"'), 17, "'SHUT' is not a state", "CLOSE-WAIT"),
        (('server = "CLOSED"', 'weather = "fine"'), 17, "unknown condition 'weather'", "server, client, wire"),
        (("[[goals]]", "[[goals"), 14, "this is not TOML", "toml.io"),
    ],
)
def test_a_mistake_is_said_with_its_line_and_its_mend(
    change: tuple[str, str], line: int, says: str, mend: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse("a-lab", GOOD.replace(*change), "labs/a-lab.toml")
    text = str(caught.value)
    assert text.startswith(f"labs/a-lab.toml:{line}"), text
    assert says in text
    assert mend in text
    assert "\n" not in text


def test_files_from_strangers_are_bounded() -> None:
    for text in ("x = " + "[" * 50_000, "a = 1\n" * 20_000, 'title = "' + "x" * 100_000 + '"', "\x00", "=", ""):
        with pytest.raises(InputError):
            parse("a-lab", text, "labs/a-lab.toml")
    with pytest.raises(InputError, match="not a lab's name"):
        parse("../etc/passwd", GOOD, "x")


def test_an_unknown_lab_names_those_that_exist() -> None:
    with pytest.raises(InputError, match="buggy-client"):
        load("bugy-client")
