"""Make comparisons of a prompt's candidates for people to answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from blender_ui.errors import NotFound
from blender_ui.pairing.draws import draw_sides, uniform
from blender_ui.pairing.schedule import draw_pairs
from db.models import Comparison, Origin, Project, Prompt
from db.queries import queue


def queue_prompt(
    session: Session,
    *,
    prompt_id: int,
    candidate_ids: Sequence[int] | None,
    overlap: int,
    seed: int,
    now: datetime,
) -> int:
    """Queue every pair of a prompt's candidates that is not a comparison yet; say how many.

    The prompt's project may want more people asked than ``overlap``; the larger number counts.

    Raises:
        NotFound: If the prompt does not exist, or a candidate is not one of its.
    """
    prompt = session.get(Prompt, prompt_id)
    if prompt is None:
        raise NotFound(f"there is no prompt {prompt_id}")
    texts = queue.texts_by_candidate(session, prompt_id=prompt_id)
    wanted = list(texts) if candidate_ids is None else list(dict.fromkeys(candidate_ids))
    strangers = [candidate_id for candidate_id in wanted if candidate_id not in texts]
    if strangers:
        raise NotFound(f"prompt {prompt_id} has no candidates {strangers}")
    project = session.get_one(Project, prompt.project_id)
    places = max(overlap, project.overlap)
    existing = queue.paired_candidates(session, prompt_id=prompt_id)
    comparisons = []
    # The prompt's own order, as of imports: else each prompt's first pair would be of the same two members.
    order_seed = int(uniform(seed, "pairs", prompt_id) * 2**31)
    for first, second in draw_pairs([texts[key] for key in wanted], limit=None, seed=order_seed):
        sides = draw_sides(seed, wanted[first], wanted[second])
        if frozenset((sides.left, sides.right)) in existing:
            continue
        comparisons.append(
            Comparison(
                prompt_id=prompt_id,
                project_id=prompt.project_id,
                left_id=sides.left,
                right_id=sides.right,
                origin=Origin.BLEND if prompt.source is None else Origin.QUEUE,
                side_seed=sides.seed,
                priority=uniform(seed, "priority", sides.left, sides.right),
                overlap=places,
                is_open=places > 0,
                created_at=now,
            )
        )
    session.add_all(comparisons)
    session.flush()
    return len(comparisons)
