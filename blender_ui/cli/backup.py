"""``blender-ui backup`` and ``blender-ui restore``: an installation in one file, and back."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from blender_ui.services.archive.backups import Backup, back_up, check_backup, find_home, restore
from blender_ui.settings import Settings, list_set
from blender_ui.store import open_home_store
from db.models import utc_now


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Write, check or restore a backup, and say what is in it."""
    path: Path = options.file
    if options.command == "backup" and options.check:
        print(_say(path, check_backup(path), "is whole"))
        return 0
    engine = open_home_store(settings)
    try:
        if options.command == "backup":
            names = list_set(os.environ)
            backup = back_up(engine, find_home(settings), path, settings=names, now=utc_now())
            print(_say(path, backup, "was written"))
            print("Protect it like the home folder: it holds names, sign-ins and a secret.")
            return 0
        backup, manifest = restore(engine, find_home(settings), path)
    finally:
        engine.dispose()
    n_rows = sum(table.n_rows for table in manifest.tables)
    print(_say(path, backup, f"was restored: {n_rows:,} rows in {settings.store_name}"))
    if backup.settings:
        print(f"Settings that were set where it was written: {', '.join(backup.settings)}")
    return 0


def _say(path: Path, backup: Backup, what: str) -> str:
    return f"{path} of {backup.created_at} {what}; {len(backup.files)} files, {backup.n_bytes:,} bytes"
