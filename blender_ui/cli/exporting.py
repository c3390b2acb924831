"""``blender-ui export``: write the store's preferences to a file."""

from __future__ import annotations

import argparse
import sys

from blender_ui.bootstrap import build_services
from blender_ui.exchange.lessons.files import SYNTAXES, Syntax
from blender_ui.exchange.lessons.forms import Terms
from blender_ui.services.data.exporting import ForTraining
from blender_ui.services.data.taking import Selection
from blender_ui.settings import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Write the file and say what is in it."""
    wanted = options.file_type or options.file.suffix.removeprefix(".")
    syntax: Syntax = next((one for one in SYNTAXES if one == wanted), "jsonl")
    training = ForTraining(
        syntax=syntax,
        terms=Terms(threshold=options.threshold, margin=options.margin),
        ranks_first=options.rank,
    )
    services = build_services(settings)
    try:
        report = services.exporting.export(
            options.file,
            format=options.format,
            project_id=options.project,
            selection=Selection(agreement=options.agreement),
            training=training,
        )
    finally:
        services.close()
    print(f"{report.path}: {report.n_lines} lines, {report.n_bytes} bytes")
    for note in report.notes:
        print(note, file=sys.stderr)
    return 0
