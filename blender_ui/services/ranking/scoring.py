"""Compares answers that are not in the store, by the active version as it has learnt up to the latest vote.

Invariant: nothing is written, and what is given names the version, and the vote up to which it had learnt.
Non-goal: stored answers, which ``ranks`` ranks; versions as they were trained, which ``texts`` compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import NoRanker, RankerError
from blender_ui.evidence.answers import gather
from blender_ui.language import tr
from blender_ui.ranking.aggregation import score_candidates
from blender_ui.ranking.chances import win_chances
from blender_ui.services.ranking.live_head import LiveHead
from blender_ui.services.ranking.opening import open_version
from blender_ui.services.ranking.readings import read_answers
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.services.versions.readiness import measure_readiness
from blender_ui.values import FloatArray, RankingPrompt
from db.engine import transaction


class Scorer(NamedTuple):
    """Who compares.

    Attributes:
        refitted_preference_id: Last preference that it had learnt from; None for the version as trained.
    """

    version: VersionView
    refitted_preference_id: int | None


class Compared(NamedTuple):
    """What is said of n answers to one prompt.

    Attributes:
        logits: Shape (n, n): natural-log odds that row, shown first, beats column.
        scores: Shape (n,): mean margin over the others, higher is better; comparable within these n only.
        chances: Shape (n,): probability of beating another one of these, on average over them.
    """

    logits: FloatArray
    scores: FloatArray
    chances: FloatArray


class Scoring:
    """Compares texts; safe to share between threads.

    Args:
        engine: The store, for its versions.
        process: Holds the models that read.
        live_head: The active fast version, as refitted after the latest votes.
        rankers_path: Folder of the checkpoints.
    """

    def __init__(
        self, engine: Engine, *, process: EngineProcess, live_head: LiveHead, rankers_path: Path
    ) -> None:
        self._engine = engine
        self._process = process
        self._live_head = live_head
        self._rankers_path = rankers_path

    def find_scorer(self) -> Scorer:
        """Who compares now.

        Raises:
            NoRanker: Before a version was promoted.
        """
        serving = self._live_head.find_serving()
        if serving is None:
            with transaction(self._engine) as session:
                reason = measure_readiness(session).reason
            raise NoRanker(tr("No ranker has been trained yet. {reason}", reason=reason))
        version = serving.version
        if version.reader_fingerprint is None:
            return Scorer(version, None)
        return Scorer(version, self._live_head.current(version).refitted_preference_id)

    def compare(self, scorer: Scorer, prompt: RankingPrompt, texts: Sequence[str]) -> Compared:
        """Compare n answers to one prompt.

        Args:
            scorer: From ``find_scorer``.
            prompt: What they answer.
            texts: At least one.

        Raises:
            RankerError: If a model or checkpoint failed.
        """
        version, nobody = scorer.version, [""] * len(texts)
        if version.reader_fingerprint is None:
            opened = open_version(version, process=self._process, rankers_path=self._rankers_path)
            try:
                logits = opened.compare(prompt, texts, nobody)
            except RankerError:
                self._live_head.note_failure(version)  # the next request finds the last good one
                raise
        else:
            ranker = self._live_head.current(version).ranker
            vectors = read_answers(self._process, prompt, texts, fingerprint=version.base_fingerprint)
            evidence = gather(prompt, texts, nobody)
            logits = ranker.pairwise_logits(vectors, nobody, prompt, evidence=evidence)
        return Compared(logits, score_candidates(logits), win_chances(logits))
