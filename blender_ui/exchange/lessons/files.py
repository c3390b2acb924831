"""Rows for trainers as JSON lines, CSV and Parquet.

In CSV, which has no lists, these stand as JSON. Invariant: a file has all columns of its form, and Parquet
has their types, also where it has no row. Non-goal: what the rows say.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa

from blender_ui.exchange.files import arrow
from blender_ui.exchange.lessons.forms import RANKED, Form, Row

Syntax = Literal["jsonl", "csv", "parquet"]
FORMS: tuple[Form, ...] = get_args(Form)
SYNTAXES: tuple[Syntax, ...] = get_args(Syntax)

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_ORIGIN = [("source", pa.string()), ("id", pa.string()), ("licence", pa.string())]
_SPANS = [
    ("of", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("text", pa.string()),
    ("label", pa.string()),
]  # fmt: skip
_FIGURES = [
    ("weight", pa.float64()),
    ("agreement", pa.float64()),
    ("n_votes", pa.int64()),
    ("decided_by", pa.string()),
    ("strength", pa.float64()),
    ("criteria", pa.list_(pa.struct([("criterion", pa.string()), ("share", pa.float64())]))),
    ("spans", pa.list_(pa.struct(_SPANS))),
    ("propensity", pa.float64()),
    ("policy", pa.string()),
    *_ORIGIN,
]
_SCORES = [
    ("score", pa.float64()),
    ("threshold", pa.float64()),
    ("margin", pa.float64()),
    ("rank", pa.int64()),
    ("n_answers", pa.int64()),
    ("ranker_version", pa.int64()),
    ("model", pa.string()),
    *_ORIGIN,
]
_TEXTS: dict[Form, list[tuple[str, Any]]] = {
    "sft": [("messages", _MESSAGES)],
    "kto": [("prompt", _MESSAGES), ("completion", _MESSAGES), ("label", pa.bool_())],
    "dpo": [("prompt", _MESSAGES), ("chosen", _MESSAGES), ("rejected", _MESSAGES)],
    "best_of_n": [("messages", _MESSAGES)],
    "rejection_sampled": [("messages", _MESSAGES)],
}


def schema_of(form: Form) -> pa.Schema:
    """The columns of a form and their types."""
    return pa.schema([*_TEXTS[form], *(_SCORES if form in RANKED else _FIGURES)])


def write_lessons(path: Path, rows: Iterable[Row], *, form: Form, syntax: Syntax) -> int:
    """Write rows of a form; say how many.

    Args:
        path: Written anew, UTF-8.
        rows: From ``forms.list_rows``.
    """
    return _WRITERS[syntax](path, rows, form)


def _write_jsonl(path: Path, rows: Iterable[Row], _form: Form) -> int:
    n_rows = 0
    with path.open("w", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            n_rows += 1
    return n_rows


def _write_csv(path: Path, rows: Iterable[Row], form: Form) -> int:
    n_rows, columns = 0, schema_of(form).names
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(_cells(row[name] for name in columns))
            n_rows += 1
    return n_rows


def _cells(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _write_parquet(path: Path, rows: Iterable[Row], form: Form) -> int:
    return arrow.write_parquet(path, rows, schema_of(form))


_WRITERS: dict[Syntax, Callable[[Path, Iterable[Row], Form], int]] = {
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
