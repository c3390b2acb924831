"""A vote while answers are still coming, and the best of all or the order of all beside the vote on two."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlmodel import col, select

from blender_ui.errors import Refused
from blender_ui.members.protocol import Chunk, Message, Usage
from blender_ui.services.labeling.ballots import OWN_ROUND
from blender_ui.services.labeling.own_ballots import OwnBallot
from blender_ui.ui.asking.picking.drawing import draw_picks
from blender_ui.ui.asking.results import Results
from blender_ui.ui.asking.views import Choice, Picks
from db.engine import transaction
from db.models import Ask, Ballot, Bet, Candidate, Comparison, Lease, LeaseStatus
from tests.builders.scripted_members import Script, ScriptedMember, saying
from tests.ui.asking.test_blend_handlers import Page


def press(name: str, number: int = 0, *, value: str = "") -> SimpleNamespace:
    """What a button sends, as Gradio gives it."""
    return SimpleNamespace(_data={"act": name, "row": str(number + 1), "value": value})


def waiting_for(told: threading.Event, text: str) -> Script:
    """Says a text once it is told to."""

    def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        assert told.wait(20), "nobody told the member to answer"
        yield Chunk(text, 1)
        yield Chunk("", 1, Usage(1, 1, "stop", 0.1, 0.2))

    return script


def three(folder: Path, *, last: Script | None = None) -> Page:
    return Page(
        folder,
        ScriptedMember("Ada", saying("Short.")),
        ScriptedMember("Brahms", saying("Somewhat longer.")),
        ScriptedMember("Curie", last or saying("By far the longest of them.")),
    )


def pair_early(page: Page) -> None:
    """Ask, and stream the two that answer at once as the page does."""
    page.ask()
    for name in ("Ada", "Brahms"):
        list(page.blend.stream(page.visit, page.visit.columns.index(name)))
        page.visit = page.blend.settle_once(page.visit) or page.blend.pair_early(page.visit) or page.visit


def test_two_answers_are_enough_for_a_vote_and_the_third_comes_with_its_name(tmp_path: Path) -> None:
    told = threading.Event()
    page = three(tmp_path, last=waiting_for(told, "At last."))
    pair_early(page)
    last = page.visit.columns.index("Curie")
    shown = page.blend.page(page.visit)
    assert shown.pair is not None
    assert shown.is_asking
    assert last not in (shown.pair.first, shown.pair.second)
    assert not any(column.name for column in shown.columns)
    assert shown.picks is None, "the best of all is asked once all are there"

    stream = page.blend.stream(page.visit, last)
    assert next(stream).name == ""
    assert page.take(page.blend.vote, Choice.FIRST) == ""
    assert page.visit.is_asking
    assert page.visit.is_revealed
    (early,) = Results(page.services).follow(page.visit)
    assert early.card is not None
    assert early.card.chosen is not None
    told.set()
    assert [view.name for view in stream][-1] == "Curie"
    page.visit = page.blend.settle_once(page.visit) or page.visit
    assert not page.visit.is_asking
    assert page.visit.is_revealed
    assert len(page.preferences()) == 1
    with transaction(page.services.engine) as session:
        assert len(session.exec(select(Comparison)).all()) == 3, "others may vote on the last answer"


def test_a_vote_at_the_moment_of_the_last_answer_is_not_asked_for_again(tmp_path: Path) -> None:
    told = threading.Event()
    page = three(tmp_path, last=waiting_for(told, "At last."))
    pair_early(page)
    before, last = page.visit, page.visit.columns.index("Curie")
    told.set()
    list(page.blend.stream(before, last))
    page.take(page.blend.vote, Choice.FIRST)
    settled = page.blend.settle_once(before)  # which was sent before the vote came back
    assert settled is not None
    assert settled.is_revealed
    assert settled.pair is None


def test_a_reload_while_the_third_writes_shows_the_same_pair(tmp_path: Path) -> None:
    told = threading.Event()
    page = three(tmp_path, last=waiting_for(told, "At last."))
    pair_early(page)
    pair = page.visit.pair
    stream = page.blend.stream(page.visit, page.visit.columns.index("Curie"))
    next(stream)
    again = page.reload().pair
    told.set()
    list(stream)
    assert pair is not None
    assert again is not None
    assert again.lease_id == pair.lease_id


def test_the_best_of_all_is_one_ballot_on_every_answer(tmp_path: Path) -> None:
    page = three(tmp_path)
    page.services.ranking.train()
    page.answer_all()
    list(Results(page.services).follow(page.visit))
    assert page.visit.pair is not None
    unasked = next(n for n in range(3) if n not in (page.visit.pair.first, page.visit.pair.second))
    chosen = page.visit.columns[unasked]
    assert page.take(page.blend.pick, press("best", unasked), "clear") == ""
    page.take(page.blend.pick, press("best", 0), "a double click")
    assert len(page.preferences()) == 2, "the best beats each of the others, and counts once"
    card = page.blend.page(page.visit).card
    assert card is not None
    assert card.chosen is not None
    assert card.vote is not None
    assert card.chosen.member == chosen
    assert card.vote.bet is not None, "the ranker had laid one on all three"
    with transaction(page.services.engine) as session:
        (ballot,) = session.exec(select(Ballot)).all()
        assert (ballot.reason, sorted(ballot.places or [])) == ("clear", [1, 2, 2])
        answered = session.exec(select(Lease).where(Lease.status == LeaseStatus.ANSWERED)).all()
        assert {(lease.policy, lease.ballot_id) for lease in answered} == {(OWN_ROUND, ballot.id)}
        assert {bet.lease_id for bet in session.exec(select(Bet))} >= {lease.id for lease in answered}
    assert list_places(page) == [(1, 2)] * 3, "it takes no place of anybody's"


def test_an_order_of_all_is_one_ballot(tmp_path: Path) -> None:
    page = three(tmp_path)
    page.answer_all()
    assert page.take(page.blend.pick, press("order", value="2 1 3")) == ""
    assert len(page.preferences()) == 3
    with transaction(page.services.engine) as session:
        (ballot,) = session.exec(select(Ballot)).all()
    assert ballot.places == [2, 1, 3]
    assert page.take(page.blend.undo).startswith("Your vote was taken back")
    assert all(one.retracted_at for one in page.preferences())


def test_of_two_answers_with_one_text_the_better_place_counts(tmp_path: Path) -> None:
    members = {"Ada": "Same.", "Brahms": " Same. ", "Curie": "Other.", "Darwin": "Another."}
    page = Page(tmp_path, *(ScriptedMember(name, saying(text)) for name, text in members.items()))
    page.answer_all()
    place = page.visit.columns.index
    order = " ".join(str(place(name) + 1) for name in ("Curie", "Brahms", "Darwin", "Ada"))
    assert page.take(page.blend.pick, press("order", value=order)) == ""
    with transaction(page.services.engine) as session:
        (ballot,) = session.exec(select(Ballot)).all()
    assert sorted(ballot.places or []) == [1, 2, 3]


@pytest.mark.parametrize("sent", [None, {"act": "best"}, {"act": "best", "row": "x"}, {"act": 7, "row": "1"}])
def test_what_is_no_button_is_told_so(tmp_path: Path, sent: object) -> None:
    page = three(tmp_path)
    page.answer_all()
    assert "expected" in page.take(page.blend.pick, SimpleNamespace(_data=sent))
    assert page.take(page.blend.pick, press("best", 7)) != ""
    assert not page.preferences()


def test_two_answers_have_the_vote_on_two_alone(tmp_path: Path) -> None:
    page = Page(tmp_path, ScriptedMember("Ada", saying("One.")), ScriptedMember("Brahms", saying("Two.")))
    page.answer_all()
    assert page.blend.page(page.visit).picks is None
    assert "nothing to choose" in page.take(page.blend.pick, press("best", 0))


@pytest.mark.parametrize(
    "order", ["", "2 1", "1 2 3 3", "1 1 2", "0 1 2", "1 2 4", "1 2 x", "1 2 \u0663", "1,2,3"]
)
def test_an_order_that_is_not_every_answer_once_is_told_so(tmp_path: Path, order: str) -> None:
    page = three(tmp_path)
    page.answer_all()
    assert "from the best to the worst" in page.take(page.blend.pick, press("order", value=order))
    assert not page.preferences()


def test_the_buttons_say_what_they_do_and_the_order_is_folded() -> None:
    drawn = draw_picks(Picks((0, 1, 2), "t"))
    assert drawn.count("key-votes") == 4
    assert "Answer 2 is the best of all" in drawn
    assert drawn.count("data-place") == 3
    assert "bu-ordering" in drawn.split(" hidden>")[0]


def test_a_ballot_on_ones_own_round_that_is_taken_back_leaves_the_places_as_they_were(tmp_path: Path) -> None:
    page = three(tmp_path)
    page.answer_all()
    before = list_places(page)
    page.take(page.blend.pick, press("order", value="2 1 3"))
    assert list_places(page) == [(1, 2)] * 3
    page.take(page.blend.undo)
    assert list_places(page) == [(0, 1)] * 3
    assert [overlap for _, overlap in before] == [1] * 3


def list_places(page: Page) -> list[tuple[int, int]]:
    """Places taken and to be had of each comparison."""
    with transaction(page.services.engine) as session:
        return [(one.n_taken, one.overlap) for one in session.exec(select(Comparison))]


def test_a_choice_that_was_taken_back_does_not_count_by_being_sent_again(tmp_path: Path) -> None:
    page = three(tmp_path)
    page.answer_all()
    prompt_id, me = page.visit.prompt_id, page.visit.annotator_id
    assert prompt_id is not None
    with transaction(page.services.engine) as session:
        ids = tuple(one.id or 0 for one in session.exec(select(Candidate).order_by(col(Candidate.id))))
    ballot = OwnBallot(
        prompt_id=prompt_id, ask=Ask.BEST, candidate_ids=ids, places=(1, 2, 2), idempotency_key="k"
    )
    lease_id = page.services.own_ballots.give(ballot, annotator_id=me)
    page.services.own_ballots.give(ballot, annotator_id=me)
    assert len(page.preferences()) == 2
    page.services.labeling.undo(annotator_id=me, prompt_id=prompt_id, lease_id=lease_id)
    with pytest.raises(Refused, match="taken back"):
        page.services.own_ballots.give(ballot, annotator_id=me)
    assert all(one.retracted_at for one in page.preferences())
