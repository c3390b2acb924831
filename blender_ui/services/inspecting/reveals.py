"""What a vote reveals: who wrote what, what the ranker had bet, and how the vote moved the members' ratings.

Invariant: nothing is told of a prompt to somebody who has not voted on it, and what is told follows from the
rows alone, so a reload shows the same. Non-goal: laying bets, which ``services.ranking.bets`` does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.services.inspecting.member_ratings import MemberRatings
from blender_ui.services.ranking.rows import RankingView, view_ranking
from blender_ui.votes.moves import RatingMove
from db.engine import transaction
from db.models import Outcome
from db.queries import ballots, bets, preferences
from db.queries.preferences import LastVote


@dataclass(frozen=True, kw_only=True)
class BetView:
    """What the ranker expected of a vote.

    Attributes:
        favoured_id: The candidate that it put first of those voted on.
        chance: With which probability it held that one better, by both orders of showing the two, in [.5, 1];
            None where more than two answers were voted on.
        version_id: Of the ranker.
    """

    favoured_id: int
    chance: float | None
    version_id: int


@dataclass(frozen=True, kw_only=True)
class VotedAnswer:
    """An answer that a vote spoke of.

    Attributes:
        place: 1 is best; equal places tie.
    """

    candidate_id: int
    member: str
    place: int


@dataclass(frozen=True, kw_only=True)
class RevealView:
    """A vote, and the bet on it.

    Attributes:
        preference_id: The last preference that follows from the vote.
        answers: As they were shown.
        is_both_bad: Whether neither of the two was good enough.
        bet: None where no ranker had read the answers in time.
    """

    preference_id: int
    answers: tuple[VotedAnswer, ...]
    is_both_bad: bool
    bet: BetView | None

    @property
    def chosen_id(self) -> int | None:
        """The candidate that was voted best; None where several share the first place or both are bad."""
        best = [one.candidate_id for one in self.answers if one.place == 1]
        return best[0] if len(best) == 1 and not self.is_both_bad else None

    @property
    def is_agreed(self) -> bool | None:
        """Whether the ranker had put the chosen one first; None without a bet or a choice."""
        if self.bet is None or self.chosen_id is None:
            return None
        return self.bet.favoured_id == self.chosen_id


class Reveals:
    """Tells what came of votes; safe to share between threads.

    Args:
        engine: The store.
        ratings: Rates the members.
    """

    def __init__(self, engine: Engine, *, ratings: MemberRatings) -> None:
        self._engine = engine
        self._ratings = ratings

    def find(self, *, prompt_id: int, annotator_id: int) -> RevealView | None:
        """An annotator's last standing vote on a prompt; None where there is none."""
        with transaction(self._engine) as session:
            vote = preferences.find_last_vote(session, prompt_id=prompt_id, annotator_id=annotator_id)
            if vote is None:
                return None
            answers = _list_answers(session, vote)
            return RevealView(
                preference_id=vote.preference_id,
                answers=answers,
                is_both_bad=vote.outcome is Outcome.BOTH_BAD,
                bet=_find_bet(session, vote, [one.candidate_id for one in answers]),
            )

    def moves(self, reveal: RevealView) -> tuple[RatingMove, ...]:
        """How the vote moved the ratings of all members that people had compared by then."""
        return self._ratings.moved_by(reveal.preference_id)


def _list_answers(session: Session, vote: LastVote) -> tuple[VotedAnswer, ...]:
    if vote.ballot_id is not None:
        ballot = ballots.get(session, ballot_id=vote.ballot_id)
        members = ballots.get_answers(session, ballot=ballot).members
        shown = zip(ballot.shown, members, ballot.places or [], strict=True)
        return tuple(VotedAnswer(candidate_id=id_, member=name, place=place) for id_, name, place in shown)
    left, right = {Outcome.LEFT: (1, 2), Outcome.RIGHT: (2, 1)}.get(vote.outcome, (1, 1))
    return (
        VotedAnswer(candidate_id=vote.left_id, member=vote.left_member, place=left),
        VotedAnswer(candidate_id=vote.right_id, member=vote.right_member, place=right),
    )


def _find_bet(session: Session, vote: LastVote, candidate_ids: list[int]) -> BetView | None:
    bet = None if vote.lease_id is None else bets.find(session, lease_id=vote.lease_id)
    if bet is None:
        return None
    ranking = view_ranking(session, bet.ranking_id)
    ranked = [entry.candidate_id for entry in ranking.entries if entry.candidate_id in candidate_ids]
    if len(ranked) != len(candidate_ids):
        return None
    favoured, chance = ranked[0], None
    if len(ranked) == 2:
        chance = _chance(ranking, *ranked)
        # By the pair itself: what was put first among all may lose against one of them.
        favoured, chance = (ranked[0], chance) if chance >= 0.5 else (ranked[1], 1 - chance)
    return BetView(favoured_id=favoured, chance=chance, version_id=ranking.version.id)


def _chance(ranking: RankingView, first_id: int, second_id: int) -> float:
    """That the first is preferred to the second, by the mean of both orders of showing the two."""
    place = {entry.candidate_id: number for number, entry in enumerate(ranking.entries)}
    first, second = place[first_id], place[second_id]
    margin = (ranking.logits[first][second] - ranking.logits[second][first]) / 2
    return 0.5 * (1 + math.tanh(margin / 2))
