"""The projects page's listeners: what they may change, and what a new project's form shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from blender_ui.services.recorded.keeping import PROJECT_NAME
from blender_ui.ui.identity import presented_key
from blender_ui.ui.people.projects.layout import NEW
from blender_ui.ui.people.projects.wiring import build_projects
from db.models import DEFAULT_PROJECT_ID
from tests.builders.scripted_members import ScriptedMember, saying
from tests.builders.stores import key_of
from tests.ui.scripted_services import build_scripted_services


class ProjectsPage:
    """The page over a store whose default project waits for a member's answer."""

    def __init__(self, folder: Path) -> None:
        self.services: Any = build_scripted_services(folder, ScriptedMember("Aardvark-7B", saying("Hello.")))
        me = self.services.labeling.sign_in(key=key_of(1)).id
        self.services.project_prompts.add(DEFAULT_PROJECT_ID, instructions=["Why?"], by=me)
        self.services.generating.request(DEFAULT_PROJECT_ID, by=me)
        with gr.Blocks() as page:
            build_projects(self.services, page)
        self.events = {str(event.api_name): event for event in page.fns.values()}

    def send(self, endpoint: str, *inputs: object) -> dict[str, Any]:
        """What a listener changes, by its component's id or kind."""
        handle = self.events[endpoint].fn
        assert handle is not None
        return {_name(component): value for component, value in handle(*inputs).items()}

    def outputs(self, endpoint: str) -> set[str]:
        return {_name(component) for component in self.events[endpoint].outputs}


def _name(component: Any) -> str:
    return str(component.elem_id or type(component).__name__)


@pytest.fixture
def projects_page(tmp_path: Path) -> Iterator[ProjectsPage]:
    projects_page = ProjectsPage(tmp_path)
    yield projects_page
    projects_page.services.engine.dispose()


JOB = {"projects-job", "projects-stop", "Timer"}


def test_a_new_project_is_begun_without_the_job_of_the_one_before(projects_page: ProjectsPage) -> None:
    assert "Members" in projects_page.send("projects_choose_job", DEFAULT_PROJECT_ID)["projects-job"]
    assert projects_page.outputs("projects_begin") >= JOB
    begun = projects_page.send("projects_begin")
    assert (begun["projects-job"], begun["projects-stop"]["interactive"]) == ("", False)
    assert begun["Timer"].active is False


def test_a_tick_changes_neither_the_choice_nor_what_save_is_about(projects_page: ProjectsPage) -> None:
    assert projects_page.outputs("projects_tick") == JOB | {"projects-list", "projects-progress"}
    going = projects_page.send("projects_tick", DEFAULT_PROJECT_ID)
    assert set(going) == projects_page.outputs("projects_tick")
    assert going["Timer"].active is True


def test_a_tick_after_a_new_project_was_begun_keeps_its_notice(projects_page: ProjectsPage) -> None:
    begun, ticked = projects_page.send("projects_begin"), projects_page.send("projects_tick", NEW)
    assert ticked["projects-progress"] == begun["projects-progress"] != ""
    assert (ticked["projects-job"], ticked["Timer"].active) == ("", False)


def test_the_sample_project_is_brought_in_by_one_press_and_put_away_by_another(
    projects_page: ProjectsPage,
) -> None:
    services = projects_page.services
    services.keep_start_ranker()
    assert projects_page.send("projects_open")["projects-sample"]["visible"]
    me = services.labeling.sign_in(key=key_of(1))
    signed_in = presented_key.set(key_of(1))
    told = projects_page.send("projects_sample", NEW)
    project_id = told["projects-chosen"]["value"]
    assert not told["projects-sample"]["visible"]
    assert PROJECT_NAME in told["projects-said"]
    assert services.labeling.next_pair(annotator_id=me.id, project_id=project_id) is not None
    projects_page.send("projects_archive", project_id)
    presented_key.reset(signed_in)
    assert [one.terms.name for one in services.projects.list_projects()] == ["Default project"]
    assert not projects_page.send("projects_open")["projects-sample"]["visible"]
