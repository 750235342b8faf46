"""Packetdrill scripts: ours hold on the engine, wrong ones are told exactly, and rubbish is refused politely."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teardown.cli import main
from teardown.errors import InputError
from teardown.formats.packetdrill import MAX_EVENTS, Call, Check, Packet, header, parse, state_named
from teardown.formats.packetdrill_machine import Machine
from teardown.formats.packetdrill_run import Result, default_defines, main_pkt, run_script
from teardown.stacks import names as stack_names
from teardown.stacks import override
from teardown.stacks import stack as stack_of

FOLDER = Path(__file__).parents[1] / "pkt"
SCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.pkt"))}


def stacks_for(text: str) -> tuple[str, ...]:
    """The stacks that a script names, or all of them."""
    return header(text)[0] or stack_names()


CASES = [(name, stack) for name, text in SCRIPTS.items() for stack in stacks_for(text)]

#: A passive open, so that a test can begin where its subject begins.
OPEN = """0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000,nop,nop,sackOK>
+0 > S. 0:0(0) ack 1
+0 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
"""
#: The line on which a test's own part begins.
HERE = OPEN.count("\n") + 1


def says(body: str, stack: str = "linux", **options: bool) -> str:
    """The verdict on a connection that is open, and then `body`."""
    return str(run_script(OPEN + body, "a.pkt", stack, **options))


# ------------------------------------------------------------------------------------------- our own scripts
@pytest.mark.parametrize(("name", "stack"), CASES)
def test_our_scripts_hold(name: str, stack: str) -> None:
    assert str(run_script(SCRIPTS[name], f"{name}.pkt", stack)) == f"ok {name}.pkt"


def test_there_are_enough_of_them_and_each_says_what_it_proves() -> None:
    proofs = [text.splitlines()[0] for text in SCRIPTS.values()]
    assert len(proofs) >= 30
    assert len(set(proofs)) == len(proofs)
    for proof in proofs:
        assert re.fullmatch(r"// .{20,130}\.", proof), proof


def test_our_scripts_name_stacks_that_exist() -> None:
    assert {stack for text in SCRIPTS.values() for stack in header(text)[0]} <= set(stack_names())


def test_every_packet_that_our_scripts_expect_is_needed() -> None:
    """Forget one `>` line, and the script no longer holds: strict scripts see each segment."""
    blind = []
    for name, text in SCRIPTS.items():
        stack = stacks_for(text)[0]
        for line in re.finditer(r"^(\S+)\s+>.*$", text, re.MULTILINE):
            without = f"{text[: line.start()]}{line[1]} `true`{text[line.end() :]}"
            if header(text)[1] and run_script(without, name, stack).kind == "ok":
                blind.append(f"{name}: {line[0]}")
    assert not blind


# ------------------------------------------------------------------------------------ differences, to the line
@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (
            "+0 close(4) = 0\n+0 > . 1:1(0) ack 1\n",
            f"{HERE + 1}: expected . 1:1(0) ack 1, got F. 1:1(0) ack 1",
        ),
        (
            "+0 close(4) = 0\n+0 > F. 2:2(0) ack 1\n",
            f"{HERE + 1}: expected F. 2:2(0) ack 1, got F. 1:1(0) ack 1",
        ),
        (
            "+0 close(4) = 0\n+0 > F. 1:1(0) ack 7\n",
            f"{HERE + 1}: expected F. 1:1(0) ack 7, got F. 1:1(0) ack 1",
        ),
        ("+0 > F. 1:1(0) ack 1\n", f"{HERE}: expected F. 1:1(0) ack 1, got nothing by 0.025 s"),
        (
            "+0 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 1\n+.5 > F. 1:1(0) ack 1\n",
            f"{HERE + 2}: expected F. 1:1(0) ack 1 at 0.500 s, got it at 0.210 s",
        ),
        ("+0 close(4) = -1 EBADF (Bad)\n", f"{HERE}: expected close() = -1 EBADF, got 0"),
        ("+0 read(4, ..., 10) = 0\n", f"{HERE}: expected read() = 0, got -1 EAGAIN"),
        ("+0 read(9, ..., 10) = 0\n", f"{HERE}: expected read() = 0, got -1 EBADF"),
        ("+0 %{ assert tcpi_state == TCP_CLOSE }%\n", f"{HERE}: expected CLOSED, got ESTABLISHED"),
        ("+0 %{ assert tcpi_state != 1 }%\n", f"{HERE}: expected not ESTABLISHED, got ESTABLISHED"),
        (
            "+0 `ss -tan | grep -c TIME-WAIT | grep 1`\n",
            f"{HERE}: expected 1 in TIME_WAIT, got 0",
        ),
        (
            "+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0\n",
            f"{HERE}: expected SO_ERROR ECONNRESET, got 0",
        ),
        ("+0 ioctl(4, SIOCINQ, [5]) = 0\n", f"{HERE}: expected SIOCINQ 5, got 0"),
        (
            "+0...0.2 read(4, ..., 10) = 10\n+.5 < . 1:11(10) ack 1 win 9\n",
            f"{HERE}: expected read() = 10 at 0.200 s, got no return: it still waits",
        ),
        (
            "+0...0.2 read(4, ..., 10) = 10\n+.1 < . 1:11(10) ack 1 win 9\n",
            f"{HERE}: expected read() to return at 0.200 s, got it at 0.100 s",
        ),
    ],
)
def test_a_difference_is_told_with_its_line(body: str, verdict: str) -> None:
    assert says(body) == f"not ok a.pkt:{verdict}"


def test_an_unexpected_packet_is_found_by_the_next_line_that_expects_one() -> None:
    body = "+0 close(4) = 0\n+.1 < . 1:1(0) ack 2 win 9\n+0 < . 1:11(10) ack 2 win 9\n+0 > R 2:2(0)\n"
    assert says(body) == f"not ok a.pkt:{HERE + 3}: expected R 2:2(0), got F. 1:1(0) ack 1 at 0.000 s"


def test_strict_scripts_find_it_before_the_next_packet_and_at_the_end() -> None:
    late = "+0 close(4) = 0\n"
    assert says(late) == "ok a.pkt"
    assert says("// strict\n" + late).endswith(
        "expected nothing before this line, got F. 1:1(0) ack 1 at 0.000 s"
    )
    assert says(late, strict=True).startswith(f"not ok a.pkt:{HERE}: ")
    assert says(late + "+0 < . 1:1(0) ack 2 win 9\n", strict=True).startswith(f"not ok a.pkt:{HERE + 1}: ")


# --------------------------------------------------------------------------------------- what is let pass
@pytest.mark.parametrize(
    "body",
    [
        # a delayed acknowledgement, one that covers two segments, and one that rides on data
        "+0 < . 1:101(100) ack 1 win 9000\n+.1 > . 1:1(0) ack 101\n",
        "+0 < . 1:101(100) ack 1 win 9000\n+0 < . 101:201(100) ack 1 win 9000\n+.04 > . 1:1(0) ack 201\n",
        "+0 < . 1:101(100) ack 1 win 9000\n+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 101\n",
        # text in other pieces than ours, with the FIN beside it or on it
        "+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2501(2500) ack 1\n",
        "+0 write(4, ..., 900) = 900\n+0 > . 1:301(300) ack 1\n+0 > P. 301:901(600) ack 1\n",
        "+0 write(4, ..., 100) = 100\n+0 close(4) = 0\n+0 > FP. 1:101(100) ack 1\n",
        # clocks of real kernels round
        "+0 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 1\n+.2 > F. 1:1(0) ack 1\n+.19~+.22 > F. 1:1(0) ack 1\n",
        "+0 shutdown(4, SHUT_WR) = 0\n* > F. 1:1(0) ack 1\n* > F. 1:1(0) ack 1\n",
        # odd spellings
        "  +0.   close ( 4 )=0   // done\n 0 >   [ect0] FPEW.  1:1(0)  ack 1 win 500 <nop, nop, TS val 1 ecr 2>\n",
        "+0 close(4) = 0\n+0 > F. 1:1(0) ack 1\n     <nop,nop,TS val 1 ecr 2>\n",
        "+0 write(4,\n  ...,   // in pieces\n  10) = 10\n+0 > P. ...(10) ack 1\n",
        "+0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 4},\n{..., 6}]}, 0) = 10\n+0 > . 1:11(10) ack 1\n",
        "/* a comment\n of two lines */\n+0 close(4) = 0\n",
        # numbers wrap around
        "+0 < . 4294967290:4294967290(0) ack 1 win 9\n+0 > . 1:1(0) ack 1\n",
    ],
)
def test_what_a_real_kernel_may_do_differently_is_let_pass(body: str) -> None:
    assert says(body) == "ok a.pkt"


def test_relative_times_count_from_when_the_packet_really_came() -> None:
    body = "+0 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 1\n"
    for wait in (0.2, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8):
        body += f"+{wait} > F. 1:1(0) ack 1\n"
    assert says(body) == "ok a.pkt"


def test_the_script_may_ask_for_more_tolerance() -> None:
    body = "+0 close(4) = 0\n+.1 > F. 1:1(0) ack 1\n"
    assert says(body).startswith("not ok")
    assert str(run_script("--tolerance_usecs=100000\n" + OPEN + body, "a.pkt")) == "ok a.pkt"


def test_segments_have_the_size_that_the_peer_asks_for() -> None:
    cut = "+0 write(4, ..., 1200) = 1200\n+0 > . 1:1001(1000) ack 1\n+0 > P. 1001:1201(200) ack 1\n"
    assert says(cut, strict=True) == "ok a.pkt"
    stamped = OPEN.replace("nop,nop,sackOK", "sackOK,TS val 1 ecr 0")
    cut = "+0 write(4, ..., 1000) = 1000\n+0 > . 1:989(988) ack 1\n+0 > P. 989:1001(12) ack 1\n"
    assert str(run_script(stamped + cut, "a.pkt", strict=True)) == "ok a.pkt"


def test_windows_are_scaled_if_both_sides_agreed() -> None:
    scaled = OPEN.replace("sackOK>", "sackOK,nop,wscale 7>").replace("win 65535\n+0 acc", "win 10\n+0 acc")
    body = "+0 write(4, ..., 1281) = 1281\n+0 > . 1:1001(1000) ack 1\n+0 > . 1001:1281(280) ack 1\n"
    assert str(run_script(scaled + body, "a.pkt", strict=True)) == "ok a.pkt"


def test_without_sack_linux_has_no_tail_loss_probe() -> None:
    body = "+0 close(4) = 0\n+0 > F. 1:1(0) ack 1\n+.21 > F. 1:1(0) ack 1\n+.42 > F. 1:1(0) ack 1\n"
    assert says(body).startswith("not ok")
    assert str(run_script(OPEN.replace(",nop,nop,sackOK", "") + body, "a.pkt")) == "ok a.pkt"


def test_round_trips_are_measured_as_linux_does() -> None:
    """100 ms of handshake: the FIN is repeated after RTT + 200 ms, not after 200 ms; what is sent twice measures nothing."""
    body = OPEN.replace("+0 < . 1:1(0)", "+.1 < . 1:1(0)") + "+0 close(4) = 0\n+0 > F. 1:1(0) ack 1\n"
    assert str(run_script(body + "+.315 > F. 1:1(0) ack 1\n", "a.pkt", "linux")) == "ok a.pkt"
    assert "got nothing by" in str(run_script(body + "+.210 > F. 1:1(0) ack 1\n", "a.pkt", "linux"))
    again = body.replace("+0 > S. 0:0(0) ack 1", "+0 > S. 0:0(0) ack 1\n+1 > S. 0:0(0) ack 1")
    assert str(run_script(again + "+.210 > F. 1:1(0) ack 1\n", "a.pkt", "linux")) == "ok a.pkt"


@pytest.mark.parametrize(
    "body",
    [
        "+0\n  close(4) = 0\n+0 >\n   F. 1:1(0)\n   ack 1\n",
        "+0 close(4)\n   = 0\n+0 > [noecn] F. 1:1(0) ack 1\n",
        "*\nclose(4) = 0\n+0 > (tos 0x10) F. 1:1(0) ack 1 win 502\n",
        "+0 close(4) = 0\n+0~+.1\n> F.\n1:1(0) ack 1 <...>\n",
    ],
)
def test_an_event_may_go_on_where_nothing_else_can_begin(body: str) -> None:
    assert says(body) == "ok a.pkt"


def test_a_byte_order_mark_is_no_event() -> None:
    assert str(run_script("\ufeff" + OPEN, "a.pkt", "linux")) == "ok a.pkt"


def test_the_size_of_the_buffer_is_taken_from_the_script() -> None:
    body = "+0 getsockopt(4, SOL_SOCKET, SO_RCVBUF, [{0}], [4]) = 0\n+0 < R 5001:5001(0) win 0\n{1}+0 close(4) = 0\n"
    challenged = "+0 > . 1:1(0) ack 1\n+0 close(4) = 0\n+0 > F. 1:1(0) ack 1\n"
    assert says(body.format(6000, "+0 > . 1:1(0) ack 1\n"), "rfc9293") == "ok a.pkt"
    assert says(body.format(5000, ""), "rfc9293", strict=False) == "ok a.pkt"
    assert says(body.format(5000, challenged), "rfc9293").startswith("not ok")


@pytest.mark.parametrize(
    ("switch", "stack", "name", "text"),
    [
        ("net.ipv4.tcp_fin_timeout=7", "linux", "fin_wait_2", "7s"),
        ("/proc/sys/net/ipv4/tcp_rto_max_ms=1000", "linux", "rto_max", "1s"),
        ("net.ipv4.tcp_rfc1337=1", "linux", "rst_in_time_wait", "ignored"),
        ("net.inet.tcp.insecure_rst=1", "freebsd", "insecure_rst", "true"),
        ("net.inet.tcp.drop_synfin=1", "freebsd", "syn_fin", "dropped"),
        ("net.inet.tcp.finwait2_timeout=5000", "freebsd", "fin_wait_2", "5s"),
    ],
)
def test_switches_become_knobs_of_the_profile(switch: str, stack: str, name: str, text: str) -> None:
    machine = Machine(stack)
    machine.open(3)
    (event,) = parse(f"0 `sysctl -q -w {switch}`\n").events
    for key, value in event.what.values:  # type: ignore[union-attr]
        assert machine.switch(key, value)
    wanted = getattr(override(stack_of(stack).profile, name, text), name)
    assert getattr(machine.fds[3].endpoint.profile, name) == wanted


def test_shell_commands_are_never_run(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    result = run_script(
        f"`touch {witness}`\n+0 `echo hello > {witness}`\n+0 %{{ open('{witness}', 'w') }}%\n", "a.pkt"
    )
    assert (result.kind, dict(result.ignored)) == ("ok", {"assertions": 1, "commands": 2})
    assert not witness.exists()


def test_what_is_not_compared_is_counted() -> None:
    body = (
        "+0 fcntl(4, F_GETFL) = 2\n+0 setsockopt(4, IPPROTO_TCP, TCP_NODELAY, [1], 4) = 0\n"
        "+0 %{ assert tcpi_cwnd == 10, tcpi_cwnd\n"
        "assert tcpi_state == TCP_ESTABLISHED, tcpi_state\nassert tcpi_rto }%\n"
    )
    result = run_script(OPEN + body, "a.pkt")
    assert dict(result.ignored) == {"assertions": 2, "calls": 1, "socket options": 1}


# ------------------------------------------------------------------------------------------ the language
def test_conditions_nest() -> None:
    text = "#ifdef A\n#ifndef B\n0 a(1) = 1\n#else\n0 b(1) = 1\n#endif\n#else\nrubbish\n#endif // A\n"
    lines = [event.line for event in parse(text, "a", frozenset({"A", "B"})).events]
    assert lines == [5]
    assert [event.line for event in parse(text, "a", frozenset({"A"})).events] == [3]
    with pytest.raises(InputError, match="a:8: “rubbish”"):
        parse(text, "a")


def test_each_stack_has_its_own_names() -> None:
    assert default_defines("freebsd") == {"FreeBSD"}
    assert "STANDARD" in default_defines("rfc9293")
    text = OPEN + "#ifdef FreeBSD\n+0 close(9) = 0\n#endif\n"
    assert run_script(text, stack="linux").kind == "ok"
    assert run_script(text, stack="freebsd").kind == "not ok"
    assert run_script(text, stack="linux", defines=["FreeBSD"]).kind == "not ok"


def test_the_script_chooses_its_stack_unless_it_is_told() -> None:
    assert run_script(OPEN).stack == "linux"
    assert run_script("0 `sysctl -w net.inet.tcp.insecure_rst=0`\n" + OPEN).stack == "freebsd"
    assert run_script("// stack: illumos, solaris\n" + OPEN).stack == "illumos"
    other = run_script("// stack: illumos\n" + OPEN, "a.pkt", "linux")
    assert str(other) == "skip a.pkt:1: written for illumos, not for linux"


def test_comments_may_hold_anything() -> None:
    script = parse("// ``AS IS'' ( { [ %{ #ifdef\n0 close(3) = 0 // ` (\n/* ` ( */\n+0 `echo // (` // more\n")
    assert [event.line for event in script.events] == [2, 4]


def test_times_and_packets_are_read_as_written() -> None:
    script = parse(
        ".5 < SFP. 1:4(3) ack 9 win 7 <mss 900,sackOK,wscale 3>\n+1.~+2 > R ...(0)\n"
        "3...4. read(5, [a, {b, 1}], c) = -1 EWOULDBLOCK (x)\n"
    )
    first, second, third = script.events
    assert first.what == Packet(True, "SFA", 1, 3, 9, 7, 900, 3, False, True)
    assert (first.when.kind, first.when.start) == ("absolute", 500_000)
    assert second.what == Packet(False, "R", None, 0, None)
    assert (second.when.kind, second.when.start, second.when.end) == ("relative", 1_000_000, 2_000_000)
    assert third.what == Call("read", ("5", "[a, {b, 1}]", "c"), "-1", "EAGAIN")
    assert third.when.until == 4_000_000


@pytest.mark.parametrize(
    "name", ["TCP_FIN_WAIT2", "TCPS_FIN_WAIT_2", "TCPI_FIN_WAIT_2", "FIN-WAIT-2", "FinWait2"]
)
def test_states_have_many_names(name: str) -> None:
    assert state_named(name, "linux") == "FIN-WAIT-2"


def test_numbers_of_states_belong_to_a_system() -> None:
    assert (state_named("5", "linux"), state_named("9", "freebsd")) == ("FIN-WAIT-2", "FIN-WAIT-2")
    assert state_named("99", "linux") is None
    (event,) = parse("0 %{ assert tcpi_state == 5, tcpi_state; assert TCP_CLOSE != tcpi_state }%\n").events
    assert event.what == Check((("5", True), ("TCP_CLOSE", False)), 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("+0 < icmp unreachable frag_needed mtu 1200 [1:1(0)]", "icmp packets are outside the engine"),
        ("+0 > udp (10)", "udp packets are outside the engine"),
        ("+0 < sctp: INIT[flgs=0, tag=1]", "sctp packets are outside the engine"),
        ("+0 sendto(4, ..., 10, MSG_FASTOPEN, ..., ...) = 10", "MSG_FASTOPEN is outside the engine"),
        ("+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [1], 4) = 0", "TCP_FASTOPEN is outside the engine"),
        ("+0 < S 0:0(0) win 9 <mss 1460,FO abcd,nop,nop>", "the TCP option FO is outside the engine"),
        ("+0 > . 1:1(0) ack 1 { mut tcp mss }", "packets changed on their way ({ mut … }) are outside the subset"),
        ("+0 splice(5, NULL, 4, NULL, 10, 0) = 10", "splice() is outside the subset"),
        ("+0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 5", "SOCK_DGRAM is outside the engine"),
    ],
)
def test_what_the_engine_cannot_play_is_skipped_with_the_reason(line: str, reason: str) -> None:
    assert says(line + "\n") == f"skip a.pkt:{HERE}: {reason}"


# ---------------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("rubbish\n", 1, "has no time"),
        ("\n\n+0\n", 3, "has no time"),
        ("+0 rubbish\n", 1, "neither a packet nor a call"),
        ("+0 close(3)\n", 1, "neither a packet nor a call"),
        ("+0 close(3) = what\n", 1, "is no result of close()"),
        ("+0 < S 0:0(0\n+0 close(3) = 0\n", 1, "( is opened here and never closed"),
        ("0 close(3) = 0\n\n+0 `echo\n\n", 3, "` is opened here and never closed"),
        ("+0 %{ assert 1\n", 1, "%{ is opened here and never closed"),
        ("/* never\n", 1, "a comment is never closed"),
        ("+0 < S 0:5(0)\n", 1, "0:5 does not span 0 bytes"),
        ("+0 < X 0:0(0)\n", 1, "is not a packet"),
        ("+0 < S ...(0)\n", 1, "needs a sequence number"),
        (f"+0 < S {10**40}:{10**40}(0)\n", 1, "is too large"),
        (f"+0 < . 0:0(0) ack {1 << 32}\n", 1, "is too large"),
        ("+0 < . 0:70000(70000)\n", 1, "a packet of 70,000 bytes"),
        (f"+{'9' * 5000} close(3) = 0\n", 1, "is too long"),
        ("+9999999 close(3) = 0\n", 1, "is too long"),
        ("+2~+1 > . 1:1(0)\n", 1, "ends before it begins"),
        (f"+0 close({'9' * 5000}) = 0\n", 1, "an event of 5,0"),
        (f"+0 close(3) = {'9' * 30}\n", 1, "is no result of close()"),
        ("--=\n", 1, "is not an option"),
        ("#ifdef\n#endif\n", 1, "#ifdef needs a name"),
        ("#ifdef A\n", 1, "this condition is never closed"),
        ("0 close(3) = 0\n#else\n", 2, "#else without #ifdef"),
        ("#endif\n", 1, "#endif without #ifdef"),
        ("#ifdef A\n#else\n#else\n#endif\n", 3, "a second #else"),
        ("#include <x>\n", 1, "is not a condition"),
        ("#ifdef A\n" * 100, 65, "nested too deeply"),
        ("(" * 100_000, 1, "( is opened here and never closed"),
        ("+0 close(" + "(" * 100_000 + "\n", 1, "( is opened here and never closed"),
        ("+0 close(3) = 0\n" * (MAX_EVENTS + 1), MAX_EVENTS + 1, "more than 20,000 events"),
        ("+900000 `true`\n" * 2, 2, "virtual time runs past 1,000,000 seconds"),
        ("x" * 1_000_001, 0, "the script has 1,000,001 characters"),
        ("x" * 1_000_000, 1, "has no time"),
        ("+0 " + "x" * 999_000, 1, "an event of"),
        ("+0 < . " + " " * 900_000 + "z", 1, "an event of"),
        ("0" * 1_000_000, 1, "has no time"),
    ],
)
def test_bad_input_is_told_with_line_and_mend(text: str, line: int, what: str) -> None:
    begun = time.process_time()
    with pytest.raises(InputError) as caught:
        run_script(text, "a.pkt")
    assert time.process_time() - begun < 2
    error = caught.value
    assert error.place == (f"a.pkt:{line}" if line else "a.pkt")
    assert what in error.what
    assert error.mend
    assert len(str(error)) < 300


def test_an_unknown_stack_is_told() -> None:
    with pytest.raises(InputError, match="unknown stack 'beos'"):
        run_script(OPEN, "a.pkt", "beos")


@pytest.mark.parametrize(
    "body",
    [
        # each of these once cost, or could cost, time that grows faster than the script
        "+0 < . {0}:{1}(1) ack 1 win 9\n",
        "+0 %{{ assert tcpi_state == A" + " " * 400 + "z }}%\n",
        "+0 write(4, ..., 1000000) = 1000000\n",
        "+0 read(4, ..., 1) = -1 EAGAIN (x)\n",
    ],
)
def test_long_scripts_take_bounded_time(body: str) -> None:
    text = OPEN + "".join(body.format(n * 2 + 10, n * 2 + 11) for n in range(3_000))
    begun = time.process_time()
    run_script(text[:1_000_000].rpartition("\n")[0], "a.pkt")
    assert time.process_time() - begun < 10


def test_a_script_without_an_end_is_stopped() -> None:
    """A probe every second, each answered at once, for as long as scripts may last."""
    sets = {"SO_KEEPALIVE": 1, "TCP_KEEPIDLE": 1, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 32_000}
    body = "".join(f"+0 setsockopt(4, SOL_TCP, {name}, [{value}], 4) = 0\n" for name, value in sets.items())
    body += "+31000 < . 1:1(0) ack 1 win 9\n" * 3
    assert (
        says(body)
        == f"not ok a.pkt:{HERE + 5}: expected an end, got the machine has sent more than 50,000 segments"
    )


_WORDS = (
    "+0 < > ( ) [ ] { } ` %{ }% #ifdef #endif // /* */ * ~ ... = -1 0 1 4294967295 65536 S F R . - ack win <mss 1> "
    "close(4) close(3) read(4, write(4, ..., 100) shutdown(4, SHUT_RDWR) accept(3, connect( EAGAIN SO_LINGER"
).split()
_PIECES = st.one_of(st.sampled_from(_WORDS), st.text(max_size=4), st.integers(-5, 1 << 33).map(str))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """One of our scripts with some lines lost, doubled, swapped, or bitten."""
    lines = draw(st.sampled_from(sorted(SCRIPTS.values()))).splitlines()
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.integers(0, 4))
        if how == 0 and len(lines) > 1:
            del lines[at]
        elif how == 1:
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif how == 2:
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            line = lines[at]
            begin = draw(st.integers(0, len(line)))
            end = draw(st.integers(begin, min(len(line), begin + 8)))
            lines[at] = line[:begin] + draw(_PIECES) + line[end:]
    return "\n".join(lines)


def verdict(text: str, stack: str | None = None) -> Result | InputError:
    """What comes out, if it is one of the two things that may come out."""
    try:
        return run_script(text, "a.pkt", stack)
    except InputError as error:
        return error


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated(), st.sampled_from(stack_names()))
def test_nothing_but_a_verdict_or_an_input_error_comes_out(text: str, stack: str) -> None:
    result = verdict(text, stack)
    if isinstance(result, InputError):
        assert result.place.startswith("a.pkt")
        assert result.mend
    else:
        assert (result.line > 0) is (result.kind != "ok")
        assert "no rule" not in result.message, result.message


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_rubbish_is_refused_politely(text: str) -> None:
    result = verdict(text)
    assert isinstance(result, InputError) is not isinstance(result, Result)


# --------------------------------------------------------------------------------------- at a command line
@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three scripts, in the folder in which the test now stands."""
    (tmp_path / "good.pkt").write_text(OPEN + "+0 fcntl(4, F_GETFL) = 2\n")
    (tmp_path / "bad.pkt").write_text(OPEN + "+0 read(4, ..., 1) = 1\n")
    (tmp_path / "odd.pkt").write_text(OPEN + "+0 splice(4) = 1\n")
    (tmp_path / "rubbish.pkt").write_text("what?\n")
    monkeypatch.chdir(tmp_path)


