"""The members' tab's events. Everything is numbers in memory or short reads, past the queue."""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError
from blender_ui.language import tr
from blender_ui.services.inspecting.member_ratings import RatingWish
from blender_ui.ui import markup
from blender_ui.ui.events import at_once
from blender_ui.ui.inspecting.decisions.address import Address, asked_of, read_address, write_address
from blender_ui.ui.inspecting.members import drawing
from blender_ui.ui.inspecting.members.handlers import MembersHandlers, MembersPage
from blender_ui.ui.inspecting.members.layout import ALL_KINDS, OUTCOME, MembersParts
from blender_ui.ui.plots import ratings_plot
from blender_ui.ui.report_plots import kinds_plot, points_plot, ranker_ratings_plot, wins_plot
from blender_ui.ui.workspace import find_project

Update = dict[Any, Any]


def wire_members(services: Services, page: gr.Blocks, parts: MembersParts) -> None:
    """Wire the tab."""
    handlers = MembersHandlers(
        services.member_ratings,
        services.version_inspection,
        find_project=lambda: find_project(services.access, services.workspaces),
    )

    def open_page(request: gr.Request) -> Update:
        address = read_address(request.query_params if request is not None else None)
        if address.tab != "members":
            return {parts.notice: gr.skip()}
        return _paint_choices(parts, handlers, address) | _paint(parts, handlers, address)

    def open_tab(
        kind: str,
        style: bool,
        best: bool,
        criterion: str,
        strength: bool,
        version: int | None,
        request: gr.Request,
    ) -> Update:
        address = _address(kind, style, best, criterion, strength, version)
        if version is None:  # nothing was painted yet
            address = asked_of(request, "members")
        return _paint_choices(parts, handlers, address) | _paint(parts, handlers, address)

    def choose(*asked: Any) -> Update:
        return _paint(parts, handlers, _address(*asked))

    asked = [parts.kind, parts.style, parts.best, parts.criterion, parts.strength, parts.version]
    shown = [
        *asked, parts.notice, parts.plot, parts.ratings, parts.wins_plot, parts.wins, parts.time_plot,
        parts.time, parts.kinds_plot, parts.kinds, parts.criteria_plot, parts.criteria, parts.ranker_plot,
        parts.ranker,
    ]  # fmt: skip
    page.load(open_page, None, shown, **at_once("members_open"))
    parts.tab.select(open_tab, asked, shown, **at_once("members_tab"))
    gr.on(
        [
            parts.kind.input,
            parts.style.input,
            parts.best.input,
            parts.criterion.input,
            parts.strength.input,
            parts.version.input,
        ],
        choose,
        asked,
        shown,
        **at_once("members_choose"),
    )


def _address(
    kind: str, style: bool, best: bool, criterion: str, strength: bool, version: int | None
) -> Address:
    return Address(
        tab="members",
        kind="" if kind == ALL_KINDS else str(kind or ""),
        style=bool(style),
        best=bool(best),
        criterion="" if criterion == OUTCOME else str(criterion or ""),
        strength=bool(strength),
        version=version if isinstance(version, int) else None,
    )


def _paint_choices(parts: MembersParts, handlers: MembersHandlers, address: Address) -> Update:
    versions = handlers.list_versions()
    active = next((one.id for one in versions if one.is_active), None)
    chosen = address.version if address.version in [one.id for one in versions] else active
    return {
        parts.kind: gr.update(
            choices=[(tr(ALL_KINDS), ALL_KINDS), *handlers.list_kinds()], value=address.kind or ALL_KINDS
        ),
        parts.style: address.style,
        parts.best: address.best,
        parts.criterion: gr.update(
            choices=[(tr(OUTCOME), OUTCOME), *handlers.list_criteria()], value=address.criterion or OUTCOME
        ),
        parts.strength: address.strength,
        parts.version: gr.update(
            choices=[(tr("version {id}", id=one.id), one.id) for one in versions], value=chosen
        ),
    }


def _paint(parts: MembersParts, handlers: MembersHandlers, address: Address) -> Update:
    wish = RatingWish(
        kind=address.kind,
        holds_style=address.style,
        adds_best_ranked=address.best,
        criterion=address.criterion,
        weighs_strength=address.strength,
    )
    version = address.version
    if version is None:
        version = next((one.id for one in handlers.list_versions() if one.is_active), None)
    try:
        page = handlers.page(wish, version)
    except BlenderError as error:
        return {parts.notice: markup.notice(str(error), tone="warning")}
    link = markup.view_link(write_address(address._replace(version=version)))
    return {parts.notice: link, **_paint_page(parts, page)}


def _paint_page(parts: MembersParts, page: MembersPage) -> Update:
    view = page.view
    names = [one.member for one in view.members]
    ratings = ratings_plot(
        names,
        [one.rating for one in view.members],
        [one.low for one in view.members],
        [one.high for one in view.members],
    )
    there = bool(names)
    return {
        parts.plot: gr.update(value=ratings, visible=there),
        parts.ratings: drawing.draw_ratings(view),
        parts.wins_plot: gr.update(value=wins_plot(view), visible=there),
        parts.wins: drawing.draw_wins(view),
        parts.time_plot: gr.update(value=points_plot(page.over_time, members=names), visible=there),
        parts.time: drawing.draw_time(page),
        parts.kinds_plot: gr.update(value=kinds_plot(page.by_kind, members=names), visible=there),
        parts.kinds: drawing.draw_kinds(page),
        parts.criteria_plot: gr.update(
            value=kinds_plot(page.by_criterion, members=names), visible=bool(page.by_criterion)
        ),
        parts.criteria: drawing.draw_criteria(page),
        parts.ranker_plot: gr.update(value=ranker_ratings_plot(page.ranker), visible=bool(page.ranker)),
        parts.ranker: drawing.draw_ranker(page),
    }
