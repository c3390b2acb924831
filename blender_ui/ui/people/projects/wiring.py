"""The projects page's events: which handler a component calls and what its views change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.language import tr
from blender_ui.services.projects.projects import ProjectTerms, ProjectView
from blender_ui.ui import markup
from blender_ui.ui.events import at_once
from blender_ui.ui.people.projects import drawing
from blender_ui.ui.people.projects.handlers import ProjectsHandlers, Said
from blender_ui.ui.people.projects.layout import NEW, ProjectsParts
from blender_ui.ui.plots import days_plot
from blender_ui.ui.shell import WITH_ADDRESS

Update = dict[Any, Any]


def build_projects(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
    """
    handlers = ProjectsHandlers(services)
    parts = ProjectsParts()
    _wire_dashboard(page, parts, handlers)
    _wire_terms(page, parts, handlers)
    _wire_sample(parts, handlers)
    _wire_invitations(parts, handlers)
    _wire_prompts(parts, handlers)
    _wire_generation(page, parts, handlers)
    _wire_checks(parts, handlers)


def _wire_dashboard(page: gr.Blocks, parts: ProjectsParts, handlers: ProjectsHandlers) -> None:
    """Apart from the form, which need not wait for the figures."""

    def open_dashboard() -> Update:
        return _paint_dashboard(parts, handlers, handlers.find_own())

    def choose_dashboard(project_id: int | str | None) -> Update:
        return _paint_dashboard(parts, handlers, project_id)

    drawn = [parts.dashboard, parts.days]
    page.load(open_dashboard, None, drawn, **at_once("projects_open_dashboard"))
    parts.chosen.input(choose_dashboard, parts.chosen, drawn, **at_once("projects_dashboard"))


def _wire_terms(page: gr.Blocks, parts: ProjectsParts, handlers: ProjectsHandlers) -> None:
    form = list(vars(parts.terms).values())
    shown = _painted(parts)

    def open_page() -> Update:
        chosen = handlers.find_own()
        painted = _paint(parts, handlers, chosen) | _fill(parts, handlers.choose(chosen))
        return painted | {parts.checks.listed: _draw_checks(handlers, chosen)}

    cleared = {
        parts.checks.pair: gr.update(choices=[], value=None),
        parts.checks.shown: "",
        parts.checks.said: "",
        parts.checks.listed: "",
        parts.prompts.said: "",
        parts.said: "",
        parts.invited: "",
        parts.link: gr.update(value="", visible=False),
    }

    def begin() -> Update:
        return (
            cleared
            | {parts.chosen: NEW}
            | _paint_job(parts, handlers, NEW)
            | _paint_dashboard(parts, handlers, NEW)
            | _fill(parts, None)
        )

    def choose(project_id: int | str | None) -> Update:
        if project_id == NEW:
            return cleared | _fill(parts, None)
        listed = {parts.checks.listed: _draw_checks(handlers, project_id)}
        return cleared | listed | _fill(parts, handlers.choose(project_id))

    def save(project_id: int | str | None, *values: Any) -> Update:
        said = handlers.save(project_id, dict(zip(vars(parts.terms), values, strict=True)))
        return _paint(parts, handlers, said.project_id) | {parts.said: _notice(said)}

    def archive(project_id: int | str | None) -> Update:
        said = handlers.archive(project_id)
        return _paint(parts, handlers, said.project_id) | {parts.said: _notice(said)}

    page.load(open_page, None, [*shown, parts.checks.listed, *form], **at_once("projects_open"))
    filled = [parts.progress, parts.save, parts.archive, *form, *cleared]
    parts.chosen.input(choose, parts.chosen, filled, **at_once("projects_choose"))
    begun = [parts.chosen, *filled, *_job(parts), parts.dashboard, parts.days]
    parts.begin.click(begin, None, begun, **at_once("projects_begin"))
    parts.save.click(save, [parts.chosen, *form], [*shown, parts.said], **at_once("projects_save"))
    parts.archive.click(archive, parts.chosen, [*shown, parts.said], **at_once("projects_archive"))


def _wire_sample(parts: ProjectsParts, handlers: ProjectsHandlers) -> None:
    def add_sample(project_id: int | str | None) -> Update:
        said = handlers.add_sample(project_id)
        return (
            _paint(parts, handlers, said.project_id)
            | _paint_dashboard(parts, handlers, said.project_id)
            | _fill(parts, handlers.choose(said.project_id))
            | {parts.said: _notice(said)}
        )

    shown = [*_painted(parts), *vars(parts.terms).values(), parts.dashboard, parts.days, parts.said]
    parts.sample.click(add_sample, parts.chosen, shown, **at_once("projects_sample"))


