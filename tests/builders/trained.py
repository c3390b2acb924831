"""A store with labels, and fast versions that were really trained on what a scripted reader reads."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from blender_ui.services.training.requests import Training
from blender_ui.services.training.run import TrainingRun
from blender_ui.services.versions.model_versions import Versions
from db.models import utc_now
from tests.builders.preferences import add_labeled_prompts
from tests.builders.stores import make_store
from tests.worker.scripted_worker import make_run


class Trained(NamedTuple):
    """A folder with ``store.sqlite`` and ``rankers``, and its versions' ids."""

    home: Path
    good: int
    misled: int


def train_version(engine: Engine, home: Path) -> int:
    """Train on every preference there is; gives the version's id."""
    run: TrainingRun = make_run(engine, home)
    job = Training(engine, train_every=0, clock=utc_now).request()
    assert run.start(job.id)
    while run.read_chunk(job.id):
        pass
    return run.register(job.id, fitted=run.fit(job.id))


def copy_trained_store(home: Path, *, name: str = "store.sqlite") -> Trained:
    """Put a store with two versions into a folder; trained once for all tests of a run.

    The first version learnt from 60 labels and is good; the second learnt from 120 misleading ones more.
    """
    made = _make_trained_store()
    shutil.copytree(made.home / "rankers", home / "rankers")
    shutil.copy(made.home / "store.sqlite", home / name)
    return made._replace(home=home)


@functools.cache
def _make_trained_store() -> Trained:
    home = Path(tempfile.mkdtemp(prefix="trained-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    engine = make_store(home)
    add_labeled_prompts(engine, n_prompts=60)
    good = train_version(engine, home)
    add_labeled_prompts(engine, n_prompts=120, misleading=True, offset=1000)
    misled = train_version(engine, home)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return Trained(home, good, misled)


def versions_of(engine: Engine) -> Versions:
    """The versions in a store, asked of no folder."""
    return Versions(engine, folders={})
