"""``blender-ui generate``: have members answer a project's prompts, and follow it to its end."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial

from blender_ui.bootstrap import Services, build_services
from blender_ui.errors import MalformedInput, Refused
from blender_ui.services.jobs.views import JobView
from blender_ui.settings import Settings
from blender_ui.worker.generate_now import follow_generation
from blender_ui.worker.lifecycle import end_on_signals
from blender_ui.worker.lock import take_lock
from blender_ui.worker.runs import build_generation_run
from blender_ui.worker.train_now import describe_job
from db.enums import JobStatus

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it; the job goes on where it was with the next worker."""


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Ask for the answers that are lacking; the exit status is 0 when the job completed without a failure."""
    end_on_signals(INTERRUPTED)
    services = build_services(settings)
    try:
        project_id = _find_project(services, options.project)
        job = _request(services, project_id, options)
        job = follow_generation(
            services.generating.jobs,
            job.id,
            build_run=lambda: build_generation_run(services),
            take_lock=partial(take_lock, services.engine, settings.home_path),
            write=lambda job: _write(services, job),
        )
        if options.json:
            cost = services.generating.cost(job)
            print(json.dumps(asdict(job) | {"cost": cost}, default=str))
    finally:
        services.close()
    return 0 if job.status is JobStatus.COMPLETE and not job.n_failed else 1


def _find_project(services: Services, name: str) -> int:
    projects = services.projects.list_projects()
    found = next((one for one in projects if name in (one.terms.name, str(one.id))), None)
    if found is None:
        known = ", ".join(one.terms.name for one in projects)
        raise MalformedInput(f"there is no project {name!r}; there are {known}")
    return found.id


def _request(services: Services, project_id: int, options: argparse.Namespace) -> JobView:
    """Ask for the job, or find the one that an earlier command or a page has asked for."""
    try:
        return services.generating.request(
            project_id, by=None, source=options.source, members=options.members or ()
        )
    except Refused:
        job = services.generating.jobs.find_latest(project_id)
        if job is None or options.source or options.members:
            raise
        print("going on with the job that is not finished yet", file=sys.stderr, flush=True)
        return job


def _write(services: Services, job: JobView) -> None:
    line = f"{describe_job(job)}; {job.n_done:,} of {job.n_total:,} answers, {job.n_failed:,} failed"
    cost = services.generating.cost(job)
    print(line if cost is None else f"{line}; cost so far {cost:,.4f}", file=sys.stderr, flush=True)
