"""A store too large to be read through before a start is read through after it; damage ends the app."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from blender_ui import store
from blender_ui.cli.ending import Ending
from blender_ui.cli.late_check import LateCheck
from blender_ui.errors import StorageError
from blender_ui.store import check_left, open_store
from tests.builders.stores import put_store

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_READ_BYTES", 0)


@pytest.fixture
def ending() -> Iterator[Ending]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield Ending()
    for number, handler in before.items():
        signal.signal(number, handler)


def damage_what_no_start_reads(path: Path) -> None:
    """Overwrite the page where the last index begins."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT max(rootpage) FROM sqlite_master").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


def test_a_large_store_s_damage_is_left_by_the_start_and_found_afterwards(tmp_path: Path) -> None:
    path = put_store(tmp_path)
    damage_what_no_start_reads(path)
    url = f"sqlite:///{path}"
    with pytest.raises(StorageError, match="is damaged"):
        open_store(url, name="the store")  # as every command does
    engine = open_store(url, name="the store", leaves_large=True)
    with pytest.raises(StorageError, match=r"the store: the database is damaged.*\.recover"):
        check_left(engine, name="the store")
    engine.dispose()


def test_a_small_store_s_damage_is_found_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    path = put_store(tmp_path)
    damage_what_no_start_reads(path)
    with pytest.raises(StorageError, match="is damaged"):
        open_store(f"sqlite:///{path}", name="the store", leaves_large=True)


@pytest.mark.parametrize("is_damaged", [False, True])
def test_the_app_is_told_to_end_where_its_store_is_damaged_and_not_else(
    is_damaged: bool, tmp_path: Path, ending: Ending, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_store(tmp_path)
    if is_damaged:
        damage_what_no_start_reads(path)
    engine = open_store(f"sqlite:///{path}", name="the store", leaves_large=True)
    check = LateCheck(engine, name="the store", ending=ending)
    check.wait()
    assert ending.is_told is is_damaged
    if is_damaged:
        with pytest.raises(StorageError, match="is damaged"):
            check.raise_found()
    else:
        check.raise_found()
    engine.dispose()


@pytest.mark.slow  # starts the whole program
def test_the_app_over_a_large_damaged_store_says_the_sentence_and_ends(tmp_path: Path) -> None:
    damage_what_no_start_reads(put_store(tmp_path))
    members = tmp_path / "members.toml"
    members.write_text(
        '[[member]]\nname = "Away"\nbackend = "openai"\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BLENDER_UI_")}
    environment = inherited | {
        "BLENDER_UI_HOME": str(tmp_path), "BLENDER_UI_MEMBERS": str(members), "BLENDER_UI_EXAMPLES": "no",
        "BLENDER_UI_WORKER": "none", "BLENDER_UI_PORT": "0",
    }  # fmt: skip
    script = (
        "import sys, blender_ui.cli.serve as serve, blender_ui.store as store, app\n"
        "serve.prepare_weights = lambda settings, is_over: True\n"  # which would fetch models
        "store.MOST_READ_BYTES = 0\n"
        "sys.exit(app.main())"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=REPOSITORY,
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 1, (done.stdout, done.stderr, time.monotonic() - began)
    assert "Blender UI is open at" in done.stdout
    assert "the database is damaged" in done.stderr
    assert "Traceback" not in done.stderr
