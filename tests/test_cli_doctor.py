"""``blender-ui doctor`` finds what is wrong around the app, and ``--mend`` puts right what it can."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from blender_ui.cli import main, mending
from blender_ui.installation import read_secret
from blender_ui.members.configuration import load_members
from blender_ui.settings import Settings
from tests.builders.stores import put_store

Said = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with nothing wrong but weights that are not here, which no test fetches."""
    put_store(tmp_path / "home")
    monkeypatch.setenv("BLENDER_UI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BLENDER_UI_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("BLENDER_UI_PORT", "0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mending, "prepare_weights", lambda settings: False)
    return tmp_path / "home"


def lines_of(said: str, what: str) -> list[str]:
    return [line for line in said.splitlines() if what in line.partition(":")[0]]


def test_nothing_is_changed_without_the_option(home: Path, capsys: Said) -> None:
    read_secret(home)
    (home / "secret").chmod(0o644)
    main(["doctor"])
    said = capsys.readouterr().out
    assert "chmod 600" in said
    assert "`blender-ui doctor --mend` sees to: weights, secret" in said
    assert (home / "secret").stat().st_mode & 0o777 == 0o644


def test_a_secret_that_others_may_read_is_closed(home: Path, capsys: Said) -> None:
    read_secret(home)
    (home / "secret").chmod(0o644)
    main(["doctor", "--mend"])
    assert (home / "secret").stat().st_mode & 0o777 == 0o600
    (line,) = lines_of(capsys.readouterr().out, "secret of the blind draws")
    assert line.startswith("ok")


def test_a_database_of_older_code_is_copied_and_migrated(home: Path, capsys: Said) -> None:
    path = home / "blender.sqlite"
    path.unlink()
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("CREATE TABLE of_somebody_else (x)")
    main(["doctor", "--mend"])
    (line,) = lines_of(capsys.readouterr().out, "database")[-1:]
    assert line.startswith("ok")
    with closing(sqlite3.connect(home / "blender.sqlite.before1")) as kept:
        assert [name for (name,) in kept.execute("SELECT name FROM sqlite_master")] == ["of_somebody_else"]
    with closing(sqlite3.connect(path)) as store:
        assert store.execute("SELECT count(*) FROM preference").fetchone() == (0,)


def test_a_members_file_that_a_setting_names_and_nobody_wrote_is_put_there(
    home: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.parent / "elsewhere" / "members.toml"
    monkeypatch.setenv("BLENDER_UI_MEMBERS", str(path))
    main(["doctor"])
    assert "is not there; write it" in capsys.readouterr().out
    main(["doctor", "--mend"])
    assert len(load_members(path)) == 3


def test_weights_are_fetched_in_one_go(home: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def prepare(settings: Settings) -> bool:
        asked.append(settings.weights_path)
        return True

    monkeypatch.setattr(mending, "prepare_weights", prepare)
    main(["doctor", "--mend"])
    assert asked == [home.parent / "weights"]
    assert "all here" in capsys.readouterr().out


def test_a_mend_that_fails_says_why_and_the_others_go_on(
    home: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.parent / "file").write_text("")
    monkeypatch.setenv("BLENDER_UI_MEMBERS", str(home.parent / "file" / "members.toml"))
    read_secret(home)
    (home / "secret").chmod(0o644)
    assert main(["doctor", "--mend"]) == 1
    assert "not mended" in capsys.readouterr().out
    assert (home / "secret").stat().st_mode & 0o777 == 0o600


def test_an_endpoint_that_does_not_answer_is_told(home: Path, capsys: Said) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        (home / "members.toml").write_text(
            f'[[member]]\nname = "Mine"\nbackend = "openai"\nmodel = "m"\nbase_url = "{address}"\n'
        )
        assert main(["doctor"]) == 1
    (line,) = lines_of(capsys.readouterr().out, "member Mine")
    assert line.startswith("MISSING")
    assert "is the server running?" in line


def test_a_port_that_is_taken_is_told(home: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("BLENDER_UI_PORT", str(taken.getsockname()[1]))
        main(["doctor"])
    (line,) = lines_of(capsys.readouterr().out, "port")
    assert line.startswith("absent")
    assert "BLENDER_UI_PORT" in line
