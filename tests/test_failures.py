"""What is wrong around the program is one sentence with the remedy, in every command, never a traceback."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

import app
from blender_ui import faults, store
from blender_ui.cli import main
from blender_ui.errors import StorageError, UnexpectedError
from blender_ui.faults import keep_log, run_command, tell
from blender_ui.worker.__main__ import serve as serve_worker
from db.models import Outcome
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store, put_store
from tests.test_cli import write_preferences

COMMANDS = {
    "serve": ["serve"],
    "train": ["train"],
    "rank": ["rank", "--instruction", "x", "a", "b"],
    "fuse": ["fuse", "--instruction", "x", "a", "b"],
    "import": ["import", "there.jsonl"],
    "export": ["export", "out.jsonl"],
    "evaluate": ["evaluate", "--preferences", "there.jsonl"],
    "account": ["account", "list"],
    "doctor": ["doctor"],
}
PROGRAMS = {"app.py": app.main, "worker": lambda: run_command("worker", serve_worker)}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLENDER_UI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BLENDER_UI_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("BLENDER_UI_MEMBERS", str(Path("members.toml").resolve()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(store, "OPENING_SECONDS", 0.2)
    write_preferences(tmp_path / "there.jsonl", n_prompts=1)
    return tmp_path / "home"


@contextmanager
def not_a_database(home: Path) -> Iterator[None]:
    home.mkdir()
    (home / "blender.sqlite").write_bytes(b"This is no database. " * 500)
    yield


@contextmanager
def damaged_inside(home: Path) -> Iterator[None]:
    put_store(home)
    with (home / "blender.sqlite").open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xa5" * 4096 * 4)
    yield


@contextmanager
def cut_off(home: Path) -> Iterator[None]:
    path = put_store(home)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    yield


@contextmanager
def a_folder(home: Path) -> Iterator[None]:
    (home / "blender.sqlite").mkdir(parents=True)
    yield


@contextmanager
def locked(home: Path) -> Iterator[None]:
    path = put_store(home)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield
    other.close()


@contextmanager
def newer(home: Path) -> Iterator[None]:
    path = put_store(home)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    other.close()
    yield


ADDRESSES = {
    "nonsense": "expected an address",
    "sqlite:/x": "expected an address",
    "sqlite://": "names no file",
    "sqlite:////proc/nowhere/x.sqlite": "folder cannot be made",
    "sqlite:///x.sqlite?foo=bar": "uri=true",
    "oracle://me:secret@host/x": "oracle is no database",
    "postgresql://me:secret@host/x": "postgresql is no database",
    "nosuch+driver://me:secret@host/x": "nosuch+driver is no database",
    "postgresql+psycopg://me:secret@[::1/x": "expected an address",
    "postgresql+psycopg://me:secret@host:port/x": "expected an address",
    "postgresql+psycopg://me:secret@127.0.0.1:1/x": "does not answer",
    "postgresql+psycopg://me:secret@127.0.0.1:1/x?foo=bar": "foo",
}
Fault = Callable[[Path], AbstractContextManager[None]]
FILES: dict[Fault, str] = {
    not_a_database: "is damaged",
    damaged_inside: "is damaged",
    cut_off: "is damaged",
    a_folder: "cannot be opened",
    locked: "locked",
    newer: "newer code",
}


def say(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that cannot succeed; its sentence, on standard error but for the doctor's."""
    capsys.readouterr()
    status = PROGRAMS[command]() if command in PROGRAMS else main(COMMANDS[command])
    out, err = capsys.readouterr()
    assert status == 1
    assert "Traceback" not in out + err
    assert "secret" not in out + err
    assert "SELECT" not in out + err
    if command == "doctor":
        return out
    assert err.strip().count("\n") == 0, err
    return err


