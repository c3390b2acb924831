"""`kill -9` at random moments of the real processes: is anything lost, doubled, or left unfinished?

    python -m benchmarks.faults [--kills N] [--only PART ...] [--seed S] [--quick]

Five parts share the kills. "voting": annotators vote over HTTP, and the web process is killed. "both": the
same with a training in the worker, and both are killed. "training": the worker alone is killed. "importing":
``blender-ui import`` is killed. "migrating": a command that brings a store of the first schema to the newest.
A client repeats a vote that was not answered with its key, as the Label page does.

The last line is JSON. ``acknowledged`` counts votes that the app said it has, and votes of a file or of an
older schema that were there before a kill. ``lost`` are those of them that the store has not at the end, or
has with another outcome. ``doubled`` are votes beyond one of a person on a pair, beyond what a pair was to
have, and beyond what a file has. ``jobs_unfinished`` are trainings that neither finished nor failed with a
reason. ``refused`` says what the app answered instead of acknowledging. The trainings need the reader's
weights, see ``blender-ui weights``.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.fault_tally import Damage
from benchmarks.fault_votes import kill_both, kill_while_voting
from benchmarks.fault_work import kill_imports, kill_migrations, kill_trainings

Part = Callable[[Path, int, random.Random], Damage]
PARTS: dict[str, tuple[float, Part]] = {
    "migrating": (0.2, kill_migrations),
    "importing": (0.2, kill_imports),
    "voting": (0.4, kill_while_voting),
    "training": (0.1, kill_trainings),
    "both": (0.1, kill_both),
}
"""Each part with its share of the kills."""
QUICK_KILLS = 10


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a part and, last, one JSON object; exit status 1 where something was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="in all parts together")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts that run")
    parser.add_argument("--seed", type=int, default=23, help="of the moments")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_KILLS} kills")
    options = parser.parse_args(arguments)
    n_kills = QUICK_KILLS if options.quick else options.kills
    whole = sum(PARTS[name][0] for name in options.only)
    total, by_part = Damage(), {}
    for name in options.only:
        share, act = PARTS[name]
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found = act(
                Path(folder), max(1, round(n_kills * share / whole)), random.Random(f"{options.seed} {name}")
            )
        by_part[name] = found.told() | {"seconds": round(time.monotonic() - began)}
        print(f"{name}: {json.dumps(by_part[name])}", flush=True)
        total = total.and_(found)
    print(json.dumps({"benchmark": "faults", "seed": options.seed} | total.told() | {"parts": by_part}))
    if total.lost or total.doubled or total.jobs_unfinished:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
