"""Seconds that each view of the inspector takes on a large store.

    python -m benchmarks.inspector [--quick]

Makes stores of 100,000 and of 1,000,000 preferences in a temporary folder (``--quick``: 30,000 and
100,000) and measures three things. ``first``: the first look of a process that has just started, which
reads every preference. ``views``: each view after a vote came in, with nothing kept but what was read
before. ``again``: each view asked again. What a version says of held-out pairs is worked out once in a
version's life and kept in a file; ``predict_once`` is that.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from benchmarks.inspector_store import make_store
from blender_ui.ranking.process import EngineProcess
from blender_ui.services.inspection import Inspection
from blender_ui.services.member_ratings import MemberRatings, RatingWish
from blender_ui.services.preference_arrays import PreferenceTable
from blender_ui.services.queue_health import measure_queue
from blender_ui.services.version_inspection import VersionInspection
from db.engine import create_store, transaction
from db.models import Annotator, AnnotatorKind, Outcome, Preference, Role, utc_now


def main() -> None:
    """Measure, and print one JSON object in the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller stores")
    sizes = (30_000, 100_000) if parser.parse_args().quick else (100_000, 1_000_000)
    result: dict[str, Any] = {"benchmark": "inspector"}
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            make_store(Path(folder), n_preferences=n).dispose()
            result[str(n)] = measure_store(Path(folder))
            print(n, json.dumps(result[str(n)]), flush=True)
    print(json.dumps(result))


def measure_store(folder: Path) -> dict[str, Any]:
    """Seconds of every view of one store, as the module says."""
    engine = create_store(f"sqlite:///{folder / 'store.sqlite'}")
    table = PreferenceTable(engine)
    process = EngineProcess({})
    ratings = MemberRatings(engine, table=table)
    versions = VersionInspection(engine, table=table, process=process, rankers_path=folder / "rankers")
    first = {
        "ratings": measure(ratings.rate),
        "styles": measure(table.styles),
    }
    predict_once = measure(lambda: versions.contrast(1, 2))
    views: dict[str, Callable[[], object]] = {
        "one decision": lambda: Inspection(engine).get_prompt(1),
        "one version": lambda: versions.report(2),
        "two versions": lambda: versions.contrast(1, 2),
        "version's ratings": lambda: versions.rate_members(2),
        "ratings": ratings.rate,
        "ratings, style held": lambda: ratings.rate(RatingWish(holds_style=True)),
        "ratings over time": ratings.over_time,
        "ratings by kind": ratings.by_kind,
        "queue": lambda: measure_queue(engine, table),
    }
    measured = {}
    for number, (name, view) in enumerate(views.items()):
        vote(engine, number)
        measured[name] = measure(view)
    for view in views.values():
        view()
    again = {name: measure(view) for name, view in views.items()}
    engine.dispose()
    return {
        "first": first,
        "predict_once": predict_once,
        "views": measured,
        "again": again,
        "slowest_view": max(measured.values()),
    }


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
