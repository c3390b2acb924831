"""Records as tables for other tools: CSV and Parquet with a row a label, ``{prompt, chosen, rejected}``.

``exchange.shapes.flat`` reads them back. Non-goal: candidates that nobody compared, which no row tells of.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from blender_ui.conversations import messages_json
from blender_ui.exchange.files import arrow
from blender_ui.exchange.records import LabelRecord, PromptRecord
from blender_ui.values import Message

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


def write_dpo(path: Path, records: Iterable[PromptRecord], *, as_messages: bool = False) -> int:
    """Write one JSON line ``{prompt, chosen, rejected}`` a pair that people decided; say how many.

    Two answers with the same text are no pair: nothing can be learnt from them.

    A pair is decided for the candidate that more people preferred, in whichever order it was shown, or
    for the one that a researcher ruled for. Pairs without a majority, ties, and judges' labels are left
    out. The prompt is the instruction, and, where there is an input, an empty line and the input.

    Args:
        path: Written anew, UTF-8.
        records: The prompts with their labels.
        as_messages: Write lists of messages in place of texts, TRL's conversational form, which alone can
            hold what was said before a prompt. A file must have one form for all its lines.
    """
    n_lines = 0
    with path.open("w", encoding="utf-8") as stream:
        for record in records:
            for pair in decided_pairs(record.labels, record.rulings):
                chosen, rejected = (record.candidates[index].text for index in pair)
                if chosen.strip() == rejected.strip():
                    continue
                line = (
                    _messages_line(record, chosen, rejected)
                    if as_messages
                    else {
                        "prompt": _whole(record.prompt, record.input),
                        "chosen": chosen,
                        "rejected": rejected,
                    }
                )
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")
                n_lines += 1
    return n_lines


def _messages_line(record: PromptRecord, chosen: str, rejected: str) -> dict[str, Any]:
    asked = [*record.history, Message("user", record.prompt, record.input)]
    return {
        "prompt": [{"role": one.role, "content": _whole(one.content, one.input)} for one in asked],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


def _whole(text: str, input: str) -> str:
    return f"{text}\n\n{input}" if input else text


def decided_pairs(
    labels: Iterable[LabelRecord], rulings: Iterable[LabelRecord] = ()
) -> Iterator[tuple[int, int]]:
    """Pairs of candidate indices, the one that more people preferred first; in order of asking.

    The last ruling on a pair counts in place of what people said.
    """
    margins: Counter[tuple[int, int]] = Counter()
    for label in labels:
        if label.kind == "human":
            low, high = sorted((label.a, label.b))
            won = {"a": label.a, "b": label.b}.get(label.winner)
            margins[low, high] += 0 if won is None else 1 if won == low else -1
    for ruling in rulings:
        low, high = sorted((ruling.a, ruling.b))
        won = {"a": ruling.a, "b": ruling.b}.get(ruling.winner)
        margins[low, high] = 0 if won is None else 1 if won == low else -1
    for (low, high), margin in margins.items():
        if margin:
            yield (low, high) if margin > 0 else (high, low)


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
