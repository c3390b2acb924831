from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from blender_ui.ui.asking.drawing import draw_column_head, is_thinking
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.views import (
    LONGEST_INPUT,
    LONGEST_INSTRUCTION,
    NOBODY,
    Choice,
    ColumnView,
    Progress,
    Visit,
)
from db.engine import transaction
from db.models import Candidate, Comparison, Lease, Member, Outcome, Preference
from tests.builders.scripted_members import ScriptedMember, ending, failing, hanging, saying, thinking_first
from tests.builders.stores import add_prompts
from tests.ui.scripted_services import build_scripted_services

MEMBERS = ("Ada", "Brahms", "Curie")


def test_thinking_comes_with_the_names_while_it_streams_and_after(tmp_path: Path) -> None:
    thinker = ScriptedMember("Ada", thinking_first("Which one?", answer="Four."))
    mute = ScriptedMember("Brahms", thinking_first("Hm.", answer=""))
    page = Page(tmp_path, thinker, mute)
    page.ask()
    thinks, fails = (page.visit.columns.index(name) for name in ("Ada", "Brahms"))
    blind = [*page.stream(thinks), *page.stream(fails)]
    assert not any(view.thinking or "thinking" in draw_column_head(view) for view in blind)
    assert "Raise max_tokens" in blind[-1].reason
    assert not any(view.thinking for view in page.blend.page(page.visit).columns if not view.name)
    page.take(page.blend.reveal)
    kept = page.blend.page(page.reload()).columns
    assert [kept[number].thinking for number in (thinks, fails)] == ["Which one?", "Hm."]
    page.take(page.blend.retry, fails)
    views = page.stream(fails)
    assert ("", "Hm.") in [(view.text, view.thinking) for view in views]
    assert "thinking" in draw_column_head(next(view for view in views if is_thinking(view)))


class Page:
    """One visitor's page: what wiring does with the handlers, in order."""

    def __init__(self, folder: Path, *members: ScriptedMember, samples: int = 1) -> None:
        self.services = build_scripted_services(folder, *members, samples=samples)
        self.blend = Blend(self.services, timer=lambda: 5.0)
        self.memory: dict[str, Any] = {}
        self.visit = self.reload()

    def reload(self) -> Visit:
        opened = self.blend.open(self.memory)
        self.visit, self.memory = opened.visit, dict(opened.memory)
        return self.visit

    def ask(self, text: str = "Why?") -> str:
        turn = self.blend.ask(self.visit, text, "")
        self.visit = turn.visit
        self.memory = dict(self.blend.remember(turn.visit, self.memory))
        return turn.notice

    def stream(self, number: int) -> list[ColumnView]:
        views = list(self.blend.stream(self.visit, number))
        self.visit = self.blend.settle(self.visit)
        return views

    def answer_all(self) -> None:
        self.ask()
        for number in range(self.blend.n_columns):
            self.stream(number)

    def take(self, step: Callable[..., Any], *arguments: object) -> str:
        turn = step(self.visit, *arguments)
        self.visit = turn.visit
        self.memory = dict(self.blend.remember(turn.visit, self.memory))
        return str(turn.notice)

    def preferences(self) -> list[Preference]:
        with transaction(self.services.engine) as session:
            return list(session.exec(select(Preference).order_by(Preference.id)))  # type: ignore[arg-type]


def three(**scripts: Any) -> tuple[ScriptedMember, ...]:
    return tuple(
        ScriptedMember(name, *scripts.get(name, (saying(f"{name[0]} says", " this."),))) for name in MEMBERS
    )


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path, *three())


def test_nothing_that_is_shown_before_the_vote_holds_a_name(page: Page) -> None:
    page.ask()
    views = [view for number in range(3) for view in page.stream(number)]
    shown = repr((views, page.blend.page(page.visit), page.memory))
    assert page.visit.pair is not None
    assert not any(name in shown for name in MEMBERS)


def test_of_streams_that_end_together_one_draws_the_question(page: Page) -> None:
    page.ask()
    begun = page.visit
    for number in range(page.blend.n_columns):
        assert page.blend.settle_once(begun) is None
        list(page.blend.stream(begun, number))
    settled = [page.blend.settle_once(begun) for _ in range(3)]
    assert [visit is None for visit in settled] == [False, True, True]
    assert settled[0] is not None
    assert settled[0].pair is not None


