"""Seconds of the first opening of each page after a start, on a large store.

    python -m benchmarks.pages [--quick] [--stores FOLDER]

Makes the store of ``benchmarks.inspector`` with 1,000,000 preferences in a temporary folder (``--quick``:
30,000; ``--stores``: in a folder that is kept, or takes the one that is there), opens every tenth pair to
one more person. ``start`` is the median of three times from the command ``blender-ui serve`` over that store
to its word that it is open. Then a process of its own for each page builds services and pages, starts what
the app starts in the background, and at once calls the handlers that the page's load event calls, as a first
visitor would: seconds of opening a page; ``cpu`` is processor seconds of the handlers' own threads, which
other work on the machine stretches less. ``at_once`` opens all pages of one process at the same time.

On a busy machine set ``OPENBLAS_NUM_THREADS=1``: BLAS threads that wait for each other took minutes to make
a store.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.browsing import clean_environ, serving
from benchmarks.inspector_store import make_store
from blender_ui.bootstrap import build_services
from blender_ui.settings import Settings
from blender_ui.ui.app import build_app
from db.engine import create_store

EVERYBODY = "at_once"
KEY = "a-visitor-of-the-benchmark"
OPENINGS: dict[str, dict[str, tuple[Any, ...]]] = {
    "blend": {"blend_open": (None,)},
    "label": {"label_open": (KEY, None)},
    "label, figures": {"label_progress": (KEY, 1)},
    "train": {"train_open": (), "train_open_counts": ()},
    "inspect": {"inspect_tab": (None,), "inspect_open": (None,)},
    "quality": {"quality_open": ()},
    "leaderboard": {"leaderboard_open": (None,)},
    "data": {"data_open": ()},
    "projects": {"projects_open": (), "projects_open_job": ()},
    "people": {"people_open": ()},
}
"""Handlers that a page's load event or script calls, with what they are given, by page."""
LONGEST_SECONDS = 600
N_STARTS = 3
NOBODY = """
[[member]]
name = "nobody"
backend = "openai"
model = "m"
base_url = "http://127.0.0.1:9/v1"
enabled = false
"""


def main() -> None:
    """Measure, and print one JSON object in the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller store")
    parser.add_argument("--stores", type=Path, help="folder of stores by their number of preferences")
    parser.add_argument("--pages", nargs="+", choices=[*OPENINGS, EVERYBODY], help="only these")
    args = parser.parse_args()
    n = 30_000 if args.quick else 1_000_000
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.stores or Path(temporary)) / str(n)
        if not (folder / "store.sqlite").exists():
            make_store(folder, n_preferences=n).dispose()
        open_pairs(folder)
        starts = [time_start(folder) for _ in range(N_STARTS)]
        result: dict[str, Any] = {"benchmark": "pages", "n_preferences": n, "start": median(starts)}
        result |= {"starts": starts, "load": round(os.getloadavg()[0], 1)}
        for page in args.pages or (*OPENINGS, EVERYBODY):
            result[page] = run_child(page, folder)
            print(page, json.dumps(result[page]), flush=True)
    print(json.dumps(result))


def open_pairs(folder: Path) -> None:
    """Ask one more person every tenth pair, so that there is something to label."""
    engine = create_store(f"sqlite:///{folder / 'store.sqlite'}")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE comparison SET overlap = 2, is_open = 1 WHERE id % 10 = 0 AND overlap = 1"
        )
    engine.dispose()


def time_start(folder: Path) -> float:
    """Seconds from the command to its word that the app is open."""
    with tempfile.TemporaryDirectory() as home:
        settings = make_settings(folder, Path(home))
        environ = clean_environ() | {
            "BLENDER_UI_HOME": home,
            "BLENDER_UI_MEMBERS": str(settings.members_path),
            "BLENDER_UI_DATABASE_URL": settings.database_url,
            "BLENDER_UI_WORKER": settings.worker,
        }
        with serving([Path(sys.executable).with_name("blender-ui"), "serve"], environ) as (_, seconds):
            return seconds


def run_child(page: str, folder: Path) -> dict[str, Any]:
    """What a process of its own measures, forked off one that has imported all and done nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["benchmarks.inspector_store", "blender_ui.bootstrap", "blender_ui.ui.app"]
    )
    ours, its = context.Pipe()
    child = context.Process(target=open_pages, args=(page, folder, its))
    child.start()
    its.close()  # so that a child that died is not waited for
    try:
        if not ours.poll(LONGEST_SECONDS):
            raise SystemExit(f"{page} did not open within {LONGEST_SECONDS} seconds")
        measured: dict[str, Any] | str = ours.recv()
    finally:
        child.kill()  # what it still reads in the background need not end first
        child.join()
    if isinstance(measured, str):
        raise SystemExit(f"{page} did not open: {measured}")
    return measured


def open_pages(page: str, folder: Path, result: Connection) -> None:
    """Start an app over a store and open a page at once; send the seconds, or what went wrong."""
    with tempfile.TemporaryDirectory() as home:
        services = build_services(make_settings(folder, Path(home)))
        try:
            handlers = {str(event.api_name): event.fn for event in build_app(services).fns.values()}
            services.start()
            result.send(open_together(list(OPENINGS) if page == EVERYBODY else [page], handlers))
        except Exception as error:  # noqa: BLE001 - the process's edge: the parent says it
            result.send(repr(error))
        finally:
            services.process.close()


def make_settings(folder: Path, home: Path) -> Settings:
    """Of an app in an empty home over the store and the rankers of a folder; no member is enabled."""
    members = home / "members.toml"
    members.write_text(NOBODY, encoding="utf-8")
    (home / "rankers").symlink_to(folder.resolve() / "rankers")
    url = f"sqlite:///{folder.resolve() / 'store.sqlite'}"
    return Settings(home_path=home, members_path=members, database_url=url, worker="none")


def open_together(pages: list[str], handlers: dict[str, Callable[..., Any]]) -> dict[str, float]:
    """Seconds until every handler of each page gave its answer; all are called at the same time."""
    began = time.perf_counter()

    def open_one(name: str, given: tuple[Any, ...]) -> tuple[float, float]:
        processor = time.thread_time()
        handlers[name](*given)
        return time.perf_counter() - began, time.thread_time() - processor

    with ThreadPoolExecutor(max_workers=40) as pool:
        calls = {
            page: [pool.submit(open_one, name, given) for name, given in OPENINGS[page].items()]
            for page in pages
        }
        opened: dict[str, float] = {}
        for page, asked in calls.items():
            seconds, processor = zip(*(call.result() for call in asked), strict=True)
            opened[page] = round(max(seconds), 3)
            opened[f"{page}, cpu"] = round(sum(processor), 3)
        return opened


if __name__ == "__main__":
    main()
