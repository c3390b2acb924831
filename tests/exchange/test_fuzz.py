"""Damaged files: records or a sentence, the same twice. ``benchmarks.fuzz_imports`` does it for minutes."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings

from benchmarks.fuzz_imports import File, check_file, damaged, make_files
from blender_ui.errors import MalformedInput
from blender_ui.exchange import read_file
from tests.properties import n_examples


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def test_every_file_that_is_damaged_can_be_read_before(folder: Path) -> None:
    for file in make_files(folder):
        assert check_file(file, folder, brings_in=True) == "imported", file.name


def test_a_damaged_file_is_records_or_a_sentence(folder: Path) -> None:
    files = make_files(folder)

    @seed(23)
    @settings(
        max_examples=n_examples(300), deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(damaged(files))
    def check(file: File) -> None:
        check_file(file, folder)

    check()


def test_no_damaged_column_ends_the_process() -> None:
    """Offsets and statistics that point anywhere: the native readers crash where nobody checks them first."""
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.exchange.damaged_columns", "1", "1500"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    n_read, n_refused = map(int, done.stdout.split())
    assert n_read > 50
    assert n_refused > 500


def test_a_row_without_the_list_that_the_others_have_is_told_by_its_number(tmp_path: Path) -> None:
    row = {"prompt": "Why?", "responses": ["So.", "No."], "scores": [2, 1]}
    path = tmp_path / "x.json"
    path.write_text(json.dumps([row, {}, row]))
    with pytest.raises(MalformedInput, match="expected a list of answers as one of"):
        list(read_file(path))


def test_an_archive_whose_list_is_damaged_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.jsonl", "{}")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"PK\x01\x02", b"PK\x01\x03"))
    with pytest.raises(MalformedInput, match="damaged archive"):
        list(read_file(path))
