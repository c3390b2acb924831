"""The preferences in the store, as the arrays that rankers learn from, and the evidence about their answers.

Where a researcher has ruled on two candidates, every label of them counts as the ruling does. Gold pairs and
attention checks are left out: they ask who reads, not which answer is better. Invariant: the same
preferences, cut-off and rulings give the same arrays in the same order. Non-goal: splitting them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np
from sqlalchemy import Engine

from blender_ui.conversations import read_prompt
from blender_ui.evidence.answers import EVIDENCE_NAMES, AnswerEvidence, gather
from blender_ui.exchange.records import dataset_member
from blender_ui.services.candidates import FUSION_BACKEND
from blender_ui.values import TARGETS, IntArray, OutcomeCode, PreferenceDataset
from db.engine import transaction
from db.queries import candidates as candidate_rows
from db.queries import compared, preferences
from db.queries.columns import OUTCOME_CODES


@dataclass(frozen=True, kw_only=True)
class StoredDataset:
    """A dataset, and which rows its arrays came from.

    Attributes:
        dataset: The preferences; only candidates that were compared are among its candidates.
        candidate_ids: Id of each of the dataset's candidates, ascending, shape (n_candidates,).
        prompt_ids: Id of each of its prompts, ascending, shape (n_prompts,).
        preference_ids: Id of each preference, ascending, shape (n_preferences,).
    """

    dataset: PreferenceDataset
    candidate_ids: IntArray
    prompt_ids: IntArray
    preference_ids: IntArray


def load_dataset(
    engine: Engine,
    *,
    cut_off_preference_id: int | None = None,
    after_preference_id: int = 0,
    humans_only: bool = True,
    project_id: int | None = None,
) -> StoredDataset:
    """Read the preferences that stand, up to a cut-off.

    Args:
        engine: From ``db.engine.create_store``.
        cut_off_preference_id: The last preference to read; None for all there are.
        after_preference_id: Only preferences after this one.
        humans_only: Leave out what judges said.
        project_id: Only what was said of its prompts; None for all projects.
    """
    with transaction(engine) as session:
        scope = compared.Scope(
            up_to_id=cut_off_preference_id,
            humans_only=humans_only,
            after_id=after_preference_id,
            project_id=project_id,
        )
        answered = compared.list_preferences(session, scope=scope)
        candidates = compared.list_candidates(session, scope=scope)
        prompts = compared.list_prompts(session, scope=scope)
        annotators = compared.names_by_annotator(session)
    candidate_ids = np.array([row.candidate_id for row in candidates], dtype=np.int64)
    prompt_ids = np.array([row.prompt_id for row in prompts], dtype=np.int64)
    codes = np.array([OUTCOME_CODES[row.outcome] for row in answered], dtype=np.int64)
    dataset = PreferenceDataset(
        prompts=tuple(read_prompt(row) for row in prompts),
        texts=tuple(row.text for row in candidates),
        members=tuple(dataset_member(row.member) for row in candidates),
        prompt_of=np.searchsorted(
            prompt_ids, np.array([row.prompt_id for row in candidates], dtype=np.int64)
        ),
        left=np.searchsorted(candidate_ids, np.array([row.left_id for row in answered], dtype=np.int64)),
        right=np.searchsorted(candidate_ids, np.array([row.right_id for row in answered], dtype=np.int64)),
        target=TARGETS[codes],
        both_bad=codes == OutcomeCode.BOTH_BAD,
        strength=np.array(
            [np.nan if row.strength is None else row.strength for row in answered], dtype=np.float64
        ),
        annotators=tuple(annotators[row.annotator_id] for row in answered),
    )
    preference_ids = np.array([row.preference_id for row in answered], dtype=np.int64)
    return StoredDataset(
        dataset=dataset, candidate_ids=candidate_ids, prompt_ids=prompt_ids, preference_ids=preference_ids
    )


def last_preference_id(engine: Engine) -> int:
    """The highest id of any preference, 0 where there is none."""
    with transaction(engine) as session:
        return preferences.get_last_id(session)


def gather_stored(engine: Engine, stored: StoredDataset) -> AnswerEvidence:
    """The evidence about a stored dataset's candidates, in their order.

    An answer stands beside all answers of members to its prompt, voted on or not, as it does when the
    prompt is ranked; a fused answer only where somebody voted on it.
    """
    place_of = {int(id_): place for place, id_ in enumerate(stored.candidate_ids)}
    prompts = dict(zip(stored.prompt_ids.tolist(), stored.dataset.prompts, strict=True))
    with transaction(engine) as session:
        written = candidate_rows.list_written(session, prompt_ids=list(prompts))
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
