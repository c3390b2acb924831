"""Many clients at once, each with a tally, held against what was stored; for ``benchmarks.label_loop``."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Tally:
    """What one client saw."""

    seconds: list[float] = field(default_factory=list)
    acknowledged: int = 0
    errors: list[str] = field(default_factory=list)


Client = Callable[[int, Tally, float], None]
"""Labels as annotator number i into a tally until a time (``time.monotonic``) or the queue's end."""


def measure(
    client: Client, count: Callable[[], tuple[int, int]], options: argparse.Namespace
) -> dict[str, float]:
    """Run the clients at once and hold their tallies against the store.

    Args:
        client: One annotator.
        count: Votes in the store, and how many of them are duplicates.
        options: ``clients`` and ``seconds``.
    """
    tallies = [Tally() for _ in range(options.clients)]
    start, cpu_start = time.monotonic(), time.process_time()

    def run(number: int) -> None:
        try:
            client(number, tallies[number], start + options.seconds)
        except Exception as error:  # noqa: BLE001 - whatever stops a client is one of the figures
            tallies[number].errors.append(repr(error))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(options.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed, cpu_seconds = time.monotonic() - start, time.process_time() - cpu_start
    seconds = [value for tally in tallies for value in tally.seconds] or [np.nan]
    errors = [error for tally in tallies for error in tally.errors]
    for error in errors[:3]:
        print(error, file=sys.stderr)
    n_acknowledged = sum(tally.acknowledged for tally in tallies)
    n_stored, duplicates = count()
    return {
        "labels": n_acknowledged,
        "labels_per_s": round(n_acknowledged / elapsed, 1),
        "p50_ms": percentile_ms(seconds, 50),
        "p95_ms": percentile_ms(seconds, 95),
        "cpu_ms_per_label": round(1000 * cpu_seconds / max(n_acknowledged, 1), 2),
        "duplicates": duplicates,
        "lost": n_acknowledged - n_stored,
        "errors": len(errors),
    }


def count_duplicates(pairs: Iterable[int]) -> int:
    """Votes beyond one a pair."""
    return sum(n - 1 for n in Counter(pairs).values())


def percentile_ms(seconds: Sequence[float], share: float) -> float:
    """A percentile in milliseconds, to a tenth."""
    return round(1000 * float(np.percentile(seconds, share)), 1)
