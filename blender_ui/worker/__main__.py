"""``python -m blender_ui.worker``: the background worker as a process of its own."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence

from blender_ui.faults import run_command
from blender_ui.settings import Settings
from blender_ui.worker.lifecycle import end_on_signals, end_with_parent, share_machine


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker until it is told to stop; gives the exit code."""
    parser = argparse.ArgumentParser(prog="blender-ui worker", description="Train rankers in the background.")
    parser.add_argument(
        "--with-parent", action="store_true", help="exit when standard input closes, as it does with the app"
    )
    options = parser.parse_args(arguments)
    if options.with_parent:
        end_with_parent()
    end_on_signals()
    share_machine()
    return run_command("worker", serve)


def serve(settings: Settings) -> int:
    """Build the worker and let it work for good."""
    # After ``share_machine``: numeric libraries read their number of threads when they load.
    from blender_ui.bootstrap import build_services
    from blender_ui.store import make_home
    from blender_ui.worker.generation import serve_generations
    from blender_ui.worker.lock import take_lock
    from blender_ui.worker.runs import build_generation_run, build_training_run
    from blender_ui.worker.worker import Worker

    make_home(settings)
    services = build_services(settings)
    lock = take_lock(services.engine, settings.home_path)
    generation = build_generation_run(services)
    worker = Worker(
        build_training_run(services), jobs_url=settings.jobs_url, lock=lock, signs_of_life=(generation.touch,)
    )
    print(f"worker: ready, process {os.getpid()}, home {settings.home_path}", flush=True)
    stopping = threading.Event()
    serve_generations(generation, stopping, lock)
    try:
        worker.serve(stopping)
    finally:
        stopping.set()
        worker.close()
        services.close()
        lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
