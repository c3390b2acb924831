"""The command does what the pages do, and its misuse is a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from blender_ui.cli import main
from tests.builders.stores import put_store


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    put_store(tmp_path / "home")
    monkeypatch.setenv("BLENDER_UI_HOME", str(tmp_path / "home"))
    return tmp_path


def write_preferences(path: Path, *, n_prompts: int = 12) -> Path:
    """Prompts on which three people say that the first answer is better."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(n_prompts):
            labels = [
                {"annotator": str(who), "a": 0, "b": 1, "winner": "a", "kind": "human"} for who in range(3)
            ]
            answers = [
                {"model": "long", "text": f"A full answer, number {number}."},
                {"model": "short", "text": "No."},
            ]
            record = {
                "id": str(number),
                "prompt": f"Question {number}?",
                "candidates": answers,
                "labels": labels,
            }
            file.write(json.dumps(record | {"source": "made", "licence": "CC0-1.0", "lang": "en"}) + "\n")
    return path


def test_import_then_export_gives_the_same_labels(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_preferences(home / "in.jsonl")

    assert main(["import", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["n_prompts"], report["n_preferences"]) == (12, 36)
    assert main(["export", str(home / "out.jsonl")]) == 0
    exported = [json.loads(line) for line in (home / "out.jsonl").read_text().splitlines()]
    assert sum(len(record["labels"]) for record in exported) == 36


@pytest.mark.slow
def test_a_backup_is_checked_and_restored_into_another_home(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["import", str(write_preferences(home / "in.jsonl"))]) == 0
    path = home / "all.backup"
    for command in (["backup", str(path)], ["backup", "--check", str(path)]):
        assert main(command) == 0
    assert "is whole" in capsys.readouterr().out
    assert main(["restore", str(path)]) == 1
    assert "empty store" in capsys.readouterr().err
    monkeypatch.setenv("BLENDER_UI_HOME", str(home / "other"))
    assert main(["restore", str(path)]) == 0
    assert "BLENDER_UI_HOME" in capsys.readouterr().out
    assert main(["export", str(home / "out.jsonl")]) == 0
    exported = [json.loads(line) for line in (home / "out.jsonl").read_text().splitlines()]
    assert sum(len(record["labels"]) for record in exported) == 36


def test_a_malformed_file_is_refused_whole_with_its_lines(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_preferences(home / "in.jsonl", n_prompts=3)
    path.write_text(path.read_text() + '{"id": 1}\n')

    assert main(["import", str(path)]) == 1
    said = capsys.readouterr()
    assert "nothing was imported" in said.err
    assert "line 4:" in said.err
    assert main(["export", str(home / "out.jsonl")]) == 0
    assert (home / "out.jsonl").read_text() == ""


@pytest.fixture
def home_without_reader(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the start ranker cannot rank, because its reader is not here."""
    monkeypatch.setenv("BLENDER_UI_WEIGHTS", str(home / "no-weights"))
    return home


def test_evaluate_before_any_ranker_gives_the_baselines_and_no_accuracy(
    home_without_reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_without_reader
    path = write_preferences(home / "unseen.jsonl")

    assert main(["evaluate", "--preferences", str(path), "--json"]) == 0
    said = capsys.readouterr()
    figures = json.loads(said.out)
    assert figures["n"] == 12
    assert (figures["longer"], figures["rating"], figures["ceiling"]) == (1.0, 1.0, 1.0)
    assert figures["accuracy"] is None
    assert figures["ranker"] is None
    assert "no ranker" in said.err


def test_ranking_without_a_ranker_says_what_to_do(
    home_without_reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rank", "--instruction", "Name a colour.", "Red.", "Seven."]) == 1
    assert "blender-ui train" in capsys.readouterr().err


def test_evaluating_the_start_ranker_without_its_reader_says_how_to_get_it(
    home_without_reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_preferences(home_without_reader / "unseen.jsonl")
    assert main(["evaluate", "--preferences", str(path), "--ranker", "start"]) == 1
    assert "python -m blender_ui.weights reader smollm2-135m" in capsys.readouterr().err


def test_a_ranker_is_a_number_or_start(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", "--preferences", "x.jsonl", "--ranker", "best"])
    assert caught.value.code == 2
    assert "a version's number or the word start" in capsys.readouterr().err


@pytest.mark.slow
def test_an_empty_home_evaluates_and_ranks_with_the_start_ranker(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_preferences(home / "unseen.jsonl", n_prompts=3)
    assert main(["evaluate", "--preferences", str(path), "--ranker", "start", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["n"], figures["start"], figures["n_known_prompts"]) == (3, True, 0)
    assert figures["accuracy"] == 1.0
    assert {"ece", "longer", "rating"} <= figures.keys()

    question = "What is the capital of France?"
    assert main(["rank", "--instruction", question, "No.", "The capital of France is Paris.", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ranks"] == [2, 1]


def test_training_on_nothing_says_what_is_missing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train"]) == 1
    assert "20 decided preferences" in capsys.readouterr().err


def test_a_candidate_file_that_is_absent_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rank", "--instruction", "x", "@/nowhere/a.txt", "b"]) == 1
    assert "@/nowhere/a.txt" in capsys.readouterr().err


def test_doctor_names_what_is_missing_and_the_command(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BLENDER_UI_WEIGHTS", str(home / "empty"))

    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "python -m blender_ui.weights fetch smollm2-135m" in said
    assert "MISSING" in said


def test_doctor_says_that_a_database_waits_for_its_migration(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "home" / "blender.sqlite").write_bytes(b"")

    main(["doctor"])
    assert "start the app, which migrates it" in capsys.readouterr().out


@pytest.mark.slow
def test_the_web_process_asks_ranks_chooses_and_supervises_without_torch() -> None:
    script = "import sys, blender_ui.ui.app, blender_ui.cli.serve; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(said.stdout.split())
    assert loaded >= {
        "blender_ui.ranking.fast.ranker",
        "blender_ui.choosing.chooser",
        "blender_ui.engine.process",
        "blender_ui.fusion.remote",
        "blender_ui.worker.supervisor",
        "blender_ui.services.training.requests",
    }
    assert not loaded & {"torch", "transformers", "dbos"}
    # Together a fifth of a start, and no page needs them to open.
    assert not loaded & {"alembic", "plotly.graph_objs", "scipy.optimize", "scipy.special", "scipy.stats"}


def test_waiting_for_the_end_survives_signals_that_come_in_a_burst() -> None:
    script = (
        "import os, signal, threading\n"
        "from blender_ui.cli.ending import Ending\n"
        "ending = Ending()\n"
        "def burst():\n"
        "    for _ in range(50): os.kill(os.getpid(), signal.SIGTERM)\n"
        "threading.Timer(0.5, burst).start()\n"
        "ending.wait()\n"
        "print('ended')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "ended"


def test_a_signal_that_comes_before_the_wait_ends_it() -> None:
    script = (
        "import os, signal\n"
        "from blender_ui.cli.ending import Ending\n"
        "ending = Ending()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "ending.wait()\n"
        "print('ended')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "ended"


def test_evaluating_takes_either_people_s_preferences_or_a_task(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", "--json"])
    assert caught.value.code == 2
    capsys.readouterr()
    own = home / "own.jsonl"
    own.write_text('{"instruction": "Why?"}\n')
    assert main(["evaluate", "--task", "qa", "--file", str(own)]) == 1
    assert "line 1: expected references" in capsys.readouterr().err


def test_training_a_fuser_without_examples_says_what_is_missing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--kind", "fuser"]) == 1
    assert "A fuser learns from 20 prompts" in capsys.readouterr().err
