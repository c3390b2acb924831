"""The data page's events: which handler a component calls and what its views change.

Imports and exports run in the queue, a few at once, because they may take a minute.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError
from blender_ui.language import tr
from blender_ui.ui import markup
from blender_ui.ui.data import drawing
from blender_ui.ui.data.for_training import Wanted
from blender_ui.ui.data.handlers import NO_COLUMN, DataHandlers, Some, Wish, find_card
from blender_ui.ui.data.layout import DataParts, ExportParts
from blender_ui.ui.data.shared.wiring import wire_shared_links
from blender_ui.ui.events import at_once
from blender_ui.ui.identity import admit, presented_key, recognise
from blender_ui.ui.workspace import find_workspace
from db.enums import Role

N_AT_ONCE = 2
"""Imports or exports at once; the store has one writer anyway."""
Update = dict[Any, Any]
"""New values or properties by component."""


def build_data(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
    """

    def find_person() -> int | None:
        """Who asks; None for a program that brings no key, as it may in open mode."""
        key = presented_key.get()
        return None if key is None else recognise(services.labeling, key).id

    handlers = DataHandlers(
        services.importing,
        services.exporting,
        services.inspection,
        require_admin=lambda: admit(services.access, Role.ADMIN, presented_key.get()),
        find_person=find_person,
        clock=services.clock,
    )
    parts = DataParts()
    _wire_preview(parts, handlers)
    _wire_import(page, parts, handlers)
    _wire_export(page, parts.out, handlers, services)
    _wire_client(parts, handlers)
    wire_shared_links(parts.shared, services.past_rounds, find_person=find_person)


def _reading(parts: DataParts) -> list[Any]:
    """What says which file is read, and how."""
    return [parts.upload, parts.hub, parts.source, parts.skip_faulty, parts.words, *parts.columns.values()]


def _wish(
    parts: DataParts,
    hub: str | None,
    source: str | None,
    skip_faulty: bool,
    words: str | None,
    *columns: str | None,
) -> Wish:
    chosen = dict(zip(parts.columns, columns, strict=True))
    return Wish(hub=hub, source=source, skip_faulty=bool(skip_faulty), words=words, columns=chosen)


def _wire_preview(parts: DataParts, handlers: DataHandlers) -> None:
    reading = _reading(parts)

    def preview(path: str | None, *how: Any) -> Update:
        seen = handlers.preview(path, _wish(parts, *how))
        return {parts.preview: drawing.draw_preview(seen)}

    def preview_anew(path: str | None, hub: str | None, source: str | None, skip_faulty: bool) -> Update:
        seen = handlers.preview(path, Wish(hub=hub, source=source, skip_faulty=bool(skip_faulty)))
        choices = [NO_COLUMN, *seen.columns]
        return {
            parts.preview: drawing.draw_preview(seen),
            parts.by_hand: gr.update(visible=bool(seen.columns), open=seen.asks_for_columns),
            parts.words: "",
            **{one: gr.update(value=None, choices=choices) for one in parts.columns.values()},
        }

    gr.on(
        [parts.upload.change, parts.hub.submit],
        preview_anew,
        reading[:4],
        [parts.preview, parts.by_hand, parts.words, *parts.columns.values()],
        concurrency_limit=N_AT_ONCE,
        show_progress_on=parts.preview,
        trigger_mode="always_last",
        api_name="data_look_anew",
        api_visibility="private",
    )
    gr.on(
        [
            parts.skip_faulty.input,
            parts.source.blur,
            parts.words.blur,
            *(one.input for one in parts.columns.values()),
        ],
        preview,
        reading,
        parts.preview,
        concurrency_limit=N_AT_ONCE,
        show_progress_on=parts.preview,
        trigger_mode="always_last",  # what is chosen while a look is on its way is looked at after it
        api_name="data_look",
        api_visibility="private",
    )


