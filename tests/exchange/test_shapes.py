"""Files of every kind, told by their content; what is wrong is told by number, and nothing comes half."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blender_ui.errors import MalformedInput
from blender_ui.exchange import (
    CandidateRecord,
    LabelRecord,
    PromptRecord,
    read_file,
    write_csv,
    write_parquet,
    write_records,
)
from blender_ui.values import Message

RECORDS = (
    PromptRecord(
        id="1",
        source="a-set",
        prompt='Say "hi",\nthen stop.',
        input="in",
        candidates=(CandidateRecord(model="x", text="hi"), CandidateRecord(model="y", text="")),
        labels=(
            LabelRecord(
                annotator="ada", a=0, b=1, winner="a", kind="human", strength=0.5, reason="r", seconds=2.5
            ),
            LabelRecord(
                annotator="gpt", a=1, b=0, winner="both_bad", kind="judge", at="2026-01-02T03:04:05+00:00"
            ),
        ),
    ),
    PromptRecord(
        id="2",
        source="a-set",
        prompt="[1, 2]",
        candidates=(
            CandidateRecord(model="x", text='[{"role": "user"}]'),
            CandidateRecord(model="x", text="=1+1"),
        ),
        labels=(LabelRecord(annotator="ada", a=0, b=1, winner="tie", kind="human"),),
    ),
)


def read(path: Path, **options: Any) -> list[PromptRecord]:
    return list(read_file(path, **options))


def dump(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


# This app's own files come in as they went out.


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.jsonl", "out.jsonl.gz"])
def test_what_was_exported_is_read_as_it_was(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    {".csv": write_csv, ".parquet": write_parquet}.get(path.suffix, write_records)(path, RECORDS)
    assert read(path) == list(RECORDS)


def test_a_gzipped_csv_and_one_by_tabs_are_read_too(tmp_path: Path) -> None:
    plain = tmp_path / "plain.csv"
    write_csv(plain, RECORDS)
    zipped = tmp_path / "zipped.csv.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(zipped) == list(RECORDS)
    tabs = tmp_path / "tabs.tsv"
    tabs.write_text("prompt\tresponse_a\tresponse_b\twinner\nWhy?\tA.\tB.\tmodel_b\n")
    (record,) = read(tabs)
    assert (record.source, record.labels[0].winner, record.labels[0].annotator) == ("tabs", "b", "someone")


def test_a_row_without_a_winner_is_a_pair_to_ask(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("prompt,text_a,text_b,winner\nWhy?,A.,B.,\nWhy?,A.,C.,a\n")
    (record,) = read(path)
    assert [candidate.text for candidate in record.candidates] == ["A.", "B.", "C."]
    assert [(label.a, label.b) for label in record.labels] == [(0, 2)]


# Data sets of the datasets library.


def rows_of_pairs(n: int = 3) -> list[dict[str, Any]]:
    return [{"prompt": f"Q{i}?", "chosen": f"good {i}", "rejected": f"bad {i}"} for i in range(n)]


def save_to_disk(folder: Path, rows: list[dict[str, Any]]) -> None:
    """As ``Dataset.save_to_disk`` lays a data set out: an Arrow stream beside its state."""
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist(rows)
    with (
        pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as stream,
    ):
        stream.write_table(table)
    (folder / "state.json").write_text('{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}')
    (folder / "dataset_info.json").write_text("{}")


def test_a_saved_data_set_with_splits_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    save_to_disk(folder / "train", rows_of_pairs(3))
    save_to_disk(folder / "test", [{"prompt": "T?", "chosen": "yes", "rejected": "no"}])
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    records = read(folder)
    assert {record.prompt for record in records} == {"Q0?", "Q1?", "Q2?", "T?"}
    assert {record.source for record in records} == {"set"}


def test_a_folder_of_data_files_is_read_and_so_is_its_zip(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("# A set")
    pq.write_table(pa.Table.from_pylist(rows_of_pairs()), folder / "data" / "train-00000-of-00001.parquet")
    records = read(folder)
    assert len(records) == 3
    zipped = tmp_path / "hub.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(tmp_path))
    assert read(zipped) == records


def test_a_folder_without_data_says_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(MalformedInput, match=r"expected data files .*came notes\.txt"):
        read(tmp_path)


# Chosen and rejected.


def test_chosen_is_neither_always_first_nor_lost(tmp_path: Path) -> None:
    records = read(dump(tmp_path / "pairs.json", rows_of_pairs(60)))
    n_first = 0
    for record in records:
        (label,) = record.labels
        winner = label.a if label.winner == "a" else label.b
        assert record.candidates[winner].text.startswith("good")
        n_first += label.winner == "a"
    assert 15 <= n_first <= 45


def test_chats_are_split_into_question_and_answer(tmp_path: Path) -> None:
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    whole = {
        "chosen": [*asked, {"role": "assistant", "content": "So."}],
        "rejected": [*asked, {"role": "assistant", "content": "No."}],
    }
    split = {
        "prompt": asked,
        "chosen": [{"role": "assistant", "content": "So."}],
        "rejected": [{"role": "assistant", "content": "No."}],
    }
    first, second = (
        read(lines(tmp_path / f"{name}.jsonl", row), source="chat")
        for name, row in (("a", whole), ("b", split))
    )
    assert first == second
    assert first[0].history == (Message("system", "Be brief."),)
    assert first[0].prompt == "Why?"
    assert {candidate.text for candidate in first[0].candidates} == {"So.", "No."}


# Label Studio.

TASK = {
    "id": 7,
    "data": {"prompt": "Why?", "answer1": "A.", "answer2": "B.", "answer1_model": "m"},
    "annotations": [
        {
            "completed_by": {"id": 1, "email": "ada"},
            "lead_time": 3.5,
            "created_at": "2026-01-02T03:04:05.000Z",
            "was_cancelled": False,
            "result": [
                {"type": "pairwise", "from_name": "pw", "to_name": "t1,t2", "value": {"selected": "right"}}
            ],
        },
        {"completed_by": 2, "was_cancelled": True, "result": []},
        {"completed_by": 3, "result": [{"type": "choices", "value": {"choices": ["Tie"]}}]},
    ],
}


def test_label_studios_tasks_are_read(tmp_path: Path) -> None:
    (record,) = read(dump(tmp_path / "project-1.json", [TASK]))
    assert (record.id, record.source, record.prompt) == ("7", "project-1", "Why?")
    assert [candidate.model for candidate in record.candidates] == ["m", "unknown"]
    first, second = record.labels
    assert (first.annotator, first.winner, first.seconds) == ("ada", "b", 3.5)
    assert first.at == "2026-01-02T03:04:05+00:00"
    assert (second.annotator, second.winner) == ("3", "tie")


def test_label_studios_own_names_are_found_by_the_results_target(tmp_path: Path) -> None:
    result = {"type": "pairwise", "to_name": "one,two", "value": {"selected": "left"}}
    task = {
        "data": {"prompt": "Why?", "one": "A.", "two": "B."},
        "annotations": [{"completed_by": 1, "result": [result]}],
    }
    (record,) = read(dump(tmp_path / "x.json", [task]))
    assert [candidate.text for candidate in record.candidates] == ["A.", "B."]


def test_a_task_without_two_answers_says_what_it_has(tmp_path: Path) -> None:
    task = TASK | {"data": {"prompt": "Why?", "image": "x.png"}}
    with pytest.raises(MalformedInput, match=r"item 2: .*came prompt, image"):
        read(dump(tmp_path / "x.json", [TASK, task]))


# Argilla.


def test_argillas_records_are_read_with_words_and_with_orders(tmp_path: Path) -> None:
    word = {
        "id": "r1",
        "fields": {"prompt": "Why?", "response-1": "A.", "response-2": "B."},
        "metadata": {"response-1_model": "m"},
        "suggestions": {"preference": {"value": "response-1"}},
        "responses": {
            "preference": [{"value": "response-2", "user_id": "u1"}, {"value": "tie", "user_id": "u2"}]
        },
    }
    ranks = [{"value": "c", "rank": 1}, {"value": "a", "rank": 2}, {"value": "b", "rank": 2}]
    order = {
        "id": "r2",
        "fields": {"instruction": "How?", "context": "here", "a": "A.", "b": "B.", "c": "C."},
        "responses": [
            {"user_id": "u1", "status": "submitted", "values": {"order": {"value": ranks}}},
            {"user_id": "u2", "status": "draft", "values": {"order": {"value": ranks}}},
        ],
    }
    first, second = read(dump(tmp_path / "argilla.json", [word, order]))
    assert [(label.annotator, label.winner) for label in first.labels] == [("u1", "b"), ("u2", "tie")]
    assert [candidate.model for candidate in first.candidates] == ["m", "unknown"]
    assert second.input == "here"
    assert [(label.a, label.b, label.winner) for label in second.labels] == [
        (0, 1, "tie"),
        (0, 2, "b"),
        (1, 2, "b"),
    ]


# FastChat.


def vote(kind: str, *, question: str = "Why?") -> dict[str, Any]:
    return {
        "tstamp": 1700000000.5,
        "type": kind,
        "models": ["", ""],
        "ip": "203.0.113.9",
        "states": [
            {
                "model_name": name,
                "conv_id": f"{kind}-{name}",
                "messages": [["Human", question], ["Assistant", f"{name} says."]],
            }
            for name in ("m1", "m2")
        ],
    }


def test_fastchats_logs_are_read_and_what_is_no_vote_is_left(tmp_path: Path) -> None:
    chat = {"tstamp": 1.0, "type": "chat", "model": "m1", "state": {}}
    kinds = ("leftvote", "rightvote", "tievote", "bothbad_vote")
    path = lines(tmp_path / "2026-conv.json", chat, *map(vote, kinds), chat)
    records = read(path)
    assert [record.labels[0].winner for record in records] == ["a", "b", "tie", "both_bad"]
    assert records[0].candidates[1] == CandidateRecord(model="m2", text="m2 says.")
    assert records[0].labels[0].at == "2023-11-14T22:13:20.500000+00:00"
    assert "203.0" not in str(records), "an address is hashed"


def battle(**other: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    return {
        "question_id": "q",
        "model_a": "m1",
        "model_b": "m2",
        "winner": "tie (bothbad)",
        "judge": "arena_user_1",
        "conversation_a": turns,
        "conversation_b": [turns[0], turns[1] | {"content": "No."}],
        "turn": 1,
        "language": "English",
        "tstamp": 1700000000,
    } | other


def test_fastchats_battles_are_read(tmp_path: Path) -> None:
    path = dump(tmp_path / "battles.json", [battle(), battle(question_id="r", winner="model_b")])
    first, second = read(path)
    assert (first.labels[0].winner, second.labels[0].winner) == ("both_bad", "b")
    assert (first.prompt, first.lang) == ("Why?", "English")
    assert [candidate.text for candidate in first.candidates] == ["So.", "No."]


def test_battles_come_as_parquet_too(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([battle()]), tmp_path / "arena.parquet")
    assert read(tmp_path / "arena.parquet") == read(dump(tmp_path / "arena.json", [battle()]))


# What is wrong is told.


def test_fields_of_no_known_tool_are_told_with_what_would_do(tmp_path: Path) -> None:
    path = lines(tmp_path / "x.jsonl", {"text": "a", "label": 1})
    with pytest.raises(MalformedInput) as caught:
        read(path)
    assert "has the fields 'text', 'label'" in str(caught.value)
    for name in ("Label Studio", "Argilla", "FastChat", "chosen", "candidates, labels"):
        assert name in str(caught.value)


@pytest.mark.parametrize("name", ["x.txt", "x.xlsx", "x"])
def test_a_file_of_no_known_kind_is_told_with_what_would_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(MalformedInput, match=rf"expected \.jsonl, .*\.parquet.*; came {name}"):
        read(tmp_path / name)


def test_every_malformed_row_is_told_by_its_line(tmp_path: Path) -> None:
    good = {"prompt": "Q?", "text_a": "A.", "text_b": "B.", "winner": "a"}
    path = lines(
        tmp_path / "x.jsonl",
        good,
        "{no",
        good | {"winner": "perhaps"},
        good | {"text_b": 3},
        good | {"seconds": -1},
    )
    with pytest.raises(MalformedInput) as caught:
        read(path)
    assert [line for line, _ in caught.value.faults] == [2, 3, 4, 5]
    assert "came 'perhaps'" in caught.value.faults[1][1]


def test_lines_of_a_csv_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        'prompt,text_a,text_b,winner\n"Two\nlines",A.,B.,a\nQ?,A.,B.,maybe\nQ?,A.\nQ?,A.,B.,a,more\n'
    )
    with pytest.raises(MalformedInput) as caught:
        read(path)
    assert [line for line, _ in caught.value.faults] == [4, 5, 6]


def test_one_id_for_two_prompts_is_a_fault(tmp_path: Path) -> None:
    row = {"id": "1", "text_a": "A.", "text_b": "B.", "winner": "a"}
    path = lines(tmp_path / "x.jsonl", row | {"prompt": "Why?"}, row | {"prompt": "How?"})
    with pytest.raises(MalformedInput, match="line 2: id '1' had another prompt on line 1"):
        read(path)


def test_a_record_in_two_forms_is_a_fault_in_either_order(tmp_path: Path) -> None:
    own_first, rows_first = tmp_path / "own-first", tmp_path / "rows-first"
    for folder, own, rows in ((own_first, "1.jsonl", "2.parquet"), (rows_first, "2.jsonl", "1.parquet")):
        folder.mkdir()
        write_records(folder / own, RECORDS)
        write_parquet(folder / rows, RECORDS)
        with pytest.raises(
            MalformedInput, match=r"id '1' of source 'a-set' is on [12]\.\w+ (line|row) 1 already"
        ):
            read(folder)


LABEL_ROW = {"prompt": "Q?", "text_a": "A.", "text_b": "B.", "winner": "a"}
ARGILLA = {"fields": {"prompt": "Why?", "a": "A.", "b": "B."}, "responses": []}


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        (ARGILLA, ARGILLA | {"responses": [None]}, "cannot be read as Argilla records"),
        (
            TASK,
            TASK | {"annotations": [{"result": [{"type": "pairwise", "value": "left"}]}]},
            "cannot be read as Label Studio tasks",
        ),
        (
            TASK,
            TASK | {"annotations": [TASK["annotations"][0] | {"created_at": "0001-01-01T00:00:00+05:00"}]},
            "expected 'created_at' in ISO 8601",
        ),
        (LABEL_ROW, LABEL_ROW | {"at": "0001-01-01T00:00:00+05:00"}, "in the years 1 to 9999 of UTC"),
        (LABEL_ROW, LABEL_ROW | {"seconds": 10**400}, "expected a finite number as 'seconds'"),
        (LABEL_ROW, f'{{"prompt": {"1" * 5000}}}', "a whole number in it has too many digits"),
    ],
)
def test_a_value_that_no_parser_expects_is_a_fault_of_its_row(
    tmp_path: Path, good: dict[str, Any], bad: Any, reason: str
) -> None:
    with pytest.raises(MalformedInput) as caught:
        read(lines(tmp_path / "x.jsonl", good, bad))
    ((line, told),) = caught.value.faults
    assert line == 2
    assert reason in told


@pytest.mark.parametrize("text", [f'[{{"n": {"1" * 5000}}}]', "[[" * 100_000])
def test_a_text_that_only_looks_like_a_chat_is_a_text(tmp_path: Path, text: str) -> None:
    (record,) = read(lines(tmp_path / "x.jsonl", {"prompt": "Q?", "chosen": text, "rejected": "B."}))
    assert text in {candidate.text for candidate in record.candidates}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.parquet", b"PAR1 not really"),
        ("x.arrow", b"nothing"),
        ("x.csv", b"prompt,text_a\n\xff\xfe,b\n"),
        ("x.csv.gz", b"\x1f\x8b broken"),
        ("x.json", b'[{"a": 1}'),
        ("x.zip", b"PK\x05\x06" + b"\0" * 18),
    ],
)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MalformedInput):
        read(tmp_path / name)


def test_nothing_at_a_path_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="there is no file or folder"):
        read(tmp_path / "absent.jsonl")


@pytest.mark.parametrize(
    "row",
    [
        {"question_id": 1, "model_a": "m", "model_b": "n", "winner": "model_a", "judge": "ada",
         "conversation_a": [{"role": "user", "content": "\0Why?"}, {"role": "assistant", "content": "A."}],
         "conversation_b": [{"role": "user", "content": "\0Why?"}, {"role": "assistant", "content": "B."}]},
        {"prompt": "\0Why?", "chosen": "A.", "rejected": "B."},
    ],
)  # fmt: skip
def test_a_prompt_that_begins_with_a_nul_is_blank_in_every_form(tmp_path: Path, row: dict[str, Any]) -> None:
    """SQLite counts a text to its first NUL, and would refuse the row with no sentence."""
    path = tmp_path / "file.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(MalformedInput, match="is blank"):
        read(path)