@pytest.mark.parametrize("command", [*COMMANDS, *PROGRAMS])
@pytest.mark.parametrize("fault", FILES, ids=lambda fault: fault.__name__)
def test_a_database_that_cannot_be_used_is_a_sentence(
    fault: Fault, command: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with fault(home):
        assert FILES[fault] in say(command, capsys)


@pytest.mark.parametrize("command", [*COMMANDS, *PROGRAMS])
@pytest.mark.parametrize("address", ["nonsense", "postgresql+psycopg://me:secret@127.0.0.1:1/x"])
def test_an_address_that_leads_nowhere_is_a_sentence_in_every_command(
    address: str,
    command: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BLENDER_UI_DATABASE_URL", address)
    assert ADDRESSES[address] in say(command, capsys)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_that_leads_nowhere_is_a_sentence(
    address: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BLENDER_UI_DATABASE_URL", address)
    assert ADDRESSES[address] in say("account", capsys)


@pytest.mark.parametrize("command", [*COMMANDS, *PROGRAMS])
@pytest.mark.parametrize("place", ["/proc/nowhere", "file/home", "file"])
def test_a_home_that_cannot_be_made_is_a_sentence(
    place: str, command: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home.parent / "file").touch()
    monkeypatch.setenv("BLENDER_UI_HOME", place)
    assert "BLENDER_UI_HOME names another" in say(command, capsys)


def test_a_database_that_this_user_may_not_write_is_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put_store(home)
    monkeypatch.setenv("BLENDER_UI_DATABASE_URL", f"sqlite:///file:{path}?mode=ro&uri=true")
    assert "cannot be written" in say("account", capsys)


def test_a_system_that_is_not_supported_is_a_sentence_of_every_command(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "SYSTEM", "nt")
    for command in ("serve", "doctor"):
        assert main([command]) == 1
        assert "on Windows run it in WSL or take the Docker image" in capsys.readouterr().err
    assert not home.exists()


def test_a_damaged_queue_of_trainings_is_a_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_store(home)
    (home / "jobs.sqlite").write_bytes(b"This is no database. " * 500)
    assert "the queue of trainings only" in say("worker", capsys)


def test_a_real_process_says_the_sentence_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "blender_ui.cli", "account", "list"],
        env={"BLENDER_UI_HOME": "/proc/nowhere", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("blender-ui account: the home folder cannot be made: /proc/nowhere")
    assert done.stderr.count("\n") == 1


@contextmanager
def small_disk(n_bytes: int) -> Iterator[None]:
    """No file can grow beyond this, which fails as a full disk does, for root as well."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "dpo", "parquet", "archive"])
def test_an_export_that_finds_no_room_leaves_the_file_of_before(
    kind: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_store(home)
    given = write_preferences(home.parent / "in.jsonl", n_prompts=400)
    noise = random.Random(1)
    given.write_text(  # which no format can press together
        re.sub("A full answer", lambda _: f"{noise.getrandbits(1600):x}", given.read_text())
    )
    assert main(["import", str(given)]) == 0
    path = home.parent / "out.file"
    path.write_text("before")
    capsys.readouterr()
    with small_disk(40_000):  # SQLite itself needs 32 KiB beside the file
        assert main(["export", str(path), "--format", kind]) == 1
    said = capsys.readouterr().err
    assert f"nothing was exported: {path}: File too large" in said
    assert said.count("\n") == 1
    assert path.read_text() == "before"
    assert {one.name for one in path.parent.iterdir()} <= {
        "home",
        "in.jsonl",
        "out.file",
        "there.jsonl",
        "weights",
    }


def test_an_import_that_finds_no_room_imports_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_store(home)
    path = write_preferences(home.parent / "in.jsonl", n_prompts=1000)
    n_bytes = (home / "blender.sqlite").stat().st_size
    with small_disk(n_bytes + 100_000):
        assert main(["import", str(path)]) == 1
    said = capsys.readouterr().err
    assert "nothing was imported" in said
    assert "Make room" in said or "See to it" in said
    assert said.count("\n") == 1
    assert main(["export", "out.jsonl"]) == 0
    assert (home.parent / "out.jsonl").read_text() == ""


def test_a_vote_that_finds_no_room_is_not_acknowledged_and_counts_once_when_there_is_room(
    tmp_path: Path,
) -> None:
    make_store(tmp_path).dispose()
    engine = store.open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", name="the store")
    labeling = make_labeling(engine, Clock())
    for prompt_id in add_prompts(engine, n_prompts=1):
        labeling.queue_prompt(prompt_id=prompt_id)
    me = labeling.sign_in(key=key_of(1)).id
    pair = labeling.next_pair(annotator_id=me)
    assert pair is not None

    def vote() -> int:
        told = labeling.submit(
            annotator_id=me, lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key="the vote"
        )
        return told.preference_id

    with small_disk(1), pytest.raises(StorageError, match="disk"):
        vote()
    assert vote() == vote()
    with engine.connect() as connection:
        votes = connection.exec_driver_sql("SELECT outcome FROM preference").all()
    assert votes == [("left",)]
    engine.dispose()


@pytest.mark.parametrize(
    "name", ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EIO", "EMFILE", "ENOTDIR", "ENOENT", "EISDIR"]
)
def test_what_the_system_refuses_is_a_sentence_that_names_no_folder(name: str) -> None:
    number = getattr(errno, name)
    error = OSError(number, "a library's word", "/secret/folder/file.txt")
    told = tell(error)
    assert isinstance(told, StorageError)
    assert str(told).startswith(f"file.txt: {os.strerror(number)}; ")
    assert "secret" not in str(told)


def test_what_nobody_foresaw_is_told_by_an_id_and_kept_in_the_log(tmp_path: Path) -> None:
    keep_log(tmp_path / "faults.log")
    try:
        raise ZeroDivisionError("SELECT everything")
    except ZeroDivisionError as error:
        told = tell(error)
    assert isinstance(told, UnexpectedError)
    assert "SELECT" not in str(told)
    fault = str(told).split()[-1]
    log = (tmp_path / "faults.log").read_text()
    assert f"fault {fault}" in log
    assert "ZeroDivisionError: SELECT everything" in log


def test_what_nobody_foresaw_before_there_is_a_home_is_kept_all_the_same(tmp_path: Path) -> None:
    keep_log(tmp_path / "new" / "home" / "faults.log")
    fault = str(tell(ZeroDivisionError("early"))).split()[-1]
    assert fault in (tmp_path / "new" / "home" / "faults.log").read_text()


def test_a_log_that_cannot_be_made_is_a_line_and_no_second_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    keep_log(tmp_path / "file" / "faults.log")
    assert isinstance(tell(ZeroDivisionError("early")), UnexpectedError)
    assert "faults.log cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("field", ["prompt", "id", "model", "text", "annotator", "reason"])
def test_a_row_with_half_of_a_surrogate_pair_is_left_out_by_its_line(
    field: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_store(home)
    path = write_preferences(home.parent / "in.jsonl", n_prompts=2)
    lines = path.read_text().splitlines()
    record = json.loads(lines[1])
    where = {"model": record["candidates"][0], "text": record["candidates"][0]}
    where |= {"annotator": record["labels"][0], "reason": record["labels"][0]}
    where.get(field, record)[field] = "half \ud83d"
    path.write_text("\n".join([lines[0], json.dumps(record)]))
    assert main(["import", str(path)]) == 0
    told = capsys.readouterr()
    assert "line 2" in told.out + told.err


def test_a_file_keeps_the_nul_in_an_answer_where_the_database_can(home: Path) -> None:
    put_store(home)
    path = write_preferences(home.parent / "in.jsonl", n_prompts=1)
    record = json.loads(path.read_text())
    record["candidates"][0]["text"] = "a\0b"
    path.write_text(json.dumps(record))
    assert main(["import", str(path)]) == 0
    out = home.parent / "out.jsonl"
    assert main(["export", str(out), "--format", "jsonl"]) == 0
    assert json.loads(out.read_text())["candidates"][0]["text"] == "a\0b"


def test_an_argument_that_is_no_text_is_a_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", "add", "half \udce9"]) == 1
    assert "surrogate" in capsys.readouterr().err
