"""Damages files that an import knows, to find one that it answers with anything but records or a sentence.

    python -m benchmarks.fuzz_imports [--minutes 10] [--seed N] [--examples FOLDER] [--quick]

The files: one of each form that can be written here (see ``make_files``), and those of a folder. Hypothesis
draws what is done to one: bytes changed, cut, doubled or taken from another file; or, in JSON, a value in any
depth that becomes something else, or a field that goes or has another name. Each damaged file is read twice,
once skipping faulty rows, and every tenth that can be read is imported into a store, twice.

A failure is: any exception that is no ``BlenderError``, a vote that names an answer which is not there,
different records on the second reading, or rows added by the second import. It is made small and printed, and
the exit status is 1. The last line is JSON.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from benchmarks.import_export import make_records
from blender_ui.errors import BlenderError
from blender_ui.exchange import read_file, write_csv, write_parquet, write_records
from blender_ui.exchange.intake import Reading
from blender_ui.services.data.importing import Importing
from db.engine import create_store
from db.migrations import migrate
from db.models import utc_now

MOST_BYTES = 20_000
"""Of an example of a folder; longer ones find nothing more and take longer."""
EXAMPLES_AT_ONCE = 200
ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, float("nan"), float("inf"), "", " ", "tie", "A", "model_a", "\ud83d",
    "\0", "x" * 5000, [], {}, [[]], [None], {"": None}, [{"role": "user", "content": "?"}], "[1, 2", "NaN",
)  # fmt: skip
ODD_NAMES = ("", "prompt", "chosen", "winner", "\0", "id", "messages", "rank", "score", "text_a", "a.b.c")
_PAIR = {"prompt": "Why?", "chosen": "Because.", "rejected": "No."}
_CHAT = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]


class File(NamedTuple):
    """A file as bytes, with its name."""

    name: str
    content: bytes


def make_files(folder: Path) -> list[File]:
    """One file of each form."""
    records = list(make_records(6))
    written = {"own.jsonl": write_records, "own.csv": write_csv, "own.parquet": write_parquet}
    for name, write in written.items():
        write(folder / name, records)
    files = [File(name, (folder / name).read_bytes()) for name in written]
    turned = {"chosen": _CHAT, "rejected": [_CHAT[0], {"role": "assistant", "content": "No."}]}
    arena = {"question_id": "1", "model_a": "m", "model_b": "n", "winner": "model_a", "judge": "j",
             "conversation_a": _CHAT, "conversation_b": turned["rejected"]}  # fmt: skip
    listed = {"prompt": "Why?", "responses": ["Because.", "No.", "Yes."], "scores": [3, 1, 2]}
    chosen = {"from_name": "p", "to_name": "a", "type": "pairwise", "value": {"selected": "left"}}
    studio = {
        "id": 1,
        "data": {"prompt": "Why?", "answer1": "Because.", "answer2": "No."},
        "annotations": [{"id": 1, "completed_by": 1, "result": [chosen]}],
    }
    completions = [
        {"model": "m", "response": "Because.", "overall_score": 8},
        {"model": "n", "response": "No.", "overall_score": 2},
    ]
    rated = {"instruction": "Why?", "completions": completions}
    shapes: dict[str, dict[str, Any]] = {
        "pair": _PAIR,
        "chats": turned,
        "arena": arena,
        "listed": listed,
        "rated": rated,
    }
    for name, row in shapes.items():
        lines = "\n".join(json.dumps(row | {"n": number}) for number in range(3)).encode()
        files += [File(f"{name}.jsonl", lines), File(f"{name}.json", json.dumps([row] * 3).encode())]
    files.append(File("studio.json", json.dumps([studio] * 2).encode()))
    files.append(File("pair.jsonl.gz", gzip.compress(files[3].content)))
    files.append(File("sheet.csv", b"prompt;text_a;text_b;winner\nWhy?;Because.;No.;a\nHow?;So.;Thus.;tie\n"))
    table, stream = pa.Table.from_pylist([_PAIR] * 3), io.BytesIO()
    pyarrow.feather.write_feather(table, stream, compression="uncompressed")
    files.append(File("pair.arrow", stream.getvalue()))
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="none")
    files.append(File("pair.parquet", stream.getvalue()))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("data/pair.jsonl", files[3].content)
    files.append(File("pair.zip", stream.getvalue()))
    return files


@st.composite
def damaged(draw: st.DrawFn, files: Sequence[File]) -> File:
    """One of the files, with one to four things done to it."""
    file = draw(st.sampled_from(files))
    content = file.content
    for _ in range(draw(st.integers(1, 4))):
        rows = _decode(content) if draw(st.booleans()) else None
        content = _damage_bytes(draw, content, files) if rows is None else _damage_rows(draw, rows)
    suffixes = st.sampled_from([Path(one.name).suffix for one in files])
    keeps_name = draw(st.integers(0, 9)) > 0
    return File(file.name if keeps_name else Path(file.name).stem + draw(suffixes), content)


def check_file(file: File, folder: Path, *, brings_in: bool = False) -> str:
    """Read a file as an import does; says what it came to: "read", "imported" or the error's class.

    Raises:
        AssertionError: If a vote names no answer, or the second time is unlike the first.
        Exception: Whatever the import raises that is no sentence.
    """
    path = folder / file.name
    path.write_bytes(file.content)
    with suppress(BlenderError):
        list(read_file(path, reading=Reading(skip_faulty=True)))
    try:
        records = list(read_file(path))
    except BlenderError as error:
        return type(error).__name__
    for record in records:
        for label in record.labels:
            assert 0 <= label.a < len(record.candidates)
            assert 0 <= label.b < len(record.candidates)
            assert label.a != label.b
    assert records == list(read_file(path)), "read otherwise the second time"
    if not brings_in:
        return "read"
    engine = create_store(f"sqlite:///{_empty_store(folder)}")
    try:
        importing = Importing(engine, clock=utc_now, seed=1, overlap=1)
        importing.import_file(path)
        again = importing.import_file(path)
        assert again.n_preferences == 0, f"{again.n_preferences} votes twice"
    except BlenderError as error:
        return type(error).__name__
    finally:
        engine.dispose()
    return "imported"


def main(arguments: Sequence[str] | None = None) -> None:
    """Fuzz until the time is over or a file was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first round; each has the next")
    parser.add_argument("--examples", type=Path, help="folder of further files to damage")
    parser.add_argument("--quick", action="store_true", help="a quarter of a minute")
    options = parser.parse_args(arguments)
    end = time.monotonic() + (0.25 if options.quick else options.minutes) * 60
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = make_files(folder) + _read_examples(options.examples)
        number = options.seed
        while time.monotonic() < end:
            _fuzz(files, folder, number, ends)
            number += 1
    print(json.dumps({"benchmark": "fuzz_imports", "files": ends.total(), "rounds": number - options.seed}
                     | {"ends": dict(ends.most_common())}))  # fmt: skip


