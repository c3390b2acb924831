"""Evidence about the answers in the store, for what learns from votes about them.

Invariant: an answer stands beside all answers of members to its prompt, voted on or not, as it does when the
prompt is ranked; a fused answer only where somebody voted on it. Non-goal: what evidence is worth.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

import numpy as np
from sqlalchemy import Engine

from blender_ui.evidence.answers import EVIDENCE_NAMES, AnswerEvidence, gather
from blender_ui.services.candidates import FUSION_BACKEND
from blender_ui.services.ranking.datasets import StoredDataset
from db.engine import transaction
from db.queries import candidates


def gather_stored(engine: Engine, stored: StoredDataset) -> AnswerEvidence:
    """The evidence about a stored dataset's candidates, in their order."""
    place_of = {int(id_): place for place, id_ in enumerate(stored.candidate_ids)}
    prompts = dict(zip(stored.prompt_ids.tolist(), stored.dataset.prompts, strict=True))
    with transaction(engine) as session:
        written = candidates.list_written(session, prompt_ids=list(prompts))
    shown = [one for one in written if one.backend != FUSION_BACKEND or one.candidate_id in place_of]
    features = np.zeros((len(place_of), len(EVIDENCE_NAMES)))
    supporters: list[tuple[str, ...]] = [()] * len(place_of)
    by_prompt = attrgetter("prompt_id")
    for prompt_id, answers in groupby(sorted(shown, key=by_prompt), key=by_prompt):
        beside = list(answers)
        found = gather(prompts[prompt_id], [one.text for one in beside], [one.member for one in beside])
        for row, one in enumerate(beside):
            if (place := place_of.get(one.candidate_id)) is not None:
                features[place], supporters[place] = found.features[row], found.supporters[row]
    return AnswerEvidence(features, tuple(supporters))
