"""Rankings as rows and as the views that pages get.

Invariant: a stored ranking holds both orders of every pair of its candidates, so it can be read again
without a model. Non-goal: where logits come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sqlmodel import Session

from blender_ui.conversations import read_prompt
from blender_ui.errors import NotFound
from blender_ui.language import tr
from blender_ui.members.seats import Seat
from blender_ui.ranking.aggregation import Policy, rank_scores, score_candidates
from blender_ui.services.asking.rounds import PromptView
from blender_ui.services.candidates import FUSION_BACKEND, get_prompt, key_of
from blender_ui.services.versions.model_versions import VersionView, get_version
from blender_ui.values import FloatArray, RankingPrompt
from db.models import PairwiseLogit, Ranking, RankingEntry
from db.queries import candidates, rankings

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class RankedView:
    """One candidate's place."""

    candidate_id: int
    member: str
    """With the number of its answer from the second on, see ``members.seats``."""
    score: float
    """Higher is better; comparable within one ranking only."""
    rank: int
    """1 is best; equal scores share a rank."""


@dataclass(frozen=True, kw_only=True)
class RankingView:
    """One version's decision about the candidates of a prompt."""

    ranking_id: int
    prompt_id: int
    version: VersionView
    policy: str
    entries: tuple[RankedView, ...]
    """Best first."""
    logits: Matrix
    """Shape (n, n) in the entries' order: natural-log odds that row, shown first, beats column."""
    uncertainty: Matrix | None
    """Standard deviations of the logits, same shape; None where the ranker knows none."""
    refitted_preference_id: int | None
    """Last preference that the live head had learnt from; None for the version as trained."""
    notice: str = ""
    """Why another version than the active one ranked; empty where the active one did."""


class Entrants(NamedTuple):
    """What is to be ranked: n candidates of one prompt, in the order of their ids."""

    prompt_id: int
    prompt: RankingPrompt
    candidate_ids: tuple[int, ...]
    texts: tuple[str, ...]
    members: tuple[str, ...]


def entrants_of(answers: PromptView) -> Entrants:
    """The answers of a prompt that were read already, to rank."""
    ordered = sorted(answers.candidates, key=lambda candidate: candidate.candidate_id)
    return Entrants(
        prompt_id=answers.prompt_id,
        prompt=read_prompt(answers),
        candidate_ids=tuple(candidate.candidate_id for candidate in ordered),
        texts=tuple(candidate.text for candidate in ordered),
        members=tuple(candidate.member for candidate in ordered),
    )


def load_entrants(session: Session, *, prompt_id: int, candidate_ids: Sequence[int] | None) -> Entrants:
    """The candidates to rank: those asked for, or all answers of members to the prompt.

    Raises:
        NotFound: If there is no such prompt, no candidate, or one that is not of this prompt.
    """
    prompt = get_prompt(session, prompt_id)
    rows = [
        row
        for row in candidates.list_answers(session, prompt_id=prompt_id)
        if (row.candidate.id in candidate_ids if candidate_ids is not None else row.backend != FUSION_BACKEND)
    ]
    if candidate_ids is not None and len(rows) != len(set(candidate_ids)):
        raise NotFound(
            tr(
                "expected candidates of prompt {prompt_id}, came {set}",
                prompt_id=prompt_id,
                set=sorted(set(candidate_ids)),
            )
        )
    if not rows:
        raise NotFound(
            tr("prompt {prompt_id} has no answer to rank; ask the members again", prompt_id=prompt_id)
        )
    return Entrants(
        prompt_id=prompt_id,
        prompt=read_prompt(prompt),
        candidate_ids=tuple(key_of(row.candidate.id) for row in rows),
        texts=tuple(row.candidate.text for row in rows),
        members=tuple(row.member for row in rows),
    )


def save_ranking(
    session: Session,
    entrants: Entrants,
    *,
    version_id: int,
    logits: FloatArray,
    uncertainty: FloatArray | None,
    policy: Policy,
    refitted_preference_id: int | None,
) -> int:
    """Write a ranking with its entries and both orders of every pair; gives its id.

    Args:
        session: Of the caller's transaction.
        entrants: The n candidates.
        version_id: The version that gave the logits.
        logits: Shape (n, n), in the entrants' order.
        uncertainty: Same shape, or None.
        policy: How logits become scores.
        refitted_preference_id: See ``RankingView``.
    """
    scores = score_candidates(logits, policy=policy)
    ranks = rank_scores(scores)
    ranking = Ranking(
        prompt_id=entrants.prompt_id,
        ranker_version_id=version_id,
        refitted_preference_id=refitted_preference_id,
        policy=policy,
    )
    session.add(ranking)
    session.flush()
    assert ranking.id is not None
    ids = entrants.candidate_ids
    session.add_all(
        RankingEntry(ranking_id=ranking.id, candidate_id=id_, score=float(score), rank=int(rank))
        for id_, score, rank in zip(ids, scores, ranks, strict=True)
    )
    session.add_all(
        PairwiseLogit(
            ranking_id=ranking.id,
            first_id=ids[i],
            second_id=ids[j],
            logit=float(logits[i, j]),
            uncertainty=None if uncertainty is None else float(uncertainty[i, j]),
        )
        for i in range(len(ids))
        for j in range(len(ids))
        if i != j
    )
    session.flush()
    return ranking.id


def view_ranking(session: Session, ranking_id: int) -> RankingView:
    """A stored ranking, best candidate first.

    Raises:
        NotFound: If there is none of this id.
    """
    ranking = session.get(Ranking, ranking_id)
    if ranking is None:
        raise NotFound(tr("there is no ranking {ranking_id}", ranking_id=ranking_id))
    entries = tuple(
        RankedView(
            candidate_id=entry.candidate_id,
            member=Seat(name, sample).label,
            score=entry.score,
            rank=entry.rank,
        )
        for entry, name, sample in rankings.list_entries(session, ranking_id=ranking_id)
    )
    logits, uncertainty = _load_matrices(session, ranking_id, [entry.candidate_id for entry in entries])
    return RankingView(
        ranking_id=ranking_id,
        prompt_id=ranking.prompt_id,
        version=get_version(session, ranking.ranker_version_id),
        policy=ranking.policy,
        entries=entries,
        logits=logits,
        uncertainty=uncertainty,
        refitted_preference_id=ranking.refitted_preference_id,
    )


def _load_matrices(session: Session, ranking_id: int, ids: Sequence[int]) -> tuple[Matrix, Matrix | None]:
    place = {candidate_id: index for index, candidate_id in enumerate(ids)}
    logits = np.zeros((len(ids), len(ids)))
    uncertainty = np.zeros_like(logits)
    is_known = True
    for row in rankings.list_logits(session, ranking_id=ranking_id):
        i, j = place[row.first_id], place[row.second_id]
        logits[i, j] = row.logit
        is_known = is_known and row.uncertainty is not None
        uncertainty[i, j] = row.uncertainty or 0.0
    return _freeze(logits), _freeze(uncertainty) if is_known else None


def _freeze(matrix: FloatArray) -> Matrix:
    return tuple(tuple(float(value) for value in row) for row in matrix)
