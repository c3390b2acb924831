"""How long many preferences take in and out of the store.

Made-up prompts of four candidates with texts of a natural length and five people's labels each,
imported into an empty store, imported again, read as arrays, exported in every format, and brought from
each of those into an empty store again. Then the bar of issue 4: a store of 10,000 pairs, exported.

    python -m benchmarks.import_export [--n 100000] [--quick]
    python -m benchmarks.import_export --arena 50000       a file of arena votes, its preview and its import
    python -m benchmarks.import_export --lines 500000      JSON lines of pairs, and the most memory they take
    python -m benchmarks.import_export --array 500000      the same pairs as one JSON array
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine

from blender_ui.exchange import CandidateRecord, LabelRecord, PromptRecord, write_records
from blender_ui.services.data.exporting import FORMATS, Exporting
from blender_ui.services.data.import_reports import say_preview
from blender_ui.services.data.importing import Importing
from blender_ui.services.ranking.datasets import load_dataset
from db.engine import create_store
from db.migrations import migrate
from db.models import utc_now

N_PREFERENCES = 100_000
N_PREFERENCES_QUICK = 5_000
N_PAIRS_TO_EXPORT = 10_000
SUFFIXES = {
    "jsonl": ".jsonl",
    "csv": ".csv",
    "parquet": ".parquet",
    "dpo": ".dpo.jsonl",
    "archive": ".archive.zip",
}
LABELS_PER_PROMPT = 5
_WORDS = ("the", "a", "model", "answer", "because", "people", "prefer", "shorter", "clear", "of", "to", "is")
_Value = TypeVar("_Value")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a step and, last, one JSON object of seconds and rates."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=N_PREFERENCES, help="how many preferences")
    parser.add_argument(
        "--arena", type=int, metavar="N", help="preview and import so many arena votes, alone"
    )
    parser.add_argument("--lines", type=int, metavar="N", help="preview and import so many JSON lines, alone")
    parser.add_argument("--array", type=int, metavar="N", help="preview and import one JSON array, alone")
    parser.add_argument("--quick", action="store_true", help=f"{N_PREFERENCES_QUICK} preferences")
    options = parser.parse_args(arguments)
    alone = ((options.arena, _write_arena), (options.lines, _write_lines), (options.array, _write_array))
    for n, write in alone:
        if n:
            print(json.dumps(_bring_in(write, n)))
            return
    n = N_PREFERENCES_QUICK if options.quick else options.n
    figures: dict[str, float] = {"n": n}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "preferences.jsonl.gz"
        write_records(path, make_records(n))
        engine = _make_store(folder / "store.sqlite")
        importing = Importing(engine, clock=utc_now, seed=1, overlap=1)
        report, figures["import_s"] = _timed("import", lambda: importing.import_file(path))
        again, figures["import_again_s"] = _timed("import again", lambda: importing.import_file(path))
        if report.n_preferences != n or again.n_already_there != report.n_prompts:
            raise SystemExit(f"expected {n} preferences once, came {report} and then {again}")
        _, figures["load_dataset_s"] = _timed("read as arrays", lambda: load_dataset(engine))
        figures |= _export(engine, folder, "export")
        engine.dispose()
        figures |= _import_exports(folder)
        small = _make_store(folder / "small.sqlite")
        write_records(folder / "small.jsonl.gz", make_records(N_PAIRS_TO_EXPORT))
        Importing(small, clock=utc_now, seed=1, overlap=1).import_file(folder / "small.jsonl.gz")
        figures |= _export(small, folder, "export_10000")
        small.dispose()
    figures["preferences_per_s"] = n / figures["import_s"]
    print(json.dumps({key: round(value, 3) for key, value in figures.items()}))


def _bring_in(write: Callable[[Path, int], Path], n: int) -> dict[str, float]:
    """Preview and import one file into an empty store; seconds, and MiB of memory at the most."""
    with tempfile.TemporaryDirectory() as name:
        path = write(Path(name), n)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        engine = _make_store(Path(name) / "store.sqlite")
        importing = Importing(engine, clock=utc_now, seed=1, overlap=1)
        preview, preview_s = _timed("preview", lambda: importing.preview_file(path))
        print(f"{path.stat().st_size / 1e6:.0f} MB, {say_preview(preview)}")
        report, import_s = _timed("import", lambda: importing.import_file(path))
        engine.dispose()
        if (preview.n_votes, report.n_preferences) != (n, n):
            raise SystemExit(f"expected {n} votes, came {preview.n_votes} and {report.n_preferences}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "n": n, "preview_s": round(preview_s, 1), "import_s": round(import_s, 1),
        "mib_before": round(before), "mib_most": round(peak),
    }  # fmt: skip


def _write_arena(folder: Path, n: int) -> Path:
    """A file in the form of the Arena's 55k votes: JSON lists of turns, every eighth of two turns."""
    path, draw = folder / "arena.csv", random.Random(5)
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(("id", "model_a", "model_b", "prompt", "response_a", "response_b",
                       "winner_model_a", "winner_model_b", "winner_tie"))  # fmt: skip
        for number in range(n):
            n_turns = 1 + (number % 8 == 0)
            texts = [
                json.dumps(
                    [f"{number} {turn} " + " ".join(draw.choices(_WORDS, k=k)) for turn in range(n_turns)]
                )
                for k in (20, 200, 200)
            ]
            won = draw.choice(((1, 0, 0), (0, 1, 0), (0, 0, 1)))
            rows.writerow(
                (number, f"model-{draw.randrange(60)}", f"model-{draw.randrange(60)}", *texts, *won)
            )
    return path


