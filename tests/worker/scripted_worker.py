"""A worker process whose reader needs no weights.

``python -m tests.worker.scripted_worker HOME SECONDS [URL]``. Everything else is real: the store (SQLite's in
HOME, or URL's), DBOS, the fast ranker, the lock and the signals.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from blender_ui.loaders import SeqToSeqTools
from blender_ui.ranking.protocol import Ranker
from blender_ui.services.training.fast import FastTrainer
from blender_ui.services.training.fuser import FuserTrainer
from blender_ui.services.training.joint import JointTools, JointTrainer
from blender_ui.services.training.rankers import RankerTools
from blender_ui.services.training.readings import AnswerReader
from blender_ui.services.training.run import TrainingRun
from blender_ui.services.training.trainer import Trainer
from blender_ui.worker.lifecycle import end_on_signals, end_with_parent
from blender_ui.worker.lock import take_lock
from blender_ui.worker.worker import Worker
from db.engine import create_store
from db.models import JobKind
from tests.ranking.scripted_reader import LengthRanker, ScriptedReader


def store_url(home: Path) -> str:
    return f"sqlite:///{home / 'store.sqlite'}"


def jobs_url(home: Path) -> str:
    return f"sqlite:///{home / 'jobs.sqlite'}"


def no_fine_tuning(*args: object, **options: object) -> object:
    raise AssertionError("these tests train no joint ranker")


JOINT = JointTools(fine_tune=no_fine_tuning, find_base=Path, default_base="no-encoder")


def make_run(
    engine: Engine,
    home: Path,
    *,
    open_reader: Callable[[], AnswerReader] = ScriptedReader,
    joint: JointTools = JOINT,
    open_ranker: Callable[[Path], Ranker] = LengthRanker,
    monotonic: Callable[[], float] = time.monotonic,
) -> TrainingRun:
    """A training run on a store; fusers are trained for real, from a checkpoint in ``home / "tiny"``."""
    rankers = RankerTools(
        engine=engine, rankers_path=home / "rankers", open_reader=open_reader, open_ranker=open_ranker
    )
    trainers: dict[JobKind, Trainer] = {
        JobKind.FAST: FastTrainer(rankers, reader_name="scripted"),
        JobKind.JOINT: JointTrainer(rankers, form="joint", joint=joint),
        JobKind.POINTWISE: JointTrainer(rankers, form="pointwise", joint=joint),
        JobKind.FUSER: FuserTrainer(
            engine=engine,
            fusers_path=home / "fusers",
            tools=SeqToSeqTools(base_finder=Path, default_base=str(home / "tiny")),
        ),
    }
    return TrainingRun(engine, trainers, monotonic=monotonic)


class LoggedReader(ScriptedReader):
    """Writes down each answer that it read, so that a test can count across processes."""

    def __init__(self, log: Path, *, seconds: float) -> None:
        super().__init__(seconds=seconds)
        self._log = log

    def read(self, prompt, answers):  # type: ignore[no-untyped-def]
        vectors = super().read(prompt, answers)
        with self._log.open("a") as file:
            file.writelines(f"{answer}\n" for answer in answers)
        return vectors


def main(home: Path, seconds: float, url: str = "") -> None:
    end_with_parent()
    end_on_signals()
    engine = create_store(url or store_url(home))
    lock = take_lock(engine, home)
    run = make_run(engine, home, open_reader=lambda: LoggedReader(home / "read.log", seconds=seconds))
    worker = Worker(run, jobs_url=url or jobs_url(home), lock=lock)
    print("ready", flush=True)
    worker.serve(threading.Event())
    lock.release()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:])
