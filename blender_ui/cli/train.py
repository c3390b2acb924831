"""``blender-ui train``: ask for a training and follow it to its end."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from typing import Any

from blender_ui.bootstrap import Services, build_services
from blender_ui.services.jobs.views import JobView
from blender_ui.settings import Settings
from blender_ui.worker.lifecycle import end_on_signals
from blender_ui.worker.lock import take_lock
from blender_ui.worker.runs import build_training_run
from blender_ui.worker.train_now import train_now
from db.enums import JobKind, JobStatus

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it; the job can be resumed."""


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Train on the preferences so far; the exit status is 0 when the job completed."""
    end_on_signals(INTERRUPTED)
    kind = JobKind(options.kind)
    services = build_services(settings)
    try:
        job = train_now(
            services.training,
            build_run=lambda: build_training_run(services),
            take_lock=partial(take_lock, services.engine, settings.home_path),
            jobs_url=settings.jobs_url,
            write=_write,
            request={"kind": kind, "options": _read_options(options) if kind is JobKind.FUSER else {}},
        )
        reasons = _list_reasons(services, job)
        for reason in reasons:
            _write(reason)
        if options.json:
            print(json.dumps(asdict(job) | {"decisions": reasons}, default=str))
    finally:
        services.close()
    return 0 if job.status is JobStatus.COMPLETE else 1


def _read_options(options: argparse.Namespace) -> dict[str, Any]:
    """What a fuser's training was told; what is not said is left to its defaults."""
    said = {"targets": options.targets, "base": options.base, "n_epochs": options.epochs}
    return {name: value for name, value in said.items() if value}


def _list_reasons(services: Services, job: JobView) -> list[str]:
    if job.version_id is None:
        return []
    return [decision.reason for decision in services.versions.decisions(job.version_id)]


def _write(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
