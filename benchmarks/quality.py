"""How long the quality dashboard takes over a large store: the first look, and after one more label.

    python -m benchmarks.quality [--n 1000000] [--quick]

A made-up store: prompts of four answers, every pair labelled by three of twenty people, some labels taken
back. ``load`` is what the app does in the background when it starts; the other figures are what a person
waits for, and their bar is 2 s at a million labels. Seconds by the clock and of a processor. The last line is
one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from benchmarks.bulk_rows import write_rows
from blender_ui.services.quality.agreement import Quality
from db.engine import create_store, transaction
from db.migrations import migrate
from db.models import (
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Member,
    Origin,
    Outcome,
    Preference,
    Prompt,
    Role,
    utc_now,
)

N, N_QUICK = 1_000_000, 60_000
N_PEOPLE, N_ANSWERS, N_EACH = 20, 4, 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill a store, look at it, print one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=N, help="how many labels")
    parser.add_argument("--quick", action="store_true", help=f"{N_QUICK} labels")
    options = parser.parse_args(arguments)
    n = N_QUICK if options.quick else options.n
    with tempfile.TemporaryDirectory() as name:
        engine = create_store(f"sqlite:///{Path(name) / 'store.sqlite'}")
        migrate(engine)
        figures: dict[str, float] = {"n": fill(engine, n)}
        quality = Quality(engine, clock=utc_now)
        _measure(figures, "load", quality._log.current)
        _measure(figures, "first_view", quality.view)
        _measure(figures, "same_view", quality.view)
        _add_label(engine)
        _measure(figures, "view_after_a_label", quality.view)
        _measure(figures, "disagreements", quality.list_disagreements)
        _measure(figures, "warning", lambda: quality.warn(annotator_id=1))
        view = quality.view()
        print(f"alpha {view.overall.alpha.value:.3f}, {view.overall.n_disagreeing:,} pairs disagreed on")
        engine.dispose()
    print(json.dumps({key: round(value, 3) for key, value in figures.items()}))


def fill(engine: Engine, n_labels: int) -> int:
    """Write a made-up store; say how many labels it got."""
    pairs = list(combinations(range(N_ANSWERS), 2))
    n_prompts = max(n_labels // (N_EACH * len(pairs)), 1)
    draw, now = np.random.default_rng(11), utc_now()
    people = [
        {
            "key": f"browser:{who}",
            "name": f"person {who}",
            "kind": AnnotatorKind.HUMAN,
            "role": Role.ANNOTATOR,
            "created_at": now,
        }
        for who in range(N_PEOPLE)
    ]
    members = [
        {
            "name": f"m{m}",
            "backend": "import",
            "model": "m",
            "options": {},
            "fingerprint": str(m),
            "created_at": now,
        }
        for m in range(N_ANSWERS)
    ]
    write_rows(engine, Annotator, people)
    write_rows(engine, Member, members)
    write_rows(
        engine,
        Prompt,
        (
            {"instruction": f"Question {p}?", "input": "", "fingerprint": str(p), "created_at": now}
            for p in range(n_prompts)
        ),
    )
    write_rows(
        engine,
        Candidate,
        (
            {"prompt_id": p + 1, "member_id": m + 1, "text": f"Answer {m} to {p}.", "created_at": now}
            for p in range(n_prompts)
            for m in range(N_ANSWERS)
        ),
    )
    write_rows(
        engine,
        Comparison,
        (
            {
                "prompt_id": p + 1,
                "left_id": p * N_ANSWERS + a + 1,
                "right_id": p * N_ANSWERS + b + 1,
                "origin": Origin.QUEUE,
                "side_seed": 1,
                "priority": 0.5,
                "overlap": 0,
                "n_taken": 0,
                "is_open": False,
                "created_at": now,
            }
            for p in range(n_prompts)
            for a, b in pairs
        ),
    )
    n_comparisons = n_prompts * len(pairs)
    usual = draw.integers(0, 4, n_comparisons)
    outcomes = list(Outcome)
    write_rows(
        engine,
        Preference,
        (
            {
                "comparison_id": comparison + 1,
                "annotator_id": (comparison + 7 * turn) % N_PEOPLE + 1,
                "outcome": outcomes[usual[comparison] if drawn < 0.8 else int(drawn * 40) % 4],
                "seconds": 3.0 + 20 * drawn,
                "idempotency_key": f"{comparison}:{turn}",
                "created_at": now,
                "retracted_at": now if drawn > 0.995 else None,
            }
            for comparison in range(n_comparisons)
            for turn, drawn in enumerate(draw.random(N_EACH))
        ),
    )
    return n_comparisons * N_EACH


def _add_label(engine: Engine) -> None:
    with transaction(engine, immediate=True) as session:
        session.add(
            Preference(
                comparison_id=1, annotator_id=5, outcome=Outcome.TIE, seconds=9.0, idempotency_key="one more"
            )
        )


def _measure(figures: dict[str, float], step: str, act: Callable[[], object]) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    act()
    figures[f"{step}_s"] = time.perf_counter() - start
    figures[f"{step}_cpu_s"] = time.process_time() - cpu
    print(
        f"{step}: {figures[f'{step}_s']:.2f} s, {figures[f'{step}_cpu_s']:.2f} s of a processor", flush=True
    )


if __name__ == "__main__":
    main()
