"""Recorded rounds of scripted members, made as the command makes them, and a store that holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from blender_ui.bootstrap import Services
from blender_ui.ranking.start import read_card
from blender_ui.services.recorded.file import Round, Rounds
from blender_ui.services.recorded.keeping import RecordedRounds
from blender_ui.services.recorded.recording import Recording
from blender_ui.services.versions.start import keep_start_version

QUESTIONS = Rounds(
    made_with={"ranker": read_card().fingerprint},
    licence="CC0-1.0",
    writers=(),
    rounds=(
        Round(id="tea", instruction="How is tea made?"),
        Round(id="sky", instruction="Say it shorter.", input="The sky is blue."),
    ),
)


def record(services: Services, known: Rounds = QUESTIONS) -> Rounds:
    """The rounds that the services' members, ranker and fuser make of some questions."""
    recording = Recording(
        services.engine,
        blending=services.blending,
        ranking=services.ranking,
        fusing=services.fusing,
        members=services.members,
        clock=services.clock,
    )
    *_, last = recording.record(known)
    return last


def keep(services: Any, rounds: Rounds, folder: Path) -> None:
    """Put rounds where the services look for theirs, with the start ranker that names them."""
    keep_start_version(
        services.engine, rankers_path=folder / "rankers", reader="smollm2-135m", is_ready=False
    )
    services.recorded = RecordedRounds(
        services.engine, queue=services.labeling, clock=services.clock, overlap=20, read=lambda: rounds
    )
    services.recorded.keep(only_in_new_store=False)
