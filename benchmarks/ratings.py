"""Bradley-Terry for a million preferences of 50 members, beside arena-rank and choix on the same data.

    python -m benchmarks.ratings [--quick]

The peers live in a virtual environment of their own under the benchmarks' cache, made once. Each is
given what it is made for: arena-rank a data frame, choix arrays of wins, and choix the matrix of wins
too, since that is its fastest way. Each is run once to warm up, then timed; the median counts. Ours
starts from the arrays of both sides and ends with strengths and their intervals. Prior and
regularisation are as small as each allows, so that all look for the same maximum.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.reference import find_cache
from blender_ui.statistics.bradley_terry import fit_bradley_terry

CHILD = Path(__file__).with_name("ratings_child.py")
PACKAGES = ("arena-rank==0.1.1", "choix==0.4.1")
N_MEMBERS = 50
N_REPEATS = 5


def main() -> None:
    """Measure, and print one JSON object in the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the preferences")
    is_quick = parser.parse_args().quick
    n, n_repeats = (100_000, 2) if is_quick else (1_000_000, N_REPEATS)
    left, right, target = make_preferences(n)
    prompts = np.random.default_rng(1).integers(0, n // 10, n)
    fit = fit_bradley_terry(left, right, target, n_players=N_MEMBERS, precision=1e-9)
    seconds = measure(
        lambda: fit_bradley_terry(left, right, target, n_players=N_MEMBERS, precision=1e-9).interval()
    )
    clustered = measure(
        lambda: fit_bradley_terry(left, right, target, n_players=N_MEMBERS, clusters=prompts).interval()
    )
    peers = ask_peers(left, right, target, n_repeats=n_repeats)
    shifted = {name: np.array(one["strengths"]) for name, one in peers.items()}
    differences = {
        name: float(np.abs(strengths - strengths.mean() - fit.strengths).max())
        for name, strengths in shifted.items()
    }
    result = {
        "benchmark": "ratings",
        "n_preferences": n,
        "n_members": N_MEMBERS,
        "seconds": round(seconds, 4),
        "seconds_clustered": round(clustered, 4),
        "ratio": {name: round(one["seconds"] / seconds, 2) for name, one in peers.items()},
        "peer_seconds": {name: round(one["seconds"], 4) for name, one in peers.items()},
        "max_abs_difference": max(differences.values()),
        "abs_difference": differences,
    }
    print(json.dumps(result))


def make_preferences(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sides and outcomes of n preferences between members of known strengths, about one in seven a tie."""
    rng = np.random.default_rng(0)
    strengths = rng.normal(size=N_MEMBERS)
    left = rng.integers(0, N_MEMBERS, n)
    right = (left + rng.integers(1, N_MEMBERS, n)) % N_MEMBERS
    chance = 1 / (1 + np.exp(strengths[right] - strengths[left]))
    target = (rng.random(n) < chance).astype(float)
    target[rng.random(n) < 0.15] = 0.5
    return left, right, target


def measure(task: Callable[[], object]) -> float:
    """Median seconds of a task that has been warmed up."""
    task()
    taken = []
    for _ in range(N_REPEATS):
        started = time.perf_counter()
        task()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def ask_peers(
    left: np.ndarray, right: np.ndarray, target: np.ndarray, *, n_repeats: int
) -> dict[str, dict[str, object]]:
    """Strengths and seconds of each peer, from a child that runs in the peers' environment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "preferences.npz"
        np.savez(path, left=left, right=right, target=target)
        command = [str(ensure_environment()), str(CHILD), str(path), str(N_MEMBERS), str(n_repeats)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def ensure_environment() -> Path:
    """Make the peers' virtual environment where it is missing; returns its Python."""
    folder = find_cache() / "ratings-peers"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"making the peers' environment in {folder}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "complete").touch()
    return python


if __name__ == "__main__":
    main()
