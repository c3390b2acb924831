"""How much an answer to each open comparison would teach the active ranker.

Invariant: only pairs whose two answers were read are measured; the queue's own policy takes the rest.
Non-goal: choosing a pair; ``pairing`` does, with a propensity.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from sqlalchemy import ColumnElement, Engine
from sqlalchemy.orm import Mapped
from sqlmodel import col, select

from blender_ui.pairing.policy import MOST_INFORMATIVE
from blender_ui.ranking.fast import FastRanker
from blender_ui.services.ranking.readings import load_readings
from blender_ui.services.ranking.rows import Entrants, load_entrants
from blender_ui.values import FloatArray
from db.engine import transaction
from db.models import Comparison, Project, Purpose, Reading

N_PROMPTS = 300
"""Prompts whose open pairs are measured at a time, those longest in the queue first."""


def measure_information(logits: FloatArray, deviations: FloatArray) -> FloatArray:
    """Expected gain in nats from one answer, for logits that are normal with these deviations.

    It is high where the ranker expects a toss-up and its own uncertainty is large: 0.5 ln(1 + p (1 - p)
    s^2), the gain of a linear-Gaussian observation whose precision is that of a Bernoulli at p.

    Args:
        logits: Any shape.
        deviations: Standard deviations, same shape.

    Source:
        MacKay, "Information-based objective functions for active data selection", Neural Computation
        4 (1992); the precision p (1 - p) is the logistic likelihood's curvature.
    """
    chance = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return np.asarray(0.5 * np.log1p(chance * (1 - chance) * deviations**2))


def measure_open_comparisons(engine: Engine, ranker: FastRanker, *, fingerprint: str) -> dict[int, float]:
    """Information of open comparisons in nats, by comparison id.

    Args:
        engine: The store.
        ranker: The active one, as refitted.
        fingerprint: Of its reader.
    """
    information: dict[int, float] = {}
    for prompt_id, pairs in _list_open(engine, fingerprint).items():
        ids = sorted({candidate_id for _, left, right in pairs for candidate_id in (left, right)})
        with transaction(engine) as session:
            vectors = load_readings(session, ids, fingerprint=fingerprint)
            read = [candidate_id for candidate_id in ids if candidate_id in vectors]
            if len(read) < 2:
                continue
            entrants = load_entrants(session, prompt_id=prompt_id, candidate_ids=read)
        values = _measure_prompt(ranker, entrants, np.stack([vectors[id_] for id_ in entrants.candidate_ids]))
        place = {candidate_id: index for index, candidate_id in enumerate(entrants.candidate_ids)}
        information.update(
            {
                comparison_id: float(values[place[left], place[right]])
                for comparison_id, left, right in pairs
                if left in place and right in place
            }
        )
    return information


def _measure_prompt(ranker: FastRanker, entrants: Entrants, readings: FloatArray) -> FloatArray:
    logits = ranker.pairwise_logits(readings, entrants.members, entrants.prompt)
    return measure_information(logits, ranker.uncertainty(readings, entrants.members, entrants.prompt))


def _list_open(engine: Engine, fingerprint: str) -> dict[int, list[tuple[int, int, int]]]:
    """Open comparisons as (id, left, right), by prompt, of the prompts that have waited longest.

    Whatever cannot be measured or is not asked by its information is left out first, or it would take
    the places for good.
    """
    open_pairs: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    # Asked of each comparison, so that SQLite walks them by prompt and stops at the last one wanted.
    is_ordered = (
        select(col(Project.id))
        .where(
            col(Project.id) == col(Comparison.project_id),
            col(Project.archived_at).is_(None),
            col(Project.policy) == MOST_INFORMATIVE,
        )
        .exists()
    )
    is_asked = (
        is_ordered,
        col(Comparison.purpose) == Purpose.LABEL,
        col(Comparison.is_open).is_(True),
        _is_read(col(Comparison.left_id), fingerprint),
        _is_read(col(Comparison.right_id), fingerprint),
    )
    prompts = (
        select(col(Comparison.prompt_id))
        .where(*is_asked)
        .group_by(col(Comparison.prompt_id))
        .order_by(col(Comparison.prompt_id))
        .limit(N_PROMPTS)
    )
    with transaction(engine) as session:
        rows = session.execute(
            select(
                col(Comparison.id),
                col(Comparison.prompt_id),
                col(Comparison.left_id),
                col(Comparison.right_id),
            ).where(*is_asked, col(Comparison.prompt_id).in_(prompts))
        )
        for comparison_id, prompt_id, left, right in rows:
            open_pairs[int(prompt_id)].append((int(comparison_id), int(left), int(right)))
    return open_pairs


def _is_read(candidate_id: Mapped[int], fingerprint: str) -> ColumnElement[bool]:
    return (
        select(col(Reading.candidate_id))
        .where(col(Reading.candidate_id) == candidate_id, col(Reading.reader_fingerprint) == fingerprint)
        .exists()
    )
