"""The card after a vote: its bet was laid before, names come with it, a reload shows the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.results import Results
from blender_ui.ui.asking.reveal.drawing import draw_card
from blender_ui.ui.asking.reveal.views import Card
from blender_ui.ui.asking.views import Choice, Visit
from db.engine import transaction
from db.models import Bet, Preference
from tests.builders.scripted_members import ScriptedMember, saying
from tests.ui.scripted_services import build_scripted_services

# The scripted ranker prefers the longer answer, by a hundredth of its characters in log odds.
ANSWERS = {"Ada": "Short.", "Brahms": "B" * 106}


class Round:
    """A question with two answers, as one person's page goes through it."""

    def __init__(self, folder: Path, *, has_ranker: bool = True, **answers: str) -> None:
        members = [ScriptedMember(name, saying(text)) for name, text in (answers or ANSWERS).items()]
        self.services: Any = build_scripted_services(folder, *members)
        if has_ranker:
            self.services.ranking.train()
        self.blend, self.results = Blend(self.services), Results(self.services)
        self.memory: dict[str, Any] = dict(self.blend.open(None).memory)
        visit = self.blend.ask(self.blend.open(self.memory).visit, "How do I make tea?", "").visit
        for number in range(len(visit.columns)):
            list(self.blend.stream(visit, number))
        self.visit: Visit = self.blend.settle(visit)

    def read(self) -> None:
        """What the page does while the person reads."""
        assert list(self.results.follow(self.visit)) == []

    def vote_for(self, member: str) -> Card:
        assert self.visit.pair is not None
        is_first = self.visit.columns[self.visit.pair.first] == member
        return self.vote(Choice.FIRST if is_first else Choice.SECOND)

    def vote(self, choice: Choice) -> Card:
        self.visit = self.blend.vote(self.visit, choice).visit
        self.memory = self.blend.remember(self.visit, self.memory)
        return self.card()

    def card(self) -> Card:
        card = next(iter(self.results.follow(self.visit))).card
        assert card is not None
        return card

    def bets(self) -> list[Bet]:
        with transaction(self.services.engine) as session:
            return list(session.exec(select(Bet)))


def test_the_bet_is_on_record_before_the_vote_and_shown_to_nobody(tmp_path: Path) -> None:
    here = Round(tmp_path)
    here.read()
    (bet,) = here.bets()
    assert here.visit.pair is not None
    assert bet.lease_id == here.visit.pair.lease_id
    assert here.blend.page(here.visit).card is None
    here.vote_for("Ada")
    with transaction(here.services.engine) as session:
        (vote,) = session.exec(select(Preference))
    assert bet.created_at <= vote.created_at


def test_a_ranking_that_came_after_the_vote_is_no_bet(tmp_path: Path) -> None:
    here = Round(tmp_path)
    pair = here.visit.pair
    assert pair is not None
    card = here.vote_for("Ada")
    ranking = here.services.ranking.rank(prompt_id=here.visit.prompt_id)
    assert not here.services.bets.lay(lease_id=pair.lease_id, ranking_id=ranking.ranking_id)
    assert here.bets() == []
    assert "none had laid a bet" in draw_card(card)


def test_a_bet_is_never_replaced(tmp_path: Path) -> None:
    here = Round(tmp_path)
    here.read()
    (first,) = here.bets()
    here.read()
    assert [bet.ranking_id for bet in here.bets()] == [first.ranking_id]


@pytest.mark.parametrize(
    ("chosen", "is_agreed", "said"),
    [
        ("Brahms", True, "Before your vote the ranker had bet on it with 73%: you agreed."),
        ("Ada", False, "Before your vote the ranker had bet on Brahms with 73%: you saw it differently."),
    ],
)
def test_the_card_tells_the_choice_and_whether_the_ranker_agreed(
    tmp_path: Path, chosen: str, is_agreed: bool, said: str
) -> None:
    here = Round(tmp_path)
    here.read()
    card = here.vote_for(chosen)
    assert card.vote is not None
    # 100 characters more are a log odds of 1, and 1 / (1 + exp(-1)) = .731.
    assert card.vote.bet is not None
    assert card.vote.bet.chance == pytest.approx(0.731, abs=0.001)
    assert card.vote.is_agreed is is_agreed
    assert card.chosen is not None
    assert card.chosen.member == chosen
    assert said in draw_card(card).replace("&#x27;", "'")
    assert [view.is_chosen for view in here.blend.page(here.visit).columns] == [
        name == chosen for name in here.visit.columns
    ]


def test_a_tie_takes_no_side(tmp_path: Path) -> None:
    here = Round(tmp_path)
    here.read()
    card = here.vote(Choice.TIE)
    assert card.vote is not None
    assert card.vote.is_agreed is None
    assert "Equally good" in draw_card(card)
    assert "you took no side" in draw_card(card)


def test_the_card_tells_how_ratings_moved(tmp_path: Path) -> None:
    here = Round(tmp_path)
    card = here.vote_for("Ada")
    moves = {row.member: row.move for row in card.rows}
    assert moves["Ada"] is not None
    assert moves["Brahms"] is not None
    assert moves["Ada"].before is None  # nobody had compared the two
    assert moves["Ada"].after == pytest.approx(-moves["Brahms"].after)
    assert moves["Ada"].after > 0
    before = moves["Ada"].after
    # A second round: what was the rating after the first vote is the one before the second.
    visit = here.blend.ask(here.visit, "And coffee?", "").visit
    for number in range(2):
        list(here.blend.stream(visit, number))
    here.visit = here.blend.settle(visit)
    moved = next(row.move for row in here.vote_for("Brahms").rows if row.member == "Ada")
    assert moved is not None
    assert moved.before == pytest.approx(before)
    assert moved.after == pytest.approx(0.0, abs=1e-6)


def test_a_reload_shows_the_same_card(tmp_path: Path) -> None:
    here = Round(tmp_path)
    here.read()
    before = draw_card(here.vote_for("Ada"))
    here.visit = here.blend.open(here.memory).visit
    assert draw_card(here.card()) == before


def test_after_undo_the_card_has_no_vote(tmp_path: Path) -> None:
    here = Round(tmp_path)
    here.vote_for("Ada")
    here.visit = here.blend.undo(here.visit).visit
    card = here.card()
    assert card.vote is None
    assert card.chosen is None


def test_who_looks_without_voting_is_told_names_alone(tmp_path: Path) -> None:
    here = Round(tmp_path)
    here.read()
    here.visit = here.blend.reveal(here.visit).visit
    card = here.card()
    drawn = draw_card(card)
    assert {row.member for row in card.rows} == set(ANSWERS)
    assert "You looked without voting" in drawn
    assert "73" not in drawn