def test_the_order_of_the_columns_is_the_prompts_own(page: Page) -> None:
    orders = set()
    for _ in range(12):
        page.answer_all()
        orders.add(page.visit.columns)
    assert len(orders) > 2


def test_a_column_streams_what_its_own_member_says(page: Page) -> None:
    page.ask()
    for number, name in enumerate(page.visit.columns):
        views = page.stream(number)
        assert views[0].progress is Progress.WAITING
        assert views[-1].progress is Progress.DONE
        assert views[-1].text == f"{name[0]} says this."


@pytest.mark.parametrize(
    ("finish_reason", "words"),
    [("stop", ""), ("length", "limit and was cut"), ("odd", "(odd); the answer may be")],
)
def test_an_answer_that_was_cut_is_told_as_such_once_names_are_shown(
    tmp_path: Path, finish_reason: str, words: str
) -> None:
    page = Page(tmp_path, ScriptedMember("Ada", ending("Half an", reason=finish_reason)))
    page.ask()
    (number,) = (number for number, name in enumerate(page.visit.columns) if name == "Ada")
    assert all(view.cut == "" for view in page.stream(number))
    page.take(page.blend.reveal)
    cut = page.blend.page(page.visit).columns[number].cut
    assert (words in cut) if words else cut == ""


def test_a_column_is_not_drawn_faster_than_its_share_of_the_page(tmp_path: Path) -> None:
    words = [f"w{n} " for n in range(200)]
    page = Page(tmp_path, ScriptedMember("Ada", saying(*words)), ScriptedMember("Brahms", saying("Hm.")))
    page.ask()
    number = page.visit.columns.index("Ada")
    views = page.stream(number)
    assert len(views) == 3, "waiting, the first words, and the end: the page's clock stands still"
    assert views[-1].text == "".join(words)


def test_an_answer_is_asked_for_once_however_often_its_event_is_sent(page: Page) -> None:
    page.ask()
    page.stream(0)
    assert page.stream(0) == []
    assert page.stream(99) == []
    with transaction(page.services.engine) as session:
        assert len(session.exec(select(Candidate)).all()) == 1


def test_a_second_question_waits_until_the_answers_are_in(page: Page) -> None:
    page.ask()
    visit = page.visit
    assert "press Stop" in page.ask("And why not?")
    assert page.visit == visit


def test_an_empty_question_says_what_to_do(page: Page) -> None:
    assert "write what you want to ask" in page.ask("  ")
    assert page.visit.prompt_id is None


def test_the_vote_bar_comes_when_the_last_answer_is_in(page: Page) -> None:
    page.ask()
    page.stream(0)
    page.stream(1)
    assert page.visit.pair is None
    page.stream(2)
    assert page.visit.pair is not None
    assert page.visit.pair.first < page.visit.pair.second
    asked_about = [view.number for view in page.blend.page(page.visit).columns if view.is_asked_about]
    assert asked_about == [page.visit.pair.first, page.visit.pair.second]


def test_a_vote_prefers_the_column_that_was_chosen(page: Page) -> None:
    for choice in (Choice.FIRST, Choice.SECOND):
        page.answer_all()
        pair = page.visit.pair
        assert pair is not None
        chosen = page.visit.columns[pair.first if choice is Choice.FIRST else pair.second]
        assert page.take(page.blend.vote, choice, "clearer") == ""
        preference = page.preferences()[-1]
        with transaction(page.services.engine) as session:
            candidate = session.get(Candidate, _winner(session, preference))
        assert candidate is not None
        assert candidate.text == f"{chosen[0]} says this."
        assert preference.reason == "clearer"
        assert page.visit.is_revealed


def _winner(session: Any, preference: Preference) -> int:
    comparison = session.get(Comparison, preference.comparison_id)
    return int(comparison.left_id if preference.outcome is Outcome.LEFT else comparison.right_id)


@pytest.mark.parametrize("choice", [Choice.TIE, Choice.BOTH_BAD])
def test_ties_and_both_bad_are_kept_as_such(page: Page, choice: Choice) -> None:
    page.answer_all()
    page.take(page.blend.vote, choice)
    assert page.preferences()[0].outcome.value == choice.value


def test_the_same_pair_counts_once(page: Page) -> None:
    page.answer_all()
    visit = page.visit
    for choice in (Choice.FIRST, Choice.SECOND, Choice.FIRST):
        page.blend.vote(visit, choice)
    assert len(page.preferences()) == 1


