"""``blender-ui record``: members answer questions, and the rounds are written as the package carries them."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import blender_ui
from blender_ui.bootstrap import Services, build_services
from blender_ui.errors import WeightsUnavailable
from blender_ui.ranking.start import read_card
from blender_ui.services.recorded.file import SHIPPED_PATH, Rounds, read_rounds, write_rounds
from blender_ui.services.recorded.recording import Recording
from blender_ui.settings import Settings
from blender_ui.weights.catalogue import CATALOGUE

PACKAGES = ("xllamacpp", "torch", "transformers")
"""Whose versions may change what is answered or read."""


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Ask for the answers that lack, rank all, fuse what is new, and write after each question.

    The questions are those of the file, or of the package where there is no such file yet.
    """
    path: Path = options.file
    known = read_rounds(path if path.exists() else SHIPPED_PATH)
    with tempfile.TemporaryDirectory() as folder:
        services = build_services(replace(settings, home_path=Path(folder), database_url=""))
        try:
            if services.ranking.active() is None:
                raise WeightsUnavailable(
                    "the start ranker has no reader here; fetch it by: python -m blender_ui.weights reader "
                    f"{read_card().reader}"
                )
            _record(services, known, path)
        finally:
            services.close()
    return 0


def _record(services: Services, known: Rounds, path: Path) -> None:
    recording = Recording(
        services.engine,
        blending=services.blending,
        ranking=services.ranking,
        fusing=services.fusing,
        members=services.members,
        clock=services.clock,
    )
    asked = recording.record(replace(known, made_with=_say_how(services)))
    for number, rounds in enumerate(asked, start=1):
        write_rounds(rounds, path)
        done = rounds.rounds[number - 1]
        fused = "fused" if done.fused else "not fused"
        told = f"{number} of {len(known.rounds)}: {done.id}, {len(done.answers)} answers, {fused}"
        print(told, file=sys.stderr, flush=True)


def _say_how(services: Services) -> dict[str, Any]:
    models = {config.model for config in services.members.configs}
    card = read_card()
    return {
        "app": blender_ui.__version__,
        "day": services.clock().date().isoformat(),
        "ranker": card.fingerprint,
        "reader": card.reader_fingerprint,
        "packages": {name: version(name) for name in PACKAGES},
        "weights": {one.name: one.files[0].sha256 for one in CATALOGUE if one.name in models},
    }
