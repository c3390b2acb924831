"""``blender-ui import``: bring prompts, candidates and preferences into the store."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from blender_ui.bootstrap import build_services
from blender_ui.errors import MalformedInput, StorageError
from blender_ui.exchange.intake import Reading
from blender_ui.services.data.importing import ImportReport, tell_what_was_not_taken
from blender_ui.settings import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Import each file whole or not at all; malformed lines are listed by number."""
    services = build_services(settings)
    is_whole = True
    reading = Reading(source=options.source, skip_faulty=options.skip_faulty)
    try:
        for path in options.files:
            try:
                report = services.importing.import_file(
                    path, ask_labelled=options.ask_labelled, reading=reading
                )
            except (MalformedInput, StorageError) as error:
                is_whole = False
                print(f"{path}: nothing was imported. {error}", file=sys.stderr)
                for line, reason in getattr(error, "faults", ()):
                    print(f"  line {line}: {reason}", file=sys.stderr)
                continue
            if options.json:
                print(json.dumps({"file": str(path)} | asdict(report)))
            else:
                print(f"{path}: {_say(report)}")
    finally:
        services.close()
    return 0 if is_whole else 1


def _say(report: ImportReport) -> str:
    said = (
        f"{report.n_rows} rows: {report.n_prompts} prompts, {report.n_candidates} candidates, "
        f"{report.n_preferences} preferences; {report.n_queued} pairs to label, "
        f"{report.n_already_there} prompts there already"
    )
    return "\n  ".join((said, *tell_what_was_not_taken(report)))