def test_a_vote_without_a_pair_is_refused(page: Page) -> None:
    assert page.take(page.blend.vote, Choice.FIRST) == "There is no pair to vote on now."
    assert page.preferences() == []


def test_names_come_with_the_vote_and_the_prompt_is_blind_no_more(page: Page) -> None:
    page.answer_all()
    prompt_id = page.visit.prompt_id
    page.take(page.blend.vote, Choice.FIRST)
    assert {view.title for view in page.blend.page(page.visit).columns} == set(MEMBERS)
    annotator_id = page.visit.annotator_id
    assert page.services.labeling.next_pair(annotator_id=annotator_id, prompt_id=prompt_id) is None


def test_showing_without_voting_marks_the_prompt_as_seen(page: Page) -> None:
    page.answer_all()
    assert page.take(page.blend.reveal) == ""
    assert page.visit.is_revealed
    assert page.preferences() == []
    assert page.services.labeling.next_pair(annotator_id=page.visit.annotator_id) is None


def test_names_are_not_shown_while_answers_are_coming(page: Page) -> None:
    page.ask()
    assert "still coming" in page.take(page.blend.reveal)
    assert not page.visit.is_revealed


def test_skipping_asks_about_another_pair_until_none_is_left(page: Page) -> None:
    page.answer_all()
    pairs = set()
    while page.visit.pair is not None:
        pairs.add((page.visit.pair.first, page.visit.pair.second))
        page.take(page.blend.skip)
    assert pairs == {(0, 1), (0, 2), (1, 2)}
    assert page.blend.page(page.visit).can_reveal


def test_undo_brings_a_skipped_pair_back(page: Page) -> None:
    page.answer_all()
    first = page.visit.pair
    assert first is not None
    page.take(page.blend.skip)
    assert page.take(page.blend.undo) == ""
    assert page.visit.pair is not None
    assert page.visit.pair.lease_id == first.lease_id
    assert page.visit.pair.token != first.token


def test_undo_takes_a_vote_back_and_asks_nobody_who_knows_the_names(page: Page) -> None:
    page.answer_all()
    page.take(page.blend.vote, Choice.FIRST)
    assert "taken back" in page.take(page.blend.undo)
    assert page.preferences()[0].retracted_at is not None
    assert page.visit.pair is None
    assert page.services.labeling.next_pair(annotator_id=page.visit.annotator_id) is None
    assert "nothing to take back" in page.take(page.blend.undo)


@pytest.mark.parametrize("step", ["vote", "skip"])
def test_undo_leaves_a_vote_that_was_given_on_the_label_page_since(page: Page, step: str) -> None:
    page.answer_all()
    first, annotator_id = page.visit.pair, page.visit.annotator_id
    assert first is not None
    page.take(*((page.blend.vote, Choice.FIRST) if step == "vote" else (page.blend.skip,)))
    (prompt_id,) = add_prompts(page.services.engine, n_prompts=1)
    page.services.labeling.queue_prompt(prompt_id=prompt_id)
    pair = page.services.labeling.next_pair(annotator_id=annotator_id, prompt_id=prompt_id)
    page.services.labeling.submit(
        annotator_id=annotator_id, lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key="label"
    )
    page.take(page.blend.undo)
    standing = [row.comparison_id for row in page.preferences() if row.retracted_at is None]
    assert standing == [pair.comparison_id]
    if step == "skip":
        assert page.visit.pair is not None
        assert page.visit.pair.lease_id == first.lease_id


def test_undo_leaves_a_vote_that_was_given_on_this_prompt_elsewhere_since(page: Page) -> None:
    page.answer_all()
    page.take(page.blend.skip)
    visit, labeling = page.visit, page.services.labeling
    pair = labeling.next_pair(annotator_id=visit.annotator_id, prompt_id=visit.prompt_id)
    labeling.submit(
        annotator_id=visit.annotator_id,
        lease_id=pair.lease_id,
        outcome=Outcome.LEFT,
        idempotency_key="elsewhere",
    )
    assert "this step stands" in page.take(page.blend.undo)
    assert [row.retracted_at for row in page.preferences()] == [None]
    assert not page.blend.page(page.visit).can_undo


def test_showing_the_names_after_a_skip_thanks_for_no_vote_and_takes_none_back(page: Page) -> None:
    page.answer_all()
    page.take(page.blend.skip)
    page.take(page.blend.reveal)
    assert not page.blend.page(page.visit).can_undo
    assert "nothing to take back" in page.take(page.blend.undo)


