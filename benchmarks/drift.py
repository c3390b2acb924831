"""How often drift is seen where there is none, and how soon where there is: ``python -m benchmarks.drift``.

A made-up installation: three members of equal strength whose pairs people vote on, each on a question of its
own, with answers that fail and take their time. A look is one block, as the app makes it. In shuffled streams
nothing changes; in the others one thing does, at the start of the block that is looked at first.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from blender_ui.services.monitoring.drift import BLOCK, N_BLOCKS
from blender_ui.statistics.drift import FALSE_ALARMS, Series, find_changes
from blender_ui.values import FloatArray

MEMBERS = ("Ada", "Brahms", "Curie")
MOST_LOOKS = 5
Stream = dict[str, FloatArray]
"""Values by series, the oldest first; as many of each as blocks of it hold."""


def make_stream(rng: np.random.Generator, n_blocks: int, *, change: str = "") -> Stream:
    """Values of some blocks; the last ``MOST_LOOKS`` of them are otherwise where something changes."""
    n = n_blocks * BLOCK
    is_later = np.arange(n) >= n - MOST_LOOKS * BLOCK
    stream: Stream = {}
    for member in MEMBERS:  # two members a vote, one an answer
        is_changed = is_later & (member == MEMBERS[0])
        wins = rng.random(n) < np.where(is_changed & (change == "wins"), 0.25, 0.5)
        fails = rng.random(n) < np.where(is_changed & (change == "failures"), 0.25, 0.03)
        seconds = rng.lognormal(1, 0.6, n) * np.where(is_changed & (change == "seconds"), 1.6, 1)
        stream |= {f"wins {member}": wins, f"failures {member}": fails, f"seconds {member}": seconds}
    agrees = rng.random(n) < np.where(is_later & (change == "agreement"), 0.5, 0.75)
    expected = rng.random(n) < np.where(is_later & (change == "ranker"), 0.5, 0.7)
    return stream | {"agreement": agrees.astype(float), "ranker": expected.astype(float)}


SHARES = {"wins": 2 / 3, "failures": 1 / 3, "seconds": 1 / 3, "agreement": 0.5, "ranker": 1.0}
"""How many of a block's votes or answers have a value of each series."""


def look(stream: Stream, until: int) -> set[str]:
    """What the block that ends there says."""
    series = {}
    for name, values in stream.items():
        step = 1 / SHARES[name.split()[0]]
        places = np.arange((until - N_BLOCKS - 1) * BLOCK, until * BLOCK, step).astype(int)
        is_recent = places >= (until - 1) * BLOCK
        series[name] = Series(np.asarray(values, dtype=float)[places], places, is_recent)
    return set(find_changes(series))


def measure_false_alarms(n: int, rng: np.random.Generator) -> float:
    """Share of looks at streams without a change that see one."""
    n_blocks = N_BLOCKS + 1
    return sum(bool(look(make_stream(rng, n_blocks), n_blocks)) for _ in range(n)) / n


def measure_delays(n: int, change: str, rng: np.random.Generator) -> list[int]:
    """Blocks from a change until it is seen, of streams with one; ``MOST_LOOKS`` + 1 where it is not."""
    n_blocks, delays = N_BLOCKS + MOST_LOOKS, []
    for _ in range(n):
        stream = make_stream(rng, n_blocks, change=change)
        seen = (
            number
            for number in range(1, MOST_LOOKS + 1)
            if any(name.startswith(change) for name in look(stream, N_BLOCKS + number))
        )
        delays.append(next(seen, MOST_LOOKS + 1))
    return delays


def main(say: Callable[[str], object] = print) -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=2000)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    rate = measure_false_alarms(asked.looks, rng)
    say(f"false alarms: {rate:.2%} of {asked.looks} looks; at most {FALSE_ALARMS:.0%} are promised")
    for change in SHARES:
        delays = np.array(measure_delays(max(asked.looks // 20, 1), change, rng))
        seen = ", ".join(f"{np.mean(delays <= one):.0%} within {one}" for one in (1, 2, 3))
        say(f"{change}: {seen} blocks of {BLOCK}")


if __name__ == "__main__":
    main()