def _wire_import(page: gr.Blocks, parts: DataParts, handlers: DataHandlers) -> None:
    def open_page() -> str:
        return drawing.draw_sources(handlers.list_sources())

    def bring_in(
        path: str | None,
        ask_labelled: bool,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio's way
        *how: Any,
    ) -> Update:
        progress(0, desc=tr("Reading the file"))
        outcome = handlers.import_file(
            path,
            ask_labelled=bool(ask_labelled),
            wish=_wish(parts, *how),
            left_folder=Path(tempfile.mkdtemp(prefix="blender-ui-left-")),
            on_progress=lambda done, total: progress((done, total), desc=tr("Importing"), unit="prompts"),
        )
        left = str(outcome.left_rows) if outcome.left_rows else None
        return {
            parts.outcome: drawing.draw_outcome(outcome),
            parts.sources: drawing.draw_sources(handlers.list_sources()),
            parts.left_rows: gr.update(value=left, visible=left is not None),
            parts.upload: gr.update(value=None) if outcome.report is not None else gr.skip(),
            parts.hub: "" if outcome.report is not None else gr.skip(),
        }

    page.load(
        open_page,
        None,
        parts.sources,
        queue=False,
        show_progress="hidden",
        api_name="data_open",
        api_visibility="private",
    )
    parts.bring_in.click(
        bring_in,
        [parts.upload, parts.ask_labelled, *_reading(parts)[1:]],
        [parts.outcome, parts.sources, parts.left_rows, parts.upload, parts.hub],
        show_progress_on=parts.upload,
        concurrency_limit=N_AT_ONCE,
        api_name="data_import",
        api_visibility="private",
    )


def _wire_export(page: gr.Blocks, parts: ExportParts, handlers: DataHandlers, services: Services) -> None:
    some, training = vars(parts.some), vars(parts.training)

    def open_people() -> Update:
        return {parts.some.people: gr.update(choices=handlers.list_people())}

    def export(format: str, *asked: object) -> Update:
        # Gradio serves what lies in the system's folder for temporary files, and nothing of ours.
        folder = Path(tempfile.mkdtemp(prefix="blender-ui-export-"))
        try:
            where = find_workspace(services.access, services.workspaces)
            report = handlers.export(
                format,
                folder=folder,
                project_id=where.project_id,
                some=Some(**dict(zip(some, asked, strict=False))),
                training=Wanted(**dict(zip(training, asked[len(some) :], strict=True))),
            )
        except BlenderError as error:
            # A file of an earlier export would look like this one's.
            gone = gr.update(value=None, visible=False)
            said = markup.notice(str(error), tone="warning")
            return {parts.exported: said, parts.download: gone, parts.card: gone}
        card = str(find_card(report)) if report.card else None
        return {
            parts.exported: drawing.draw_export(report, where.get(report.project_id)),
            parts.download: gr.update(value=str(report.path), visible=True),
            parts.card: gr.update(value=card, visible=card is not None),
        }

    page.load(open_people, None, parts.some.people, **at_once("data_open_people"))
    parts.export.click(
        export,
        [parts.format, *some.values(), *training.values()],
        [parts.exported, parts.download, parts.card],
        concurrency_limit=N_AT_ONCE,
        api_name="data_export",
        api_visibility="private",
    )


def _wire_client(parts: DataParts, handlers: DataHandlers) -> None:
    """The endpoints of docs/client.md: what the page does, with plain values in and out."""
    client = parts.client

    def import_file(
        path: str | None, ask_labelled: bool = False, source: str = "", skip_faulty: bool = False
    ) -> dict[str, Any]:
        outcome = handlers.import_file(
            path,
            ask_labelled=bool(ask_labelled),
            wish=Wish(source=source, skip_faulty=bool(skip_faulty)),
            on_progress=lambda done, total: None,
        )
        if outcome.report is None:
            faults = "".join(f"\n{number}: {reason}" for number, reason in outcome.faults)
            raise gr.Error(
                tr("Nothing was imported. {problem}{faults}", problem=outcome.problem, faults=faults),
                print_exception=False,
            )
        return asdict(outcome.report)

    def export_file(format: str = "jsonl") -> str:
        try:
            report = handlers.export(format, folder=Path(tempfile.mkdtemp(prefix="blender-ui-export-")))
        except BlenderError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return str(report.path)

    def list_sources() -> list[dict[str, Any]]:
        return [asdict(source) for source in handlers.list_sources()]

    client.bring_in.click(
        import_file,
        [parts.upload, parts.ask_labelled, parts.source, parts.skip_faulty],
        client.answer,
        concurrency_limit=N_AT_ONCE,
        api_name="data_import_file",
    )
    client.take_out.click(
        export_file, parts.out.format, client.file, concurrency_limit=N_AT_ONCE, api_name="data_export_file"
    )
    client.look.click(list_sources, None, client.answer, queue=False, api_name="data_sources")
