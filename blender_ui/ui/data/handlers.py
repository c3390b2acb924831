"""What the data page does when asked, without Gradio.

Invariant: a file is imported whole or not at all, and what is wrong with it is told line by line.
Non-goal: file formats; ``blender_ui.exchange`` knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from blender_ui.errors import BlenderError, MalformedInput, UnknownShape
from blender_ui.exchange.columns import Mapped
from blender_ui.exchange.files.rows import KNOWN
from blender_ui.exchange.intake import Reading
from blender_ui.exchange.left_rows import LeftRows
from blender_ui.hub.datasets import fetch_dataset
from blender_ui.language import tr
from blender_ui.outside import read_id
from blender_ui.services.data.exporting import ARCHIVE, FORMATS, Exporting, ExportReport
from blender_ui.services.data.import_reports import FilePreview, ImportReport
from blender_ui.services.data.importing import Importing
from blender_ui.services.data.taking import Selection
from blender_ui.services.inspecting.decisions import Inspection, SourceView
from blender_ui.ui.data.for_training import Wanted

SUFFIX_BY_FORMAT = {
    "jsonl": ".jsonl.gz",
    "csv": ".csv",
    "parquet": ".parquet",
    "archive": ".archive.zip",
}
"""Of a form for trainers, the file's syntax."""


NO_COLUMN = "(none)"
"""Chosen where no column of the file holds something."""
UNKNOWN_SHAPE = (
    "The columns are those of no tool that is known here. Say below which of them holds the prompt, the "
    "two answers and the vote."
)

MAP_BELOW = "If a column or a word means something else, say so below."


@dataclass(frozen=True, kw_only=True)
class ImportOutcome:
    """What came of an import.

    Attributes:
        name: The file's name.
        report: None where nothing was imported.
        problem: Why not; empty where it was.
        faults: One (line, reason) per malformed line.
        left_rows: A file of the rows that were left out; None where there are none.
    """

    name: str
    report: ImportReport | None = None
    problem: str = ""
    faults: tuple[tuple[int, str], ...] = ()
    left_rows: Path | None = None


@dataclass(frozen=True, kw_only=True)
class UploadPreview:
    """What a file would bring.

    Attributes:
        name: The file's name; empty where none was chosen.
        preview: None where nothing would come in.
        problem: Why not.
        faults: One (line, reason) per malformed line.
        columns: Of the file, to be mapped by hand.
    """

    name: str
    preview: FilePreview | None = None
    problem: str = ""
    faults: tuple[tuple[int, str], ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def asks_for_columns(self) -> bool:
        """Whether nothing good comes of it unless somebody says what the columns hold."""
        return self.preview is None or not self.preview.n_votes


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a person wants a file to be read, as the components give it.

    Attributes:
        hub: A data set's name, where no file is chosen.
        source: What to call the source of rows that name none; the file's name where it is blank.
        skip_faulty: Skip malformed rows instead of refusing the file.
        columns: The file's column by ours; None where none was chosen, ``NO_COLUMN`` where there is none.
        words: What the vote's words mean, such as "0=a, 1=b".
    """

    hub: object = ""
    source: object = None
    skip_faulty: bool = False
    columns: Mapping[str, object] = field(default_factory=dict)
    words: object = ""

    @property
    def dataset(self) -> str:
        """The data set's name; empty where none is."""
        return self.hub.strip() if isinstance(self.hub, str) else ""

    def reading(self) -> Reading:
        """The wish as the importer takes it.

        Raises:
            MalformedInput: If the words are not such pairs.
        """
        columns = {
            ours: "" if theirs == NO_COLUMN else theirs
            for ours, theirs in self.columns.items()
            if isinstance(theirs, str) and theirs
        }
        source = self.source.strip() if isinstance(self.source, str) else ""
        return Reading(
            source=(source or self.dataset)[:128] or None,
            skip_faulty=self.skip_faulty,
            mapped=Mapped(columns, _read_words(self.words)),
        )


@dataclass(frozen=True, kw_only=True)
class Some:
    """Which preferences a person wants exported, as the components give it.

    Attributes:
        since, until: Days such as 2026-05-31, both included; blank for any.
        people: Annotators' ids; empty for everybody.
        agreement: In percent; 0 asks nothing.
    """

    since: object = ""
    until: object = ""
    people: object = ()
    agreement: object = 0

    def read(self) -> Selection:
        """The wish as an export takes it.

        Raises:
            MalformedInput: If a day is none, or the agreement is no percentage.
        """
        until = _read_day(self.until)
        people = self.people if isinstance(self.people, list | tuple) else ()
        is_number = isinstance(self.agreement, int | float) and not isinstance(self.agreement, bool)
        if not is_number or not 0 <= float(str(self.agreement)) <= 100:
            raise MalformedInput(
                tr("expected an agreement from 0 to 100 %, came {agreement!r:.40}", agreement=self.agreement)
            )
        return Selection(
            since=_read_day(self.since),
            until=None if until is None else until + timedelta(days=1),
            annotator_ids=frozenset(read_id(one, "person") for one in people),
            agreement=float(str(self.agreement)) / 100,
        )


def find_card(report: ExportReport) -> Path:
    """Where an export's card lies, beside its file."""
    return report.path.with_name(f"{report.path.name}.card.md")


def _read_day(value: object) -> datetime | None:
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time.min, tzinfo=UTC)
    except ValueError as error:
        raise MalformedInput(tr("expected a day such as 2026-05-31, came {text!r:.40}", text=text)) from error


def _name(path: object, wish: Wish) -> str:
    """What is to be read: an upload, or a data set; empty where neither is chosen."""
    return Path(path).name if isinstance(path, str) and path else wish.dataset


