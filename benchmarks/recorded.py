"""Reads recorded answers of several members with their outcomes: scores, or votes on pairs.

Invariant: whatever the file has, every candidate has one quality from 0 to 1, or none. Non-goal: the
format of imports, see ``blender_ui.exchange``.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from blender_ui.choosing.outcomes import Outcomes, Votes, from_votes
from blender_ui.tasks.reading import Task
from blender_ui.values import FloatArray, IntArray

TARGETS = {"a": 1.0, "b": 0.0, "tie": 0.5}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """n prompts that m members answered."""

    tasks: tuple[Task, ...]
    members: tuple[str, ...]
    quality: FloatArray
    """(n, m): a score, or the share of votes that an answer won, ties half; NaN where there is none."""
    answers: IntArray | None
    """(n, m): which final answer, -1 for none; None where the file names none."""
    has_texts: bool
    tasks_named: np.ndarray[Any, Any]
    """The task of each prompt as the file names it, "" where it does not; no chooser sees it."""
    votes: Votes | None

    def outcomes_of(self, rows: IntArray) -> Outcomes:
        """What is known of some prompts."""
        if self.votes is None:
            return from_scores(self.members, self.quality[rows])
        place = np.full(len(self.tasks), -1)
        place[rows] = np.arange(len(rows))
        votes = self.votes.select(place[self.votes.prompt] >= 0)
        moved = Votes(prompt=place[votes.prompt], first=votes.first, second=votes.second, target=votes.target)
        return from_votes(self.members, moved, n_prompts=len(rows))


def from_scores(members: tuple[str, ...], scores: FloatArray) -> Outcomes:
    """Outcomes from scores of shape (n, m), NaN where there is none."""
    known = ~np.isnan(scores)
    return Outcomes(members=members, values=np.where(known, scores, 0.0), weights=known.astype(float))


def read_recorded(path: Path, *, pool: str | None = None) -> Recorded:
    """Read a file of JSON lines.

    Args:
        path: Gzipped where its name ends in ``.gz``.
        pool: Takes only the members that ``pools.json`` beside the file lists under this name.

    Raises:
        SystemExit: If the file has neither scores nor votes, or there is no such pool.
    """
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8") as lines
    ):
        rows = [json.loads(line) for line in lines if line.strip()]
    if pool is not None:
        _keep_pool(rows, _read_pool(path, pool))
    members = tuple(sorted({candidate["model"] for row in rows for candidate in row["candidates"]}))
    place = {name: index for index, name in enumerate(members)}
    has_scores = any("score" in candidate for row in rows for candidate in row["candidates"])
    votes = None if has_scores else _read_votes(rows, place)
    quality = _read_scores(rows, place) if votes is None else _share_won(votes, (len(rows), len(members)))
    judged = np.flatnonzero(~np.isnan(quality).all(axis=1))
    if not len(judged):
        raise SystemExit(f"expected scores or labels in {path}, came neither; see benchmarks.member_choice")
    rows = [rows[row] for row in judged]
    return Recorded(
        tasks=tuple(Task(row["prompt"], row.get("instruction_input") or "") for row in rows),
        members=members,
        quality=quality[judged],
        answers=_read_answers(rows, place),
        has_texts=any(candidate.get("text") for row in rows for candidate in row["candidates"]),
        tasks_named=np.array([str(row.get("task") or row.get("category") or "") for row in rows]),
        votes=None if votes is None else _renumber(votes, judged, len(quality)),
    )


def _read_pool(path: Path, pool: str) -> set[str]:
    pools = json.loads((path.parent / "pools.json").read_text(encoding="utf-8")).get(
        path.name.split(".")[0], {}
    )
    if pool not in pools:
        raise SystemExit(f"expected a pool of {path.name} ({', '.join(pools) or 'it has none'}), came {pool}")
    return set(pools[pool])


def _keep_pool(rows: list[dict[str, Any]], names: set[str]) -> None:
    for row in rows:
        kept = [index for index, candidate in enumerate(row["candidates"]) if candidate["model"] in names]
        new = {old: index for index, old in enumerate(kept)}
        row["candidates"] = [row["candidates"][index] for index in kept]
        row["labels"] = [
            {**label, "a": new[label["a"]], "b": new[label["b"]]}
            for label in row.get("labels", ())
            if label["a"] in new and label["b"] in new
        ]


def _read_scores(rows: list[dict[str, Any]], place: dict[str, int]) -> FloatArray:
    """A member that answered a prompt twice has the mean of its scores."""
    total, count = np.zeros((len(rows), len(place))), np.zeros((len(rows), len(place)))
    for index, row in enumerate(rows):
        for candidate in row["candidates"]:
            if candidate.get("score") is not None:
                total[index, place[candidate["model"]]] += candidate["score"]
                count[index, place[candidate["model"]]] += 1
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _read_votes(rows: list[dict[str, Any]], place: dict[str, int]) -> Votes:
    has_people = any(label.get("kind") == "human" for row in rows for label in row.get("labels", ()))
    found = [
        (
            index,
            place[row["candidates"][label["a"]]["model"]],
            place[row["candidates"][label["b"]]["model"]],
            TARGETS[label["winner"]],
        )
        for index, row in enumerate(rows)
        for label in row.get("labels", ())
        if label.get("kind") == "human" or not has_people
    ]
    columns = np.array(found, dtype=float).reshape(-1, 4)
    whole = columns[:, :3].astype(int)
    return Votes(prompt=whole[:, 0], first=whole[:, 1], second=whole[:, 2], target=columns[:, 3])


def _share_won(votes: Votes, shape: tuple[int, int]) -> FloatArray:
    total, count = np.zeros(shape), np.zeros(shape)
    kept = votes.select(votes.first != votes.second)
    for own, won in ((kept.first, kept.target), (kept.second, 1 - kept.target)):
        np.add.at(total, (kept.prompt, own), won)
        np.add.at(count, (kept.prompt, own), 1)
    return np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)


def _renumber(votes: Votes, kept: IntArray, n: int) -> Votes:
    place = np.full(n, -1)
    place[kept] = np.arange(len(kept))
    own = votes.select(place[votes.prompt] >= 0)
    return Votes(prompt=place[own.prompt], first=own.first, second=own.second, target=own.target)


def _read_answers(rows: list[dict[str, Any]], place: dict[str, int]) -> IntArray | None:
    if not any(candidate.get("answer") is not None for row in rows for candidate in row["candidates"]):
        return None
    answers = np.full((len(rows), len(place)), -1)
    for index, row in enumerate(rows):
        codes: dict[str, int] = {}
        for candidate in row["candidates"]:
            if candidate.get("answer") is not None:
                code = codes.setdefault(str(candidate["answer"]), len(codes))
                answers[index, place[candidate["model"]]] = code
    return answers
