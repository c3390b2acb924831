"""Ranking the answers to a prompt with the active version.

Invariant: every shown ranking is stored with both orders of every pair, its version, and the last vote
that the version had learnt from. An answer is read once for each reader, and a pair
once for each joint version. Non-goal: training versions; nothing here imports torch.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import BlenderError, NoRanker, RankerError
from blender_ui.evidence.answers import gather
from blender_ui.language import tr
from blender_ui.ranking.aggregation import Policy
from blender_ui.services.after_vote import Background
from blender_ui.services.asking.answering import CandidateUpdate
from blender_ui.services.asking.rounds import PromptView
from blender_ui.services.ranking.live_head import LiveHead, LiveRanker
from blender_ui.services.ranking.opening import load_fast
from blender_ui.services.ranking.readings import read_answers, read_missing
from blender_ui.services.ranking.rows import (
    Entrants,
    RankingView,
    entrants_of,
    load_entrants,
    save_ranking,
    view_ranking,
)
from blender_ui.services.versions.model_versions import VersionView, find_active_version, get_version
from blender_ui.services.versions.readiness import measure_readiness
from blender_ui.services.versions.serving_version import Serving
from blender_ui.values import FloatArray, RankingPrompt
from db.engine import transaction
from db.models import Candidate
from db.queries import rankings

_log = logging.getLogger(__name__)


class RankingService:
    """Ranks candidates, and keeps rankings.

    Args:
        engine: The store.
        process: Holds the models that read.
        live_head: The active fast version, as refitted after the latest votes.
        rankers_path: Folder of the checkpoints.
        policy: How pairwise logits become scores.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        process: EngineProcess,
        live_head: LiveHead,
        rankers_path: Path,
        policy: Policy = "max_logits",
    ) -> None:
        self._engine = engine
        self._process = process
        self._live_head = live_head
        self._rankers_path = rankers_path
        self._policy: Policy = policy
        self._reading = threading.Lock()
        self._read_soon = Background(self._read_wanted, name="answers-read-early")
        self._wanted: list[tuple[int, Sequence[int] | None]] = []
        """A candidate, and which of its prompt's are read; None for all answers of members."""

    def active(self) -> VersionView | None:
        """The version that ranks where its checkpoint is good; None before the first was promoted."""
        with transaction(self._engine) as session:
            return find_active_version(session)

    def rank(
        self,
        *,
        prompt_id: int,
        candidate_ids: Sequence[int] | None = None,
        version_id: int | None = None,
    ) -> RankingView:
        """Rank candidates of a prompt with a version, and keep the ranking.

        Asked again with nothing learnt in between, it gives the ranking that is there.

        Args:
            prompt_id: The prompt.
            candidate_ids: Which of its candidates; None for all answers of members.
            version_id: A version as it was trained; None for the active one as it has learnt since.

        Raises:
            NoRanker: Before a version was promoted; the message says what is needed.
            NotFound: If there is no such prompt, candidate or version.
            RankerError: If a model or checkpoint failed.
        """
        with transaction(self._engine) as session:
            entrants = load_entrants(session, prompt_id=prompt_id, candidate_ids=candidate_ids)
        return self._rank(entrants, version_id)

    def rank_answers(self, answers: PromptView) -> RankingView:
        """Rank answers that were read already, with the active version; else as ``rank``."""
        return self._rank(entrants_of(answers), None)

    def compare_texts(
        self, prompt: RankingPrompt, texts: Sequence[str], *, members: Sequence[str]
    ) -> FloatArray:
        """What the active version says of n texts beside each other, shape (n, n); stores nothing.

        Raises:
            NoRanker: Before a version was promoted.
            RankerError: If a model or checkpoint failed.
        """
        version = self.get_active()
        try:
            return self._compare_texts(version, prompt, texts, members)
        except RankerError:
            if not self._live_head.note_failure(version):
                raise
        return self._compare_texts(self.get_active(), prompt, texts, members)

    def _compare_texts(
        self, version: VersionView, prompt: RankingPrompt, texts: Sequence[str], members: Sequence[str]
    ) -> FloatArray:
        if version.reader_fingerprint is None:
            return self._process.pairwise_logits(self._rankers_path / version.path, prompt, texts)
        readings = read_answers(self._process, prompt, texts, fingerprint=version.base_fingerprint)
        ranker, evidence = self._live_head.current(version).ranker, gather(prompt, texts, members)
        return ranker.pairwise_logits(readings, members, prompt, evidence=evidence)

    def _rank(self, entrants: Entrants, version_id: int | None) -> RankingView:
        serving = self._find_serving() if version_id is None else Serving(self._get_version(version_id))
        try:
            view = self._rank_by(serving.version, entrants, version_id)
        except RankerError:
            if version_id is not None or not self._live_head.note_failure(serving.version):
                raise
            serving = self._find_serving()
            view = self._rank_by(serving.version, entrants, version_id)
        return replace(view, notice=serving.notice)

    def _rank_by(self, version: VersionView, entrants: Entrants, version_id: int | None) -> RankingView:
        """Rank by a version; as it was trained where its id was asked for."""
        live = None
        if version.reader_fingerprint is not None:
            live = self._live_head.current(version) if version_id is None else self._load_trained(version)
        refitted_preference_id = live.refitted_preference_id if live is not None else None
        with transaction(self._engine) as session:
            known_id = rankings.find_id(
                session,
                prompt_id=entrants.prompt_id,
                version_id=version.id,
                refitted_preference_id=refitted_preference_id,
                candidate_ids=entrants.candidate_ids,
            )
            if known_id is not None and (live is None or live.gave(known_id)):
                return view_ranking(session, known_id)
        uncertainty: FloatArray | None = None
        if live is not None:
            readings = self._read(entrants, version)
            logits, uncertainty = live.compare(entrants, readings)
        else:
            logits = self._compare_jointly(version, entrants)
        with transaction(self._engine, immediate=True) as session:
            ranking_id = save_ranking(
                session,
                entrants,
                version_id=version.id,
                logits=logits,
                uncertainty=uncertainty,
                policy=self._policy,
                refitted_preference_id=refitted_preference_id,
            )
            view = view_ranking(session, ranking_id)
        if live is not None:
            live.ranking_ids.add(ranking_id)
        return view

    def read_soon(self, member_name: str, update: CandidateUpdate) -> None:
        """Read a stored answer in the background, so that ranks wait for the last one alone.

        ``Blending`` calls it; an answer that is the only one is not read.
        """
        if update.candidate_id is not None:
            self._wanted.append((update.candidate_id, None))
            self._read_soon()

    def read_ranked_soon(self, candidate_ids: Sequence[int]) -> None:
        """Read a stored ranking's answers in the background, so that it can be said why it is so."""
        self._wanted.append((candidate_ids[0], tuple(candidate_ids)))
        self._read_soon()

    def learn_soon(self) -> None:
        """Say that votes came or went; the live head follows in the background."""
        self._live_head.refit_soon()

    def warm_up(self) -> None:
        """Load the reader in the background where the active version needs it."""
        version = self.active()
        if version is not None and version.reader_fingerprint is not None:
            self._process.warm_up()

    def close(self) -> None:
        """Forget what is wanted in the background; what is being read is read to its end."""
        self._wanted.clear()
        self._read_soon.close()

    def get_active(self) -> VersionView:
        """The version that ranks now.

        Raises:
            NoRanker: Before a version was promoted; the message says what is needed.
        """
        return self._find_serving().version

    def _find_serving(self) -> Serving:
        serving = self._live_head.find_serving()
        if serving is not None:
            return serving
        with transaction(self._engine) as session:
            readiness = measure_readiness(session)
        action = tr("Train one on the Train page: ") if readiness.is_ready else ""
        raise NoRanker(
            tr("No ranker has been trained yet. {action}{reason}", action=action, reason=readiness.reason)
        )

    def _read(self, entrants: Entrants, version: VersionView) -> FloatArray:
        """One at a time: who ranks waits for what is being read early, and does not read it again."""
        with self._reading:
            return read_missing(self._engine, self._process, entrants, fingerprint=version.base_fingerprint)

    def _read_wanted(self) -> None:
        while self._wanted:
            # The latest question is the one that somebody waits for.
            candidate_id, beside = self._wanted.pop()
            version = self.active()
            if version is None or version.reader_fingerprint is None:
                continue
            try:
                with transaction(self._engine) as session:
                    prompt_id = session.get_one(Candidate, candidate_id).prompt_id
                    entrants = load_entrants(session, prompt_id=prompt_id, candidate_ids=beside)
                if len(entrants.candidate_ids) > 1:  # one answer has no rank
                    self._read(entrants, version)
            except BlenderError as error:
                _log.info("answers were not read early: %s", error)  # the ranking will say so on the page

    def _get_version(self, version_id: int) -> VersionView:
        with transaction(self._engine) as session:
            return get_version(session, version_id)

    def _load_trained(self, version: VersionView) -> LiveRanker:
        ranker = load_fast(version, self._rankers_path / version.path)
        return LiveRanker(version_id=version.id, ranker=ranker, refitted_preference_id=None)

    def _compare_jointly(self, version: VersionView, entrants: Entrants) -> FloatArray:
        """Logits of a joint version, shape (n, n); only pairs that it never read are read."""
        ids = entrants.candidate_ids
        with transaction(self._engine) as session:
            known = rankings.known_logits(session, prompt_id=entrants.prompt_id, version_id=version.id)
        logits = np.zeros((len(ids), len(ids)))
        pairs = [(i, j) for i in range(len(ids)) for j in range(len(ids)) if i != j]
        unread = [(i, j) for i, j in pairs if (ids[i], ids[j]) not in known]
        for i, j in pairs:
            logits[i, j] = known.get((ids[i], ids[j]), 0.0)
        if unread:
            folder = self._rankers_path / version.path
            values = self._process.read_pairs(folder, entrants.prompt, entrants.texts, unread)
            for (i, j), value in zip(unread, values, strict=True):
                logits[i, j] = value
        return logits
