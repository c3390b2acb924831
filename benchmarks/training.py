"""How long a training takes on this machine, and what it does to people who label meanwhile.

    python -m benchmarks.training --preferences FILE [--n 500] [--quick]

A store is made in a temporary folder: the file's first prompts with ``--n`` human preferences to
learn from, its other prompts without labels as a queue. A person labels that queue through the same
services as the page, five pairs a second, first alone and then beside a real worker process that
trains the fast ranker from nothing, the reader's loading included. Limits: 600 s, and a label loop
that is at most half slower.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from blender_ui.bootstrap import Services, build_services
from blender_ui.settings import Settings, load_settings
from db.models import Outcome

LIMIT_SECONDS = 600
PAUSE_SECONDS = 0.2
N_ALONE = 100


@dataclass(frozen=True, kw_only=True)
class WorkerUse:
    """What the worker process has taken."""

    cpu_seconds: float
    peak_megabytes: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much to learn from."""

    n_preferences: int
    n_per_prompt: int = 1_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, print what happens and end with one line of JSON."""
    options = _parse(arguments)
    plan = Plan(n_preferences=40, n_per_prompt=2) if options.quick else Plan(n_preferences=options.n)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environ = {**os.environ, "BLENDER_UI_HOME": str(home), "BLENDER_UI_TRAIN_EVERY": "0"}
        settings = replace(load_settings(environ), members_path=options.members)
        services = build_services(settings)
        try:
            result = _measure(services, settings, options.preferences, plan, environ)
        finally:
            services.close()
    print(json.dumps(result))


def _measure(
    services: Services, settings: Settings, file: Path, plan: Plan, environ: dict[str, str]
) -> dict[str, Any]:
    learnt, queue = settings.home_path / "learnt.jsonl", settings.home_path / "queue.jsonl"
    _divide(file, plan, learnt, queue)
    report = services.importing.import_file(learnt)
    queued = services.importing.import_file(queue)
    print(f"{report.n_preferences} preferences on {report.n_prompts} prompts; {queued.n_queued} pairs queued")
    job = services.training.request()  # first, so that the labels below come after its cut-off
    alone = _label(services, is_enough=lambda n: n >= N_ALONE)
    worker = subprocess.Popen(
        [sys.executable, "-m", "blender_ui.worker", "--with-parent"], stdin=subprocess.PIPE, env=environ
    )
    started = time.monotonic()
    use = WorkerUse(cpu_seconds=0.0, peak_megabytes=0.0)
    done = threading.Event()
    beside: list[float] = []
    person = threading.Thread(
        target=lambda: beside.extend(_label(services, is_enough=lambda n: done.is_set()))
    )
    person.start()
    try:
        while not (job := services.training.jobs.get(job.id)).status.is_finished():
            use = _look(worker.pid) or use
            print(
                f"{time.monotonic() - started:6.1f} s  {100 * job.progress:3.0f} %  {job.phase}", flush=True
            )
            time.sleep(1)
        seconds = time.monotonic() - started
    finally:
        done.set()
        person.join()
        worker.communicate()
    decision = services.versions.decisions(job.version_id)[0] if job.version_id is not None else None
    print(decision.reason if decision is not None else job.error)
    return {
        "status": job.status.value,
        "n_preferences": report.n_preferences,
        "n_candidates": report.n_candidates,
        "seconds": round(seconds, 1),
        "limit_seconds": LIMIT_SECONDS,
        "worker_cpu_seconds": round(use.cpu_seconds, 1),
        "worker_peak_megabytes": round(use.peak_megabytes),
        "n_cores": os.cpu_count(),
        "load_before": os.getloadavg()[2],
        **_describe_labels("alone", alone),
        **_describe_labels("beside", beside),
        "slower_by": round(float(np.median(beside) / np.median(alone)) - 1, 2),
        "promoted": decision is not None and decision.promoted,
    }


def _divide(file: Path, plan: Plan, learnt: Path, queue: Path) -> None:
    """The prompts that bring the first human labels, and the rest without labels."""
    n_labels = 0
    with learnt.open("w") as known, queue.open("w") as unknown:
        for record in _read(file):
            human = [label for label in record["labels"] if label["kind"] == "human"]
            kept = human[: min(plan.n_preferences - n_labels, plan.n_per_prompt)]
            n_labels += len(kept)
            (known if kept else unknown).write(json.dumps({**record, "labels": kept}) + "\n")


def _read(file: Path) -> Iterator[dict[str, Any]]:
    opener: Callable[..., Any] = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt") as lines:
        for line in lines:
            yield json.loads(line)


def _label(services: Services, *, is_enough: Callable[[int], bool]) -> list[float]:
    """Answer pairs until it is enough; seconds from asking for a pair to the answer being stored."""
    person = services.labeling.sign_in(key=f"benchmark-{time.monotonic_ns()}", name="benchmark")
    seconds: list[float] = []
    while not is_enough(len(seconds)):
        started = time.monotonic()
        pair = services.labeling.next_pair(annotator_id=person.id)
        if pair is None:
            break
        services.labeling.submit(
            annotator_id=person.id,
            lease_id=pair.lease_id,
            outcome=Outcome.LEFT,
            idempotency_key=f"{person.id}-{len(seconds)}",
        )
        seconds.append(time.monotonic() - started)
        time.sleep(PAUSE_SECONDS)
    return seconds


def _describe_labels(name: str, seconds: Sequence[float]) -> dict[str, float | int]:
    p50, p95 = np.quantile(seconds, [0.5, 0.95]) * 1000
    return {
        f"n_labels_{name}": len(seconds),
        f"label_p50_ms_{name}": round(float(p50), 1),
        f"label_p95_ms_{name}": round(float(p95), 1),
    }


def _look(process_id: int) -> WorkerUse | None:
    """From Linux' /proc; None once the process is gone."""
    try:
        status = Path(f"/proc/{process_id}/status").read_text()
        fields = Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return None
    peak = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
    ticks = int(fields[11]) + int(fields[12])
    return WorkerUse(cpu_seconds=ticks / os.sysconf("SC_CLK_TCK"), peak_megabytes=peak / 1024)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preferences", type=Path, required=True, help="a file of the import's format")
    parser.add_argument("--n", type=int, default=500, help="how many preferences to learn from")
    parser.add_argument("--quick", action="store_true", help="forty preferences on twenty prompts")
    parser.add_argument(
        "--members", type=Path, default=Path("members.toml"), help="the members' configuration"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
