"""The events of the tabs of one version and of two.

Reports run in the queue: a version that was never looked at is asked about every held-out pair first.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError
from blender_ui.language import tr
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.ui import markup
from blender_ui.ui.inspecting.decisions.address import Address, asked_of, read_address, write_address
from blender_ui.ui.inspecting.versions import drawing
from blender_ui.ui.inspecting.versions.handlers import VersionHandlers, VersionPage
from blender_ui.ui.inspecting.versions.layout import ContrastParts, VersionParts
from blender_ui.ui.plots import curve_plot
from blender_ui.ui.report_plots import learning_plot, reliability_plot, shares_plot
from blender_ui.ui.workspace import find_project
from blender_ui.votes.reports import ShareRow

N_REPORTS = 4
"""How many reports are worked out at once."""
Update = dict[Any, Any]


def wire_versions(services: Services, page: gr.Blocks, one: VersionParts, two: ContrastParts) -> None:
    """Wire both tabs."""
    handlers = VersionHandlers(
        services.version_inspection,
        services.versions,
        services.training,
        services.labeling,
        access=services.access,
        find_project=lambda: find_project(services.access, services.workspaces),
    )
    _wire_one(page, one, handlers)
    _wire_two(page, two, handlers, services)


def _wire_one(page: gr.Blocks, parts: VersionParts, handlers: VersionHandlers) -> None:
    def open_page(request: gr.Request) -> Update:
        address = read_address(request.query_params if request is not None else None)
        if address.tab != "version":
            return {parts.notice: gr.skip()}
        return _open(parts, handlers, address.version)

    def open_tab(version: int | None, request: gr.Request) -> Update:
        return _open(parts, handlers, version or asked_of(request, "version").version)

    def choose(version: int | None) -> Update:
        return _paint(parts, handlers, version)

    def extend(version: int | None) -> Update:
        return _paint(parts, handlers, version, extend=True)

    shown = [
        parts.version, parts.extend, parts.notice, parts.summary, parts.reliability, parts.bins,
        parts.kinds_plot, parts.kinds, parts.length_plot, parts.lengths, parts.agreement_plot,
        parts.agreement, parts.pairs_plot, parts.pairs, parts.mistakes, parts.learning, parts.learnt,
        parts.curve, parts.curve_saved, parts.lineage,
    ]  # fmt: skip
    page.load(open_page, None, shown, **_queued("version_open"))
    parts.tab.select(open_tab, parts.version, shown, **_queued("version_tab"))
    parts.version.input(choose, parts.version, shown, **_queued("version_choose"))
    parts.extend.click(
        extend,
        parts.version,
        shown,
        show_progress_on=parts.extend,
        **_queued("version_extend") | {"show_progress": "full"},
    )


def _wire_two(page: gr.Blocks, parts: ContrastParts, handlers: VersionHandlers, services: Services) -> None:
    def open_page(request: gr.Request) -> Update:
        address = read_address(request.query_params if request is not None else None)
        if address.tab != "versions":
            return {parts.notice: gr.skip()}
        return _open_two(parts, handlers, address.version, address.other)

    def open_tab(first: int | None, second: int | None, request: gr.Request) -> Update:
        asked = asked_of(request, "versions")
        return _open_two(parts, handlers, first or asked.version, second or asked.other)

    def choose(first: int | None, second: int | None) -> Update:
        return _paint_two(parts, handlers, first, second)

    def promote(memory: object, first: int | None, second: int | None, reason: str) -> Update:
        said = handlers.promote(memory, second, reason)
        services.ranking.learn_soon()
        ranks = any(one.is_active and one.id == second for one in handlers.list_versions())
        return {
            **_open_two(parts, handlers, first, second),
            parts.said: markup.notice(said),
            parts.reason: "" if ranks else gr.skip(),  # a reason is of one decision
        }

    sides = [parts.first, parts.second]
    shown = [*sides, parts.notice, parts.summary, parts.plot, parts.changes]
    page.load(open_page, None, shown, **_queued("contrast_open"))
    parts.tab.select(open_tab, sides, shown, **_queued("contrast_tab"))
    gr.on([parts.first.input, parts.second.input], choose, sides, shown, **_queued("contrast_choose"))
    parts.promote.click(
        promote,
        [parts.memory, *sides, parts.reason],
        [*shown, parts.said, parts.reason],
        **_queued("contrast_promote"),
    )


def _open(parts: VersionParts, handlers: VersionHandlers, version_id: int | None) -> Update:
    versions = handlers.list_versions()
    chosen = _choose(versions, version_id)
    choices = gr.update(choices=[(drawing.say_version(one), one.id) for one in versions], value=chosen)
    if chosen is None:
        said = markup.notice(drawing.NO_VERSIONS, links=handlers.ways())
        return {parts.version: choices, parts.notice: said}
    return {parts.version: choices, **_paint(parts, handlers, chosen)}


def _choose(versions: tuple[VersionView, ...], version_id: int | None) -> int | None:
    """The wished version if there is one, else the active one, else the newest."""
    if version_id in [one.id for one in versions]:
        return version_id
    active = [one.id for one in versions if one.is_active]
    return next(iter(active or [one.id for one in versions]), None)


def _paint(
    parts: VersionParts, handlers: VersionHandlers, version_id: int | None, *, extend: bool = False
) -> Update:
    if version_id is None:
        return {parts.notice: markup.notice("Choose a version.", tone="warning")}
    try:
        page = handlers.page(version_id, extend=extend)
    except BlenderError as error:
        return {parts.notice: markup.notice(str(error), tone="warning")}
    report = page.report
    is_partial = page.version.reader_fingerprint is None and report.n_waiting > 0
    groups = (
        (parts.kinds_plot, parts.kinds, report.by_kind, "kinds", tr("Kind of task")),
        (parts.length_plot, parts.lengths, report.by_length, "lengths", tr("The longer one is longer by")),
        (parts.agreement_plot, parts.agreement, report.by_agreement, "agreement", tr("Votes on the pair")),
        (parts.pairs_plot, parts.pairs, report.by_pair, "pairs", tr("Members")),
    )
    painted: Update = {
        parts.notice: markup.view_link(write_address(Address(tab="version", version=version_id))),
        parts.extend: gr.update(visible=is_partial),
        parts.summary: drawing.draw_summary(page, links=handlers.ways()),
        parts.reliability: _plot(reliability_plot(report.reliability), report.n_judged),
        parts.bins: drawing.draw_bins(report),
        parts.mistakes: drawing.draw_mistakes(report),
        parts.learning: _plot(learning_plot(page.learning), len(page.learning)),
        parts.learnt: drawing.draw_learning(page.learning),
        parts.curve: _paint_curve(page),
        parts.curve_saved: drawing.draw_curve(page),
        parts.lineage: drawing.draw_lineage(page),
    }
    for plot, table, rows, name, heading in groups:
        painted[plot] = _paint_shares(rows, report.accuracy.share)
        painted[table] = drawing.draw_shares(rows, name=name, heading=heading)
    return painted


def _paint_shares(rows: tuple[ShareRow, ...], overall: float) -> Any:
    return _plot(shares_plot(rows, overall=overall, title=tr("accuracy, 95 % interval")), len(rows))


def _paint_curve(page: VersionPage) -> Any:
    steps = tr("preferences learnt from") if page.version.reader_fingerprint is not None else "step"
    return _plot(curve_plot(page.curve, steps=steps), len(page.curve))


def _plot(figure: Any, n: int) -> Any:
    return gr.update(value=figure, visible=True) if n else gr.update(visible=False)


def _open_two(
    parts: ContrastParts, handlers: VersionHandlers, first: int | None, second: int | None
) -> Update:
    versions = handlers.list_versions()
    if len(versions) < 2:
        said = markup.notice("Two versions are needed to compare.", links=handlers.ways())
        return {parts.notice: said}
    second = second if second in [one.id for one in versions] else versions[0].id
    others = [one.id for one in versions if one.id != second]
    active = [one.id for one in versions if one.is_active and one.id != second]
    first = first if first in others else (active or others)[0]
    choices = [(drawing.say_version(one), one.id) for one in versions]
    return {
        parts.first: gr.update(choices=choices, value=first),
        parts.second: gr.update(choices=choices, value=second),
        **_paint_two(parts, handlers, first, second),
    }


def _paint_two(
    parts: ContrastParts, handlers: VersionHandlers, first: int | None, second: int | None
) -> Update:
    if first is None or second is None:
        return {parts.notice: markup.notice("Choose two versions.", tone="warning")}
    try:
        contrast = handlers.contrast(first, second)
    except BlenderError as error:
        return {parts.notice: markup.notice(str(error), tone="warning")}
    rows = (contrast.first, contrast.second)
    address = Address(tab="versions", version=first, other=second)
    return {
        parts.notice: markup.view_link(write_address(address)),
        parts.summary: drawing.draw_contrast(contrast),
        parts.plot: _paint_shares(rows if contrast.n else (), contrast.first.share),
        parts.changes: drawing.draw_changes(contrast),
    }


def _queued(name: str) -> dict[str, Any]:
    return {
        "concurrency_limit": N_REPORTS,
        "show_progress": "hidden",
        "api_name": name,
        "api_visibility": "private",
    }
