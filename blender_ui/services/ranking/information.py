"""How much an answer to each open comparison would teach the active ranker.

Invariant: only pairs whose two answers were read are measured; the queue's own policy takes the rest.
Non-goal: choosing a pair; ``pairing`` does, with a propensity.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from sqlalchemy import Engine

from blender_ui.evidence.answers import gather
from blender_ui.pairing.policy import MOST_INFORMATIVE
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.services.ranking.readings import load_readings
from blender_ui.services.ranking.rows import Entrants, load_entrants
from blender_ui.values import FloatArray
from db.engine import transaction
from db.queries import open_pairs

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
    with transaction(engine) as session:
        pairs_by_prompt: dict[int, list[open_pairs.OpenPair]] = defaultdict(list)
        for pair in open_pairs.list_read(
            session, policy=MOST_INFORMATIVE, fingerprint=fingerprint, n_prompts=N_PROMPTS
        ):
            pairs_by_prompt[pair.prompt_id].append(pair)
    for prompt_id, pairs in pairs_by_prompt.items():
        ids = sorted({candidate_id for pair in pairs for candidate_id in (pair.left_id, pair.right_id)})
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
                pair.comparison_id: float(values[place[pair.left_id], place[pair.right_id]])
                for pair in pairs
                if pair.left_id in place and pair.right_id in place
            }
        )
    return information


def _measure_prompt(ranker: FastRanker, entrants: Entrants, readings: FloatArray) -> FloatArray:
    evidence = gather(entrants.prompt, entrants.texts, entrants.members)
    asked = readings, entrants.members, entrants.prompt
    logits = ranker.pairwise_logits(*asked, evidence=evidence)
    return measure_information(logits, ranker.uncertainty(*asked, evidence=evidence))
