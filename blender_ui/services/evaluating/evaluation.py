"""Does the ensemble help? Members, a random one, the best-ranked and the fused answer on the same prompts.

Invariant: nothing is written to the store. Non-goal: how good a ranker predicts people; ``evaluating``
says that.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from typing import Literal

from blender_ui.errors import NoRanker
from blender_ui.evaluation.asking import EnsembleAsking
from blender_ui.evaluation.items import EvaluationItem, Task
from blender_ui.evaluation.judging import VersionJudge
from blender_ui.evaluation.recorded_answers import RecordedAnswers
from blender_ui.evaluation.run import EnsembleRun, OnProgress, Scorer
from blender_ui.members.asking import Ensemble
from blender_ui.services.fusing.fused_answers import Fusing
from blender_ui.services.ranking.texts import Evaluating


def _say_nothing(phase: str, n_done: int, n_items: int) -> None:
    """An ``OnProgress`` for callers that do not ask."""


class EnsembleEvaluation:
    """Begins runs of the ensemble.

    Args:
        members: Who is asked.
        evaluating: Compares answers with a ranker's version.
        fusing: Fuses.
        bertscore: Scores by meaning; None where the encoder is not here.
        top_k: How many of the best answers are fused.
        seed: Of the members, the attacks and the folds.
    """

    def __init__(
        self,
        *,
        members: Ensemble,
        evaluating: Evaluating,
        fusing: Fusing,
        bertscore: Scorer | None,
        top_k: int,
        seed: int,
    ) -> None:
        self._members = members
        self._evaluating = evaluating
        self._fusing = fusing
        self._bertscore = bertscore
        self._top_k = top_k
        self._seed = seed

    def begin(
        self,
        task: Task,
        items: Sequence[EvaluationItem],
        *,
        recorded: RecordedAnswers | None = None,
        version_id: int | Literal["start"] | None = None,
        learns_from_references: bool = False,
        on_progress: OnProgress = _say_nothing,
    ) -> EnsembleRun:
        """A run on these items with its judge.

        Args:
            task: Decides metrics and lengths.
            items: What is asked.
            recorded: Where answers are kept; by default they are kept for this run alone.
            version_id: Of the ranker that judges or, with ``learns_from_references``, that the judges
                start from, or "start" for the start ranker; the active one by default.
            learns_from_references: Whether the judge of each item learns from the other items'
                references; for this the members are asked at once.
            on_progress: See ``OnProgress``.

        Raises:
            NotFound: If there is no version of this id.
            MalformedInput: If there is nothing to learn from.
        """
        asking = EnsembleAsking(
            members=self._members,
            fusing=self._fusing,
            top_k=self._top_k,
            seed=self._seed,
            recorded=recorded or RecordedAnswers(),
        )
        run = EnsembleRun(
            task, items, asking=asking, bertscore=self._bertscore, seed=self._seed, on_progress=on_progress
        )
        try:
            version = self._evaluating.get_version(version_id)
        except NoRanker:
            version = None
        if learns_from_references:
            start = self._evaluating.find_start(version)
            run.learn_from_references(read=start.read, start=start.ranker)
            begun = version.name if version and start.ranker else "nothing"
            run.judged_by = f"rankers that learnt from the other items' references, starting from {begun}"
        elif version is not None:
            run.judge = VersionJudge(partial(self._evaluating.compare, version))
            run.judged_by = f"{version.name} of the ranker"
        return run


def choose_sample(items: Sequence[EvaluationItem], n: int | None, *, seed: int) -> list[EvaluationItem]:
    """At most ``n`` of the items, drawn by the seed, in their order."""
    if n is None or n >= len(items):
        return list(items)
    drawn = set(random.Random(seed).sample(range(len(items)), n))
    return [item for index, item in enumerate(items) if index in drawn]
