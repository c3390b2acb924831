"""Bradley-Terry for a million preferences of 50 members, beside arena-rank and choix on the same data.

    python -m benchmarks.ratings [--quick]

The peers live in a virtual environment of their own under the benchmarks' cache, made once. ``ratio`` is a
peer's seconds by ours on the same input: from a million preferences, arena-rank is given a data frame, as
it wants one, and choix arrays, of which it is given the matrix of wins that is its fastest way; with
``matrix`` in its name it is given that matrix ready made, and so are we. Ours ends with strengths and
their intervals, choix with strengths. Ours and each peer take turns, after one turn each to warm up, and
medians count; the slowest peer has one turn. Prior and regularisation are as small as each allows, so that
all look for the same maximum.
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
from blender_ui.statistics.bradley_terry import BradleyTerry, count_wins, fit_bradley_terry, fit_wins

CHILD = Path(__file__).with_name("ratings_child.py")
PACKAGES = ("arena-rank==0.1.1", "choix==0.4.1")
PEERS = ("arena-rank", "arena-rank as it comes", "choix", "choix, matrix", "choix from pairs")
N_MEMBERS = 50
N_REPEATS = 100
"""Turns with choix, which takes milliseconds."""
PRECISION = 1e-9
Preferences = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Both sides and the target, each (n,)."""


def main() -> None:
    """Measure, and print one JSON object in the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the preferences")
    is_quick = parser.parse_args().quick
    n, n_slow = (100_000, 1) if is_quick else (1_000_000, 5)
    told = make_preferences(n)
    prompts = np.random.default_rng(1).integers(0, n // 10, n)
    wins = count_wins(*told, n_players=N_MEMBERS)
    ours: dict[str, Callable[[], BradleyTerry]] = {
        "preferences": lambda: fit_bradley_terry(*told, n_players=N_MEMBERS, precision=PRECISION),
        "matrix": lambda: fit_wins(wins, precision=PRECISION),
        "clustered": lambda: fit_bradley_terry(*told, n_players=N_MEMBERS, clusters=prompts),
    }
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, Peers(Path(folder), told) as peers:
        differences = {
            name: compete(peers, name, ours["matrix" if "matrix" in name else "preferences"], n, seconds)
            for name, n in zip(PEERS, (n_slow, n_slow, N_REPEATS, N_REPEATS, 0), strict=True)
        }
    for _ in range(n_slow + 1):
        seconds.setdefault("clustered", []).append(measure(ours["clustered"]))
    median = {name: statistics.median(taken[1:] or taken) for name, taken in seconds.items()}
    result = {
        "benchmark": "ratings",
        "n_preferences": n,
        "n_members": N_MEMBERS,
        "seconds": round(median["ours beside choix"], 4),
        "seconds_matrix": round(median["ours beside choix, matrix"], 6),
        "seconds_clustered": round(median["clustered"], 4),
        "ratio": {name: round(median[name] / median[f"ours beside {name}"], 2) for name in PEERS},
        "peer_seconds": {name: round(median[name], 6) for name in PEERS},
        "max_abs_difference": max(differences.values()),
        "abs_difference": differences,
    }
    print(json.dumps(result))


def compete(
    peers: Peers,
    name: str,
    fit: Callable[[], BradleyTerry],
    n_repeats: int,
    seconds: dict[str, list[float]],
) -> float:
    """Take turns with a peer; adds both sides' seconds, and gives how far their strengths are apart."""
    strengths = fit().strengths
    for _ in range(n_repeats + 1):  # the first one warms up
        theirs, taken = peers.fit(name)
        seconds.setdefault(name, []).append(taken)
        seconds.setdefault(f"ours beside {name}", []).append(measure(lambda: fit().interval()))
    return float(np.abs(theirs - theirs.mean() - strengths).max())


def make_preferences(n: int) -> Preferences:
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
    """Seconds of one run."""
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


class Peers:
    """A child in the peers' environment that fits one after the other, as it is asked."""

    def __init__(self, folder: Path, told: Preferences) -> None:
        path = folder / "preferences.npz"
        np.savez(path, left=told[0], right=told[1], target=told[2])
        command = [str(ensure_environment()), str(CHILD), str(path), str(N_MEMBERS)]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait()

    def fit(self, name: str) -> tuple[np.ndarray, float]:
        """A peer's strengths and seconds."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(name + "\n")
        self._child.stdin.flush()
        for line in self._child.stdout:
            if line.startswith("{"):  # past what a peer prints
                answer = json.loads(line)
                return np.array(answer["strengths"]), float(answer["seconds"])
        raise RuntimeError(f"the peers' process ended while it fitted {name}")


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
