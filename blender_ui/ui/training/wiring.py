"""The train page's events: which handler a component calls and what its views change.

Everything is short work on the store, past the queue. The timer ticks only while a job may have news.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.services.monitoring.drift import Drift
from blender_ui.ui import markup
from blender_ui.ui.drift import OF_RANKER, draw_drifts
from blender_ui.ui.events import at_once
from blender_ui.ui.plots import curve_plot
from blender_ui.ui.rows import read_act
from blender_ui.ui.shell import NOT_PRESSED
from blender_ui.ui.training import drawing
from blender_ui.ui.training.encoders import list_encoders
from blender_ui.ui.training.handlers import JobCard, TrainHandlers, TrainPage, Wish
from blender_ui.ui.training.layout import RoleParts, TrainParts
from blender_ui.ui.workspace import find_workspace
from db.enums import JobKind, ModelRole

REDRAW = -1
"""As the count of points drawn: draws the curve whatever it has."""
STEPS = {JobKind.FAST: "preferences learnt from"}
Update = dict[Any, Any]
"""New values or properties by component."""


def build_train(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
    """
    handlers = TrainHandlers(
        services.training,
        services.labeling,
        access=services.access,
        versions=services.versions,
        find_shadows=services.shadow_standings.find,
        list_encoders=lambda: list_encoders(services.settings.weights_path),
        find_workspace=lambda: find_workspace(services.access, services.workspaces),
    )
    parts = TrainParts(handlers.encoders())
    outputs = _outputs(parts)
    returns = services.settings.train_every > 0
    _wire_watching(page, parts, handlers, outputs, services.drifts.find, returns=returns)
    _wire_acts(parts, handlers, outputs)


def _wire_watching(
    page: gr.Blocks,
    parts: TrainParts,
    handlers: TrainHandlers,
    outputs: list[Any],
    find_drifts: Callable[[], tuple[Drift, ...]],
    *,
    returns: bool,
) -> None:
    def open_page() -> Update:
        return _paint_page(parts, handlers.page(), n_points=REDRAW)

    def count() -> Update:
        return _paint_counts(parts, handlers)

    def tick(job_id: int | None, n_points: int) -> Update:
        card = handlers.card()
        if card is None or card.job.id != job_id or not card.is_active:
            is_same = card is not None and card.job.id == job_id
            painted = _paint_page(parts, handlers.page(), n_points=n_points if is_same else REDRAW)
            return painted | _paint_counts(parts, handlers)
        return _paint_card(parts, card, n_points=n_points)

    def compare() -> Update:
        return {
            parts.shadow: "".join(drawing.draw_shadow(one, returns=returns) for one in handlers.shadows()),
            parts.drift: draw_drifts(find_drifts(), OF_RANKER),
        }

    watch = parts.watch
    page.load(open_page, None, outputs, **at_once("train_open"))
    # Apart from the rest, which need not wait for it.
    page.load(count, None, [parts.ask.readiness], **at_once("train_open_counts"))
    page.load(compare, None, [parts.shadow, parts.drift], **at_once("train_open_shadow"))
    watch.timer.tick(tick, [watch.job_id, watch.n_points], outputs, **at_once("train_tick"))


def _wire_acts(parts: TrainParts, handlers: TrainHandlers, outputs: list[Any]) -> None:
    ask, watch = parts.ask, parts.watch

    def request(memory: object, kind: str, encoder: str, n_epochs: float, learning_rate: float) -> Update:
        wish = Wish(kind=kind, encoder=encoder, n_epochs=n_epochs, learning_rate=learning_rate)
        said = handlers.request(memory, wish)
        painted = _paint_page(parts, handlers.page(), n_points=REDRAW) | _paint_counts(parts, handlers)
        return {**painted, ask.notice: markup.notice(said)}

    def cancel(job_id: int) -> Update:
        said = handlers.cancel(job_id)
        painted = _paint_page(parts, handlers.page(), n_points=REDRAW) | _paint_counts(parts, handlers)
        return {**painted, ask.notice: markup.notice(said)}

    wish = [parts.memory, ask.kind, ask.encoder, ask.n_epochs, ask.learning_rate]
    ask.train.click(request, wish, [*outputs, ask.notice], **at_once("train_request"))
    watch.cancel.click(cancel, watch.job_id, [*outputs, ask.notice], **at_once("train_cancel"))
    for role, drawn in _by_role(parts).items():
        _wire_role(parts, drawn, handlers, role, outputs)


