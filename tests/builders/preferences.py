"""A store with labels whose right answers are known: the word "good" makes an answer better."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from sqlalchemy import Engine

from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.values import RankingPrompt, is_held_out
from db.engine import transaction
from db.models import (
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Member,
    Origin,
    Outcome,
    Preference,
    Prompt,
    Role,
)


def add_labeled_prompts(
    engine: Engine, *, n_prompts: int, seed: int = 0, misleading: bool = False, offset: int = 0
) -> None:
    """Write prompts with two answers each and one person's preference for the better one.

    Args:
        engine: A migrated store.
        n_prompts: How many, one preference each.
        seed: Of the answers and the sides.
        misleading: Whether preferences on training prompts are for the worse answer; those on
            held-out prompts stay right.
        offset: Number of the first prompt, so that two calls write different ones.
    """
    rng = np.random.default_rng(seed)
    with transaction(engine, immediate=True) as session:
        annotator = Annotator(
            key=f"labels-{offset}", name="Ada", kind=AnnotatorKind.HUMAN, role=Role.ANNOTATOR
        )
        members = [
            Member(name=f"m{index}-{offset}", backend="import", model="m", fingerprint="f")
            for index in range(2)
        ]
        session.add_all([annotator, *members])
        session.flush()
        for number in range(offset, offset + n_prompts):
            instruction = f"Question {number}?"
            prompt = Prompt(
                instruction=instruction,
                fingerprint=RankingPrompt(instruction=instruction).fingerprint,
            )
            session.add(prompt)
            session.flush()
            n_good = [1, 3] if rng.random() < 0.5 else [3, 1]
            candidates = [
                Candidate(
                    prompt_id=prompt.id, member_id=member.id, text=f"{'good ' * n} answer {number} of {n}"
                )
                for member, n in zip(members, n_good, strict=True)
            ]
            session.add_all(candidates)
            session.flush()
            comparison = Comparison(
                prompt_id=prompt.id,
                left_id=candidates[0].id,
                right_id=candidates[1].id,
                origin=Origin.IMPORT,
                n_taken=1,
                is_open=False,
            )
            session.add(comparison)
            session.flush()
            is_flipped = misleading and not is_held_out(prompt.fingerprint, share=HELD_OUT_SHARE)
            left_is_better = (n_good[0] > n_good[1]) != is_flipped
            session.add(
                Preference(
                    comparison_id=comparison.id,
                    annotator_id=annotator.id,
                    outcome=Outcome.LEFT if left_is_better else Outcome.RIGHT,
                    idempotency_key=f"{offset}-{number}",
                    created_at=datetime(2026, 1, 2, tzinfo=UTC),
                )
            )
