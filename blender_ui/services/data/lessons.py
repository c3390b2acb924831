"""Judges each exported prompt for trainers' files: its votes in detail, and what the active ranker says.

Invariant: only rankings that are stored count, the last one of the active version for each prompt; no model
is asked while a file is written. Non-goal: the forms of the files, which are ``exchange.lessons``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import NoRanker
from blender_ui.exchange.lessons.judged import Detail, Judged, Mark, Scored
from blender_ui.ranking.aggregation import score_candidates
from blender_ui.ranking.chances import win_chances
from blender_ui.services.data.taking import Taken
from blender_ui.services.versions.model_versions import find_active_version
from db.engine import transaction
from db.queries import lessons
from db.queries.bulk import StoredLabel
from db.queries.lessons import Logit, VoteDetail


class Judge:
    """Judges the prompts of one export, a batch at a time.

    Args:
        session: That the export reads in.
        version_id: Whose rankings count; None for none.
    """

    def __init__(self, session: Session, *, version_id: int | None) -> None:
        self._session = session
        self._version_id = version_id
        self._last_id = 0
        self._details: dict[int, VoteDetail] = {}
        self._logits: dict[int, list[Logit]] = {}

    def judge(self, taken: Iterator[Taken], *, at_once: int) -> Iterator[Judged]:
        """What is known of each prompt, in their order."""
        for one in taken:
            if one.prompt_id > self._last_id:
                self._read(one.prompt_id, one.prompt_id + at_once)
            yield self._judge(one)

    def _read(self, first_id: int, last_id: int) -> None:
        bounds = {"first_id": first_id, "last_id": last_id}
        self._details = lessons.list_details_between(self._session, **bounds)
        if self._version_id is not None:
            self._logits = lessons.list_logits_between(self._session, version_id=self._version_id, **bounds)
        self._last_id = last_id

    def _judge(self, one: Taken) -> Judged:
        logits = self._logits.get(one.prompt_id)
        scores = _score(logits) if logits else {}
        return Judged(
            record=one.record,
            details=tuple(self._detail(label, one) for label in one.labels),
            scores=tuple(scores.get(candidate.candidate_id) for candidate in one.candidates),
            ranker=self._version_id if scores else None,
        )

    def _detail(self, label: StoredLabel, one: Taken) -> Detail:
        detail = self._details[label.preference_id]
        index_of = {candidate.candidate_id: index for index, candidate in enumerate(one.candidates)}
        sides = {"left": index_of[label.left_id], "right": index_of[label.right_id]}
        return Detail(
            policy=detail.policy,
            propensity=detail.propensity,
            marks=tuple(_mark(span, sides) for span in detail.spans),
        )


class Unranked:
    """Prompts that the active ranker did not rank yet.

    Args:
        engine: The store.
        rank: Ranks a prompt and keeps the ranking; None where nothing can.
    """

    def __init__(self, engine: Engine, *, rank: Callable[[int], object] | None) -> None:
        self._engine = engine
        self._rank = rank

    def count(self, *, project_id: int | None) -> int:
        """How many prompts with two answers or more, of a project or of all.

        Raises:
            NoRanker: Before a version was promoted.
        """
        return len(self._list(project_id))

    def rank(self, *, project_id: int | None) -> int:
        """Rank them; says how many. It takes a reading of each answer.

        Raises:
            NoRanker: Before a version was promoted.
            RankerError: If a model failed; what was ranked before stays.
        """
        prompts = self._list(project_id) if self._rank is not None else []
        for prompt_id in prompts:
            assert self._rank is not None
            self._rank(prompt_id)
        return len(prompts)

    def _list(self, project_id: int | None) -> list[int]:
        with transaction(self._engine) as session:
            return lessons.list_unranked(session, version_id=get_active_id(session), project_id=project_id)


def get_active_id(session: Session) -> int:
    """The ranker's version that serves.

    Raises:
        NoRanker: Before one was promoted.
    """
    active = find_active_version(session)
    if active is None:
        raise NoRanker("nothing ranks answers yet: the Train page says what a first ranker needs")
    return active.id


def _score(logits: Sequence[Logit]) -> dict[int, Scored]:
    ids = sorted({one.first_id for one in logits})
    place = {candidate_id: index for index, candidate_id in enumerate(ids)}
    matrix = np.zeros((len(ids), len(ids)))
    for one in logits:
        matrix[place[one.first_id], place[one.second_id]] = one.logit
    # Both orders' margins, halved: the log-odds of one comparison.
    scores, chances = score_candidates(matrix) / 2, win_chances(matrix)
    return {
        candidate_id: Scored(float(scores[index]), float(chances[index]))
        for candidate_id, index in place.items()
    }


def _mark(span: dict[str, Any], sides: dict[str, int]) -> Mark:
    return Mark(sides[span["side"]], span["start"], span["end"], span["text"], span["label"])