def _write_lines(folder: Path, n: int) -> Path:
    """Chosen and rejected as chats, one pair a line."""
    path = folder / "pairs.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in _lines(n))
    return path


def _write_array(folder: Path, n: int) -> Path:
    """The same pairs as one array on one line."""
    path = folder / "pairs.json"
    with path.open("w", encoding="utf-8") as stream:
        for number, line in enumerate(_lines(n)):
            stream.write(f"{', ' if number else '['}{line}")
        stream.write("]")
    return path


def _lines(n: int) -> Iterator[str]:
    draw = random.Random(6)
    for number in range(n):
        good, bad = (f"{number} {side} " + " ".join(draw.choices(_WORDS, k=90)) for side in "ab")
        asked = {"role": "user", "content": f"Question {number}: " + " ".join(draw.choices(_WORDS, k=15))}
        chats = ([asked, {"role": "assistant", "content": text}] for text in (good, bad))
        yield json.dumps(dict(zip(("chosen", "rejected"), chats, strict=True)))


def _make_store(path: Path) -> Engine:
    engine = create_store(f"sqlite:///{path}")
    migrate(engine)
    return engine


def _export(engine: Engine, folder: Path, step: str) -> dict[str, float]:
    exporting, figures = Exporting(engine), {}
    for format in FORMATS:
        out = folder / f"{step}{SUFFIXES[format]}"
        export = partial(exporting.export, out, format=format)
        _, figures[f"{step}_{format}_s"] = _timed(f"{step} as {format}", export)
    return figures


def _import_exports(folder: Path) -> dict[str, float]:
    """Bring each export into an empty store of its own."""
    figures = {}
    for format in FORMATS:
        engine = _make_store(folder / f"again-{format}.sqlite")
        importing = Importing(engine, clock=utc_now, seed=1, overlap=1)
        bring_in = partial(importing.import_file, folder / f"export{SUFFIXES[format]}")
        report, figures[f"import_{format}_s"] = _timed(f"import of {format}", bring_in)
        if not report.n_preferences:
            raise SystemExit(f"expected preferences from the export as {format}, came {report}")
        engine.dispose()
    return figures


def make_records(n_preferences: int) -> Iterator[PromptRecord]:
    """Made-up prompts with labels, the same ones every time."""
    draw = random.Random(17)
    for number in range(0, n_preferences, LABELS_PER_PROMPT):
        candidates = tuple(
            CandidateRecord(
                model=f"model-{index}", text=f"{number} {index} " + " ".join(draw.choices(_WORDS, k=90))
            )
            for index in range(4)
        )
        labels = []
        for person in range(min(LABELS_PER_PROMPT, n_preferences - number)):
            a, b = draw.sample(range(4), 2)
            winner = draw.choice(("a", "b", "tie"))
            labels.append(
                LabelRecord(annotator=f"person-{person}", a=a, b=b, winner=winner, kind="human")  # type: ignore[arg-type]
            )
        yield PromptRecord(
            id=str(number),
            source="benchmark",
            prompt=f"Question {number}: " + " ".join(draw.choices(_WORDS, k=20)),
            candidates=candidates,
            labels=tuple(labels),
        )


def _timed(step: str, act: Callable[[], _Value]) -> tuple[_Value, float]:
    start, cpu_start = time.perf_counter(), time.process_time()
    value = act()
    seconds = time.perf_counter() - start
    print(f"{step}: {seconds:.2f} s, {time.process_time() - cpu_start:.2f} s of a processor", flush=True)
    return value, seconds


if __name__ == "__main__":
    main()
