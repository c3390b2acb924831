"""Whether there are enough preferences to train on; the one place where the numbers stand.

Invariant: what counts here is what a training would use: standing preferences of people, split by
the prompt's fingerprint as the training splits them. Non-goal: starting anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from blender_ui.values import is_held_out
from db.queries import preferences
from db.queries.jobs import find_last_cut_off

HELD_OUT_SHARE = 0.2
"""Share of prompts whose preferences no version learns from, and on which versions are compared."""
N_DECIDED_NEEDED = 20
"""Preferences for one side, held-out ones included, before a first training makes sense."""
N_PROMPTS_NEEDED = 10
"""Prompts that they must spread over."""
N_HELD_OUT_NEEDED = 3
"""Of the decided preferences, how many must be on held-out prompts, or nothing can be compared."""


@dataclass(frozen=True, kw_only=True)
class ReadinessView:
    """How far the store is from a training."""

    n_preferences: int
    """Standing preferences of people, without those on gold pairs and attention checks."""
    n_decided: int
    """Those for one side."""
    n_prompts: int
    """Prompts with a decided preference."""
    n_held_out: int
    """Decided preferences on held-out prompts."""
    n_new: int
    """Preferences that came after the cut-off of the latest ranker's job."""
    n_needed: int
    """Decided preferences that a first training needs."""
    is_ready: bool
    reason: str
    """What is missing, or what a training would use; a sentence to show."""


def measure_readiness(session: Session) -> ReadinessView:
    """Count what a training would use now."""
    counts = preferences.count_by_question(session, after_id=find_last_cut_off(session))
    by_prompt = [(one.fingerprint, one.n_decided) for one in counts if one.n_decided]
    n_decided = sum(n for _, n in by_prompt)
    n_held_out = sum(n for fingerprint, n in by_prompt if is_held_out(fingerprint, share=HELD_OUT_SHARE))
    missing = _find_missing(n_decided=n_decided, n_prompts=len(by_prompt), n_held_out=n_held_out)
    return ReadinessView(
        n_preferences=sum(one.n for one in counts),
        n_decided=n_decided,
        n_prompts=len(by_prompt),
        n_held_out=n_held_out,
        n_new=sum(one.n_new for one in counts),
        n_needed=N_DECIDED_NEEDED,
        is_ready=missing is None,
        reason=missing
        or f"{n_decided} decided preferences on {len(by_prompt)} prompts; {n_held_out} of them are held out",
    )


def _find_missing(*, n_decided: int, n_prompts: int, n_held_out: int) -> str | None:
    if n_decided < N_DECIDED_NEEDED or n_prompts < N_PROMPTS_NEEDED:
        return (
            f"A first training needs {N_DECIDED_NEEDED} decided preferences on {N_PROMPTS_NEEDED} prompts; "
            f"there are {n_decided} on {n_prompts}. Ties are learnt from too, but do not count here."
        )
    if n_held_out < N_HELD_OUT_NEEDED:
        return (
            f"A new version is judged by decided preferences on held-out prompts, one prompt in "
            f"{round(1 / HELD_OUT_SHARE)}; it takes {N_HELD_OUT_NEEDED} and there are {n_held_out}. "
            "Label pairs of a few more prompts."
        )
    return None