def _find(path: object, wish: Wish) -> tuple[Path, Reading]:
    """Where it is, and how it is to be read; a data set is downloaded."""
    if isinstance(path, str) and path:
        return Path(path), replace(wish, hub="").reading()
    return fetch_dataset(wish.dataset), wish.reading()


def _read_words(text: object) -> dict[str, str]:
    words = {}
    for part in text.split(",") if isinstance(text, str) else ():
        word, sign, meaning = part.partition("=")
        if part.strip() and not (sign and word.strip() and meaning.strip()):
            raise MalformedInput(
                tr("expected words such as 0=a, 1=b, 2=tie; came {part!r}", part=part.strip())
            )
        if part.strip():
            words[word.strip()] = meaning.strip()
    return words


class DataHandlers:
    """The data page's requests.

    Args:
        importing: Brings files in.
        exporting: Takes files out.
        inspection: Knows what there is.
        require_admin: Raises NotPermitted unless an admin asks; an archive holds secrets.
        find_person: The annotator who asks, for the audit trail; None for a program without a key.
        clock: The present time, aware; names exports.
    """

    def __init__(
        self,
        importing: Importing,
        exporting: Exporting,
        inspection: Inspection,
        *,
        require_admin: Callable[[], None],
        find_person: Callable[[], int | None],
        clock: Callable[[], datetime],
    ) -> None:
        self._importing = importing
        self._exporting = exporting
        self._inspection = inspection
        self._require_admin = require_admin
        self._find_person = find_person
        self._clock = clock

    def list_sources(self) -> tuple[SourceView, ...]:
        """What the store holds, by source."""
        return self._inspection.list_sources()

    def preview(self, path: object, wish: Wish) -> UploadPreview:
        """Say what a file would bring, before it is taken.

        Args:
            path: Where the upload lies; nothing where none was chosen.
            wish: How it is to be read.
        """
        name = _name(path, wish)
        if not name:
            return UploadPreview(name="")
        try:
            found, reading = _find(path, wish)
            preview = self._importing.preview_file(found, reading=reading)
            return UploadPreview(name=name, preview=preview, columns=preview.columns)
        except UnknownShape as error:
            return UploadPreview(name=name, problem=UNKNOWN_SHAPE, columns=error.columns)
        except MalformedInput as error:
            hint = f" {tr(MAP_BELOW)}" if error.columns else ""
            return UploadPreview(
                name=name, problem=f"{error}{hint}", faults=error.faults, columns=error.columns
            )
        except BlenderError as error:
            return UploadPreview(name=name, problem=str(error))

    def import_file(
        self,
        path: object,
        *,
        ask_labelled: bool,
        on_progress: Callable[[int, int], None],
        wish: Wish | None = None,
        left_folder: Path | None = None,
    ) -> ImportOutcome:
        """Import a file that was uploaded.

        Args:
            path: Where the upload lies; nothing where none was chosen.
            ask_labelled: Ask people also about pairs that the file has labels for.
            on_progress: Told prompts done and all.
            wish: How it is to be read.
            left_folder: Where to write the rows that are left out; None for nowhere.
        """
        wish = wish or Wish()
        name = _name(path, wish)
        if not name:
            return ImportOutcome(name="", problem=tr("Choose a file first: {known}.", known=KNOWN))
        left = LeftRows(left_folder / f"{Path(name).stem}-left-out.jsonl") if left_folder else None
        try:
            found, reading = _find(path, wish)
            report = self._importing.import_file(
                found,
                ask_labelled=ask_labelled,
                reading=reading,
                on_progress=on_progress,
                on_left=left.add if left else None,
                by=self._find_person(),
            )
        except MalformedInput as error:
            return ImportOutcome(name=name, problem=str(error), faults=error.faults)
        except BlenderError as error:
            return ImportOutcome(name=name, problem=str(error))
        finally:
            if left is not None:
                left.close()
        return ImportOutcome(name=name, report=report, left_rows=left.path if left and left.n else None)

    def list_people(self) -> list[tuple[str, int]]:
        """Name and id of everybody whose preferences an export may be of."""
        return [(name, annotator_id) for annotator_id, name in self._exporting.list_people()]

    def export(
        self,
        format: object,
        *,
        folder: Path,
        project_id: int | None = None,
        some: Some | None = None,
        training: Wanted | None = None,
    ) -> ExportReport:
        """Write everything, or one project, to a file in a folder, with its card beside it.

        An archive is always of everything.

        Raises:
            MalformedInput: If there is no such format, or what was asked of the preferences cannot be read.
            NotPermitted: If it is an archive, and the person is no admin.
        """
        if not isinstance(format, str) or format not in FORMATS:
            raise MalformedInput(
                tr(
                    "expected a format among {formats}; came {format!r}",
                    formats=", ".join(FORMATS),
                    format=format,
                )
            )
        made = (training or Wanted()).read()
        if format == ARCHIVE:
            self._require_admin()
        stamp = f"{self._clock():%Y%m%d-%H%M%S}"
        of_project = None if format == ARCHIVE else project_id
        name = f"blender-ui-{stamp}" if of_project is None else f"blender-ui-project-{of_project}-{stamp}"
        path = folder / f"{name}{SUFFIX_BY_FORMAT.get(format, f'.{format}.{made.syntax}')}"
        report = self._exporting.export(
            path,
            format=format,
            project_id=of_project,
            selection=(some or Some()).read(),
            training=made,
            by=self._find_person(),
        )
        if report.card:
            find_card(report).write_text(report.card, encoding="utf-8")
        return report
