"""Import and export as files, for researchers' programs.

Invariant: a file is imported whole or not at all; a key of one project exports that
one alone. Non-goal: the files' forms, see docs/exchange.md.
"""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from blender_ui.errors import MalformedInput, NotPermitted
from blender_ui.exchange.archive import is_archive
from blender_ui.exchange.lessons.files import FORMS, Syntax
from blender_ui.exchange.lessons.forms import Terms
from blender_ui.outside import LARGEST_NUMBER, check_values
from blender_ui.services.data.exporting import Exporting, ForTraining
from blender_ui.services.data.importing import Importing
from blender_ui.services.data.taking import Selection
from blender_ui.services.people.keys import Caller

Format = Literal["jsonl", "csv", "parquet", "sft", "kto", "dpo", "best_of_n", "rejection_sampled"]
LONGEST_NAME = 128
NOTES = "x-blender-notes"
"""The header that says what an export left out."""


class Exported(BaseModel):
    """What an export is to hold; all but the project is of files for trainers."""

    model_config = ConfigDict(extra="forbid")

    project_id: Annotated[int, Field(ge=1, le=LARGEST_NUMBER)] | None = None
    file: Syntax = "jsonl"
    threshold: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5, description="probability of beating another answer, of best_of_n and rejection_sampled"
    )
    margin: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="log-odds ahead of the next answer, of the same"
    )
    agreement: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="least share of a pair's votes that say the same"
    )


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

    def give(self, caller: Caller, form: Format, asked: Exported) -> FileResponse:
        """Export the whole store, or a project."""
        if caller.project_id is not None and caller.project_id != asked.project_id:
            raise NotPermitted(
                "An export has every project, and this key is of one: ask for "
                f"project_id={caller.project_id}."
            )
        folder = tempfile.TemporaryDirectory()
        path = Path(folder.name) / (f"blender.{form}.{asked.file}" if form in FORMS else f"blender.{form}")
        training = ForTraining(syntax=asked.file, terms=Terms(threshold=asked.threshold, margin=asked.margin))
        try:
            report = self._exporting.export(
                path,
                format=form,
                project_id=asked.project_id,
                selection=Selection(agreement=asked.agreement),
                training=training,
            )
        except BaseException:
            folder.cleanup()
            raise
        notes = {NOTES: " ".join(report.notes)} if report.notes else {}
        return FileResponse(
            path, filename=path.name, headers=notes, background=BackgroundTask(folder.cleanup)
        )
