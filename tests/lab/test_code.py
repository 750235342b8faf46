"""Labs that ask for a program: both are proved solvable, runaways end, mistakes are told in the learner's own lines."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from teardown.browser import answer
from teardown.errors import InputError
from teardown.lab import file as labs
from teardown.lab.code import Check, Task, Verdict, drawn, graded, judge, proof, run
from teardown.lab.loop import read_journal

CODE_LABS = [name for name in labs.names() if labs.load(name).code]


def task(name: str = "fix-the-client") -> Task:
    found = labs.load(name).code
    assert found is not None
    return found


def client(body: str) -> str:
    """A client whose `on_open` has this body."""
    return "class Client:\n    def on_open(self, sock):\n        " + body.replace("\n", "\n        ") + "\n"


def played(source: str, check: str = "idle-close") -> tuple[str, str]:
    """The error and the output of a program in one situation."""
    outcome = run(task(), task().check(check), source)
    return outcome.error or "", outcome.output


def results(source: str, name: str = "fix-the-client") -> dict[str, bool]:
    return {check.id: verdict.passed for check, verdict, _played in graded(task(name), source)}


# --- the labs that are there ---------------------------------------------------------------------------


def test_both_code_labs_are_there() -> None:
    assert {"fix-the-client", "lingering-close"} <= set(CODE_LABS)


@pytest.mark.parametrize("name", CODE_LABS)
def test_the_solution_passes_all_and_the_starter_fails_what_it_should(name: str) -> None:
    assert proof(task(name)) == []
    assert any(check.fails for check in task(name).checks)
    assert not all(check.fails for check in task(name).checks), "no check guards what the starter does right"


#: Half-way repairs: what each of them still fails.
REPAIRS = {
    ("sock.watch(False)", "pass"): {"reset", "no-answer", "vanished-idle", "stops-reading"},
    ("sock.watch(False)", "sock.close()"): {"two-pages", "reset", "no-answer", "stops-reading"},
    ('print("broken:", error)', "sock.close()"): {"idle-close", "reset", "no-answer", "vanished-idle", "stops-reading"},
}


@pytest.mark.parametrize(("old", "new"), REPAIRS)
def test_a_half_repaired_client_still_fails(old: str, new: str) -> None:
    source = task().starter.replace(old, new)
    assert source != task().starter
    expected = REPAIRS[old, new]
    if new == "sock.close()" and "watch" in old:  # it never is idle, so it meets no reset and no vanished peer
        expected = expected - {"reset"}
    assert {name for name, passed in results(source).items() if not passed} == expected


#: A lingering close without one of its parts, and the client that finds it out.
@pytest.mark.parametrize(
    ("old", "new", "fails"),
    [
        ('sock.set_timer("in-all", IN_ALL)', "pass", "trickle"),
        ("self.drained > PLENTY", "False", "torrent"),
        ('sock.set_timer("silence", SILENCE)', "pass", "silent"),
        ("sock.shutdown(SHUT_WR)", "pass", "prompt"),
        ("sock.recv(256)  #", "sock.close()  #", "lost-answer"),
    ],
)
def test_each_part_of_the_lingering_close_is_needed(old: str, new: str, fails: str) -> None:
    solution = task("lingering-close").solution
    assert solution is not None
    assert old in solution
    assert not results(solution.replace(old, new), "lingering-close")[fails]


# --- what is seen and shown ------------------------------------------------------------------------------


def verdict(source: str, check: str) -> Verdict:
    here: Check = task().check(check)
    outcome = run(task(), here, source)
    return judge(task(), here, outcome.journal, crashed=outcome.error is not None)


def test_a_failed_check_says_what_was_seen() -> None:
    seen = verdict(task().starter, "idle-close").seen
    assert "After 6 s your program still holds its socket" in seen
    assert "CLOSE_WAIT" in seen


def test_a_ladder_that_goes_on_and_on_is_shown_by_its_beginning() -> None:
    """Without a limit of all time this server drains a trickle for minutes."""
    solution = task("lingering-close").solution
    assert solution is not None
    source = solution.replace('sock.set_timer("in-all", IN_ALL)', "pass")
    here = task("lingering-close").check("trickle")
    journal = run(task("lingering-close"), here, source).journal
    asked = {"ask": "code-judge", "lab": "lingering-close", "check": "trickle", "journal": journal}
    told = json.loads(answer(json.dumps(asked)))
    assert not told["passed"]
    assert "After 40 s your program still holds its socket" in told["seen"]
    assert re.search(r"until 5 min \d+ s: [\d,]+ steps in all", told["html"]["ladder"])
    assert told["html"]["transcript"].count("<li") < 150
    assert "steps in all" not in drawn(verdict(task().starter, "idle-close").trace)[1]


def test_a_journal_played_back_gives_the_same_trace() -> None:
    solution = task().solution
    assert solution is not None
    for check in task().checks:
        first, second = (run(task(), check, solution) for _i in range(2))
        assert first == second
        one, two = (judge(task(), check, read_journal(json.loads(json.dumps(first.journal)))) for _i in range(2))
        assert one.trace.dumps() == two.trace.dumps()


def test_the_socket_behaves_as_pythons_own() -> None:
    source = client(
        "for call in (lambda: sock.recv(10), lambda: sock.send('text'), lambda: sock.recv(0), lambda: sock.shutdown(7)):\n"
        "    try:\n        call()\n    except Exception as error:\n        print(type(error).__name__)\n"
        "sock.close()\n"
        "try:\n    sock.recv(10)\nexcept OSError as error:\n    print(error)"
    )
    assert played(source)[1].splitlines() == [
        "BlockingIOError", "TypeError", "ValueError", "ValueError", "[Errno 9] Bad file descriptor (EBADF)",
    ]  # fmt: skip


def test_a_timer_that_belongs_to_the_kernel_cannot_be_set() -> None:
    assert "belongs to the kernel" in played(client("sock.set_timer('fin-wait-2', 1)"))[0]


def test_timers_end_with_the_socket() -> None:
    source = client("sock.set_timer('late', 1)\nsock.close()") + "    def on_timer(self, sock, name): 1 / 0\n"
    assert played(source) == ("", "")


# --- mistakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        ("class Client:\n    def x(:\n", 2, "SyntaxError"),
        ("x = 1\ny = 1 / 0\n", 2, "ZeroDivisionError"),
        (client("\nsock.rcv()"), 4, "AttributeError"),
        (client("raise KeyError('here')"), 3, "KeyError"),
        ("import time\n", 1, "sleeping would stop the loop"),
        ("import js\n", 1, "no module js"),
        ("def f():\n    return 1\n", 0, "no class Client"),
    ],
)
def test_a_mistake_is_told_with_the_learners_own_line(source: str, line: int, says: str) -> None:
    error, _ = played(source)
    assert says in error
    assert not line or f"Line {line}" in error
    assert "teardown" not in error.replace("teardown.errors", "")
    assert ".py" not in error


def test_an_exception_that_cannot_be_shown_is_survived() -> None:
    source = "class Bad(Exception):\n    def __str__(self): raise self\n" + client("raise Bad()")
    assert "Line 5" in played(source)[0]


# --- runaways --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("while True:\n    pass", "turned 200,000 times"),
        ("while True:\n    try:\n        pass\n    except Exception:\n        pass", "turned 200,000 times"),
        ("for i in iter(int, 1):\n    pass", "turned 200,000 times"),
        ("def f(): f()\nf()", "RecursionError"),
        ("while True: print('x' * 10_000)", "printed more than 1,000,000"),
        ("for i in range(100_000): sock.watch()", "more than 5000 calls"),
    ],
)
def test_a_runaway_is_ended_inside_python(body: str, says: str) -> None:
    error, output = played(client(body))
    assert says in error
    assert "Line" in error
    assert len(output) < 11_000
    assert len(error) <= 2_000


def test_a_program_that_leaves_what_it_is_called_for_is_told_so() -> None:
    source = "class Client:\n    def on_request(self, s, r): s.send(r)\n    def on_readable(self, s): pass\n"
    assert "burn a whole CPU" in played(source)[0]


def test_what_a_program_leaves_behind_is_gone_in_the_next() -> None:
    assert played("import math\nmath.left = 1\nprint = None\n" + client("pass"))[0] == ""
    assert "'print'" not in played(client("print('here')"))[0]
    assert played(client("print('here')"))[1] == "here\n"


# --- the door --------------------------------------------------------------------------------------------


def ask(**request: Any) -> dict[str, Any]:
    answered: dict[str, Any] = json.loads(answer(json.dumps(request)))
    return answered


def test_the_door_runs_and_judges() -> None:
    here = {"lab": "fix-the-client", "check": "idle-close"}
    ran = ask(ask="code-run", source=task().starter, **here)
    assert ran["error"] is None
    judged = ask(ask="code-judge", journal=ran["journal"], crashed=False, **here)
    assert judged["passed"] is False
    assert judged["html"]["ladder"].startswith("<svg")


@pytest.mark.parametrize(
    "journal",
    [
        None, {}, [1], [["close"]], [[["close", 1]]], [[["send", -1]]], [[["send", 10**9]]], [[["send", True]]],
        [[["timer", 1, "<img>"]]], [[["timer", "1", "late"]]], [[["rm", "x"]]], [[[["close"]]]], [[]] * 2_000,
        [[["watch", 1]] * 6_000], [[["stop", "x" * 100]]], [[["send", 1.5]]], [[[]]],
    ],
)  # fmt: skip
def test_a_journal_from_a_stranger_is_refused(journal: Any) -> None:
    with pytest.raises(InputError):
        ask(ask="code-judge", lab="fix-the-client", check="idle-close", journal=journal, crashed=False)


def test_a_journal_that_nobody_could_have_made_is_judged_and_fails() -> None:
    strange = [[["send", 1_000_000], ["abort"], ["close"], ["send", 5], ["receive", 1]]] * 3
    assert ask(ask="code-judge", lab="fix-the-client", check="idle-close", journal=strange)["passed"] is False


@pytest.mark.parametrize(
    "request_", [{"lab": "clean-close", "check": "x"}, {"lab": "../x", "check": "x"}, {"lab": "fix-the-client", "check": "no"}]
)
def test_the_door_knows_only_what_there_is(request_: dict[str, str]) -> None:
    for ask_, more in (("code-run", {"source": ""}), ("code-judge", {"journal": []})):
        with pytest.raises(InputError):
            ask(ask=ask_, **request_, **more)


# --- reading the file ------------------------------------------------------------------------------------

FILE = (labs.folder() / "fix-the-client.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('seat = "client"', 'seat = "network"', "seat cannot be 'network'"),
        ('class = "Client"', 'class = "a b"', "class cannot be 'a b'"),
        ('id = "reset"', 'id = "idle-close"', "two checks have the same id"),
        ('must = { reads = 500, closes = "2min"', 'must = { reads = 500, shuts = "2min"', "unknown condition 'shuts'"),
        ('requests = ["0s 100000"]', 'requests = ["now"]', "a request cannot be 'now'"),
        ("fails = true", 'fails = "yes"', "fails cannot be 'yes'"),
        ('program = "stops-reading"', 'program = "nobody"', "unknown program 'nobody'"),
        ("[code]", "[code]\nlanguage = 1", "unknown key 'language'"),
    ],
)
def test_a_faulty_code_lab_is_refused_with_its_place(old: str, new: str, says: str) -> None:
    text = re.sub(re.escape(old), lambda _m: new, FILE, count=1)
    assert text != FILE
    with pytest.raises(InputError, match=re.escape(says)) as error:
        labs.parse("mine", text, "mine.toml")
    assert "mine.toml" in error.value.place
