"""A member's line is fair and tells one's place, and a member that is down costs one question its wait."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing

import pytest

from blender_ui.errors import MemberError
from blender_ui.members.gate import FIRST_PAUSE_SECONDS, Breaker, Gate
from blender_ui.members.protocol import Chunk, Usage, asker


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """One member behind its gate."""

    def __init__(self, n_at_once: int = 1) -> None:
        self.time = Time()
        self.gate = Gate("Ann", n_at_once=n_at_once, breaker=Breaker("Ann", clock=self.time))

    def failure(self, kind: str, *pieces: str) -> MemberError:
        def stream() -> Generator[Chunk]:
            for piece in pieces:
                yield Chunk(piece, 1)
            raise MemberError(f"Ann: {kind} it is", kind=kind)

        with pytest.raises(MemberError) as caught:
            list(self.gate.ask(stream))
        return caught.value

    def answer(self) -> str:
        return "".join(chunk.text for chunk in self.gate.ask(answers))


def answers() -> Generator[Chunk]:
    yield Chunk("Four.", 1)
    yield Chunk("", 1, Usage(1, 1, "stop", 0.1, 0.1))


class Held:
    """A stream that goes on when the test lets it."""

    def __init__(self, gate: Gate, *, by: int | None = None) -> None:
        self.by = by
        self.chunks: Iterator[Chunk] = self._for_somebody(gate.ask(self._stream))
        self.release = threading.Event()

    def _for_somebody(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        asker.set(self.by)
        yield from chunks

    def _stream(self) -> Generator[Chunk]:
        yield Chunk("Four", 1)
        assert self.release.wait(10)
        yield Chunk("", 1, Usage(1, 1, "stop", 0.1, 0.1))


def test_the_line_is_served_in_order_and_tells_each_its_place() -> None:
    bench = Bench()
    first, second, third = (Held(bench.gate) for _ in range(3))
    assert next(first.chunks).text == "Four"
    assert next(second.chunks).waiting == "number 1 in line"
    assert next(third.chunks).waiting == "number 2 in line"
    for one in (first, second, third):
        one.release.set()
    assert [chunk.text for chunk in first.chunks] == [""]
    assert next(second.chunks).text == "Four"
    assert next(third.chunks).waiting == "number 1 in line"
    list(second.chunks)
    assert next(third.chunks).text == "Four"


def test_somebody_with_many_questions_makes_another_wait_for_one_of_them_at_most() -> None:
    bench, many, other = Bench(), 1, 2
    flood = [Held(bench.gate, by=many) for _ in range(5)]
    for one in flood:
        one.release.set()
        next(one.chunks)
    late = Held(bench.gate, by=other)
    late.release.set()
    assert next(late.chunks).waiting == "number 2 in line"
    list(flood[0].chunks)
    assert next(late.chunks).text == "Four"  # the flood's second had waited longer
    list(late.chunks)
    assert next(flood[1].chunks).text == "Four"
    for one in flood[1:]:
        list(one.chunks)
    assert (bench.gate.n_asking, bench.gate.n_waiting) == (0, 0)


def test_as_many_are_asked_at_once_as_the_member_takes() -> None:
    bench = Bench(n_at_once=2)
    first, second, third = (Held(bench.gate) for _ in range(3))
    assert [next(one.chunks).text for one in (first, second)] == ["Four", "Four"]
    assert next(third.chunks).waiting
    assert (bench.gate.n_asking, bench.gate.n_waiting) == (2, 1)


def test_who_stops_or_leaves_makes_room() -> None:
    bench = Bench()
    first, second = Held(bench.gate), Held(bench.gate)
    next(first.chunks)
    next(second.chunks)
    stop = threading.Event()
    waiting = bench.gate.ask(answers, stop=stop)
    next(waiting)
    stop.set()
    with pytest.raises(MemberError, match="stopped"):
        next(waiting)
    with closing(first.chunks):  # type: ignore[type-var]
        pass
    assert next(second.chunks).text == "Four"
    assert (bench.gate.n_asking, bench.gate.n_waiting) == (1, 0)


def test_one_question_that_waited_in_vain_keeps_the_others_from_waiting() -> None:
    bench = Bench()
    bench.failure("timeout")
    error = bench.failure("unasked")
    assert error.kind == "unreachable"
    assert str(error) == "Ann: not asked, because it is down: timeout it is. It is tried again in 15 s"


def test_those_in_line_are_told_when_the_member_is_down() -> None:
    bench = Bench()
    hung = Held(bench.gate)
    next(hung.chunks)
    waiting = bench.gate.ask(answers)
    next(waiting)
    bench.gate.breaker.note_failure(MemberError("Ann: no", kind="timeout"), is_trial=False, began=False)
    with pytest.raises(MemberError, match="down"):
        next(waiting)


def test_after_the_pause_one_question_tries_the_member_and_its_first_word_ends_the_pause() -> None:
    bench = Bench()
    bench.failure("timeout")
    bench.time.now += FIRST_PAUSE_SECONDS
    trial = Held(bench.gate)
    trial_thread = threading.Thread(target=lambda: next(trial.chunks))
    assert bench.gate.breaker.is_trial_due
    assert bench.gate.breaker.enter()
    assert "by another question right now" in str(bench.failure("unasked"))
    bench.gate.breaker.note_stop(is_trial=True)
    trial_thread.start()
    trial_thread.join(10)
    assert not bench.gate.breaker.refuses
    trial.release.set()
    list(trial.chunks)
    assert bench.answer() == "Four."


def test_the_trial_does_not_wait_for_questions_that_hang() -> None:
    bench = Bench()
    hung = Held(bench.gate)
    next(hung.chunks)
    bench.gate.breaker.note_failure(MemberError("Ann: no", kind="timeout"), is_trial=False, began=False)
    bench.time.now += FIRST_PAUSE_SECONDS
    assert bench.answer() == "Four."


def test_each_failed_trial_doubles_the_pause() -> None:
    bench = Bench()
    pauses = []
    for _ in range(7):
        bench.failure("timeout")
        pauses.append(bench.gate.breaker.pause_seconds)
        bench.time.now += pauses[-1]
    assert pauses == [15, 30, 60, 120, 240, 300, 300]


def test_questions_under_way_do_not_make_the_pause_longer() -> None:
    breaker = Breaker("Ann", clock=Time())
    for _ in range(16):
        breaker.note_failure(MemberError("Ann: no", kind="timeout"), is_trial=False, began=False)
    assert (breaker.pause_seconds, breaker.n_openings) == (15, 1)


@pytest.mark.parametrize("kind", ["unreachable", "crashed", "bad_response", "out_of_memory"])
def test_failures_that_cost_no_wait_count_three_in_a_row(kind: str) -> None:
    bench = Bench()
    bench.failure(kind)
    bench.failure(kind)
    assert bench.answer() == "Four."
    for _ in range(3):
        assert bench.failure(kind).kind == kind
    assert "is down" in str(bench.failure(kind))


@pytest.mark.parametrize("kind", ["refused", "empty", "rate_limited", "stopped"])
def test_what_is_about_one_question_or_a_wish_is_no_fault(kind: str) -> None:
    bench = Bench()
    for _ in range(5):
        assert bench.failure(kind).kind == kind


def test_an_answer_that_took_too_long_is_not_one_that_never_began() -> None:
    bench = Bench()
    bench.failure("timeout", "Fo")
    assert bench.answer() == "Four."