def _wire_invitations(parts: ProjectsParts, handlers: ProjectsHandlers) -> None:
    def invite(project_id: int | str | None, n_accounts: float) -> Update:
        token, said = handlers.invite(project_id, n_accounts)
        return {parts.link: gr.update(value=token, visible=bool(token)), parts.invited: _notice(said)}

    parts.invite.click(
        invite, [parts.chosen, parts.n_accounts], [parts.link, parts.invited], **at_once("projects_invite")
    ).then(None, parts.link, parts.link, js=WITH_ADDRESS, api_visibility="private")


def _wire_prompts(parts: ProjectsParts, handlers: ProjectsHandlers) -> None:
    prompts = parts.prompts
    shown = [*_painted(parts), prompts.said]

    def add_typed(project_id: int | str | None, text: str) -> Update:
        said = handlers.add_typed(project_id, text)
        kept = gr.update(value="") if said.is_good else gr.skip()
        return _paint(parts, handlers, said.project_id) | {prompts.said: _notice(said), prompts.typed: kept}

    def add_file(project_id: int | str | None, path: str | None) -> Update:
        said = handlers.add_file(project_id, path)
        kept = gr.update(value=None) if said.is_good else gr.skip()
        return _paint(parts, handlers, said.project_id) | {prompts.said: _notice(said), prompts.upload: kept}

    prompts.add_typed.click(
        add_typed, [parts.chosen, prompts.typed], [*shown, prompts.typed], **at_once("projects_add_typed")
    )
    prompts.add_file.click(
        add_file,
        [parts.chosen, prompts.upload],
        [*shown, prompts.upload],
        show_progress_on=prompts.upload,
        api_name="projects_add_file",
        api_visibility="private",
    )


def _wire_generation(page: gr.Blocks, parts: ProjectsParts, handlers: ProjectsHandlers) -> None:
    prompts = parts.prompts

    def open_job() -> Update:
        return _paint_job(parts, handlers, handlers.find_own())

    def choose_job(project_id: int | str | None) -> Update:
        return _paint_job(parts, handlers, project_id)

    def tick(project_id: int | str | None) -> Update:
        projects = handlers.list_projects()
        return _paint_job(parts, handlers, project_id) | _paint_state(parts, projects, project_id)

    def generate(project_id: int | str | None) -> Update:
        said = handlers.generate(project_id)
        return _paint_job(parts, handlers, project_id) | {prompts.said: _notice(said)}

    def stop(project_id: int | str | None) -> Update:
        said = handlers.stop(project_id)
        return _paint_job(parts, handlers, project_id) | {prompts.said: _notice(said)}

    shown = _job(parts)
    page.load(open_job, None, shown, **at_once("projects_open_job"))
    parts.chosen.input(choose_job, parts.chosen, shown, **at_once("projects_choose_job"))
    prompts.timer.tick(
        tick,
        parts.chosen,
        # Neither the choice nor the form: both may have changed since the tick was sent.
        [*shown, parts.projects, parts.progress],
        **at_once("projects_tick"),
    )
    prompts.generate.click(generate, parts.chosen, [*shown, prompts.said], **at_once("projects_generate"))
    prompts.stop.click(stop, parts.chosen, [*shown, prompts.said], **at_once("projects_stop"))


def _wire_checks(parts: ProjectsParts, handlers: ProjectsHandlers) -> None:
    checks = parts.checks

    def find(project_id: int | str | None, containing: str) -> Update:
        if not isinstance(project_id, int):
            return {checks.pair: gr.update(choices=[], value=None), checks.shown: "", checks.listed: ""}
        pairs = handlers.list_pairs(project_id, containing)
        choices = [(drawing.pair_title(pair), pair.comparison_id) for pair in pairs]
        empty = markup.notice("No pair of this project has that in its question.")
        return {
            checks.pair: gr.update(choices=choices, value=None),
            checks.shown: "" if pairs else empty,
            checks.listed: _draw_checks(handlers, project_id, containing),
        }

    def show(comparison_id: int | None) -> str:
        return drawing.draw_pair(handlers.get_pair(comparison_id))

    def set_check(
        project_id: int | str | None,
        comparison_id: int | None,
        purpose: str,
        outcome: str | None,
        reason: str = "",
    ) -> Update:
        said = handlers.set_check(project_id, comparison_id, purpose, outcome, reason)
        return _paint(parts, handlers, said.project_id) | {
            checks.said: _notice(said),
            checks.listed: _draw_checks(handlers, said.project_id),
            checks.shown: drawing.draw_pair(handlers.get_pair(comparison_id)),
        }

    checks.find.click(
        find,
        [parts.chosen, checks.containing],
        [checks.pair, checks.shown, checks.listed],
        **at_once("projects_find"),
    )
    checks.pair.input(show, checks.pair, checks.shown, **at_once("projects_show_pair"))
    checks.set.click(
        set_check,
        [parts.chosen, checks.pair, checks.purpose, checks.outcome, checks.reason],
        [*_painted(parts), checks.said, checks.shown, checks.listed],
        **at_once("projects_set_check"),
    )