def test_a_failure_is_a_card_without_the_name_and_leaves_the_others_alone(tmp_path: Path) -> None:
    page = Page(tmp_path, *three(Curie=(failing("crashed", "Curie's server is gone", "I be"),)))
    page.answer_all()
    view = page.blend.page(page.visit)
    broken = view.columns[page.visit.columns.index("Curie")]
    assert (broken.progress, broken.text) == (Progress.FAILED, "I be")
    assert "Retry" in broken.reason
    assert "Curie" not in broken.reason
    assert page.visit.pair is not None
    page.take(page.blend.vote, Choice.FIRST)
    broken = page.blend.page(page.visit).columns[page.visit.columns.index("Curie")]
    assert "Curie's server is gone" in broken.reason


def test_retry_asks_one_member_again(tmp_path: Path) -> None:
    page = Page(tmp_path, *three(Curie=(failing("timeout", "too slow"), saying("At last."))))
    page.answer_all()
    number = page.visit.columns.index("Curie")
    assert page.take(page.blend.retry, number) == ""
    assert page.visit.is_asking
    assert page.stream(number)[-1].text == "At last."
    assert not page.visit.is_asking
    assert page.take(page.blend.retry, number) == "This model has answered already."


def test_while_one_member_is_asked_again_the_others_can_be_voted_on(tmp_path: Path) -> None:
    page = Page(tmp_path, *three(Curie=(failing("timeout", "too slow"), saying("At last."))))
    page.answer_all()
    assert page.visit.pair is not None
    number = page.visit.columns.index("Curie")
    page.take(page.blend.retry, number)
    shown = page.blend.page(page.visit).pair
    assert shown == page.visit.pair
    assert shown is not None
    assert number not in (shown.first, shown.second)
    assert page.take(page.blend.vote, Choice.FIRST) == ""
    assert page.visit.is_asking
    page.stream(number)
    assert page.visit.is_revealed
    assert not page.visit.is_asking
    assert [view.name for view in page.blend.page(page.visit).columns] == list(page.visit.columns)


def test_settling_twice_asks_about_the_same_pair_in_the_same_words(page: Page) -> None:
    page.answer_all()
    assert page.blend.settle(page.visit) == page.visit


def test_stop_ends_every_answer_and_keeps_what_was_said(tmp_path: Path) -> None:
    page = Page(tmp_path, *three(Ada=(hanging("Well,"),), Brahms=(hanging("Hm,"),)))
    page.ask()
    number = page.visit.columns.index("Ada")
    views: list[ColumnView] = []
    begun = threading.Event()

    def stream() -> None:
        for view in page.blend.stream(page.visit, number):
            views.append(view)
            if view.progress is Progress.WRITING:
                begun.set()

    thread = threading.Thread(target=stream)
    thread.start()
    assert begun.wait(5)
    page.blend.stop(page.visit)
    thread.join(5)
    assert (views[-1].progress, views[-1].text) == (Progress.FAILED, "Well,")
    page.visit = page.blend.settle(page.visit)
    assert not page.visit.is_asking, "an answer that had not begun is not waited for"


def test_with_one_answer_there_is_nothing_to_vote_on(tmp_path: Path) -> None:
    page = Page(tmp_path, ScriptedMember("Ada", saying("Alone.")))
    page.answer_all()
    assert page.visit.pair is None
    assert page.visit.is_revealed
    assert page.blend.page(page.visit).columns[0].title == "Ada"


def test_a_pair_is_asked_about_in_the_columns_of_its_own_members_where_two_say_the_same(
    tmp_path: Path,
) -> None:
    members = [ScriptedMember(name, saying(text)) for name, text in zip(MEMBERS, "xxy", strict=True)]
    page = Page(tmp_path, *members)
    page.answer_all()
    asked_about = []
    while (pair := page.visit.pair) is not None:
        with transaction(page.services.engine) as session:
            comparison = session.get_one(Comparison, session.get_one(Lease, pair.lease_id).comparison_id)
            sides = (comparison.left_id, comparison.right_id)
            ids = {
                name: session.exec(select(Candidate.id).join(Member).where(Member.name == name)).one()
                for name in MEMBERS
            }
        columns = [ids[page.visit.columns[number]] for number in (pair.first, pair.second)]
        assert columns == [*(sides if pair.first_is_left else sides[::-1])]
        asked_about.append(set(sides))
        page.take(page.blend.skip)
    assert len(asked_about) == 2


