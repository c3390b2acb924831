"""``blender-ui import``: bring prompts, candidates and preferences into the store."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path

from blender_ui.bootstrap import build_services
from blender_ui.errors import MalformedInput, SettingsError, StorageError, UnknownShape
from blender_ui.exchange.columns import Mapped
from blender_ui.exchange.intake import Reading
from blender_ui.exchange.left_rows import LeftRows
from blender_ui.hub.datasets import fetch_dataset, is_dataset_name
from blender_ui.services.data.import_reports import (
    ImportReport,
    say_preview,
    tell_preview,
    tell_what_was_not_taken,
)
from blender_ui.services.data.importing import Importing
from blender_ui.settings import Settings

_HOW_TO_MAP = (
    "Say which column holds what, such as: --map prompt=COLUMN --map text_a=COLUMN --map text_b=COLUMN "
    "--map winner=COLUMN (or chosen and rejected). For a winner in other words: --word 0=a --word 1=b"
)


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Import each file whole or not at all; malformed lines are listed by number."""
    reading = Reading(
        source=options.source,
        skip_faulty=options.skip_faulty,
        mapped=Mapped(_pairs(options.map, "--map"), _pairs(options.word, "--word")),
    )
    left = LeftRows(options.left_rows) if options.left_rows else None
    services = build_services(settings)
    is_whole = True
    try:
        with closing(left) if left else nullcontext():
            for path in options.files:
                try:
                    _take(services.importing, path, reading, left, options)
                except (MalformedInput, StorageError) as error:
                    is_whole = False
                    _complain(path, error)
    finally:
        services.close()
    if left is not None and left.n:
        print(f"{left.n:,} rows that were left out are in {left.path}", file=sys.stderr)
    return 0 if is_whole else 1


def _take(
    importing: Importing, path: Path, reading: Reading, left: LeftRows | None, options: argparse.Namespace
) -> None:
    if is_dataset_name(path):
        name, path = path.as_posix(), fetch_dataset(path.as_posix())
        reading = replace(reading, source=reading.source or name)
    if options.preview:
        preview = importing.preview_file(path, reading=reading)
        if options.json:
            print(json.dumps({"file": str(path)} | asdict(preview)))
        else:
            print("\n  ".join((f"{path}: {say_preview(preview)}", *tell_preview(preview))))
        return
    report = importing.import_file(
        path,
        ask_labelled=options.ask_labelled,
        reading=reading,
        on_left=left.add if left else None,
    )
    if options.json:
        print(json.dumps({"file": str(path)} | asdict(report)))
    else:
        print(f"{path}: {_say(report)}")


def _complain(path: Path, error: MalformedInput | StorageError) -> None:
    print(f"{path}: nothing was imported. {error}", file=sys.stderr)
    for line, reason in getattr(error, "faults", ()):
        print(f"  line {line}: {reason}", file=sys.stderr)
    if isinstance(error, UnknownShape):
        print(f"  {_HOW_TO_MAP}", file=sys.stderr)


def _pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise SettingsError(f"expected NAME=VALUE after {option}, came {text!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def _say(report: ImportReport) -> str:
    shapes = f"read as {' and '.join(report.shapes)}; " if report.shapes else ""
    said = (
        f"{shapes}{report.n_rows} rows: {report.n_prompts} prompts, {report.n_candidates} candidates, "
        f"{report.n_preferences} preferences; {report.n_queued} pairs to label, "
        f"{report.n_already_there} prompts there already"
    )
    return "\n  ".join((said, *tell_what_was_not_taken(report)))
