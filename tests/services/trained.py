"""A store with labels, and fast versions that were really trained on what a scripted reader reads."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from blender_ui.services.training import Training
from blender_ui.services.training_run import TrainingRun
from db.models import utc_now
from tests.services.preferences import add_labeled_prompts
from tests.worker.scripted_worker import make_run


def train_version(engine: Engine, home: Path) -> int:
    """Train on every preference there is; gives the version's id."""
    run: TrainingRun = make_run(engine, home)
    job = Training(engine, train_every=0, clock=utc_now).request()
    assert run.start(job.id)
    while run.read_chunk(job.id):
        pass
    return run.register(job.id, fitted=run.fit(job.id))


def add_two_versions(engine: Engine, home: Path) -> tuple[int, int]:
    """Write 60 labels and train, write 200 misleading ones and train again; gives both ids."""
    add_labeled_prompts(engine, n_prompts=60)
    good = train_version(engine, home)
    add_labeled_prompts(engine, n_prompts=200, misleading=True, offset=1000)
    return good, train_version(engine, home)