def test_where_all_answers_are_the_same_there_is_nothing_to_vote_on(tmp_path: Path) -> None:
    page = Page(tmp_path, *(ScriptedMember(name, saying("Berlin.")) for name in MEMBERS))
    page.answer_all()
    assert page.visit.pair is None
    assert page.visit.is_revealed


@pytest.mark.parametrize("n_members", [2, 4, 6])
def test_any_number_of_members_fits(tmp_path: Path, n_members: int) -> None:
    page = Page(tmp_path, *(ScriptedMember(f"M{n}", saying(f"Answer of {n}.")) for n in range(n_members)))
    page.answer_all()
    assert len(page.blend.page(page.visit).columns) == n_members
    assert page.take(page.blend.vote, Choice.TIE) == ""


def test_a_reload_gives_the_last_prompt_back_as_blind_as_it_was(page: Page) -> None:
    page.answer_all()
    before = page.visit
    assert before.pair is not None
    page.reload()
    assert page.visit.columns == before.columns
    assert page.visit.pair is not None
    assert page.visit.pair.lease_id == before.pair.lease_id
    assert not page.visit.is_revealed
    texts = [view.text for view in page.blend.page(page.visit).columns]
    assert texts == [f"{name[0]} says this." for name in before.columns]


def test_a_reload_after_the_vote_shows_the_names(page: Page) -> None:
    page.answer_all()
    page.take(page.blend.vote, Choice.SECOND)
    page.reload()
    assert page.visit.is_revealed


def test_a_reload_in_the_middle_offers_to_ask_again(tmp_path: Path) -> None:
    page = Page(tmp_path, *three())
    page.ask()
    page.stream(0)
    page.blend = Blend(page.services)
    page.reload()
    states = [view.progress for view in page.blend.page(page.visit).columns]
    assert sorted(states) == [Progress.DONE, Progress.FAILED, Progress.FAILED]


def test_somebody_elses_prompt_is_not_given_out(page: Page) -> None:
    page.answer_all()
    stranger = page.blend.open({"prompt_id": page.visit.prompt_id, "is_revealed": True})
    assert stranger.visit.prompt_id is None
    assert all(view.progress is Progress.EMPTY for view in page.blend.page(stranger.visit).columns)


@pytest.mark.parametrize(
    "memory", [None, "x", 7, [], {"prompt_id": "1"}, {"prompt_id": True}, {"annotator": 3}]
)
def test_a_memory_of_any_form_opens_a_page(page: Page, memory: object) -> None:
    assert page.blend.open(memory).visit.prompt_id is None


def test_claiming_to_have_seen_the_names_costs_the_vote(page: Page) -> None:
    page.answer_all()
    page.memory["is_revealed"] = True
    page.reload()
    assert page.services.labeling.next_pair(annotator_id=page.visit.annotator_id) is None
    assert page.take(page.blend.vote, Choice.FIRST) == "There is no pair to vote on now."


def test_a_lease_that_is_lost_is_replaced_by_another_pair(page: Page) -> None:
    page.answer_all()
    assert page.visit.pair is not None
    page.visit = replace(page.visit, pair=replace(page.visit.pair, lease_id=999))
    assert "Here is another pair" in page.take(page.blend.vote, Choice.FIRST)
    assert page.visit.pair is not None
    assert page.preferences() == []


@pytest.mark.parametrize(
    ("instruction", "input"), [("x" * (LONGEST_INSTRUCTION + 1), ""), ("x", "y" * (LONGEST_INPUT + 1))]
)
def test_a_question_that_is_too_long_is_not_stored(page: Page, instruction: str, input: str) -> None:
    turn = page.blend.ask(page.visit, instruction, input)
    assert "too long" in turn.notice
    assert turn.visit.prompt_id is None


def test_a_request_that_never_opened_the_page_can_do_nothing(page: Page) -> None:
    blend = page.blend
    turns = [
        blend.ask(NOBODY, "Why?", ""),
        blend.vote(NOBODY, Choice.FIRST),
        blend.skip(NOBODY),
        blend.undo(NOBODY),
        blend.reveal(NOBODY),
        blend.retry(NOBODY, 0),
    ]
    assert all(turn.visit == NOBODY and turn.notice for turn in turns)
    assert list(blend.stream(NOBODY, 0)) == []
    assert blend.settle(NOBODY) == NOBODY
    blend.stop(NOBODY)
    assert page.preferences() == []
