"""What a version says of held-out comparisons, computed once and kept in files beside the store.

Invariant: a version never changes, so what it said of a comparison stands; new comparisons are added.
A version as it was trained is asked, never the live head. The files are a cache: without them all is
computed again. Non-goal: what follows from the predictions; ``version_reports`` says.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from blender_ui.ranking.fast import FastRanker
from blender_ui.ranking.process import EngineProcess
from blender_ui.ranking.types import BoolArray, FloatArray, IntArray, RankingPrompt
from blender_ui.services.candidates import FUSION_BACKEND
from blender_ui.services.preference_arrays import PreferenceArrays
from blender_ui.services.readings import load_readings
from blender_ui.services.versions import VersionView
from db.engine import transaction
from db.models import Candidate, Member, Prompt, RankerKind

PORTION = 4_000
"""Comparisons that a fast version predicts at a time, so that memory does not grow with their number."""
IDS_PER_QUERY = 900  # SQLite built with the old default allows 999 variables in a statement
JOINT_PORTION = 200
"""Comparisons that a joint version reads for one request, both orders each; about a minute."""


class Predictions(NamedTuple):
    """What one version said of m comparisons.

    Attributes:
        comparison_id: Ascending, (m,).
        logit: That left is better when shown first, (m,).
        swapped: That left is better when right is shown first, same shape; equal for a fast version.
    """

    comparison_id: IntArray
    logit: FloatArray
    swapped: FloatArray

    @property
    def mean(self) -> FloatArray:
        """What the version decides by: the mean of both orders, (m,)."""
        return (self.logit + self.swapped) / 2

    def find(self, comparison_ids: IntArray) -> tuple[BoolArray, IntArray]:
        """Which of some comparisons are predicted, (n,), and the place of each one that is."""
        if not len(self.comparison_id):
            return np.zeros(len(comparison_ids), dtype=bool), np.zeros(0, dtype=np.int64)
        place = np.searchsorted(self.comparison_id, comparison_ids)
        place = np.minimum(place, len(self.comparison_id) - 1)
        known = self.comparison_id[place] == comparison_ids
        return known, place[known]


class Comparisons(NamedTuple):
    """Comparisons to predict, one row each."""

    comparison_id: IntArray
    prompt_id: IntArray
    left_id: IntArray
    right_id: IntArray


class PredictionStore:
    """Predicts, and keeps what was predicted.

    Args:
        engine: The store.
        process: Holds joint rankers.
        rankers_path: Folder of the checkpoints; the cache is its subfolder ``predictions``.
    """

    def __init__(self, engine: Engine, *, process: EngineProcess, rankers_path: Path) -> None:
        self._engine = engine
        self._process = process
        self._rankers_path = rankers_path
        self._known: dict[int, Predictions] = {}

    def predict(self, version: VersionView, told: PreferenceArrays, *, extend: bool = False) -> Predictions:
        """What the version says of the comparisons of these preferences, as far as it is known.

        Args:
            version: As it was trained.
            told: Preferences; each of their comparisons is predicted once.
            extend: Whether a joint version may read comparisons that it has not read, which takes
                about a minute for ``JOINT_PORTION`` of them. A fast version always goes on, with
                the answers that its reader has read.

        Raises:
            RankerError: If the checkpoint or the engine process failed.
        """
        known = self._load(version)
        wanted = _distinct(told)
        new = ~np.isin(wanted.comparison_id, known.comparison_id)
        if new.any() and (extend or version.kind is RankerKind.FAST):
            missing = Comparisons(*(part[new] for part in wanted))
            ask = self._ask_fast if version.kind is RankerKind.FAST else self._ask_joint
            more = ask(version, missing)
            if len(more.comparison_id):
                known = _merge(known, more)
                self._save(version, known)
        inside = np.isin(known.comparison_id, wanted.comparison_id)
        return Predictions._make(part[inside] for part in known)

    def _ask_fast(self, version: VersionView, missing: Comparisons) -> Predictions:
        ranker = FastRanker.load(self._rankers_path / version.path)
        parts: list[Predictions] = []
        with transaction(self._engine) as session:
            for part in _portions(missing):
                parts.append(_read_fast(session, ranker, part, version.base_fingerprint))
        return _concatenate(parts)

    def _ask_joint(self, version: VersionView, missing: Comparisons) -> Predictions:
        part = Comparisons(*(column[:JOINT_PORTION] for column in missing))
        with transaction(self._engine) as session:
            prompts, texts = _load_texts(session, part)
        folder = self._rankers_path / version.path
        found = np.zeros((len(part.comparison_id), 2))
        for prompt_id in np.unique(part.prompt_id):
            inside = np.flatnonzero(part.prompt_id == prompt_id)
            ids, place = np.unique([part.left_id[inside], part.right_id[inside]], return_inverse=True)
            left, right = place.reshape(2, -1)
            pairs = [*zip(left.tolist(), right.tolist(), strict=True)]
            pairs += [(second, first) for first, second in pairs]
            answers = [texts[int(one)] for one in ids]
            logits = self._process.read_pairs(folder, prompts[int(prompt_id)], answers, pairs)
            found[inside, 0], found[inside, 1] = logits[: len(inside)], -logits[len(inside) :]
        return Predictions(part.comparison_id, found[:, 0], found[:, 1])

    def _path(self, version: VersionView) -> Path:
        return self._rankers_path / "predictions" / f"{version.id}-{version.fingerprint[:16]}.npz"

    def _load(self, version: VersionView) -> Predictions:
        known = self._known.get(version.id)
        if known is None:
            known = _read_file(self._path(version))
            self._known[version.id] = known
        return known

    def _save(self, version: VersionView, known: Predictions) -> None:
        self._known[version.id] = known
        path = self._path(version)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with draft.open("wb") as file:
            np.savez(file, **known._asdict())
        draft.replace(path)


def _read_file(path: Path) -> Predictions:
    try:
        with np.load(path) as arrays:
            return Predictions._make(arrays[name] for name in Predictions._fields)
    except (OSError, ValueError, KeyError):  # absent, or half-written by a machine that lost power
        return _concatenate([])


def _read_fast(session: Session, ranker: FastRanker, part: Comparisons, fingerprint: str) -> Predictions:
    """Predict comparisons whose answers were both read, beside all the prompt's answers that were."""
    facts = _load_facts(session, part)
    vectors = load_readings(session, list(facts), fingerprint=fingerprint)
    used = np.array(sorted(vectors), dtype=np.int64)
    read = np.isin(part.left_id, used) & np.isin(part.right_id, used)
    if not read.any():
        return _concatenate([])
    answers = [facts[one] for one in used.tolist()]
    pairs = ranker.read_pairs(
        np.stack([vectors[one] for one in used.tolist()]),
        [one.member for one in answers],
        [one.prompt for one in answers],
        first=np.searchsorted(used, part.left_id[read]),
        second=np.searchsorted(used, part.right_id[read]),
        prompt_of=np.array([one.prompt_id for one in answers]),
    )
    return Predictions(part.comparison_id[read], pairs.logits, pairs.logits)


