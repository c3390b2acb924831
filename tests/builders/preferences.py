"""A store with labels whose right answers are known: the word "good" makes an answer better.

Both answers are of one length, and each member has as many good ones, so that no baseline knows.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from sqlalchemy import Engine, text

from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.values import is_held_out
from db.engine import transaction
from db.models import Outcome
from tests.builders.rows import answer, member, pair, person, prompt, save, vote


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
        (ada,) = save(session, [person(key=f"labels-{offset}")])
        members = save(
            session, [member(f"m{index}-{offset}", model="m", fingerprint="f") for index in range(2)]
        )
        numbers = range(offset, offset + n_prompts)
        n_good = [[1, 3] if rng.random() < 0.5 else [3, 1] for _ in numbers]
        prompts = save(session, [prompt(f"Question {number}?") for number in numbers])
        answers = save(
            session,
            [
                answer(one.id, author.id, f"{'good ' * n}{'okay ' * (3 - n)} answer {number} of {n}")
                for number, one, goods in zip(numbers, prompts, n_good, strict=True)
                for author, n in zip(members, goods, strict=True)
            ],
        )
        pairs = save(
            session,
            [
                pair(left.prompt_id, left.id, right.id, overlap=1, n_taken=1)
                for left, right in zip(answers[::2], answers[1::2], strict=True)
            ],
        )
        votes = []
        for number, one, goods, made in zip(numbers, prompts, n_good, pairs, strict=True):
            is_flipped = misleading and not is_held_out(one.fingerprint, share=HELD_OUT_SHARE)
            left_is_better = (goods[0] > goods[1]) != is_flipped
            outcome = Outcome.LEFT if left_is_better else Outcome.RIGHT
            key, then = f"{offset}-{number}", datetime(2026, 1, 2, tzinfo=UTC)
            votes.append(vote(made.id, ada.id, outcome, idempotency_key=key, created_at=then))
        save(session, votes)


def lengthen_good_answers(engine: Engine) -> None:
    """Give the better answers a word more."""
    better = "UPDATE candidate SET text = text || ' indeed' WHERE text LIKE 'good good good %'"
    with engine.begin() as connection:
        connection.execute(text(better))