def _paint_dashboard(parts: ProjectsParts, handlers: ProjectsHandlers, project_id: object) -> Update:
    view = handlers.find_dashboard(project_id)
    has_days = view is not None and len(view.days) > 0
    figure = days_plot(view.days, n_wanted=view.project.n_wanted) if view is not None and has_days else None
    return {
        parts.dashboard: drawing.draw_dashboard(view),
        parts.days: gr.update(value=figure, visible=has_days),
    }


def _draw_checks(handlers: ProjectsHandlers, project_id: object, containing: str = "") -> str:
    found = handlers.list_checks(project_id, containing)
    return drawing.draw_checks(found, n_all=handlers.count_checks(project_id), containing=containing.strip())


def _painted(parts: ProjectsParts) -> list[Any]:
    """What ``_paint`` changes."""
    return [parts.projects, parts.chosen, parts.progress, parts.save, parts.archive, parts.sample]


def _paint(parts: ProjectsParts, handlers: ProjectsHandlers, project_id: int | None) -> Update:
    projects = handlers.list_projects()
    choices: list[tuple[str, int | str]] = [(one.terms.name, one.id) for one in projects]
    return (
        _paint_state(parts, projects, project_id)
        | {parts.chosen: gr.update(choices=[*choices, (tr("A new project"), NEW)], value=project_id or NEW)}
        | {parts.sample: gr.update(visible=handlers.lacks_sample())}
        | _name_buttons(parts, _find(projects, project_id))
    )


def _paint_state(parts: ProjectsParts, projects: Sequence[ProjectView], project_id: object) -> Update:
    """How far all projects are, and the chosen one."""
    return {
        parts.projects: drawing.draw_projects(projects),
        parts.progress: _draw_progress(_find(projects, project_id)),
    }


def _find(projects: Sequence[ProjectView], project_id: object) -> ProjectView | None:
    return next((one for one in projects if one.id == project_id), None)


def _draw_progress(project: ProjectView | None) -> str:
    return drawing.draw_new() if project is None else drawing.draw_progress(project)


def _job(parts: ProjectsParts) -> list[Any]:
    """What ``_paint_job`` changes."""
    return [parts.prompts.job, parts.prompts.timer, parts.prompts.stop]


def _paint_job(parts: ProjectsParts, handlers: ProjectsHandlers, project_id: object) -> Update:
    job = handlers.find_job(project_id)
    is_going = job is not None and not job.status.is_finished()
    return {
        parts.prompts.job: drawing.draw_job(job, None if job is None else handlers.find_cost(job)),
        parts.prompts.timer: gr.Timer(active=is_going),
        parts.prompts.stop: gr.update(interactive=is_going),
    }


def _name_buttons(parts: ProjectsParts, chosen: ProjectView | None) -> Update:
    """Say on the buttons which project they are about."""
    is_archived = chosen is not None and chosen.is_archived
    return {
        parts.save: tr("Make this project")
        if chosen is None
        else tr("Save the terms of {terms}", terms=chosen.terms.name),
        parts.archive: gr.update(
            value=tr("Restore") if is_archived else tr("Archive"), interactive=chosen is not None
        ),
    }


def _fill(parts: ProjectsParts, project: ProjectView | None) -> Update:
    """The form with a project's terms, or with those of a new one."""
    terms = ProjectTerms(name="") if project is None else project.terms
    asked = terms.questions
    switches = {"strength": asked.strength, "reason": asked.reason, "spans": asked.spans}
    values = {
        **{name: getattr(terms, name) for name in vars(parts.terms) if hasattr(terms, name)},
        "criteria": list(asked.criteria),
        "asks": [name for name, is_on in switches.items() if is_on],
        "ask": terms.ask.value,
        "audience": terms.audience.value,
        "reveal": terms.reveal.value,
    }
    return (
        {component: values[name] for name, component in vars(parts.terms).items()}
        | {parts.progress: _draw_progress(project)}
        | _name_buttons(parts, project)
    )


def _notice(said: Said) -> str:
    return markup.notice(said.text, tone="good" if said.is_good else "warning")
