"""Seconds that each view of the inspector takes on a large store.

    python -m benchmarks.inspector [--quick] [--stores FOLDER]

Makes stores of 100,000 and of 1,000,000 preferences in a temporary folder (``--quick``: 30,000 and
100,000; ``--stores``: in a folder that is kept, or takes those that are there) and measures four things.
``cold``: each view's first look with nothing in memory and no file of the cache, as in a process that has
just begun to start; a version is judged as far as that look goes, and ``judge_all`` is how long the rest
takes in the background, once in a version's life. ``cold_cpu`` is processor seconds of the same looks, which
other work on the machine stretches less. ``started``: first looks, no version judged yet, in a process that
has read in the background what the app reads when it starts; ``read_ahead`` is how long that took, with no
file of the cache. ``views``: each view after a vote came in, with nothing kept but what was read before.
``again``: each view asked again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine

from benchmarks.inspector_store import make_store
from blender_ui.engine.process import EngineProcess
from blender_ui.services.inspecting.decisions import Inspection
from blender_ui.services.inspecting.member_ratings import MemberRatings, RatingWish
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.inspecting.versions import VersionInspection
from blender_ui.services.monitoring.queue_health import measure_queue
from db.engine import create_store, transaction
from db.models import Annotator, AnnotatorKind, Outcome, Preference, Role, utc_now

VIEWS = (
    "one decision", "one version", "two versions", "version's ratings", "ratings", "ratings, style held",
    "ratings over time", "ratings by kind", "queue",
)  # fmt: skip


def main() -> None:
    """Measure, and print one JSON object in the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller stores")
    parser.add_argument("--stores", type=Path, help="folder of stores by their number of preferences")
    args = parser.parse_args()
    sizes = (30_000, 100_000) if args.quick else (100_000, 1_000_000)
    result: dict[str, Any] = {"benchmark": "inspector"}
    with tempfile.TemporaryDirectory() as temporary:
        for n in sizes:
            folder = (args.stores or Path(temporary)) / str(n)
            if not (folder / "store.sqlite").exists():
                make_store(folder, n_preferences=n).dispose()
            result[str(n)] = measure_store(folder)
            print(n, json.dumps(result[str(n)]), flush=True)
            if not args.stores:
                shutil.rmtree(folder)
    print(json.dumps(result))


def measure_store(folder: Path) -> dict[str, Any]:
    """Seconds of every view of one store, as the module says."""
    cold, cold_cpu = {}, {}
    for name in VIEWS:
        forget(folder, "inspector", "rankers/predictions")
        with open_views(folder) as opened:
            processor = time.process_time()
            cold[name] = measure(opened.views[name])
            cold_cpu[name] = round(time.process_time() - processor, 3)
    started = {}
    for name in VIEWS:
        forget(folder, "rankers/predictions")
        with open_views(folder) as opened:
            opened.ratings.read_ahead()
            started[name] = measure(opened.views[name])
    forget(folder, "inspector")
    with open_views(folder) as opened:
        read_ahead = measure(opened.ratings.read_ahead)
        judge_all = measure(lambda: judge(opened.views))
        for view in opened.views.values():
            view()
        engine = create_store(_url(folder))
        measured = {}
        for number, (name, view) in enumerate(opened.views.items()):
            vote(engine, number)
            measured[name] = measure(view)
        for view in opened.views.values():
            view()
        again = {name: measure(view) for name, view in opened.views.items()}
        engine.dispose()
    return {
        "cold": cold, "cold_cpu": cold_cpu, "read_ahead": read_ahead, "started": started,
        "judge_all": judge_all, "views": measured, "again": again,
        "slowest_view": max(*cold.values(), *measured.values()),
    }  # fmt: skip


def forget(folder: Path, *caches: str) -> None:
    """Delete files that the services made to be quicker the next time."""
    for cache in caches:
        shutil.rmtree(folder / cache, ignore_errors=True)


class Opened(NamedTuple):
    """Services of a store that have read nothing.

    Attributes:
        views: What a page asks for, by the name of ``VIEWS``.
        ratings: The service that reads ahead when the app starts.
    """

    views: dict[str, Callable[[], Any]]
    ratings: MemberRatings


@contextmanager
def open_views(folder: Path) -> Iterator[Opened]:
    """Every view of a store, by services that have read nothing."""
    engine = create_store(_url(folder))
    table = PreferenceTable(engine, cache_path=folder / "inspector")
    ratings = MemberRatings(engine, table=table)
    versions = VersionInspection(
        engine, table=table, process=EngineProcess({}), rankers_path=folder / "rankers"
    )
    views = (
        lambda: Inspection(engine).get_prompt(1),
        lambda: versions.report(2),
        lambda: versions.contrast(1, 2),
        lambda: versions.rate_members(2),
        ratings.rate,
        lambda: ratings.rate(RatingWish(holds_style=True)),
        ratings.over_time,
        ratings.by_kind,
        lambda: measure_queue(engine, table),
    )
    yield Opened(dict(zip(VIEWS, views, strict=True)), ratings)
    versions.close()
    engine.dispose()


def judge(views: dict[str, Callable[[], Any]]) -> None:
    """Look until both versions have been asked about all that their reader has read."""
    while views["one version"]().n_waiting:
        time.sleep(0.05)
    while views["two versions"]().n < views["one version"]().n_judged:
        time.sleep(0.05)


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'store.sqlite'}"


def vote(engine: Engine, number: int) -> None:
    """One more preference, by a person of its own, so that no answer that was kept is of now."""
    with transaction(engine, immediate=True) as session:
        person = Annotator(
            key=f"bench {number} {utc_now()}", name="B", kind=AnnotatorKind.HUMAN, role=Role.ANNOTATOR
        )
        session.add(person)
        session.flush()
        session.add(
            Preference(
                comparison_id=1 + number,
                annotator_id=person.id,
                outcome=Outcome.LEFT,
                idempotency_key=person.key,
            )
        )


def measure(task: Callable[[], object]) -> float:
    """Seconds of one run."""
    started = time.perf_counter()
    task()
    return round(time.perf_counter() - started, 3)


if __name__ == "__main__":
    main()
