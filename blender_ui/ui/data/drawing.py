"""Imports, contents and exports as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from blender_ui.language import say_number, tr
from blender_ui.retelling import retell
from blender_ui.services.data.exporting import ExportReport
from blender_ui.services.data.import_reports import (
    ImportReport,
    say_preview,
    tell_preview,
    tell_what_was_not_taken,
)
from blender_ui.services.inspecting.decisions import SourceView
from blender_ui.services.projects.projects import ProjectBrief
from blender_ui.ui import markup
from blender_ui.ui.data.handlers import ImportOutcome, UploadPreview
from blender_ui.ui.prose import render_prose

NOTHING_CHOSEN = "Choose a file, or name a data set. What is in it is shown here before it is imported."
LINES = {
    "jsonl": "prompts",
    "csv": "labels",
    "parquet": "labels",
    "sft": "conversations",
    "dpo": "decided pairs",
    "kto": "answers",
    "best_of_n": "conversations",
    "rejection_sampled": "conversations",
    "archive": "rows of all tables",
}


def draw_outcome(outcome: ImportOutcome) -> str:
    """What came of an import."""
    if outcome.report is not None:
        return _draw_report(outcome.name, outcome.report)
    head = tr("Nothing was imported. ") if outcome.name else ""
    drawn = markup.notice(head + retell(outcome.problem), tone="warning")
    if not outcome.faults:
        return drawn
    rows = _draw_faults(outcome.faults)
    return drawn + markup.table(("Line or row", "What is wrong"), rows)


def _draw_faults(faults: Iterable[tuple[int, str]]) -> list[tuple[str, str]]:
    return [(say_number(line), retell(reason)) for line, reason in faults]


def draw_preview(upload: UploadPreview) -> str:
    """What a file would bring, before it is taken."""
    if not upload.name:
        return markup.remark(NOTHING_CHOSEN)
    if upload.preview is None:
        drawn = markup.notice(retell(upload.problem), tone="warning")
        rows = _draw_faults(upload.faults)
        return drawn + (markup.table(("Line or row", "What is wrong"), rows) if rows else "")
    preview = upload.preview
    told = "".join(markup.remark(sentence) for sentence in tell_preview(preview))
    shown = [
        (
            (tr("({n_before} messages before) ", n_before=one.n_before) if one.n_before else "") + one.prompt,
            " | ".join(f"{model}: {text}" for model, text in one.answers),
            "; ".join(one.votes) or tr("nobody has compared them"),
        )
        for one in preview.shown
    ]
    table = markup.table(("Prompt", "Answers", "Votes"), shown, caption="The first prompts") if shown else ""
    return markup.notice(f"{upload.name}: {say_preview(preview)}.") + told + table


def draw_sources(sources: Sequence[SourceView]) -> str:
    """What the store holds, by source."""
    if not sources:
        return markup.notice(
            "The store is empty. Import a file above, or ask a question.", links=[("Ask", "./")]
        )
    rows: list[tuple[str, ...]] = [
        (
            source.name,
            say_number(source.n_prompts),
            say_number(source.n_candidates),
            say_number(source.n_preferences),
            say_number(source.n_open),
        )
        for source in sources
    ]
    if len(sources) > 1:
        sums = (
            sum(getattr(source, name) for source in sources)
            for name in ("n_prompts", "n_candidates", "n_preferences", "n_open")
        )
        rows.append(("all", *(say_number(total) for total in sums)))
    return markup.table(("Source", "Prompts", "Answers", "Preferences", "Pairs still to label"), rows)


def draw_export(report: ExportReport, project: ProjectBrief | None = None) -> str:
    """What an export wrote: of one project, or of everything."""
    size = (
        tr("{n_bytes:.1f} MB", n_bytes=report.n_bytes / 1000000.0)
        if report.n_bytes >= 1e6
        else tr("{n_bytes:.1f} kB", n_bytes=report.n_bytes / 1000.0)
    )
    of = project.name if project is not None else tr("all projects")
    said = markup.notice(
        tr(
            "{path}: {n_lines:,} {lines} of {of}, {size}.",
            path=report.path.name,
            n_lines=report.n_lines,
            lines=LINES[report.format],
            of=of,
            size=size,
        ),
        tone="good",
    )
    notes = "".join(markup.notice(note, tone="warning") for note in report.notes)
    card = markup.fold("The card of this file", render_prose(report.card)) if report.card else ""
    return said + notes + card


def _draw_report(name: str, report: ImportReport) -> str:
    said = markup.notice(
        tr("{name} is in the store.", name=name),
        links=[("Label", "./label"), ("Train", "./train")],
        tone="good",
    )
    figures = markup.figures(
        [
            ("rows", say_number(report.n_rows)),
            ("prompts", say_number(report.n_prompts)),
            ("answers", say_number(report.n_candidates)),
            ("preferences", say_number(report.n_preferences)),
            ("pairs to label", say_number(report.n_queued)),
            ("prompts there already", say_number(report.n_already_there)),
            ("votes known", say_number(report.n_known)),
        ]
    )
    told = tell_what_was_not_taken(report)
    return said + figures + "".join(markup.notice(sentence, tone="warning") for sentence in told)
