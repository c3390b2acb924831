"""What the data page does when asked, without Gradio.

Invariant: a file is imported whole or not at all, and what is wrong with it is told line by line.
Non-goal: file formats; ``blender_ui.exchange`` knows them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from blender_ui.errors import BlenderError, MalformedInput
from blender_ui.exchange.intake import Reading
from blender_ui.exchange.rows import KNOWN
from blender_ui.services.data.exporting import ARCHIVE, Exporting, ExportReport
from blender_ui.services.data.import_reports import ImportReport
from blender_ui.services.data.importing import Importing
from blender_ui.services.inspecting.decisions import Inspection, SourceView

SUFFIX_BY_FORMAT = {
    "jsonl": ".jsonl.gz",
    "csv": ".csv",
    "parquet": ".parquet",
    "dpo": ".dpo.jsonl",
    "archive": ".archive.zip",
}


@dataclass(frozen=True, kw_only=True)
class ImportOutcome:
    """What came of an import.

    Attributes:
        name: The file's name.
        report: None where nothing was imported.
        problem: Why not; empty where it was.
        faults: One (line, reason) per malformed line.
    """

    name: str
    report: ImportReport | None = None
    problem: str = ""
    faults: tuple[tuple[int, str], ...] = ()


class DataHandlers:
    """The data page's requests.

    Args:
        importing: Brings files in.
        exporting: Takes files out.
        inspection: Knows what there is.
        require_admin: Raises NotPermitted unless an admin asks; an archive holds secrets.
        clock: The present time, aware; names exports.
    """

    def __init__(
        self,
        importing: Importing,
        exporting: Exporting,
        inspection: Inspection,
        *,
        require_admin: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._importing = importing
        self._exporting = exporting
        self._inspection = inspection
        self._require_admin = require_admin
        self._clock = clock

    def list_sources(self) -> tuple[SourceView, ...]:
        """What the store holds, by source."""
        return self._inspection.list_sources()

    def import_file(
        self,
        path: object,
        *,
        ask_labelled: bool,
        source: object = None,
        skip_faulty: bool = False,
        on_progress: Callable[[int, int], None],
    ) -> ImportOutcome:
        """Import a file that was uploaded.

        Args:
            path: Where the upload lies; nothing where none was chosen.
            source: What to call the source of rows that name none; the file's name where it is blank.
            skip_faulty: Skip malformed rows instead of refusing the file.
            ask_labelled: Ask people also about pairs that the file has labels for.
            on_progress: Told prompts done and all.
        """
        if not isinstance(path, str) or not path:
            return ImportOutcome(name="", problem=f"Choose a file first: {KNOWN}.")
        name = Path(path).name
        try:
            report = self._importing.import_file(
                Path(path),
                ask_labelled=ask_labelled,
                reading=Reading(
                    source=source.strip()[:128] or None if isinstance(source, str) else None,
                    skip_faulty=skip_faulty,
                ),
                on_progress=on_progress,
            )
        except MalformedInput as error:
            return ImportOutcome(name=name, problem=str(error), faults=error.faults)
        except BlenderError as error:
            return ImportOutcome(name=name, problem=str(error))
        return ImportOutcome(name=name, report=report)

    def export(self, format: object, *, folder: Path) -> ExportReport:
        """Write everything to a file in a folder.

        Raises:
            MalformedInput: If there is no such format.
            NotPermitted: If it is an archive, and the person is no admin.
        """
        if not isinstance(format, str) or format not in SUFFIX_BY_FORMAT:
            raise MalformedInput(f"expected a format among {', '.join(SUFFIX_BY_FORMAT)}; came {format!r}")
        if format == ARCHIVE:
            self._require_admin()
        stamp = f"{self._clock():%Y%m%d-%H%M%S}"
        path = folder / f"blender-ui-{stamp}{SUFFIX_BY_FORMAT[format]}"
        return self._exporting.export(path, format=format)
