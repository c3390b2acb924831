"""Reading and writing JSON lines: every fault by its line, every record back as it was."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from blender_ui.errors import MalformedInput
from blender_ui.exchange import read_records, write_records
from blender_ui.exchange.jsonl import MOST_FAULTS

LABEL = {"annotator": "ada", "a": 0, "b": 1, "winner": "a", "kind": "human"}


def record(**changes: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "source": "test",
        "prompt": "Why?",
        "candidates": [{"model": "m", "text": "Because."}, {"model": "n", "text": ""}],
        "labels": [LABEL],
        **changes,
    }


def label(**changes: Any) -> dict[str, Any]:
    return record(labels=[{**LABEL, **changes}])


def written(folder: Path, *lines: Any) -> Path:
    path = folder / "file.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_empty_answers_and_one_model_twice_are_kept(tmp_path: Path) -> None:
    twice = record(candidates=[{"model": "m", "text": ""}, {"model": "m", "text": ""}], instruction_input="x")
    (read,) = read_records(written(tmp_path, twice))
    assert [(candidate.model, candidate.text) for candidate in read.candidates] == [("m", ""), ("m", "")]
    assert read.input == "x"


@pytest.mark.parametrize(
    ("changes", "winner", "strength"),
    [
        ({"winner": "b"}, "b", None),
        ({"winner": "tie"}, "tie", None),
        ({"winner": "tie", "accept_a": True, "accept_b": True}, "tie", None),
        ({"winner": "tie", "accept_a": False, "accept_b": False}, "both_bad", None),
        ({"winner": "a", "accept_a": False, "accept_b": False, "strength": "slight"}, "a", 0.5),
        ({"strength": "clear"}, "a", 1.0),
        ({"strength": 0.25}, "a", 0.25),
    ],
)
def test_a_label_is_read_as_what_it_says(
    tmp_path: Path, changes: dict[str, Any], winner: str, strength: float | None
) -> None:
    (read,) = read_records(written(tmp_path, label(**changes)))
    assert (read.labels[0].winner, read.labels[0].strength) == (winner, strength)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[1]", "expected an object, came a list"),
        ({key: value for key, value in record().items() if key != "labels"}, "'labels' is missing"),
        (record(prompt=" "), "'prompt' is blank"),
        (record(prompt=" \0 "), "'prompt' is blank"),
        (record(prompt="\0and more, which SQLite does not count"), "'prompt' is blank"),
        (record(prompt=7), "expected text as 'prompt', came a number"),
        (record(candidates={}), "expected a list as 'candidates', came an object"),
        (record(candidates=[{"text": "x"}]), "candidates[0]: 'model' is missing"),
        (record(candidates=["x"]), "candidates[0]: expected an object, came text"),
        (label(a=2), "labels[0]: expected 'a' to be the index of one of 2 candidates, came 2"),
        (label(a=-1), "came -1"),
        (label(a=True), "came true"),
        (label(b=0), "'a' and 'b' are both 0"),
        (label(winner="c"), "expected 'winner' to be one of a, b, tie; came 'c'"),
        (label(kind="robot"), "expected 'kind' to be one of human, judge; came 'robot'"),
        (label(strength=0), "expected 'strength' above 0 and at most 1, came 0.0"),
        (label(strength="huge"), "one of slight, clear; came 'huge'"),
        (label(seconds=-1), "'seconds' to be 0 or more"),
        (label(winner="tie", accept_a="no"), "expected true or false as 'accept_a', came text"),
        (label(at="yesterday"), "a time in ISO 8601"),
        (label(at="2026-01-01T00:00:00"), "has no zone"),
        (label(at="0001-01-01T00:00:00+05:00"), "'at' in the years 1 to 9999 of UTC"),
        (label(seconds=10**400), "expected a finite number as 'seconds'"),
        (label(seconds=float("nan")), "expected a finite number as 'seconds'"),
        (json.dumps(label(seconds=0)).replace('"seconds": 0', f'"seconds": {"1" * 5000}'), "too many digits"),
        (json.dumps(record()).replace("Because", r"\ud800"), "half of a surrogate pair"),
    ],
)
def test_a_malformed_line_is_told_by_its_number_and_reason(tmp_path: Path, line: Any, reason: str) -> None:
    path = written(tmp_path, record(id="0"), "", line)
    with pytest.raises(MalformedInput, match=r"file\.jsonl, line 3: ") as caught:
        list(read_records(path))
    ((number, told),) = caught.value.faults
    assert number == 3
    assert reason in told


def test_all_malformed_lines_are_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, record(), "{", record(id="2"), label(a=9), record())
    with pytest.raises(MalformedInput, match=r"3 lines of file\.jsonl are malformed") as caught:
        list(read_records(path))
    assert [number for number, _ in caught.value.faults] == [2, 4, 5]
    assert "on line 1 already" in caught.value.faults[2][1]


def test_a_hopeless_file_is_given_up_on(tmp_path: Path) -> None:
    path = written(tmp_path, *["{"] * (MOST_FAULTS + 50))
    with pytest.raises(MalformedInput, match=f"at least {MOST_FAULTS} lines") as caught:
        list(read_records(path))
    assert len(caught.value.faults) == MOST_FAULTS


def test_bytes_that_are_no_text_are_told_by_their_line(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(json.dumps(record()).encode() + b"\n\xff\xfe\n")
    with pytest.raises(MalformedInput, match="line 2: not UTF-8"):
        list(read_records(path))


def test_a_file_that_is_absent_or_cut_short_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="there is no file"):
        list(read_records(tmp_path / "absent.jsonl"))
    whole = gzip.compress(json.dumps(record()).encode() * 100)
    for content in (whole[:-20], b"plain text"):
        (tmp_path / "cut.jsonl.gz").write_bytes(content)
        with pytest.raises(MalformedInput, match=r"cut\.jsonl\.gz"):
            list(read_records(tmp_path / "cut.jsonl.gz"))


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_what_is_written_is_read_back_as_equal(tmp_path: Path, name: str) -> None:
    full = label(
        winner="tie",
        accept_a=False,
        accept_b=False,
        reason="“neither”",
        seconds=2.5,
        at="2026-01-01T12:00:00+02:00",
    )
    full |= {"lang": "en", "licence": "MIT", "category": "c", "instruction_input": "i"}
    records = list(read_records(written(tmp_path, full, record(id="2", labels=[]))))
    path = tmp_path / name
    assert write_records(path, records) == 2
    assert list(read_records(path)) == records
    first = path.read_bytes()
    write_records(path, records)
    assert path.read_bytes() == first


def test_records_have_equal_fingerprints_only_if_they_are_equal(tmp_path: Path) -> None:
    variants = [
        record(),
        label(winner="b"),
        label(strength=1),
        record(prompt="How?"),
        record(category="c"),
        record(labels=[]),
    ]
    read = [next(read_records(written(tmp_path, variant))) for variant in [*variants, record()]]
    assert len({one.fingerprint for one in read}) == len(variants)
    assert read[0].fingerprint == read[-1].fingerprint
