from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from blender_ui.errors import MalformedInput, NotFound
from blender_ui.members.protocol import Chunk, Message, Sampling
from blender_ui.services.asking.answering import CandidateUpdate
from blender_ui.services.asking.rounds import Blending
from db.engine import create_store, transaction
from db.models import Candidate, CandidateFailure, Continuation, FailureKind, Member, Prompt
from tests.builders.scripted_members import (
    ScriptedEnsemble,
    ScriptedMember,
    ending,
    failing,
    hanging,
    saying,
    thinking_aloud,
    thinking_first,
)
from tests.builders.stores import make_store

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_store(tmp_path)
    yield engine
    engine.dispose()


def blending_of(engine: Engine, *members: ScriptedMember) -> Blending:
    ticks = iter(range(1_000_000))
    return Blending(
        engine, members=ScriptedEnsemble(*members), clock=lambda: NOW, timer=lambda: float(next(ticks))
    )


def last(blending: Blending, prompt_id: int, name: str) -> CandidateUpdate:
    return list(blending.stream(prompt_id=prompt_id, member_name=name))[-1]


def rows(engine: Engine, table: type) -> list:
    with Session(engine) as session:
        return list(session.exec(select(table)).all())


def test_asking_stores_the_prompt_and_names_every_member(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("A", saying("x")), ScriptedMember("B", saying("y")))
    asked = blending.ask(instruction="Add", input="1 and 2")
    assert asked.member_names == ("A", "B")
    (prompt,) = rows(engine, Prompt)
    assert (prompt.id, prompt.instruction, prompt.input) == (asked.prompt_id, "Add", "1 and 2")
    assert prompt.created_at == NOW


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_question_is_refused(engine: Engine, text: str) -> None:
    with pytest.raises(MalformedInput, match="empty"):
        blending_of(engine, ScriptedMember("A", saying("x"))).ask(instruction=text)


def test_a_stream_grows_and_ends_in_one_candidate(engine: Engine) -> None:
    member = ScriptedMember("A", saying("Para", "mari", "bo"))
    blending = blending_of(engine, member)
    prompt_id = blending.ask(instruction="Capital?", input="Suriname").prompt_id
    updates = list(blending.stream(prompt_id=prompt_id, member_name="A"))
    assert [update.text for update in updates] == ["Para", "Paramari", "Paramaribo", "Paramaribo"]
    assert [update.is_done for update in updates] == [False, False, False, True]
    assert member.asked == [(Message("user", "Suriname\n\nCapital?"),)]
    (candidate,) = rows(engine, Candidate)
    assert (candidate.id, candidate.text, candidate.n_tokens) == (updates[-1].candidate_id, "Paramaribo", 3)
    assert (candidate.finish_reason, candidate.seconds, candidate.first_token_seconds) == ("stop", 0.5, 0.25)
    assert rows(engine, CandidateFailure) == []


def test_tokens_that_are_not_counted_are_stored_as_unknown(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("A", ending("Paramaribo", reason="length")))
    update = last(blending, blending.ask(instruction="Go").prompt_id, "A")
    (candidate,) = rows(engine, Candidate)
    assert (candidate.n_prompt_tokens, candidate.n_tokens, update.n_tokens) == (None, None, None)
    assert candidate.finish_reason == update.finish_reason == "length"


def test_thinking_that_was_taken_back_is_not_stored(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("A", thinking_aloud("Which one?", "Paramaribo")))
    assert last(blending, blending.ask(instruction="Go").prompt_id, "A").text == "Paramaribo"
    (candidate,) = rows(engine, Candidate)
    assert (candidate.text, candidate.thinking) == ("Paramaribo", "Which one?")


def test_thinking_is_kept_beside_the_answer_and_beside_a_failure(engine: Engine) -> None:
    blending = blending_of(
        engine,
        ScriptedMember("A", thinking_first("Which ", "one?", answer="Paramaribo")),
        ScriptedMember("B", thinking_first("Which ", "one?", answer="")),
    )
    prompt_id = blending.ask(instruction="Go").prompt_id
    updates = list(blending.stream(prompt_id=prompt_id, member_name="A"))
    assert [(update.thinking, update.text) for update in updates[:3]] == [
        ("Which ", ""),
        ("Which one?", ""),
        ("Which one?", "Paramaribo"),
    ]
    assert updates[-1].first_token_seconds is not None
    list(blending.stream(prompt_id=prompt_id, member_name="B"))
    (candidate,), (failure,) = rows(engine, Candidate), rows(engine, CandidateFailure)
    assert (candidate.text, candidate.thinking) == ("Paramaribo", "Which one?")
    assert (failure.kind, failure.partial_text, failure.thinking) == (FailureKind.EMPTY, "", "Which one?")
    shown = blending.answers(prompt_id=prompt_id)
    assert [one.thinking for one in (*shown.candidates, *shown.failures)] == ["Which one?", "Which one?"]


