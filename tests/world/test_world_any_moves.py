"""Any moves at all: nothing but the defined errors, one row for each event, and the RFC's relations at every step."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from helpers import check, strictly
from teardown.errors import InputError
from teardown.programs import PROGRAMS
from teardown.stacks import names as stack_names
from teardown.tcp.states import CLOSED, LISTEN, SYN_SENT
from teardown.world.invariants import broken
from teardown.world.moves import IllegalMove, apply, begin, moves, next_move, tempting
from teardown.world.run import run, trace
from teardown.world.scenario import load, varied
from teardown.world.trace import HOSTS, Host, Step, other
from teardown.world.world import SEATS, Fault, Scenario, World

PLAYERS = ("hand", "hand", "hand", *(name for name in PROGRAMS if name != "hand"))
ERRORS = (IllegalMove, InputError)

faults = st.builds(
    Fault, st.sampled_from(HOSTS), st.sampled_from(["", "F", "A", "FA", "PA", "S", "R"]), st.integers(1, 4),
    st.sampled_from(["lost", "late"]), st.sampled_from([1_000, 300_000, 90_000_000]),
)  # fmt: skip


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Two hosts of any kind, with any socket options, and a network that does what it likes."""
    scenario = varied(
        load("normal-close"),
        stacks={host: draw(st.sampled_from(stack_names())) for host in HOSTS},
        programs={host: draw(st.sampled_from(PLAYERS)) for host in HOSTS},
    )
    hosts = scenario.hosts
    for host in HOSTS:
        setup = hosts.of(host)
        options = dict(
            linger=draw(st.sampled_from([None, None, 0, 1_000_000])),
            linger2=draw(st.sampled_from([None, None, -1, 2_000_000])),
            keepalive=draw(st.sampled_from([None, None, (2_000_000, 1_000_000, 2)])),
            user_timeout=draw(st.sampled_from([None, None, 1_500_000])),
        )
        small = draw(st.sampled_from([65_535, 65_535, 300, 1]))
        mss = draw(st.sampled_from([1_460, 100]))
        profile = setup.profile.having(buffer=small, mss=mss)
        hosts = hosts.having(host, replace(setup, profile=profile, options=options))
    return replace(
        scenario,
        hosts=hosts,
        begin=draw(st.sampled_from(["established", "established", "closed"])),
        faults=tuple(draw(st.lists(faults, max_size=3))),
        latency=draw(st.sampled_from([0, 20_000, 3_000_000])),
        seats=draw(st.sampled_from([(), (), SEATS, ("network", "client", "clock"), ("client", "clock")])),
    )


@st.composite
def any_text(draw: st.DrawFn) -> str:
    """Things that look like moves, and things that do not."""
    kind = draw(st.sampled_from(["deliver", "drop", "duplicate", "call", "fire", "wait", "", "fly"]))
    host = draw(st.sampled_from(["server", "client", "nobody", "1", "99", "²", "-1"]))
    rest = draw(st.sampled_from(["close", "send", "receive", "send:0", "send:999999999", "fin-wait-2", "poll", ""]))
    return ":".join(draw(st.sampled_from([(kind, host, rest), (kind, host), (kind,), (kind, host, rest, "x")])))


