"""Draws where a ranker stands, the same wherever it ranks. The words are the services'."""

from __future__ import annotations

from blender_ui.language import tr
from blender_ui.ranking.standing import Verdict
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.services.versions.standing import describe_standing
from blender_ui.ui import markup

TONES = {Verdict.BETTER: "good", Verdict.UNDECIDED: "warning", Verdict.WORSE: "warning", None: "info"}


def name_ranker(version: VersionView) -> str:
    """What pages call a ranker's version in the middle of a sentence."""
    if version.is_start:
        return tr("version {version_id} (start ranker)", version_id=version.id)
    return tr("version {version_id}", version_id=version.id)


def draw_standing(version: VersionView) -> str:
    """A badge and the sentence with its figures."""
    found = describe_standing(version)
    return markup.badge(found.badge, tone=TONES[found.verdict], sentence=found.sentence)
