"""Lists of members that were compared, with fused and best-ranked answers beside them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.errors import NotFound
from blender_ui.services.candidates import FUSION_BACKEND
from blender_ui.services.inspecting.leaderboard import BoardWish, Contribution, Leaderboard
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.votes.leaderboard import Entrant, Entry
from blender_ui.votes.views import BEST_RANKED
from db.engine import transaction
from db.models import ModelKind, ModelRole, ModelVersion, Outcome, Project, Ranking, RankingEntry
from tests.builders.rows import answer, member, pair, person, prompt, save, vote
from tests.builders.stores import make_store

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Votes:
    """A store in which prompts with two answers and one vote are written."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.n = engine, 0
        self.board = Leaderboard(engine, table=PreferenceTable(engine))
        with transaction(engine, immediate=True) as session:
            names = ("a", "b", "c", "d")
            fused = member("fused by x", backend=FUSION_BACKEND)
            rows = save(session, [*(member(one) for one in names), fused])
            self.members = {one.name: one.id for one in rows}
            self.people = [one.id for one in save(session, [person("Ada"), person("Bo")])]
            version = ModelVersion(
                role=ModelRole.RANKER, kind=ModelKind.FAST, base_model="b", base_fingerprint="b",
                fingerprint="f", path="p", cut_off_preference_id=0, n_train=1, n_held_out=1, code_version="1",
            )  # fmt: skip
            (project,) = save(session, [Project(name="Other")])
            self.project_id = project.id
            (saved,) = save(session, [version])
            self.version_id = saved.id

    def add(
        self, winner: str, loser: str, *, n: int = 1, who: int = 0, ranked: int = 0, project_id: int = 1
    ) -> None:
        """Votes on new prompts.

        ``ranked`` is how many hours after the vote a ranking put the winner first: before it, if negative; 0
        for none.
        """
        with transaction(self.engine, immediate=True) as session:
            for _ in range(n):
                self.n += 1
                (asked,) = save(session, [prompt(f"Question {self.n}?", project_id=project_id)])
                wrote = (self.members[winner], self.members[loser])
                sides = save(session, [answer(asked.id, one, f"{one}") for one in wrote])
                ids = [one.id for one in sides]
                (shown,) = save(session, [pair(asked.id, *ids, project_id=project_id)])
                save(session, [vote(shown.id, self.people[who], Outcome.LEFT, created_at=NOW)])
                if ranked:
                    at = NOW + timedelta(hours=ranked)
                    made = Ranking(
                        prompt_id=asked.id or 0, ranker_version_id=self.version_id or 0, policy="max_logits",
                        created_at=at,
                    )  # fmt: skip
                    (saved,) = save(session, [made])
                    save(
                        session,
                        [
                            RankingEntry(ranking_id=saved.id, candidate_id=id_, score=-rank, rank=rank)
                            for rank, id_ in enumerate(ids, start=1)
                        ],
                    )


@pytest.fixture
def votes(tmp_path: Path) -> Iterator[Votes]:
    engine = make_store(tmp_path)
    yield Votes(engine)
    engine.dispose()


def names(entries: tuple[Entry, ...]) -> list[str]:
    return [one.name for one in entries]


def test_members_that_never_met_are_in_lists_of_their_own(votes: Votes) -> None:
    votes.add("a", "b", n=20)
    votes.add("b", "a", n=3)
    votes.add("c", "d", n=6)
    first, second = votes.board.board().lists
    assert (names(first), names(second)) == (["a", "b"], ["c", "d"])
    assert [one.place for one in first] == [1, 2]
    assert first[0].low > 0.5 > first[1].high
    votes.add("a", "c")
    (one,) = votes.board.board().lists
    assert sorted(names(one)) == ["a", "b", "c", "d"]


def test_entries_that_the_intervals_do_not_tell_apart_share_a_place(votes: Votes) -> None:
    votes.add("a", "b", n=3)
    votes.add("b", "a", n=2)
    (entries,) = votes.board.board().lists
    assert [one.place for one in entries] == [1, 1]
    assert entries[0].chance + entries[1].chance == pytest.approx(1)


def test_a_fused_answer_is_an_entry_that_says_so(votes: Votes) -> None:
    votes.add("fused by x", "a", n=3)
    (entries,) = votes.board.board().lists
    assert {one.name: one.entrant for one in entries} == {
        "fused by x": Entrant.FUSED,
        "a": Entrant.MEMBER,
    }


def test_best_ranked_is_what_was_ranked_first_before_the_vote(votes: Votes) -> None:
    votes.add("a", "b", n=12, ranked=1)
    votes.add("b", "a", n=4)
    assert BEST_RANKED not in names(votes.board.board().lists[0])
    before = {one.name: one.chance for one in votes.board.board().lists[0]}
    votes.add("a", "b", n=6, ranked=-1)
    votes.add("b", "a", n=6, ranked=-1)
    (entries,) = votes.board.board().lists
    best = next(one for one in entries if one.entrant is Entrant.BEST_RANKED)
    assert (best.n, best.n_wins) == (12, 12)
    assert best.chance > 0.8
    assert {"a", "b"} < set(names(entries))
    assert before["a"] > 0.5, "a member keeps the votes on its answers that were ranked first"
    assert next(one.n for one in entries if one.name == "a") == 28


def test_a_project_alone_counts_its_own_prompts(votes: Votes) -> None:
    votes.add("a", "b", n=5)
    votes.add("b", "a", n=3, project_id=votes.project_id or 0)
    board = votes.board.board(BoardWish(project_id=votes.project_id))
    assert (names(board.lists[0]), board.n_preferences) == (["b", "a"], 3)
    assert len(votes.board.board(BoardWish(project_id=1)).lists) == 1


def test_what_somebody_contributed_is_of_the_lists_that_are_shown(votes: Votes) -> None:
    votes.add("a", "b", n=5)
    votes.add("a", "b", n=2, who=1, project_id=votes.project_id or 0)
    ada, bo = votes.people
    assert votes.board.contribution(ada or 0) == Contribution(5, 7, 5)
    inside = BoardWish(project_id=votes.project_id)
    assert votes.board.contribution(ada or 0, inside) == Contribution(0, 2, 0)
    assert votes.board.contribution(bo or 0, inside) == Contribution(2, 2, 2)


def test_a_kind_that_no_prompt_is_of_is_refused_by_name(votes: Votes) -> None:
    votes.add("a", "b")
    with pytest.raises(NotFound, match="Poems"):
        votes.board.board(BoardWish(kind="Poems"))
