"""Gold pairs and attention checks: their answers say something of people and nothing of candidates.

Invariant: what rates candidates or learns from preferences leaves these comparisons out, all by the one
query here. Non-goal: judging people by them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select
from sqlmodel import col

from db.models import Comparison, Project, Purpose

CHECKS = (Purpose.GOLD, Purpose.ATTENTION)


def select_checks() -> Select[Any]:
    """Ids of the comparisons that are checks.

    Projects and purposes are both named, so that the queue's index gives the few there are among a
    million comparisons.
    """
    return select(col(Comparison.id)).where(
        col(Comparison.project_id).in_(select(col(Project.id))), col(Comparison.purpose).in_(CHECKS)
    )