class _Answer(NamedTuple):
    prompt_id: int
    member: str
    prompt: RankingPrompt


def _load_facts(session: Session, part: Comparisons) -> dict[int, _Answer]:
    """The answers to be compared and their fellows, which a fast version sees too; by candidate id."""
    compared = {*part.left_id.tolist(), *part.right_id.tolist()}
    query = (
        select(
            col(Candidate.id), col(Candidate.prompt_id), col(Member.name), col(Member.backend),
            col(Prompt.instruction), col(Prompt.input),
        )
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .join(Prompt, col(Prompt.id) == col(Candidate.prompt_id))
    )  # fmt: skip
    prompt_ids = np.unique(part.prompt_id).tolist()
    return {
        int(id_): _Answer(prompt_id, member, RankingPrompt(instruction=instruction, input=input_))
        for start in range(0, len(prompt_ids), IDS_PER_QUERY)
        for id_, prompt_id, member, backend, instruction, input_ in session.execute(
            query.where(col(Candidate.prompt_id).in_(prompt_ids[start : start + IDS_PER_QUERY]))
        )
        if backend != FUSION_BACKEND or id_ in compared
    }


def _load_texts(session: Session, part: Comparisons) -> tuple[dict[int, RankingPrompt], dict[int, str]]:
    prompt_ids = np.unique(part.prompt_id).tolist()
    candidate_ids = np.unique([part.left_id, part.right_id]).tolist()
    prompts = {
        int(row[0]): RankingPrompt(instruction=row[1], input=row[2])
        for row in session.execute(
            select(col(Prompt.id), col(Prompt.instruction), col(Prompt.input)).where(
                col(Prompt.id).in_(prompt_ids)
            )
        )
    }
    texts = session.execute(
        select(col(Candidate.id), col(Candidate.text)).where(col(Candidate.id).in_(candidate_ids))
    )
    return prompts, {int(id_): text for id_, text in texts}


def _distinct(told: PreferenceArrays) -> Comparisons:
    """Each comparison once, by ascending id."""
    ids, place = np.unique(told.comparison_id, return_index=True)
    return Comparisons(ids, told.prompt_id[place], told.left_id[place], told.right_id[place])


def _portions(missing: Comparisons) -> list[Comparisons]:
    """Cut comparisons into portions that leave a prompt's together, because its answers are fellows."""
    order = np.argsort(missing.prompt_id, kind="stable")
    prompt = missing.prompt_id[order]
    starts = np.searchsorted(prompt, prompt[::PORTION])
    ends = [*starts[1:].tolist(), len(order)]
    return [
        Comparisons(*(column[order[start:end]] for column in missing))
        for start, end in zip(starts.tolist(), ends, strict=True)
        if start < end
    ]


def _merge(known: Predictions, more: Predictions) -> Predictions:
    both = _concatenate([known, more])
    order = np.argsort(both.comparison_id, kind="stable")
    return Predictions._make(part[order] for part in both)


def _concatenate(parts: list[Predictions]) -> Predictions:
    none = Predictions(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
    return Predictions._make(np.concatenate(columns) for columns in zip(none, *parts, strict=True))
