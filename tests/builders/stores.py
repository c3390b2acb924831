"""A real store for tests: a migrated SQLite file, and rows to label in it."""

import functools
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from blender_ui.services.labeling.loop import Labeling
from db.engine import create_store, transaction
from db.migrations import migrate
from tests.builders.rows import answer, member, prompt, save


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def make_store(folder: Path) -> Engine:
    """A migrated store in a folder: an empty one, or the one that is there."""
    path = folder / "store.sqlite"
    return create_store(f"sqlite:///{path if path.exists() else _put(path)}")


def put_store(home: Path) -> Path:
    """A migrated, empty store where the app looks for it in its home folder; gives the file."""
    return _put(home / "blender.sqlite")


def _put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_empty_store())
    return path


@functools.cache
def _empty_store() -> bytes:
    """An empty store's file; migrated once, because that takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        engine = create_store(f"sqlite:///{path}")
        migrate(engine)
        engine.dispose()  # and with the last connection the journal is written into the file
        return path.read_bytes()


def make_labeling(engine: Engine, clock: Clock, *, overlap: int = 1, seed: int = 7) -> Labeling:
    """A label loop whose leases last a minute."""
    return Labeling(engine, clock=clock, seed=seed, lease_seconds=60, overlap=overlap)


def add_prompts(engine: Engine, *, n_prompts: int, n_candidates: int = 2) -> list[int]:
    """Write prompts with differing candidates of members ``member-0``, ``member-1``...; give their ids."""
    with transaction(engine, immediate=True) as session:
        members = save(session, [member(f"member-{m}", fingerprint=f"{m}") for m in range(n_candidates)])
        prompts = save(session, [prompt(f"Question {p}?") for p in range(n_prompts)])
        session.add_all(
            answer(one.id, author.id, f"Answer of {author.name} to {one.id}")
            for one in prompts
            for author in members
        )
        return [one.id for one in prompts if one.id is not None]


def key_of(number: int) -> str:
    """A sign-in key that is long enough."""
    return f"secret-of-annotator-{number}"