def _wire_role(
    parts: TrainParts, drawn: RoleParts, handlers: TrainHandlers, role: ModelRole, outputs: list[Any]
) -> None:
    hidden = {drawn.confirm: gr.update(visible=False), drawn.chosen: None, drawn.reason: ""}
    name = "train" if role is ModelRole.RANKER else f"train_{role.value}"

    def choose(event: gr.EventData = NOT_PRESSED) -> Update:
        version_id = read_act(event).row
        question = markup.section(drawing.ask_to_activate(role, version_id))
        return {
            drawn.chosen: version_id,
            drawn.question: question,
            drawn.confirm: gr.update(visible=True),
            drawn.notice: "",
        }

    def leave() -> Update:
        return hidden

    def activate(memory: object, version_id: int, reason: str) -> Update:
        said = handlers.activate(memory, version_id, reason, role=role)
        painted = _paint_page(parts, handlers.page(), n_points=REDRAW)
        return {**painted, **hidden, drawn.notice: markup.notice(said)}

    folded = [drawn.confirm, drawn.chosen]
    drawn.versions.select(choose, None, [*folded, drawn.question, drawn.notice], **at_once(f"{name}_choose"))
    drawn.leave.click(leave, None, [*folded, drawn.reason], **at_once(f"{name}_leave"))
    drawn.activate.click(
        activate,
        [parts.memory, drawn.chosen, drawn.reason],
        [*outputs, *folded, drawn.reason, drawn.notice],
        **at_once("train_activate" if role is ModelRole.RANKER else f"train_activate_{role.value}"),
    )


def _by_role(parts: TrainParts) -> dict[ModelRole, RoleParts]:
    return {
        ModelRole.RANKER: parts.rankers,
        ModelRole.FUSER: parts.fusers,
        ModelRole.CHOOSER: parts.choosers,
    }


def _outputs(parts: TrainParts) -> list[Any]:
    watch = parts.watch
    of_job = [watch.card, watch.curve, watch.fold, watch.cancel, watch.job_id, watch.n_points, watch.timer]
    of_roles = [drawn.versions for drawn in _by_role(parts).values()]
    return [parts.active, parts.ask.readiness, *of_job, parts.jobs, parts.decisions, *of_roles]


def _paint_page(parts: TrainParts, page: TrainPage, *, n_points: int) -> Update:
    painted: Update = {
        **_paint_card(parts, page.card, n_points=n_points),
        parts.jobs: drawing.draw_jobs(page.jobs),
        parts.decisions: drawing.draw_decisions(page.decisions),
    }
    painted[parts.active] = drawing.draw_active(page.versions[ModelRole.RANKER])
    for role, drawn in _by_role(parts).items():
        painted[drawn.versions] = drawing.draw_versions(
            role, page.versions[role], may_activate=page.may_activate
        )
    return painted


def _paint_counts(parts: TrainParts, handlers: TrainHandlers) -> Update:
    return {parts.ask.readiness: drawing.draw_readiness(handlers.readiness(), handlers.project())}


def _paint_card(parts: TrainParts, card: JobCard | None, *, n_points: int) -> Update:
    """The job's card; its curve only where it has points that are not drawn yet."""
    watch = parts.watch
    is_active = card is not None and card.is_active
    painted = {
        watch.card: drawing.draw_card(card),
        watch.cancel: gr.update(visible=is_active),
        watch.job_id: card.job.id if card is not None else None,
        watch.timer: gr.Timer(active=is_active),
    }
    if card is None or len(card.curve) == n_points:
        return painted
    # Of one point there is no curve, and a fast training has none or one.
    is_curve = len(card.curve) > 1
    curve = curve_plot(card.curve, steps=STEPS.get(card.job.kind, "step")) if is_curve else None
    return {
        **painted,
        watch.curve: curve,
        watch.fold: gr.update(visible=curve is not None, open=is_active),
        watch.n_points: len(card.curve),
    }
