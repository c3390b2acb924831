"""Votes on served answers become preferences with their policy and propensity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlmodel import select

from blender_ui.errors import MalformedInput, NotFound, Refused
from blender_ui.services.serving.served_votes import (
    SERVED,
    THUMB,
    THUMB_STRENGTH,
    ServedVote,
    ServedVotes,
    Verdict,
    Voter,
)
from db.engine import transaction
from db.models import (
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Lease,
    LeaseStatus,
    ModelKind,
    ModelRole,
    ModelVersion,
    Outcome,
    Preference,
    Ranking,
    RankingEntry,
)
from tests.builders.rows import answer, member, person, prompt, save
from tests.builders.stores import Clock, make_labeling, make_store


class Served:
    """A store in which a program was served three answers to its question, the second ranked best."""

    def __init__(self, folder: Path, texts: Sequence[str] = ("a", "b", "c")) -> None:
        self.engine, self.clock, self.n_told = make_store(folder), Clock(), 0
        self.labeling = make_labeling(self.engine, self.clock)
        self.votes = ServedVotes(self.engine, pairs=self.labeling, clock=self.clock, after_vote=self.tell)
        with transaction(self.engine, immediate=True) as session:
            bot, other = save(session, [person("bot", kind=AnnotatorKind.JUDGE), person("other")])
            members = save(session, [member(name) for name in "xyz"])
            (asked,) = save(session, [prompt("Why?", asked_by_id=bot.id)])
            made = save(
                session, [answer(asked.id, one.id, text) for one, text in zip(members, texts, strict=False)]
            )
            self.bot, self.other, self.prompt_id = int(bot.id or 0), int(other.id or 0), asked.id
            self.ids = [int(one.id or 0) for one in made]

    def tell(self) -> None:
        self.n_told += 1

    def rank(self, *order: int) -> None:
        """Rank the answers by their places."""
        with transaction(self.engine, immediate=True) as session:
            (version,) = save(
                session,
                [
                    ModelVersion(
                        role=ModelRole.RANKER, kind=ModelKind.FAST, base_model="b", base_fingerprint="b",
                        fingerprint="f", path="p", cut_off_preference_id=0, n_train=1, n_held_out=1,
                        code_version="0",
                    )
                ],
            )  # fmt: skip
            (ranking,) = save(
                session,
                [Ranking(prompt_id=self.prompt_id, ranker_version_id=version.id, policy="max_logits")],
            )
            save(
                session,
                [
                    RankingEntry(ranking_id=ranking.id, candidate_id=self.ids[place], score=-rank, rank=rank)
                    for rank, place in enumerate(order, start=1)
                ],
            )

    def vote(self, place: int, verdict: str, other: int | None = None, user: str = "", **more: object) -> int:
        other_id = None if other is None else self.ids[other]
        vote = ServedVote(answer_id=self.ids[place], other_id=other_id, verdict=Verdict(verdict), **more)
        return self.votes.vote(vote, by=Voter(self.bot, "bot", user)).preference_id

    def said(self) -> list[tuple[int | None, int | None, str]]:
        """Of each standing preference who won, who lost, and what was said."""
        with transaction(self.engine) as session:
            rows = session.exec(
                select(Preference, Comparison)
                .join(Comparison, Comparison.id == Preference.comparison_id)
                .where(Preference.retracted_at.is_(None))
                .order_by(Preference.id)
            )
            return [_told(self.ids, *row) for row in rows]

    def rows(self, table: type) -> list:
        with transaction(self.engine) as session:
            return list(session.exec(select(table)).all())


def _told(
    ids: list[int], preference: Preference, comparison: Comparison
) -> tuple[int | None, int | None, str]:
    left, right = ids.index(comparison.left_id), ids.index(comparison.right_id)
    if preference.outcome is Outcome.LEFT:
        return left, right, "wins"
    if preference.outcome is Outcome.RIGHT:
        return right, left, "wins"
    return None, None, preference.outcome.value


def test_a_verdict_on_two_answers_is_a_preference_whichever_side_they_stand_on(tmp_path: Path) -> None:
    served = Served(tmp_path)
    served.vote(0, "better", 1)
    served.vote(0, "worse", 2)
    served.vote(1, "tie", 2)
    assert served.said() == [(0, 1, "wins"), (2, 0, "wins"), (None, None, "tie")]
    assert {lease.policy for lease in served.rows(Lease)} == {SERVED}
    assert {lease.status for lease in served.rows(Lease)} == {LeaseStatus.ANSWERED}
    assert served.n_told == 3


def test_a_thumb_counts_against_the_answer_that_would_have_been_shown_at_half_strength(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path)
    served.rank(1, 2, 0)
    served.vote(1, "better")
    assert served.said() == [(1, 2, "wins")]
    served.vote(2, "worse")
    assert served.said()[-1] == (1, 2, "wins")
    (first, second) = served.rows(Preference)
    assert first.strength == second.strength == THUMB_STRENGTH
    assert served.rows(Lease)[0].policy == THUMB


def test_the_propensity_is_that_with_which_both_members_were_asked(tmp_path: Path) -> None:
    served = Served(tmp_path)
    with transaction(served.engine, immediate=True) as session:
        session.get_one(Candidate, served.ids[0]).propensity = 0.5
        session.get_one(Candidate, served.ids[1]).propensity = 0.4
    served.vote(0, "better", 1)
    served.vote(0, "better", 2)
    assert [lease.propensity for lease in served.rows(Lease)] == pytest.approx([0.2, 0.5])


def test_a_vote_takes_no_place_of_the_people_who_label(tmp_path: Path) -> None:
    served = Served(tmp_path)
    served.labeling.queue_prompt(prompt_id=served.prompt_id)
    before = served.labeling.progress(annotator_id=served.other).n_open
    served.vote(0, "better", 1)
    served.vote(0, "better", 1)
    assert served.labeling.progress(annotator_id=served.other).n_open == before
    assert sorted((one.n_taken, one.overlap) for one in served.rows(Comparison)) == [(0, 1), (0, 1), (1, 2)]


def test_a_vote_given_anew_supersedes_the_earlier_one_and_the_same_key_is_the_same_vote(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path)
    first = served.vote(0, "better", 1, idempotency_key="k")
    assert served.vote(0, "better", 1, idempotency_key="k") == first
    second = served.vote(1, "better", 0)
    assert served.said() == [(1, 0, "wins")]
    earlier, later = served.rows(Preference)
    assert (earlier.superseded_by_id, later.id) == (second, second)
    assert earlier.retracted_at is not None
    assert len(served.rows(Lease)) == 1


def test_votes_of_programs_and_of_the_people_they_serve_are_told_apart(tmp_path: Path) -> None:
    served = Served(tmp_path)
    served.vote(0, "better", 1)
    served.vote(0, "worse", 1, user="ada@example.org")
    served.vote(0, "tie", 1, user="grace@example.org")
    served.vote(0, "worse", 2, user="ada@example.org")
    voters = {one.id: one for one in served.rows(Annotator)}
    kinds = [voters[one.annotator_id].kind for one in served.rows(Preference)]
    assert kinds == ["judge", "human", "human", "human"]
    people = [one for one in voters.values() if one.kind is AnnotatorKind.HUMAN and one.id != served.other]
    assert len(people) == 2
    assert not any("ada" in one.name + one.key for one in people)
    assert len(served.said()) == 4


def test_a_program_votes_on_what_it_was_served_alone(tmp_path: Path) -> None:
    served = Served(tmp_path)
    vote = ServedVote(answer_id=served.ids[0], other_id=served.ids[1], verdict=Verdict.BETTER)
    with pytest.raises(NotFound, match="was served to the key other"):
        served.votes.vote(vote, by=Voter(served.other, "other"))
    with pytest.raises(NotFound, match="not two of one prompt"):
        served.vote(0, "better", 0)
    with pytest.raises(NotFound, match="no answer 999"):
        served.votes.vote(
            ServedVote(answer_id=999, other_id=None, verdict=Verdict.BETTER), by=Voter(served.bot, "bot")
        )
    assert served.rows(Preference) == []


def test_where_there_is_nothing_to_prefer_the_refusal_says_that_nothing_was_stored(tmp_path: Path) -> None:
    alone = Served(tmp_path / "alone", texts=["a"])
    with pytest.raises(Refused, match="stands alone"):
        alone.vote(0, "better")
    same = Served(tmp_path / "same", texts=["a", "a "])
    with pytest.raises(Refused, match="same text"):
        same.vote(0, "better", 1)
    with pytest.raises(Refused, match="stands alone"):
        same.vote(0, "better")
    assert alone.rows(Preference) == same.rows(Preference) == []


@pytest.mark.parametrize(
    "more", [{"strength": 1.5}, {"strength": 0.0}, {"idempotency_key": "k" * 97}, {"reason": "x" * 10_001}]
)
def test_a_field_out_of_range_is_refused(tmp_path: Path, more: dict[str, object]) -> None:
    served = Served(tmp_path)
    with pytest.raises(MalformedInput):
        served.vote(0, "better", 1, **more)
    with pytest.raises(MalformedInput):
        served.vote(0, "tie", 1, strength=0.5)
