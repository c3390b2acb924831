"""What choosers learnt, for the Inspect page.

Invariant: nothing is written, and a version without a report says so. Non-goal: making a report, see
``services.training.chooser``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from blender_ui.choosing.report import ChooserReport, load_report
from blender_ui.members.asking import Ensemble
from blender_ui.services.asking.standing import MemberStandings
from blender_ui.services.choosing.proposals import read_costs
from blender_ui.services.versions.model_versions import Versions, VersionView
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.values import is_held_out
from db.engine import transaction
from db.models import ModelRole
from db.queries import compared

_EVER = datetime(2000, 1, 1, tzinfo=UTC)
N_HELD_OUT_NEEDED = 20
"""Prompts with votes on two members; fewer cannot tell choosing from luck."""


@dataclass(frozen=True, kw_only=True)
class InspectedChooser:
    """A version and what it learnt."""

    version: VersionView
    decision: str
    """The last one about it, in a sentence."""
    report: ChooserReport
    costs: tuple[float | None, ...]
    """Of a question to each of the report's members, today; None where it is not known."""


class ChooserReports:
    """Reads the reports of one installation's choosers.

    Args:
        engine: The store.
        choosers_path: Folder of the checkpoints.
        versions: Lists them.
        members: Whose prices are today's.
    """

    def __init__(self, engine: Engine, *, choosers_path: Path, versions: Versions, members: Ensemble) -> None:
        self._engine = engine
        self._choosers_path = choosers_path
        self._versions = versions
        self._standings = MemberStandings(engine, members=members)

    def list_versions(self) -> tuple[VersionView, ...]:
        """Every chooser, newest first."""
        return self._versions.list_versions(ModelRole.CHOOSER)

    def inspect(self, version_id: int) -> InspectedChooser | None:
        """A version with its report; None where there is no such version.

        Raises:
            ChooserError: If it was trained before reports were kept.
        """
        version = next((one for one in self.list_versions() if one.id == version_id), None)
        if version is None:
            return None
        report = load_report(self._choosers_path / version.path)
        decisions = self._versions.decisions(version_id)
        costs = read_costs(report.members, self._standings.read(since=_EVER))
        return InspectedChooser(
            version=version,
            decision=decisions[-1].reason if decisions else "",
            report=report,
            costs=tuple(None if np.isnan(cost) else float(cost) for cost in costs),
        )

    def say_readiness(self, *, project_id: int | None = None) -> str:
        """How far the votes of a project, or all, are from a chooser that can be judged, in a sentence."""
        with transaction(self._engine) as session:
            counted = compared.count_preferences(session, scope=compared.Scope(project_id=project_id))
        n_prompts = len(counted.decided)
        n_held_out = sum(is_held_out(one, share=HELD_OUT_SHARE) for one in counted.decided)
        if n_held_out < N_HELD_OUT_NEEDED:
            return (
                f"Too few votes for a chooser: people decided on answers to {n_prompts:,} prompts, "
                f"{n_held_out} of which are held out. A chooser is judged on {N_HELD_OUT_NEEDED} held-out "
                f"prompts at least, about {N_HELD_OUT_NEEDED / HELD_OUT_SHARE:.0f} prompts in all. Until "
                "then all members are asked."
            )
        return f"People decided on answers to {n_prompts:,} prompts, enough to train a chooser."
