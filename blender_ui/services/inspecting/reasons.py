"""Why a stored ranking put its answers in that order, and whether its version had learnt from the prompt.

Invariant: nobody waits for a model: unread answers are read in the background. Reasons add up to the
stored logits, or there are none.
Non-goals: words and sentences of a text (``what_if``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from blender_ui.conversations import read_prompt
from blender_ui.errors import RankerError
from blender_ui.evidence.answers import gather
from blender_ui.ranking.fast.ranker import GROUPS, FastRanker
from blender_ui.services.candidates import get_prompt
from blender_ui.services.ranking.live_head import LiveHead
from blender_ui.services.ranking.opening import load_fast
from blender_ui.services.ranking.readings import load_readings
from blender_ui.services.ranking.rows import RankingView, load_entrants
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.values import FloatArray, is_held_out
from db.engine import transaction
from db.queries import compared, readings

SAME = 1e-3
"""Logits that differ by less are the same: readings are kept in single precision."""

Parts = tuple[tuple[str, float], ...]
"""What each group of ``GROUPS`` adds to a logit, in natural-log odds."""


class Taught(StrEnum):
    """What the prompt of a ranking was to the version that ranked it."""

    LEARNT = "learnt"
    HELD_OUT = "held out"
    NEW = "new"


@dataclass(frozen=True, kw_only=True)
class Reasons:
    """Why a ranking is as it is.

    Attributes:
        ahead: By id of every answer but the first: what the first has before it. Empty where it is not known:
            a version that reads whole texts, an answer that was not read, a head that has learnt since.
        is_reading: Whether answers that were not read are being read now.
    """

    taught: Taught
    is_reading: bool = False
    ahead: Mapping[int, Parts] = field(default_factory=dict)


class Explaining:
    """Finds reasons.

    Args:
        engine: The store.
        live_head: The active fast version, as refitted after the latest votes.
        rankers_path: Folder of the checkpoints.
        read_soon: Has answers read in the background.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        live_head: LiveHead,
        rankers_path: Path,
        read_soon: Callable[[Sequence[int]], None],
    ) -> None:
        self._read_soon = read_soon
        self._asked: set[int] = set()
        self._engine = engine
        self._live_head = live_head
        self._rankers_path = rankers_path

    def find(self, ranking: RankingView) -> Reasons:
        """The reasons of a stored ranking.

        Raises:
            NotFound: If its prompt is gone.
        """
        taught, unread = self._find_taught(ranking), self._find_unread(ranking)
        if unread:
            return Reasons(taught=taught, is_reading=self._read_once(ranking))
        return Reasons(taught=taught, ahead=self._find_ahead(ranking))

    def _find_unread(self, ranking: RankingView) -> bool:
        fingerprint = ranking.version.reader_fingerprint
        if fingerprint is None:
            return False
        ids = [entry.candidate_id for entry in ranking.entries]
        with transaction(self._engine) as session:
            return bool(readings.list_unread(session, candidate_ids=ids, fingerprint=fingerprint))

    def _read_once(self, ranking: RankingView) -> bool:
        """Have a ranking's answers read, if its version ranks now and nobody asked before."""
        if ranking.version.is_active and ranking.ranking_id not in self._asked:
            self._asked.add(ranking.ranking_id)
            self._read_soon([entry.candidate_id for entry in ranking.entries])
        return ranking.ranking_id in self._asked

    def _find_taught(self, ranking: RankingView) -> Taught:
        version, up_to = ranking.version, ranking.refitted_preference_id
        scope = compared.Scope(up_to_id=up_to or version.cut_off_preference_id, project_id=version.project_id)
        with transaction(self._engine) as session:
            fingerprint = read_prompt(get_prompt(session, ranking.prompt_id)).first_turn_fingerprint
            is_voted_on = compared.is_voted_on(session, prompt_id=ranking.prompt_id, scope=scope)
        is_out = up_to is None and not version.is_start and is_held_out(fingerprint, share=HELD_OUT_SHARE)
        if is_out:
            return Taught.HELD_OUT
        is_start_alone = version.is_start and up_to is None  # strangers' votes taught it, none of this store
        return Taught.LEARNT if is_voted_on and not is_start_alone else Taught.NEW

    def _find_ahead(self, ranking: RankingView) -> dict[int, Parts]:
        ids = [entry.candidate_id for entry in ranking.entries]
        if len(ids) < 2 or ranking.version.reader_fingerprint is None:
            return {}
        try:
            ranker = self._find_ranker(ranking)
        except RankerError:  # a checkpoint that is gone; whoever ranks by it is told
            return {}
        if ranker is None:
            return {}
        with transaction(self._engine) as session:
            entrants = load_entrants(session, prompt_id=ranking.prompt_id, candidate_ids=ids)
            vectors = load_readings(session, ids, fingerprint=ranking.version.base_fingerprint)
        order = entrants.candidate_ids
        others = ids[1:]
        read = ranker.read_pairs(
            np.stack([vectors[one] for one in order]),
            entrants.members,
            [entrants.prompt] * len(order),
            first=np.full(len(others), order.index(ids[0])),
            second=np.array([order.index(one) for one in others]),
            evidence=gather(entrants.prompt, entrants.texts, entrants.members),
        )
        if not np.allclose(read.logits, ranking.logits[0][1:], atol=SAME):
            return {}
        return {one: _name(parts) for one, parts in zip(others, read.by_group, strict=True)}

    def _find_ranker(self, ranking: RankingView) -> FastRanker | None:
        """The head that ranked; None where it has learnt since."""
        version = ranking.version
        if ranking.refitted_preference_id is None:
            return load_fast(version, self._rankers_path / version.path)
        live = self._live_head.current(version)
        is_same = live.refitted_preference_id == ranking.refitted_preference_id
        return live.ranker if is_same else None


def _name(parts: FloatArray) -> Parts:
    return tuple((name, float(value)) for name, value in zip(GROUPS, parts, strict=True))
