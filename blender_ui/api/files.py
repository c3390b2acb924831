"""Import and export as files, for researchers' programs.

Invariant: a file is imported whole or not at all; an export has the whole store, so a key of one project gets
none. Non-goal: the files' forms, see docs/exchange.md.
"""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePath
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from blender_ui.errors import MalformedInput, NotPermitted
from blender_ui.exchange.archive import is_archive
from blender_ui.outside import check_values
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.people.keys import Caller

Format = Literal["jsonl", "csv", "parquet", "dpo"]
LONGEST_NAME = 128


class Imported(BaseModel):
    """What a file brought."""

    n_prompts: int = Field(description="that are new")
    n_candidates: int
    n_preferences: int
    n_rows: int
    left_out: list[dict[str, Any]] = Field(description="rows that were not taken, by reason")
    notes: list[str]


class Files:
    """Takes and gives files.

    Args:
        importing: Reads them.
        exporting: Writes them.
    """

    def __init__(self, importing: Importing, exporting: Exporting) -> None:
        self._importing = importing
        self._exporting = exporting

    def take(self, caller: Caller, name: str, content: bytes) -> Imported:
        """Import a file, by its content; an archive is refused, because it brings accounts."""
        check_values(name)
        plain = PurePath(name).name[:LONGEST_NAME] or "file"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / plain
            path.write_bytes(content)
            if is_archive(path):
                raise MalformedInput("expected rows, came an archive; blender-ui import takes it")
            report = self._importing.import_file(path, project_id=caller.home_project_id)
        return Imported(
            n_prompts=report.n_prompts,
            n_candidates=report.n_candidates,
            n_preferences=report.n_preferences,
            n_rows=report.n_rows,
            left_out=[one._asdict() for one in report.left_out],
            notes=list(report.notes),
        )

    def give(self, caller: Caller, form: Format) -> FileResponse:
        """Export the whole store."""
        if caller.project_id is not None:
            raise NotPermitted("An export has every project, and this key is of one.")
        folder = tempfile.TemporaryDirectory()
        path = Path(folder.name) / f"blender.{form}"
        self._exporting.export(path, format=form)
        return FileResponse(path, filename=path.name, background=BackgroundTask(folder.cleanup))
