"""The ladder: complete, legible, without overlaps, the same bytes every time, and fit for paper."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import stories
from drawings import CASES, trace_of

from teardown.draw import labels, ladder, layout, words
from teardown.draw.labels import HALF_LINE, Label
from teardown.draw.svg import Box
from teardown.tcp.states import prose
from teardown.world.trace import HOSTS, Pair, Trace

SVG = "{http://www.w3.org/2000/svg}"


def drawn(trace: Trace) -> ElementTree.Element:
    return ElementTree.fromstring(ladder.draw(trace).svg)


def texts(root: ElementTree.Element) -> list[str]:
    return [(node.text or "").replace("\u00a0", " ") for node in root.iter(f"{SVG}text")]


# --- geometry -------------------------------------------------------------------------------------------------


def assert_nothing_covered(placed: tuple[Label, ...]) -> None:
    by_height = sorted(placed, key=lambda label: label.box.y0)
    for k, label in enumerate(by_height):
        for below in by_height[k + 1 :]:
            if below.box.y0 >= label.box.y1:
                break
            assert not label.box.meets(below.box, slack=0.2), f"{label.line.text!r} covers {below.line.text!r}"


def test_no_label_covers_another(trace: Trace) -> None:
    assert_nothing_covered(layout.lay_out(trace).labels)


def test_no_label_leaves_the_drawing_or_touches_the_strip(trace: Trace) -> None:
    placed = layout.lay_out(trace)
    strip = Box(0, 38, layout.STRIP[1] + 1, placed.end) if placed.axis.breaks else Box(0, 0, 0, 0)
    for label in placed.labels:
        box = label.box
        assert box.x0 >= 0, label
        assert box.x1 <= layout.WIDTH, label
        assert box.y0 >= 0
        assert box.y1 <= placed.height
        assert not box.meets(strip), label


def test_no_label_stands_on_a_lane_or_on_a_timer(trace: Trace) -> None:
    placed = layout.lay_out(trace)
    tints = [Box(x - layout.HALF, 38, x + layout.HALF, placed.end) for x in placed.lanes.values()]
    bars = []
    for life, track in placed.bars:
        x = ladder._place(placed, life.host, track)
        until = placed.end if life.until is None else placed.ys[life.until]
        bars.append(Box(x, placed.ys[life.first], x + ladder.BAR, until))
    for label in placed.labels:
        if label.line.cls in ("pill", "fold", "host", "role", "now", "segment lost"):
            continue
        for box in (*tints, *bars):
            assert not label.box.meets(box, slack=0.5), label


def test_every_step_has_a_band_of_its_own(trace: Trace) -> None:
    placed = layout.lay_out(trace)
    heads = placed.playheads
    assert list(heads) == sorted(heads)
    assert heads[-1] == placed.height
    for label in placed.labels:
        if label.step < 0 or label.line.text == words.LOST:
            continue
        assert label.box.y1 <= heads[label.step] + 3.1, label
        if label.step:
            assert label.box.y0 >= heads[label.step - 1] - 3.1, label


def test_forty_units_are_left_below_the_last_event(trace: Trace) -> None:
    placed = layout.lay_out(trace)
    last = max((label.box.y1 for label in placed.labels if label.step >= 0), default=0)
    assert placed.height - last >= layout.FOOT - 8
    assert placed.height - placed.ys[-1] >= layout.FOOT


def test_lanes_stand_still_while_a_run_goes_on() -> None:
    trace = trace_of("buggy-client")
    places = {tuple(ladder.draw(trace, upto=i).layout.lanes.items()) for i in range(len(trace.steps))}
    assert len(places) == 1


def test_what_has_happened_does_not_move_when_more_happens() -> None:
    trace = trace_of("comes-back")
    whole = layout.lay_out(trace)
    for i in range(1, len(trace.steps)):
        part = ladder.draw(trace, upto=i).layout
        # The last step may need more room while its timers run and its segment flies.
        assert part.ys[:i] == pytest.approx(whole.ys[:i], abs=70)
        assert list(part.ys) == sorted(part.ys)


# --- completeness -----------------------------------------------------------------------------------------------


def test_every_state_entered_is_written(trace: Trace) -> None:
    written = texts(drawn(trace))
    for host in HOSTS:
        for before, after in zip(trace.steps, trace.steps[1:], strict=False):
            if before.states.of(host) != after.states.of(host):
                assert prose(after.states.of(host)) in written


def test_every_segment_has_its_arrow_and_its_name(trace: Trace) -> None:
    root = drawn(trace)
    away = layout.lay_out(trace).hidden
    sent = [step for step in trace.steps if step.event == "segment-sent" and step.i not in away]
    written = "".join(texts(root)).replace(" ", "")
    for step in sent:
        assert step.segment is not None
        assert step.segment.label.replace(" ", "") in written
    shafts = [n for n in root.iter(f"{SVG}path") if re.fullmatch(r"wire \w+( again)?", n.get("class", ""))]
    assert len(shafts) >= len(sent)


def test_lost_segments_end_in_a_cross_and_say_so(trace: Trace) -> None:
    root = drawn(trace)
    away = layout.lay_out(trace).hidden
    lost = sum(step.event == "segment-lost" and step.i not in away for step in trace.steps)
    assert sum("cross" in node.get("class", "") for node in root.iter()) == lost
    assert texts(root).count("lost") == lost


def test_repeats_say_their_number() -> None:
    written = texts(drawn(stories.lost_fin()))
    assert "again, no. 1" in written
    assert "again, no. 2" in written


def test_many_repeats_are_folded_and_can_still_be_stepped_through() -> None:
    trace = trace_of("vanished-client")
    placed = layout.lay_out(trace)
    (fold,) = placed.story.folds
    repeats = [step for step in trace.steps if step.event == "segment-sent" and step.again]
    kept = [step.again for step in repeats if step.i not in placed.hidden]
    assert kept == [1, 2, 3, repeats[-1].again]
    assert len(fold.waits) == len(repeats) - 4
    written = texts(drawn(trace))
    assert f"{len(fold.waits)} more, each wait twice the last:" in written
    heads = placed.playheads[fold.first - 1 : fold.until + 1]
    assert len(set(heads)) == len(heads)
    assert all(before < after for before, after in pairwise(heads))
    (gap,) = [gap for gap in placed.axis.breaks if gap.t0 == trace.steps[fold.first - 1].t]
    assert all(gap.y0 < head < gap.y1 for head in heads[1:-2])


def test_a_few_repeats_are_all_drawn() -> None:
    assert layout.lay_out(stories.lost_fin()).story.folds == ()
    assert layout.lay_out(stories.probes()).story.folds == ()


def test_waits_are_written_on_the_breaks() -> None:
    written = texts(drawn(stories.two_hours()))
    assert "2 h pass" in written
    assert "true scale" in written


def test_the_missing_fin_is_drawn_where_a_program_owes_it() -> None:
    for name in ("buggy-client", "buggy-client-1997", "held-half-closed"):
        written = texts(drawn(trace_of(name)))
        assert "?" in written
        assert "expected," in written
    assert "expected," not in texts(drawn(trace_of("normal-close")))


def test_a_timer_that_does_not_exist_is_drawn_without_an_end() -> None:
    root = drawn(trace_of("buggy-client-1997"))
    assert sum("timer none cap" in node.get("class", "") for node in root.iter()) == 2
    assert any(text.startswith("∞") for text in texts(root))


def test_timers_show_owner_and_fate() -> None:
    written = " ".join(texts(drawn(trace_of("buggy-client"))))
    assert "FIN_WAIT_2 timer 60 s, kernel, orphan" in written
    assert "FIN_WAIT_2 timer fires" in written
    fates = {life.fate for life in layout.lay_out(stories.probes()).story.lives}
    assert fates == {"fires", "restarted", "runs"}


def test_a_socket_given_up_in_fin_wait_2_is_called_an_orphan() -> None:
    placed = layout.lay_out(trace_of("lingering-bsd"))
    (note,) = [label for label in placed.labels if label.line.cls == "note" and label.line.text == words.ORPHAN]
    assert placed.trace.steps[note.step].call == "close()"
    assert "orphan" not in texts(drawn(trace_of("held-half-closed")))
    tale = stories.half_close("held").run("server", "fin-wait-2", 60_000).arrive("FIN-WAIT-2", "110").end("open")
    held = tale._replace(steps=tuple(step._replace(held=Pair(True, True)) for step in tale.steps))
    assert "kernel, held" in " ".join(texts(drawn(held)))
    assert "kernel, orphan" in " ".join(texts(drawn(tale)))


def test_every_step_says_who_holds_its_sockets() -> None:
    steps = trace_of("buggy-client").steps
    closed = next(step.i for step in steps if step.call == "close()")
    assert [step.held.server for step in steps] == [step.i < closed for step in steps]
    assert all(step.held.client for step in steps)
    assert steps[closed].json()["held"] == {"server": False, "client": True}
    gone = trace_of("vanished-client")
    assert not gone.steps[-1].held.client


def test_a_run_that_goes_on_shows_what_is_on_its_way() -> None:
    written = texts(drawn(stories.flying()))
    assert "on its way" in written
    assert any(text.startswith("now: ") for text in written)


def test_a_host_that_is_gone_has_no_state_any_more() -> None:
    assert 'class="gone"' in ladder.draw(trace_of("vanished-client")).svg


# --- options ------------------------------------------------------------------------------------------------------


def test_upto_leaves_out_the_future() -> None:
    trace = trace_of("buggy-client")
    part = ladder.draw(trace, upto=3)
    assert "CLOSE_WAIT" not in part.svg.replace("desc", "")
    assert len(part.playheads) == 4


def test_upto_the_end_is_the_whole() -> None:
    trace = trace_of("buggy-client")
    assert ladder.draw(trace, upto=len(trace.steps) - 1).svg == ladder.draw(trace).svg


def test_a_veil_can_stand_still() -> None:
    trace = trace_of("buggy-client")
    picture = ladder.draw(trace, veil=4)
    veil = next(n for n in ElementTree.fromstring(picture.svg).iter() if n.get("class") == "veil")
    assert float(veil.get("y", "")) == pytest.approx(picture.playheads[4], abs=0.06)
    assert veil.get("width") == "360"


def test_without_one_the_veil_hides_nothing(trace: Trace) -> None:
    veil = next(node for node in drawn(trace).iter() if node.get("class") == "veil")
    assert veil.get("width") == "0"


def test_ladders_side_by_side_agree_on_the_time() -> None:
    traces = [trace_of(name) for name in ("normal-close", "buggy-client", "comes-back")]
    together = layout.lay_out_together(traces)
    place: dict[int, float] = {}
    for placed in together:
        seen = set()
        for step, y in zip(placed.trace.steps, placed.ys, strict=True):
            if step.t not in seen:
                assert place.setdefault(step.t, y) == y
            seen.add(step.t)
    assert len({placed.end for placed in together}) == 1
    for placed in together:
        assert_nothing_covered(placed.labels)


# --- bytes and contract ---------------------------------------------------------------------------------------------


def test_the_same_trace_is_the_same_bytes(case: str) -> None:
    trace = trace_of(case)
    first = [ladder.draw(trace, upto=i).svg for i in range(min(len(trace.steps), 12))]
    again = [ladder.draw(trace, upto=i).svg for i in reversed(range(min(len(trace.steps), 12)))]
    assert first == again[::-1]


def test_text_is_never_smaller_than_twelve_pixels_on_a_phone() -> None:
    on_a_phone = 343 / layout.WIDTH
    assert min(labels.SIZE, labels.CODE) * on_a_phone >= 12
    assert pytest.approx(4.5) == HALF_LINE
    for name in CASES:
        for node in drawn(trace_of(name)).iter():
            size = node.get("font-size")
            assert size is None or float(size) * on_a_phone >= 12


def test_strange_text_stays_text() -> None:
    trace = stories.half_close('<script>alert("x")</script> & more').arrive("FIN-WAIT-2", "110").end("open")
    svg = ladder.draw(trace).svg
    assert "<script" not in svg
    ElementTree.fromstring(svg)
