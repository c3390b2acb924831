"""Tables for other tools: one row a label."""

import csv
from pathlib import Path

from blender_ui.exchange import CandidateRecord, LabelRecord, PromptRecord, write_csv
from blender_ui.exchange.records import Kind, Winner


def label(a: int, b: int, winner: Winner, who: str, kind: Kind = "human") -> LabelRecord:
    return LabelRecord(annotator=who, a=a, b=b, winner=winner, kind=kind)


RECORD = PromptRecord(
    id="1",
    source="test",
    prompt="Why?",
    input="The sky,\nit is blue.",
    candidates=tuple(CandidateRecord(model=name, text=f'"{name}", said') for name in "xyz"),
    labels=(
        label(0, 1, "a", "ada"),
        label(1, 0, "b", "bob"),
        label(0, 1, "b", "cyd"),
        label(1, 2, "a", "ada"),
        label(2, 1, "a", "bob"),
        label(0, 2, "tie", "ada"),
        label(0, 2, "a", "judge", "judge"),
    ),
)


def test_a_csv_row_holds_a_label_whatever_is_in_its_texts(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert write_csv(path, [RECORD]) == 7
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 7
    assert rows[1]["model_a"] == "y"
    assert rows[1]["text_a"] == '"y", said'
    assert rows[1]["winner"] == "b"
    assert rows[1]["instruction_input"] == RECORD.input
    assert rows[6]["kind"] == "judge"
