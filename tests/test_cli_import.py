"""``blender-ui import``: shown before it is taken, columns by hand, and the rows that were left out."""

import csv
import json
from pathlib import Path

import pytest

from blender_ui.cli import main
from tests.builders.stores import put_store

ROWS = (
    ("Frage", "links", "rechts", "stimme"),
    ("Why?", "A.", "B.", "0"),
    ("How?", "A.", "B.", "1"),
    ("Who?", "A.", "B.", "2"),
)
MAP = ("--map", "prompt=Frage", "--map", "text_a=links", "--map", "text_b=rechts", "--map", "winner=stimme")
WORDS = ("--word", "0=a", "--word", "1=b", "--word", "2=tie")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    put_store(tmp_path / "home")
    monkeypatch.setenv("BLENDER_UI_HOME", str(tmp_path / "home"))
    return tmp_path


def sheet(path: Path) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows(ROWS)
    return path


def winners(home: Path) -> dict[str, str]:
    assert main(["export", str(home / "out.jsonl")]) == 0
    records = [json.loads(line) for line in (home / "out.jsonl").read_text().splitlines()]
    return {record["prompt"]: label["winner"] for record in records for label in record["labels"]}


def test_an_unknown_shape_says_how_to_map_and_is_read_once_mapped(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sheet(home / "votes.csv")
    assert main(["import", str(path)]) == 1
    told = capsys.readouterr().err
    assert "has the fields 'Frage', 'links', 'rechts', 'stimme'" in told
    assert "--map prompt=COLUMN" in told
    assert main(["import", str(path), *MAP]) == 1
    assert "say what each means" in capsys.readouterr().err
    assert main(["import", str(path), *MAP, *WORDS]) == 0
    assert winners(home) == {"Why?": "a", "How?": "b", "Who?": "tie"}


def test_a_preview_tells_the_shape_and_imports_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sheet(home / "votes.csv")
    assert main(["import", "--preview", str(path), *MAP, *WORDS]) == 0
    assert "read as one label a row: 3 votes, 33 % ties, 3 prompts" in capsys.readouterr().out
    assert winners(home) == {}


def test_a_column_by_hand_leads_into_lists_and_no_vote_may_be_said(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"q": {"text": "Why?"}, "outs": ["A.", "B."], "score": 3}
    (home / "x.jsonl").write_text(json.dumps(row))
    mapped = ("--map", "prompt=q.text", "--map", "text_a=outs.0", "--map", "text_b=outs.1")
    assert main(["import", str(home / "x.jsonl"), *mapped]) == 1
    assert "a vote may stand in 'score' with 3" in capsys.readouterr().err
    assert main(["import", str(home / "x.jsonl"), *mapped, "--map", "winner="]) == 0
    assert "1 pairs to label" in capsys.readouterr().out


def test_left_rows_are_written_with_their_reasons_and_come_in_once_mended(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = (
        {"prompt": text, "text_a": "A.", "text_b": "B.", "winner": word}
        for text, word in (("Why?", "a"), ("How?", "x"))
    )
    (home / "x.jsonl").write_text(f"{json.dumps(good)}\n{json.dumps(bad)}\n{{no")
    left = home / "left.jsonl"
    assert main(["import", str(home / "x.jsonl"), "--skip-faulty", "--left-rows", str(left)]) == 0
    told = capsys.readouterr()
    assert "Left out 2: malformed (line 2, line 3)" in told.out
    assert "2 rows that were left out are in" in told.err
    first, second = map(json.loads, left.read_text().splitlines())
    assert first | {"left_out_because": "", "left_out_at": ""} == bad | {
        "left_out_because": "",
        "left_out_at": "",
    }
    assert (first["left_out_at"], second["text"]) == ("line 2", "{no")
    left.write_text(json.dumps(first | {"winner": "b"}))
    assert main(["import", str(left), "--source", "x"]) == 0
    assert winners(home) == {"Why?": "a", "How?": "b"}