def _fuzz(files: Sequence[File], folder: Path, number: int, ends: Counter[str]) -> None:
    @seed(number)
    @settings(
        max_examples=EXAMPLES_AT_ONCE,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(files), st.integers(0, 9))
    def check(file: File, chance: int) -> None:
        ends[check_file(file, folder, brings_in=chance == 0)] += 1

    check()


def _decode(content: bytes) -> list[Any] | None:
    """The rows of a JSON file; None for any other."""
    try:
        text = content.decode()
        try:
            rows = json.loads(text)
        except ValueError:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None
    return rows if isinstance(rows, list) and rows else None


def _damage_rows(draw: st.DrawFn, rows: list[Any]) -> bytes:
    """Change one value somewhere, or its name; written as lines or as a list."""
    places: list[tuple[Any, Any]] = []
    waiting: list[Any] = [rows]
    while waiting and len(places) < 500:
        holder = waiting.pop()
        for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            places.append((holder, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    holder, key = draw(st.sampled_from(places))
    what = draw(st.integers(0, 3))
    if what == 0 and isinstance(holder, dict):
        holder[draw(st.sampled_from(ODD_NAMES))] = holder.pop(key)
    elif what == 1:
        del holder[key]
    else:
        holder[key] = draw(st.sampled_from(ODD_VALUES))
    if draw(st.booleans()):
        return "\n".join(map(json.dumps, rows)).encode()
    return json.dumps(rows).encode()


def _damage_bytes(draw: st.DrawFn, content: bytes, files: Sequence[File]) -> bytes:
    """Change, cut, double or foreign bytes somewhere."""
    start = draw(st.integers(0, len(content)))
    end = min(start + draw(st.integers(0, 60)), len(content))
    what = draw(st.sampled_from(("change", "cut", "double", "end", "other")))
    if what == "cut":
        return content[:start] + content[end:]
    if what == "double":
        return content[:end] + content[start:end] * draw(st.integers(1, 50)) + content[end:]
    if what == "end":
        return content[:start]
    if what == "other":
        other = draw(st.sampled_from(files)).content
        begin = draw(st.integers(0, len(other)))
        return content[:start] + other[begin : begin + 200] + content[end:]
    return content[:start] + draw(st.binary(max_size=8)) + content[end:]


def _read_examples(folder: Path | None) -> list[File]:
    paths = sorted(path for path in folder.iterdir() if path.is_file()) if folder else []
    return [File(path.name, path.read_bytes()) for path in paths if path.stat().st_size <= MOST_BYTES]


def _empty_store(folder: Path) -> Path:
    """A copy of an empty store, which is made once."""
    kept, path = folder / "empty.store", folder / "now.store"
    if not kept.exists():
        engine = create_store(f"sqlite:///{kept}")
        migrate(engine)
        engine.dispose()
    for left in folder.glob("now.store*"):
        left.unlink()
    path.write_bytes(kept.read_bytes())
    return path


if __name__ == "__main__":
    main()
