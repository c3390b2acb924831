"""The queue of pairs that people are asked: what is in it, and what comes first.

Invariant: two candidates are one comparison at most, whose sides never change. Non-goal: who is asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Engine

from blender_ui.errors import MalformedInput, NotFound
from blender_ui.language import tr
from blender_ui.pairing.draws import draw_sides, uniform
from blender_ui.pairing.schedule import draw_pairs
from db.engine import transaction
from db.models import Comparison, Origin, Project, Prompt
from db.queries import queue


class PairQueue:
    """The pairs of one store that wait for people.

    Args:
        engine: From ``db.engine.create_store``.
        clock: Gives the present time, with its zone.
        seed: Decides every side and order; a secret, because it reveals them.
        overlap: How many people are asked each pair that is queued from here.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime], seed: int, overlap: int) -> None:
        self._engine = engine
        self._clock = clock
        self._seed = seed
        self._overlap = overlap

    def queue_prompt(self, *, prompt_id: int, candidate_ids: Sequence[int] | None = None) -> int:
        """Queue every pair of a prompt's candidates that is not a comparison yet.

        Two candidates with the same text are left out: there is nothing to prefer. The prompt's project may
        want more people asked than ``overlap``; the larger number counts.

        Args:
            prompt_id: Whose candidates.
            candidate_ids: Only pairs of these; None for all.

        Returns:
            How many comparisons were made; 0 when asked again.

        Raises:
            NotFound: If the prompt does not exist, or a candidate is not one of its.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            prompt = session.get(Prompt, prompt_id)
            if prompt is None:
                raise NotFound(tr("there is no prompt {prompt_id}", prompt_id=prompt_id))
            texts = queue.texts_by_candidate(session, prompt_id=prompt_id)
            wanted = list(texts) if candidate_ids is None else list(dict.fromkeys(candidate_ids))
            strangers = [candidate_id for candidate_id in wanted if candidate_id not in texts]
            if strangers:
                raise NotFound(
                    tr(
                        "prompt {prompt_id} has no candidates {strangers}",
                        prompt_id=prompt_id,
                        strangers=strangers,
                    )
                )
            project = session.get_one(Project, prompt.project_id)
            places = max(self._overlap, project.overlap)
            existing = queue.paired_candidates(session, prompt_id=prompt_id)
            comparisons = []
            # The prompt's own order, as of imports: else each first pair would be of the same two members.
            order_seed = int(uniform(self._seed, "pairs", prompt_id) * 2**31)
            for first, second in draw_pairs([texts[key] for key in wanted], limit=None, seed=order_seed):
                sides = draw_sides(self._seed, wanted[first], wanted[second])
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
                        priority=uniform(self._seed, "priority", sides.left, sides.right),
                        overlap=places,
                        is_open=places > 0,
                        created_at=now,
                    )
                )
            session.add_all(comparisons)
            session.flush()
            return len(comparisons)

    def order_columns(self, members: Iterable[str], *, prompt_id: int) -> tuple[str, ...]:
        """Put the members that answered a prompt in an order of the prompt's own, always the same one."""
        return tuple(
            sorted(members, key=lambda member: (uniform(self._seed, "column", prompt_id, member), member))
        )

    def prioritise(self, scores_by_comparison: Mapping[int, float]) -> int:
        """Let a ranker's uncertainty order the queue: the highest score is asked first.

        Replaces what an earlier call said. With no scores the queue is balanced and random again.

        Args:
            scores_by_comparison: How much is learnt from asking, such as the standard deviation
                of the logit, by comparison id; comparisons that are full are ignored.

        Returns:
            How many open comparisons have a score now.

        Raises:
            MalformedInput: If a score is not a finite number.
        """
        unusable = [key for key, score in scores_by_comparison.items() if not math.isfinite(score)]
        if unusable:
            raise MalformedInput(
                tr("expected finite scores; those of comparisons {unusable} are not", unusable=unusable[:5])
            )
        with transaction(self._engine, immediate=True) as session:
            return queue.set_information(session, by_comparison=scores_by_comparison)
