"""``blender-ui train``: ask for a training and follow it to its end."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from blender_ui.bootstrap import build_services, build_training_run
from blender_ui.settings import Settings
from blender_ui.worker.train_now import train_now
from db.models import JobStatus, RankerKind


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Train on the preferences so far; the exit status is 0 when the job completed."""
    services = build_services(settings)
    try:
        job = train_now(
            services.training,
            build_run=lambda: build_training_run(settings),
            home_path=settings.home_path,
            jobs_url=settings.jobs_url,
            write=_write,
            request={"kind": RankerKind(options.kind)},
        )
        decisions = services.training.decisions(job.version_id) if job.version_id is not None else ()
        for decision in decisions:
            _write(decision.reason)
        if options.json:
            print(json.dumps(asdict(job) | {"decisions": [d.reason for d in decisions]}, default=str))
    finally:
        services.close()
    return 0 if job.status is JobStatus.COMPLETE else 1


def _write(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
