"""`blender-ui key`: keys of programs without the pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from blender_ui.cli import main
from blender_ui.errors import NotSignedIn
from blender_ui.services.people.keys import ApiKeys
from db.engine import create_store
from db.models import Role, utc_now


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLENDER_UI_HOME", str(tmp_path))
    return tmp_path


def test_a_key_is_printed_once_listed_without_its_secret_and_revoked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["--role", "researcher", "--project", "1", "--requests", "5", "--tokens", "70"]
    assert main(["key", "make", "bot", *wanted]) == 0
    secret = capsys.readouterr().out.strip()
    keys = ApiKeys(create_store(f"sqlite:///{home / 'blender.sqlite'}"), clock=utc_now)
    caller = keys.admit(secret)
    assert (caller.name, caller.role, caller.project_id) == ("bot", Role.RESEARCHER, 1)
    assert (caller.requests_a_minute, caller.tokens_a_day) == (5, 70)
    assert main(["key", "list"]) == 0
    listed = capsys.readouterr().out
    assert "bot  researcher  Default project" in listed
    assert secret not in listed
    assert main(["key", "revoke", "1"]) == 0
    with pytest.raises(NotSignedIn):
        keys.admit(secret)
    assert main(["key", "list"]) == 0
    assert capsys.readouterr().out.endswith("revoked\n")


@pytest.mark.parametrize(
    "arguments", [["make"], ["revoke"], ["revoke", "bot"], ["make", "x", "--project", "9"]]
)
def test_what_makes_or_revokes_nothing_says_why(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["key", *arguments]) == 1
    assert capsys.readouterr().err.startswith("blender-ui key: ")
