"""The routes of what is in the store, and of files.

Non-goal: what they answer, see ``resources`` and ``files``.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from blender_ui.api.files import LONGEST_NAME, Exported, Files, Format, Imported
from blender_ui.api.gate import By
from blender_ui.api.resources import (
    Added,
    After,
    Candidate,
    Job,
    Leaders,
    Limit,
    Page,
    Preference,
    Project,
    ProjectRequest,
    Prompt,
    PromptsRequest,
    Resources,
    Rooms,
    Version,
)
from blender_ui.api.routing import Routes
from blender_ui.api.webhooks import MadeWebhook, Message, Removed, Webhook, WebhookRequest, WebhookRoutes
from blender_ui.bootstrap import Services
from blender_ui.outside import LARGEST_NUMBER
from db.enums import ModelRole

RowId = Annotated[int, Path(ge=1, le=LARGEST_NUMBER)]
Of = Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)]
Name = Annotated[str, Query(max_length=LONGEST_NAME)]


def add_store_routes(routes: Routes, services: Services) -> None:
    """Add the routes."""
    resources = Resources(
        Rooms(
            services.projects,
            services.project_prompts,
            services.listing,
            services.jobs,
            services.versions,
            services.leaderboard,
        )
    )
    _add_projects(routes, resources)
    _add_rows(routes, resources)
    _add_jobs(routes, resources)
    _add_files(routes, Files(services.importing, services.exporting))
    _add_webhooks(routes, WebhookRoutes(services.webhooks, services.delivering))


def _add_projects(routes: Routes, resources: Resources) -> None:
    def list_projects(by: By) -> Page[Project]:
        """List the projects that the key works in."""
        return resources.list_projects(by)

    def create_project(by: By, asked: ProjectRequest) -> Project:
        """Make a project."""
        return resources.create_project(by, asked)

    def get_project(by: By, project_id: RowId) -> Project:
        """Read one project and how far it is."""
        return resources.get_project(by, project_id)

    routes.add("GET", "/v1/projects", list_projects)
    routes.add("POST", "/v1/projects", create_project)
    routes.add("GET", "/v1/projects/{project_id}", get_project)


def _add_rows(routes: Routes, resources: Resources) -> None:
    def list_prompts(by: By, project_id: Of = None, after: After = 0, limit: Limit = 100) -> Page[Prompt]:
        """List prompts, a page at a time."""
        return resources.list_prompts(by, project_id, after, limit)

    def add_prompts(by: By, asked: PromptsRequest) -> Added:
        """Add prompts to a project."""
        return resources.add_prompts(by, asked)

    def list_candidates(
        by: By, project_id: Of = None, prompt_id: Of = None, after: After = 0, limit: Limit = 100
    ) -> Page[Candidate]:
        """List answers, a page at a time."""
        return resources.list_candidates(by, project_id, prompt_id, after, limit)

    def list_preferences(
        by: By, project_id: Of = None, after: After = 0, limit: Limit = 100
    ) -> Page[Preference]:
        """List votes that stand, a page at a time."""
        return resources.list_preferences(by, project_id, after, limit)

    routes.add("GET", "/v1/prompts", list_prompts)
    routes.add("POST", "/v1/prompts", add_prompts)
    routes.add("GET", "/v1/candidates", list_candidates)
    routes.add("GET", "/v1/preferences", list_preferences)


def _add_jobs(routes: Routes, resources: Resources) -> None:
    def list_jobs(by: By, limit: Limit = 20) -> Page[Job]:
        """List the latest trainings, the newest first."""
        return resources.list_jobs(by, limit)

    def get_job(by: By, job_id: RowId) -> Job:
        """Read one job and how far it is."""
        return resources.get_job(by, job_id)

    def list_versions(role: ModelRole = ModelRole.RANKER) -> Page[Version]:
        """List the versions of a role, the newest first."""
        return resources.list_versions(role)

    def read_leaderboard(by: By, kind: Name = "", project_id: Of = None) -> Leaders:
        """Read the ratings of members, by a kind of task or all."""
        return resources.read_leaderboard(by, kind, project_id)

    routes.add("GET", "/v1/leaderboard", read_leaderboard)
    routes.add("GET", "/v1/jobs", list_jobs)
    routes.add("GET", "/v1/jobs/{job_id}", get_job)
    routes.add("GET", "/v1/versions", list_versions)


def _add_files(routes: Routes, files: Files) -> None:
    async def take(by: By, request: Request, name: Name = "file.jsonl") -> Imported:
        """Import the file that is the request's body; its form is told by its content."""
        return await run_in_threadpool(files.take, by, name, await request.body())

    def give(by: By, form: Format, asked: Annotated[Exported, Query()]) -> FileResponse:
        """Export the whole store, or a project, as a file.

        The header x-blender-notes says what is left out.
        """
        return files.give(by, form, asked)

    routes.add("POST", "/v1/imports", take)
    routes.add("GET", "/v1/exports/{form}", give, response_class=FileResponse)


def _add_webhooks(routes: Routes, webhooks: WebhookRoutes) -> None:
    def list_webhooks(by: By) -> Page[Webhook]:
        """List the webhooks, the newest first."""
        return webhooks.list_webhooks(by)

    def make(by: By, asked: WebhookRequest) -> MadeWebhook:
        """Make a webhook; the answer has its secret, which is told only now."""
        return webhooks.make(by, asked)

    def remove(by: By, webhook_id: RowId) -> Removed:
        """Remove a webhook; what waits for it is dropped."""
        return webhooks.remove(by, webhook_id)

    def test(by: By, webhook_id: RowId) -> Message:
        """Send a webhook a message now, and tell what came of it."""
        return webhooks.test(by, webhook_id)

    def list_messages(by: By, webhook_id: RowId, limit: Limit = 100) -> Page[Message]:
        """List the latest messages to a webhook and how their delivery went."""
        return webhooks.list_messages(by, webhook_id, limit)

    routes.add("GET", "/v1/webhooks", list_webhooks)
    routes.add("POST", "/v1/webhooks", make)
    routes.add("DELETE", "/v1/webhooks/{webhook_id}", remove)
    routes.add("POST", "/v1/webhooks/{webhook_id}/test", test)
    routes.add("GET", "/v1/webhooks/{webhook_id}/messages", list_messages)
