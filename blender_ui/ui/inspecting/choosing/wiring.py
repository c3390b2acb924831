"""The events of the tab of choosers: short reads of files, past the queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError
from blender_ui.services.choosing.reports import ChooserReports
from blender_ui.ui import markup
from blender_ui.ui.events import at_once
from blender_ui.ui.identity import open_links
from blender_ui.ui.inspecting.choosing import drawing
from blender_ui.ui.inspecting.choosing.layout import ChoosingParts
from blender_ui.ui.inspecting.choosing.plots import curve_plot, kinds_plot, map_plot
from blender_ui.ui.inspecting.decisions.address import Address, asked_of, read_address, write_address
from blender_ui.ui.workspace import find_project

Update = dict[Any, Any]
WAYS = (("Label pairs", "./label"), ("Train", "./train"))


def wire_choosing(services: Services, page: gr.Blocks, parts: ChoosingParts) -> None:
    """Wire the tab."""
    reports = services.chooser_reports

    def readiness() -> str:
        return reports.say_readiness(project_id=find_project(services.access, services.workspaces))

    links = [*open_links(services.access, WAYS)]

    def open_page(request: gr.Request) -> Update:
        address = read_address(request.query_params if request is not None else None)
        if address.tab != "choosing":
            return {parts.notice: gr.skip()}
        return _open(parts, reports, readiness, links, address.version)

    def open_tab(version: int | None, request: gr.Request) -> Update:
        return _open(parts, reports, readiness, links, version or asked_of(request, "choosing").version)

    def choose(version: int | None) -> Update:
        return _paint(parts, reports, readiness, version)

    shown = [
        parts.version, parts.notice, parts.summary, parts.curve_plot, parts.curve, parts.kinds_plot,
        parts.kinds, parts.map_plot, parts.map,
    ]  # fmt: skip
    page.load(open_page, None, shown, **at_once("choosing_open"))
    parts.tab.select(open_tab, parts.version, shown, **at_once("choosing_tab"))
    parts.version.input(choose, parts.version, shown, **at_once("choosing_choose"))


def _open(
    parts: ChoosingParts,
    reports: ChooserReports,
    readiness: Callable[[], str],
    links: list[tuple[str, str]],
    wished: int | None,
) -> Update:
    versions = reports.list_versions()
    if not versions:
        said = f"{drawing.NONE_YET} {readiness()}"
        return {parts.notice: markup.notice(said, links=links)}
    ids = [one.id for one in versions]
    active = [one.id for one in versions if one.is_active]
    chosen = wished if wished in ids else (active or ids)[0]
    choices = gr.update(choices=[(drawing.say_version(one), one.id) for one in versions], value=chosen)
    return {parts.version: choices, **_paint(parts, reports, readiness, chosen)}


def _paint(
    parts: ChoosingParts, reports: ChooserReports, readiness: Callable[[], str], version_id: int | None
) -> Update:
    try:
        found = None if version_id is None else reports.inspect(version_id)
    except BlenderError as error:
        return {parts.notice: markup.notice(str(error), tone="warning")}
    if found is None:
        return {parts.notice: markup.notice("Choose a chooser.", tone="warning")}
    report = found.report
    return {
        parts.notice: markup.view_link(write_address(Address(tab="choosing", version=version_id))),
        parts.summary: drawing.draw_summary(found, readiness()),
        parts.curve_plot: gr.update(value=curve_plot(report), visible=bool(report.curve)),
        parts.curve: drawing.draw_curve(found),
        parts.kinds_plot: gr.update(value=kinds_plot(report), visible=True),
        parts.kinds: drawing.draw_kinds(report),
        parts.map_plot: gr.update(value=map_plot(report), visible=bool(report.prompts)),
        parts.map: drawing.draw_map(report),
    }