def test_what_is_waited_for_is_told_and_ends_with_the_first_word(engine: Engine) -> None:
    def queueing(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        yield Chunk("", 0, waiting="number 1 in line")
        yield from saying("Paramaribo")(messages, stop)

    blending = blending_of(engine, ScriptedMember("A", queueing))
    updates = list(blending.stream(prompt_id=blending.ask(instruction="Go").prompt_id, member_name="A"))
    assert [(one.waiting, one.text) for one in updates[:2]] == [("number 1 in line", ""), ("", "Paramaribo")]


def test_updates_come_at_most_twenty_times_a_second(engine: Engine) -> None:
    hundredths = iter(range(1_000_000))
    member = ScriptedMember("A", saying(*"x" * 1000))
    blending = Blending(
        engine,
        members=ScriptedEnsemble(member),
        clock=lambda: NOW,
        timer=lambda: next(hundredths) / 500,
    )
    prompt_id = blending.ask(instruction="Go").prompt_id
    updates = list(blending.stream(prompt_id=prompt_id, member_name="A"))
    assert len(updates) <= 20 * updates[-2].seconds + 2
    assert updates[-1].text == "x" * 1000


def test_one_member_is_one_row_however_often_it_answers(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("A", saying("x")))
    for _ in range(3):
        last(blending, blending.ask(instruction="Go").prompt_id, "A")
    (row,) = rows(engine, Member)
    assert (row.name, row.backend, row.model) == ("A", "openai", "model of A")


def test_a_failure_keeps_its_kind_its_reason_and_the_text_so_far(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("A", failing("timeout", "no token for 60 s", "Half an")))
    prompt_id = blending.ask(instruction="Go").prompt_id
    update = last(blending, prompt_id, "A")
    assert update.is_done
    assert update.candidate_id is None
    assert update.failure is not None
    assert (update.failure.kind, update.failure.message) == (FailureKind.TIMEOUT, "no token for 60 s")
    (failure,) = rows(engine, CandidateFailure)
    assert (failure.kind, failure.partial_text) == (FailureKind.TIMEOUT, "Half an")
    assert rows(engine, Candidate) == []


@pytest.mark.parametrize("pieces", [(), ("",), (" ", "\n")])
def test_an_empty_answer_is_a_failure(engine: Engine, pieces: tuple[str, ...]) -> None:
    blending = blending_of(engine, ScriptedMember("A", saying(*pieces)))
    update = last(blending, blending.ask(instruction="Go").prompt_id, "A")
    assert update.failure is not None
    assert update.failure.kind is FailureKind.EMPTY
    assert rows(engine, Candidate) == []


def test_closing_the_stream_stops_the_member_and_keeps_what_it_said(engine: Engine) -> None:
    member = ScriptedMember("A", saying("One ", "two ", "three"))
    blending = blending_of(engine, member)
    stream = blending.stream(prompt_id=blending.ask(instruction="Count").prompt_id, member_name="A")
    next(stream)
    next(stream)
    stream.close()
    assert member.n_closed == 1
    (failure,) = rows(engine, CandidateFailure)
    assert (failure.kind, failure.partial_text) == (FailureKind.STOPPED, "One two ")
    assert rows(engine, Candidate) == []


def test_closing_after_the_end_writes_no_second_row(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("A", saying("x")))
    stream = blending.stream(prompt_id=blending.ask(instruction="Go").prompt_id, member_name="A")
    while not next(stream).is_done:
        pass
    stream.close()
    assert len(rows(engine, Candidate)) == 1
    assert rows(engine, CandidateFailure) == []


@pytest.mark.parametrize("pieces", [(), ("Thinking",)])
def test_stop_works_before_and_after_the_first_token(engine: Engine, pieces: tuple[str, ...]) -> None:
    blending = blending_of(engine, ScriptedMember("A", hanging(*pieces)), ScriptedMember("B", hanging()))
    prompt_id = blending.ask(instruction="Go").prompt_id
    found: list[CandidateUpdate] = []
    thread = threading.Thread(target=lambda: found.append(last(blending, prompt_id, "A")))
    thread.start()
    while not blending.stop(prompt_id=prompt_id, label="A"):
        pass
    thread.join(timeout=20)
    assert found[0].failure is not None
    assert (found[0].failure.kind, found[0].text) == (FailureKind.STOPPED, "".join(pieces))
    assert blending.stop(prompt_id=prompt_id) == 0


def test_members_that_hang_or_fail_do_not_hold_up_the_others(engine: Engine) -> None:
    blending = blending_of(
        engine,
        ScriptedMember("Hangs", hanging("…")),
        ScriptedMember("Fails", failing("crashed", "gone")),
        ScriptedMember("Works", saying("Fine")),
    )
    prompt_id = blending.ask(instruction="Go").prompt_id
    hanging_stream = blending.stream(prompt_id=prompt_id, member_name="Hangs")
    next(hanging_stream)
    assert last(blending, prompt_id, "Fails").failure is not None
    assert last(blending, prompt_id, "Works").candidate_id is not None
    hanging_stream.close()
    view = blending.answers(prompt_id=prompt_id)
    assert [(candidate.member, candidate.text) for candidate in view.candidates] == [("Works", "Fine")]
    assert [(failure.member, failure.kind) for failure in view.failures] == [
        ("Hangs", FailureKind.STOPPED),
        ("Fails", FailureKind.CRASHED),
    ]


def test_a_retry_that_succeeds_supersedes_the_failure(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("A", failing("rate_limited", "wait"), saying("Now")))
    prompt_id = blending.ask(instruction="Go").prompt_id
    last(blending, prompt_id, "A")
    assert [failure.kind for failure in blending.answers(prompt_id=prompt_id).failures] == ["rate_limited"]
    last(blending, prompt_id, "A")
    view = blending.answers(prompt_id=prompt_id)
    assert [candidate.text for candidate in view.candidates] == ["Now"]
    assert view.failures == ()
    assert len(rows(engine, CandidateFailure)) == 1


def test_of_two_failures_the_later_is_shown(engine: Engine) -> None:
    blending = blending_of(
        engine, ScriptedMember("A", failing("timeout", "slow"), failing("crashed", "gone"))
    )
    prompt_id = blending.ask(instruction="Go").prompt_id
    last(blending, prompt_id, "A")
    last(blending, prompt_id, "A")
    assert [failure.message for failure in blending.answers(prompt_id=prompt_id).failures] == ["gone"]


def test_answers_stand_in_the_order_of_the_members_not_of_their_arrival(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("Slow", saying("s")), ScriptedMember("Fast", saying("f")))
    prompt_id = blending.ask(instruction="Go").prompt_id
    last(blending, prompt_id, "Fast")
    last(blending, prompt_id, "Slow")
    assert [answer.member for answer in blending.answers(prompt_id=prompt_id).candidates] == ["Slow", "Fast"]


def test_unknown_prompts_and_members_are_named(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("A", saying("x")))
    with pytest.raises(NotFound, match="no prompt 99"):
        blending.answers(prompt_id=99)
    with pytest.raises(NotFound, match="'Z'"):
        last(blending, blending.ask(instruction="Go").prompt_id, "Z")


def test_members_are_listed_with_their_health(engine: Engine) -> None:
    (view,) = blending_of(engine, ScriptedMember("A", saying("x"))).members()
    assert (view.name, view.backend, view.is_available, view.reason) == ("A", "openai", True, "")


def test_going_on_asks_with_all_that_was_said_before(engine: Engine) -> None:
    members = [ScriptedMember(name, saying(f"{name} says")) for name in "AB"]
    blending = blending_of(engine, *members)
    first = blending.ask(instruction="Capital?", input="Suriname").prompt_id
    answer = last(blending, first, "B").candidate_id
    assert answer is not None
    second = blending.go_on(candidate_id=answer, instruction="Of what?")
    assert second.member_names == ("A", "B")
    third_parent = last(blending, second.prompt_id, "A").candidate_id
    assert third_parent is not None
    third = blending.go_on(candidate_id=third_parent, instruction="So?", asked_by_id=None)
    last(blending, third.prompt_id, "B")
    assert members[1].asked[-1] == (
        Message("user", "Suriname\n\nCapital?"),
        Message("assistant", "B says"),
        Message("user", "Of what?"),
        Message("assistant", "A says"),
        Message("user", "So?"),
    )
    one, two, three = rows(engine, Prompt)
    assert (one.history, one.first_turn_fingerprint) == ([], None)
    assert two.first_turn_fingerprint == three.first_turn_fingerprint == one.fingerprint
    assert two.history[0] == {"role": "user", "content": "Capital?", "input": "Suriname"}
    assert {(row.prompt_id, row.candidate_id) for row in rows(engine, Continuation)} == {
        (two.id, answer),
        (three.id, third_parent),
    }
    assert blending.answers(prompt_id=third.prompt_id).history[-1] == Message("assistant", "A says")


def test_going_on_needs_an_answer_and_a_question(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("A", saying("x")))
    with pytest.raises(NotFound, match="there is no answer 7"):
        blending.go_on(candidate_id=7, instruction="And?")
    answer = last(blending, blending.ask(instruction="Hi").prompt_id, "A").candidate_id
    assert answer is not None
    with pytest.raises(MalformedInput, match="the prompt is empty"):
        blending.go_on(candidate_id=answer, instruction=" ")
    assert rows(engine, Continuation) == []


def test_going_on_waits_for_whoever_writes_at_the_same_time(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("A", saying("One.")))
    answer = last(blending, blending.ask(instruction="First?").prompt_id, "A").candidate_id
    other = create_store(str(engine.url), wait_seconds=0)

    def write_first(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if statement.startswith("INSERT"):  # what the next turn follows was read; somebody else is faster
            with suppress(OperationalError), transaction(other, immediate=True) as session:
                session.add(Prompt(instruction="Mine", fingerprint="1", created_at=NOW))

    event.listen(engine, "before_cursor_execute", write_first)
    blending.go_on(candidate_id=answer, instruction="And then?")
    event.remove(engine, "before_cursor_execute", write_first)
    other.dispose()
    assert [prompt.instruction for prompt in rows(engine, Prompt)] == ["First?", "And then?"]


def test_a_members_second_answer_has_a_label_of_its_own_and_fails_by_itself(engine: Engine) -> None:
    member = ScriptedMember("A", saying("one"), failing("crashed", "gone"), saying("two"))
    blending = Blending(engine, members=ScriptedEnsemble(member, samples=2), clock=lambda: NOW)
    prompt_id = blending.ask(instruction="Go").prompt_id
    assert blending.seats(["A"]) == ("A", "A (2)")

    def ask(label: str) -> None:
        seat = blending.seat(label)
        list(blending.stream(prompt_id=prompt_id, member_name=seat.member, sample=seat.sample))

    ask("A")
    ask("A (2)")
    view = blending.answers(prompt_id=prompt_id)
    assert [one.seat.label for one in view.candidates] == ["A"]
    assert [one.seat.label for one in view.failures] == ["A (2)"]
    ask("A (2)")
    view = blending.answers(prompt_id=prompt_id)
    assert [(one.seat.label, one.text) for one in view.candidates] == [("A", "one"), ("A (2)", "two")]
    assert view.failures == ()
    assert [row.sample for row in rows(engine, Candidate)] == [1, 2]


def test_each_answer_of_a_member_with_a_seed_has_one_of_its_own(engine: Engine) -> None:
    member = ScriptedMember("A", saying("x"))
    ensemble = ScriptedEnsemble(member, samples=3)
    ensemble.configs = tuple(replace(one, sampling=Sampling(seed=7)) for one in ensemble.configs)
    blending = Blending(engine, members=ensemble, clock=lambda: NOW)
    prompt_id = blending.ask(instruction="Go").prompt_id
    for sample in (1, 2, 3):
        list(blending.stream(prompt_id=prompt_id, member_name="A", sample=sample))
    assert [None if one is None else one.seed for one in member.options] == [None, 8, 9]
    assert len(rows(engine, Member)) == 1  # the seed of a further answer makes no other member


def test_imported_answers_of_one_member_are_told_apart(engine: Engine) -> None:
    blending = blending_of(engine, ScriptedMember("A", saying("x")))
    prompt_id = blending.ask(instruction="Go").prompt_id
    last(blending, prompt_id, "A")
    with transaction(engine, immediate=True) as session:
        (member,) = session.exec(select(Member)).all()
        session.add(Candidate(prompt_id=prompt_id, member_id=member.id, text="y", seconds=0, created_at=NOW))
    labels = [one.seat.label for one in blending.answers(prompt_id=prompt_id).candidates]
    assert labels == ["A", "A (2)"]
