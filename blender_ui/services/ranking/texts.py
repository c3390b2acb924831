"""Comparing and ranking texts that are not in the store, by any ranker version.

Invariant: nothing is written. Non-goal: the store's own prompts; ``services.ranking.ranks`` ranks those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from sqlalchemy import Engine

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import MalformedInput, NoRanker
from blender_ui.ranking.evaluation import Evaluation, decided_majorities, evaluate
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.ranking.start import read_card
from blender_ui.services.ranking.opening import load_fast, open_version
from blender_ui.services.ranking.readings import read_answers
from blender_ui.services.versions.model_versions import (
    VersionView,
    find_active_version,
    get_start_version,
    get_version,
)
from blender_ui.values import FloatArray, PreferenceDataset, RankingPrompt
from db.engine import transaction


@dataclass(frozen=True, kw_only=True)
class EvaluationView:
    """How often a version agrees with people on a file.

    Attributes:
        version: The version; None where there is none yet, and then ``evaluation`` speaks of the
            baselines alone: its accuracy is that of chance.
        evaluation: The figures.
        n_known: Of the start ranker, prompts that it learnt from, on which its figures are too good; 0 of
            another version, because a store does not keep which prompts of a file it learnt from.
    """

    version: VersionView | None
    evaluation: Evaluation
    n_known: int = 0


class Start(NamedTuple):
    """What new fast rankers start from."""

    read: Callable[[RankingPrompt, Sequence[str]], FloatArray]
    """The frozen reader: readings of n answers to a prompt, (n, width)."""
    ranker: FastRanker | None
    """One that learnt from people; None to start from nothing."""


class Evaluating:
    """Applies ranker versions to texts.

    Args:
        engine: The store, for its versions.
        process: Holds the models that read.
        rankers_path: Folder of the checkpoints.
    """

    def __init__(self, engine: Engine, *, process: EngineProcess, rankers_path: Path) -> None:
        self._engine = engine
        self._process = process
        self._rankers_path = rankers_path

    def get_version(self, version_id: int | Literal["start"] | None = None) -> VersionView:
        """A version by its id, the start ranker, or the active one.

        Raises:
            NotFound: If no version has this id, or there is no start ranker.
            NoRanker: If no id was given and none is active.
        """
        with transaction(self._engine) as session:
            if version_id == "start":
                return get_start_version(session)
            if version_id is not None:
                return get_version(session, version_id)
            version = find_active_version(session)
        if version is None:
            raise NoRanker(
                "no ranker has been trained yet; import or label preferences, then: blender-ui train"
            )
        return version

    def compare(
        self, version: VersionView, prompt: RankingPrompt, texts: Sequence[str], *, members: Sequence[str]
    ) -> FloatArray:
        """Logits of every ordered pair of n texts, shape (n, n), as ``Ranker.pairwise_logits``."""
        opened = open_version(version, process=self._process, rankers_path=self._rankers_path)
        return opened.compare(prompt, texts, members)

    def find_start(self, version: VersionView | None) -> Start:
        """A version as a start for others; nothing where it is no fast one, or None."""
        if version is None or version.reader_fingerprint is None:
            return Start(lambda prompt, texts: self._process.read(prompt, texts).vectors, None)
        fingerprint = version.reader_fingerprint
        return Start(
            lambda prompt, texts: read_answers(self._process, prompt, texts, fingerprint=fingerprint),
            load_fast(version, self._rankers_path / version.path),
        )

    def evaluate(
        self,
        dataset: PreferenceDataset,
        *,
        version_id: int | Literal["start"] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
        seed: int = 0,
    ) -> EvaluationView:
        """Compare a version and the simple baselines with the people of a dataset.

        Args:
            dataset: Labels of people over prompts that the version should not have learnt from.
            version_id: The version, or "start" for the start ranker; None for the active one, or none at all
                before there is one.
            on_progress: Is given prompts read so far and in all.
            seed: Of the folds and the bootstrap.

        Raises:
            NotFound: If no version has this id.
            MalformedInput: If no pair has a decided majority.
        """
        pairs = decided_majorities(dataset)
        if not len(pairs.winner):
            raise MalformedInput(
                "expected at least one pair with a decided majority of people; there is none"
            )
        try:
            version = self.get_version(version_id)
        except NoRanker:
            return EvaluationView(
                version=None, evaluation=evaluate(dataset, np.zeros(len(pairs.winner)), seed=seed)
            )
        logits = np.zeros(len(pairs.winner))
        prompt_of_pair = dataset.prompt_of[pairs.winner]
        numbers = np.unique(prompt_of_pair)
        for n_done, number in enumerate(numbers):
            if on_progress is not None:
                on_progress(n_done, len(numbers))
            in_prompt = np.flatnonzero(prompt_of_pair == number)
            # All that answered, because a ranker may look at how near an answer is to the others.
            used = np.flatnonzero(dataset.prompt_of == number)
            matrix = self.compare(
                version,
                dataset.prompts[number],
                [dataset.texts[index] for index in used],
                members=[dataset.members[index] for index in used],
            )
            winner, loser = (np.searchsorted(used, side[in_prompt]) for side in (pairs.winner, pairs.loser))
            logits[in_prompt] = (matrix[winner, loser] - matrix[loser, winner]) / 2
        known = [read_card().knows(dataset.prompts[number]) for number in numbers] if version.is_start else []
        return EvaluationView(
            version=version, evaluation=evaluate(dataset, logits, seed=seed), n_known=sum(known)
        )
