"""Whether there are enough preferences to train on; the only place with the numbers.

Invariant: what counts here is what a training would use: standing preferences of people, split by
the prompt's fingerprint as the training splits them. Non-goal: starting anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from blender_ui.language import tr
from blender_ui.values import is_held_out
from db.queries import compared
from db.queries.jobs import find_last_cut_off

HELD_OUT_SHARE = 0.2
"""Share of prompts whose preferences no version learns from, and on which versions are compared."""
N_DECIDED_NEEDED = 20
"""Preferences for one side, held-out ones included, before a first training makes sense."""
N_PROMPTS_NEEDED = 10
"""Prompts that they must spread over."""
N_HELD_OUT_NEEDED = 3
"""Of the decided preferences, how many must be on held-out prompts, or nothing can be compared."""
N_LOOKED_AT = 2_000
"""First preferences that are looked at before all are counted."""


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


def measure_readiness(session: Session, *, project_id: int | None = None) -> ReadinessView:
    """Count what a training would use now, of one project or of all."""
    scope = compared.Scope(project_id=project_id)
    counted = compared.count_preferences(session, scope=scope, new_after_id=find_last_cut_off(session))
    n_decided, n_held_out = counted.decided.total(), _count_held_out(counted)
    missing = _find_missing(counted)
    return ReadinessView(
        n_preferences=counted.n,
        n_decided=n_decided,
        n_prompts=len(counted.decided),
        n_held_out=n_held_out,
        n_new=counted.n_new,
        n_needed=N_DECIDED_NEEDED,
        is_ready=missing is None,
        reason=missing
        or tr(
            "{n_decided} decided preferences on {n_prompts} prompts; {n_held_out} of them are held out",
            n_decided=n_decided,
            n_prompts=len(counted.decided),
            n_held_out=n_held_out,
        ),
    )


def find_missing(session: Session, *, project_id: int | None = None) -> str | None:
    """What a training lacks, in a sentence; None where it lacks nothing.

    The first preferences usually say so, in milliseconds however many there are: for a request, which
    keeps others from writing while it asks.
    """
    for at_most in (N_LOOKED_AT, None):
        scope = compared.Scope(project_id=project_id)
        missing = _find_missing(compared.count_preferences(session, scope=scope, at_most=at_most))
        if missing is None:
            return None
    return missing


def _count_held_out(counted: compared.Counted) -> int:
    return sum(n for one, n in counted.decided.items() if is_held_out(one, share=HELD_OUT_SHARE))


def _find_missing(counted: compared.Counted) -> str | None:
    n_decided, n_prompts = counted.decided.total(), len(counted.decided)
    n_held_out = _count_held_out(counted)
    if n_decided < N_DECIDED_NEEDED or n_prompts < N_PROMPTS_NEEDED:
        return tr(
            "A first training needs {n_decided_needed} decided preferences on {n_prompts_needed} "
            "prompts; there are {n_decided} on {n_prompts}. Ties are learnt from too, but do not "
            "count here.",
            n_decided_needed=N_DECIDED_NEEDED,
            n_prompts_needed=N_PROMPTS_NEEDED,
            n_decided=n_decided,
            n_prompts=n_prompts,
        )
    if n_held_out < N_HELD_OUT_NEEDED:
        return tr(
            "A new version is judged by decided preferences on held-out prompts, one prompt in "
            "{n_prompts}; it takes {n_held_out_needed} and there are {n_held_out}. Label pairs of a few "
            "more prompts.",
            n_prompts=round(1 / HELD_OUT_SHARE),
            n_held_out_needed=N_HELD_OUT_NEEDED,
            n_held_out=n_held_out,
        )
    return None