def spoken(*paths: str) -> tuple[int, list[str], list[str]]:
    """Exit status, lines of output, lines of error."""
    out, err = io.StringIO(), io.StringIO()
    status = main_pkt(paths, None, (), out=out, err=err)
    return status, out.getvalue().splitlines(), err.getvalue().splitlines()


@pytest.mark.usefixtures("three")
def test_one_line_each_then_the_counts() -> None:
    status, out, err = spoken("good.pkt", "bad.pkt", "odd.pkt")
    assert (status, err) == (1, [])
    assert out == [
        "ok good.pkt",
        f"not ok bad.pkt:{HERE}: expected read() = 1, got -1 EAGAIN",
        f"skip odd.pkt:{HERE}: splice() is outside the subset",
        "# not compared: 1 calls",
        "1 passed, 1 failed, 1 skipped",
    ]
    assert spoken("odd.pkt")[0] == 0


@pytest.mark.usefixtures("three")
def test_what_cannot_be_read_is_said_and_the_rest_is_played() -> None:
    status, out, err = spoken("rubbish.pkt", "nowhere.pkt", "good.pkt")
    assert status == 2
    assert out[0] == "ok good.pkt"
    assert out[-1] == "1 passed, 0 failed, 0 skipped"
    assert [line.partition(" ")[0] for line in err] == ["rubbish.pkt:1:", "nowhere.pkt:"]


@pytest.mark.usefixtures("three")
def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pkt", "--stack", "freebsd", "good.pkt"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "ok good.pkt"