class AnyMoves(RuleBasedStateMachine):
    """A reader who makes any moves, and tries what is forbidden."""

    world: World

    @initialize(scenario=scenarios())
    def start(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.lost = bool(scenario.faults)
        self.made: list[str] = []
        self.watch = Watch(scenario)
        self.world, steps = begin(scenario)
        self.steps = steps
        self.watch.see(steps)

    def make(self, move: str) -> None:
        before = self.world
        self.world, steps = apply(before, move)
        assert apply(before, move) == (self.world, steps)
        self.made.append(move)
        self.steps += steps
        self.lost = self.lost or any(s.event == "segment-lost" for s in steps)
        self.watch.see(steps)

    @precondition(lambda self: moves(self.world))
    @rule(data=st.data())
    def choose(self, data: st.DataObject) -> None:
        self.make(data.draw(st.sampled_from([m.id for m in moves(self.world)])))

    @precondition(lambda self: next_move(self.world) is not None)
    @rule(times=st.integers(1, 6))
    def let_it_run(self, times: int) -> None:
        for _move in range(times):
            following = next_move(self.world)
            if following is not None:
                self.make(following)

    @precondition(lambda self: any(s.program.name == "hand" for s in self.scenario.hosts))
    @rule(amount=st.sampled_from([1, 90, 1_000]), host=st.sampled_from(HOSTS), way=st.sampled_from(["send", "receive"]))
    def move_data(self, amount: int, host: Host, way: str) -> None:
        if self.scenario.hosts.of(host).program.name == "hand":
            try:
                self.make(f"call:{host}:{way}:{amount}")
            except IllegalMove as refused:
                assert refused.what

    @rule(move=any_text())
    def try_anything(self, move: str) -> None:
        before = self.world
        try:
            apply(before, move)
        except ERRORS as error:
            assert str(error)

    @rule()
    def try_what_tempts(self) -> None:
        for move in tempting(self.world):
            try:
                apply(self.world, move)
            except IllegalMove as refused:
                assert refused.what
            else:
                raise AssertionError(f"{move.id} is called forbidden and is not")

    @invariant()
    def the_proofs_hold(self) -> None:
        assert broken(self.world, lost=self.lost) == ()
        for e in self.world.ends:
            check(e)

    @invariant()
    def the_world_is_tidy(self) -> None:
        w = self.world
        hash(w)
        assert w.steps == len(self.steps)
        for running in w.timers:
            assert all(r.expires >= w.now for r in running)
            assert list(running) == sorted(running, key=lambda r: (r.expires, r.owner, r.name))
            assert len({r.name for r in running}) == len(running)
        assert len({f.packet for f in w.wire}) == len(w.wire)

    def teardown(self) -> None:
        if hasattr(self, "made"):
            assert trace(self.scenario, self.made).steps == self.steps


class Watch:
    """What the two ends say to each other, checked against the RFC's rules about numbers."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.times: list[int] = [0]
        self.heard: dict[Host, int] = {}  # the right edge of the window that each side has heard of
        self.acked: dict[Host, int] = {}
        self.end: dict[Host, int] = {}  # one past the last number that each side has used
        self.fin: dict[Host, int] = {}

    def see(self, steps: tuple[Step, ...]) -> None:
        for s in steps:
            assert s.t >= self.times[-1]
            self.times.append(s.t)
            segment, sender = s.segment, s.sender
            if segment is None or sender is None:
                continue
            if "R" in segment.flags:
                continue
            if s.event == "segment-arrived":
                edge = (segment.ack if "A" in segment.flags else 1) + segment.window
                receiver = other(sender)
                self.heard[receiver] = max(self.heard.get(receiver, 0), edge)
            elif s.event == "segment-sent" and "second copy" not in s.caption:
                self.sent(segment, sender, s)

    def sent(self, segment, sender: Host, s: Step) -> None:
        fresh = self.scenario.hosts.of(other(sender)).profile.buffer
        # Acknowledgements never go back.
        assert segment.ack >= self.acked.get(sender, 0), s
        self.acked[sender] = segment.ack
        # Text stays inside the window that was heard of; a probe of a shut window may be one byte beyond it.
        if segment.length:
            allowed = max(self.heard.get(sender, 0), 1 + fresh) + s.probe
            assert segment.seq + segment.length <= allowed, s
        # Nothing follows a FIN, and a FIN never moves.
        if "F" in segment.flags:
            assert self.fin.setdefault(sender, segment.end) == segment.end, s
        assert sender not in self.fin or segment.end <= self.fin[sender], s
        # What is sent begins no later than where everything sent so far ends.
        last = self.end.get(sender, 1)
        assert segment.seq <= last, s
        self.end[sender] = max(last, segment.end)
        if s.probe:
            return  # a probe of one byte is taken back when it is not accepted
        # What is acknowledged has been sent.
        assert segment.ack <= self.end.get(other(sender), 1), s


AnyMoves.TestCase.settings = settings(
    max_examples=120, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)


class TestAnyMoves(AnyMoves.TestCase):
    """Any moves from any beginning."""

    def runTest(self) -> None:  # noqa: N802
        with strictly():
            super().runTest()


@given(scenarios())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_run_ends_and_is_the_same_again(scenario: Scenario) -> None:
    first = run(scenario)
    assert first.dumps() == run(scenario).dumps()
    last = first.steps[-1]
    if first.ending.kind == "closed" and not any(s.call == "power off" for s in first.steps):
        assert set(last.states) <= {CLOSED, LISTEN, SYN_SENT}
    Watch(scenario).see(first.steps)
