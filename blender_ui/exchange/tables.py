"""Records as tables for other tools: CSV and Parquet with a row a label.

``exchange.shapes.flat`` reads them back. Non-goal: candidates that nobody compared, which no row tells of.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from blender_ui.conversations import messages_json
from blender_ui.exchange.files import arrow
from blender_ui.exchange.records import LabelRecord, PromptRecord

CSV_COLUMNS = (
    "source",
    "id",
    "prompt",
    "instruction_input",
    "history",
    "model_a",
    "text_a",
    "model_b",
    "text_b",
    "winner",
    "strength",
    "kind",
    "annotator",
    "reason",
    "seconds",
    "at",
    "criteria",
    "ballot",
)
_PARQUET = pa.schema(
    [(name, pa.float64() if name in ("strength", "seconds") else pa.string()) for name in CSV_COLUMNS]
)


def write_csv(path: Path, records: Iterable[PromptRecord]) -> int:
    """Write one row a label, under ``CSV_COLUMNS``; say how many.

    Texts are written as they are, so a spreadsheet may take one that begins with "=" for a formula.

    Args:
        path: Written anew, UTF-8.
        records: The prompts with their labels.
    """
    n_rows = 0
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(CSV_COLUMNS)
        for record in records:
            for label in record.labels:
                writer.writerow(_csv_row(record, label))
                n_rows += 1
    return n_rows


def write_parquet(path: Path, records: Iterable[PromptRecord]) -> int:
    """Write one row a label, under ``CSV_COLUMNS``, typed and compressed; say how many."""
    rows = (
        dict(zip(CSV_COLUMNS, _csv_row(record, label), strict=True))
        for record in records
        for label in record.labels
    )
    return arrow.write_parquet(path, rows, _PARQUET)


def _csv_row(record: PromptRecord, label: LabelRecord) -> tuple[str | float | None, ...]:
    a, b = record.candidates[label.a], record.candidates[label.b]
    before = json.dumps(messages_json(record.history), ensure_ascii=False) if record.history else None
    asked = (record.source, record.id, record.prompt, record.input, before, a.model, a.text, b.model, b.text)
    return (
        *asked,
        label.winner,
        label.strength,
        label.kind,
        label.annotator,
        label.reason,
        label.seconds,
        label.at,
        json.dumps(dict(label.criteria), ensure_ascii=False) if label.criteria else None,
        label.ballot,
    )
