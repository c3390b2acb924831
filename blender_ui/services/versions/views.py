"""A version and a decision about one, as everybody but the database sees them.

Invariant: nothing of a session is kept in them. Non-goal: reading them; ``model_versions`` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from blender_ui.services.jobs.states import PROJECT
from db.enums import ModelKind, ModelRole

START_ORIGIN = "start"
"""Under "origin" in the hyper-parameters of a start ranker's version."""


@dataclass(frozen=True, kw_only=True)
class VersionView:
    """One trained model."""

    id: int
    role: ModelRole
    kind: ModelKind
    job_id: int | None
    parent_id: int | None
    """The version that it was compared with."""
    base_model: str
    base_fingerprint: str
    """Of the frozen reader or the checkpoint it was trained from."""
    fingerprint: str
    path: str
    """The checkpoint's folder, relative to the folder of its role."""
    cut_off_preference_id: int
    n_train: int
    n_held_out: int
    hyper_parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    is_active: bool
    created_at: datetime

    @property
    def reader_fingerprint(self) -> str | None:
        """Of the frozen reader whose readings it ranks by; None where it reads the answers itself.

        What has one is quick to ask, follows every vote, and needs its answers read first.
        """
        return self.base_fingerprint if self.kind is ModelKind.FAST else None

    @property
    def is_start(self) -> bool:
        """Whether it is a start ranker, which strangers' votes taught and no training made."""
        return self.hyper_parameters.get("origin") == START_ORIGIN

    @property
    def project_id(self) -> int | None:
        """The project that it alone learnt from; None for all."""
        found = self.hyper_parameters.get(PROJECT)
        return found if isinstance(found, int) else None

    @property
    def name(self) -> str:
        """What the pages call it, in the middle of a sentence."""
        return f"version {self.id} (start ranker)" if self.is_start else f"version {self.id}"


@dataclass(frozen=True, kw_only=True)
class PromotionView:
    """One decision about a version."""

    version_id: int
    role: ModelRole
    previous_id: int | None
    promoted: bool
    reason: str
    decided_by: str | None
    """Name of the person; None where the figures decided."""
    created_at: datetime


def hide_deciders(decisions: Iterable[PromotionView]) -> tuple[PromotionView, ...]:
    """Decisions without the names of the people who made them."""
    return tuple(
        replace(one, decided_by="a researcher") if one.decided_by is not None else one for one in decisions
    )
