"""What a version as it was trained says of stored comparisons, of whichever kind it is.

Invariant: nothing is written, and a comparison's logit does not depend on which others are asked with it.
Non-goals: which comparisons, and what is kept of the answers.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.conversations import read_prompt
from blender_ui.engine.process import EngineProcess
from blender_ui.evidence.answers import AnswerEvidence, gather, join
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.services.candidates import FUSION_BACKEND
from blender_ui.values import BoolArray, IntArray, RankingPrompt
from blender_ui.votes.arrays import Predictions
from db.engine import transaction
from db.queries import candidates, prompts, readings
from db.queries.readings import ReadAnswer


class Comparisons(NamedTuple):
    """Comparisons to predict, one row each."""

    comparison_id: IntArray
    prompt_id: IntArray
    left_id: IntArray
    right_id: IntArray

    def select(self, keep: BoolArray | IntArray) -> Comparisons:
        """The comparisons where a mask is true, or at these places."""
        return Comparisons(*(column[keep] for column in self))


def read_joint(engine: Engine, process: EngineProcess, folder: Path, part: Comparisons) -> Predictions:
    """Have a version that reads texts itself read both orders of comparisons; about a second each.

    Raises:
        RankerError: If the checkpoint or the engine process failed.
    """
    with transaction(engine) as session:
        questions, texts = _load_prompts(session, part), _load_texts(session, part)
    found = np.zeros((len(part.comparison_id), 2))
    for prompt_id in np.unique(part.prompt_id):
        inside = np.flatnonzero(part.prompt_id == prompt_id)
        ids, place = np.unique([part.left_id[inside], part.right_id[inside]], return_inverse=True)
        left, right = place.reshape(2, -1)
        pairs = [*zip(left.tolist(), right.tolist(), strict=True)]
        pairs += [(second, first) for first, second in pairs]
        answers = [texts[int(one)] for one in ids]
        logits = process.read_pairs(folder, questions[int(prompt_id)], answers, pairs)
        found[inside, 0], found[inside, 1] = logits[: len(inside)], -logits[len(inside) :]
    return Predictions(part.comparison_id, found[:, 0], found[:, 1])


def read_fast(session: Session, ranker: FastRanker, part: Comparisons, fingerprint: str) -> Predictions:
    """Predict comparisons whose answers were both read, beside all the prompt's answers that were."""
    answers = _load_answers(session, part, fingerprint)
    used = np.array([one.candidate_id for one in answers], dtype=np.int64)
    questions = _load_prompts(session, part)
    pairs = ranker.read_pairs(
        np.frombuffer(b"".join(one.vector for one in answers), dtype="<f4").reshape(len(answers), -1),
        [one.member for one in answers],
        [questions[one.prompt_id] for one in answers],
        first=np.searchsorted(used, part.left_id),
        second=np.searchsorted(used, part.right_id),
        prompt_of=np.array([one.prompt_id for one in answers]),
        evidence=_gather(session, answers, questions) if ranker.weighs_evidence else None,
    )
    return Predictions(part.comparison_id, pairs.logits, pairs.logits)


def _gather(
    session: Session, answers: list[ReadAnswer], questions: dict[int, RankingPrompt]
) -> AnswerEvidence:
    """The evidence about answers, each beside those of its prompt."""
    texts = candidates.texts_by_id(session, candidate_ids=[one.candidate_id for one in answers])
    place_of = {one.candidate_id: place for place, one in enumerate(answers)}
    by_prompt = sorted(answers, key=lambda one: one.prompt_id)
    parts, order = [], []
    for prompt_id, beside in groupby(by_prompt, key=lambda one: one.prompt_id):
        read = list(beside)
        order += [place_of[one.candidate_id] for one in read]
        found = [texts[one.candidate_id] for one in read]
        parts.append(gather(questions[prompt_id], found, [one.member for one in read]))
    return join(parts).select(np.argsort(order))


def _load_answers(session: Session, part: Comparisons, fingerprint: str) -> list[ReadAnswer]:
    """The answers to compare and their prompts' other answers (for consensus), by ascending id."""
    compared = {*part.left_id.tolist(), *part.right_id.tolist()}
    prompt_ids = np.unique(part.prompt_id).tolist()
    found = readings.list_answers(session, fingerprint=fingerprint, prompt_ids=prompt_ids)
    return [one for one in found if one.backend != FUSION_BACKEND or one.candidate_id in compared]


def _load_prompts(session: Session, part: Comparisons) -> dict[int, RankingPrompt]:
    found = prompts.questions_by_id(session, prompt_ids=np.unique(part.prompt_id).tolist())
    return {id_: read_prompt(one) for id_, one in found.items()}


def _load_texts(session: Session, part: Comparisons) -> dict[int, str]:
    candidate_ids = np.unique([part.left_id, part.right_id]).tolist()
    return candidates.texts_by_id(session, candidate_ids=candidate_ids)
