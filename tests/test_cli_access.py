"""`blender-ui account`: accounts without the pages, and the link that makes the first admin."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from blender_ui.cli import main
from blender_ui.cli.serve import describe_access
from blender_ui.errors import NotPermitted, SettingsError
from blender_ui.services.people.accounts import Accounts
from blender_ui.services.people.auditing import Auditing
from blender_ui.settings import Settings
from blender_ui.ui.serving.guard import GuardedBlocks
from blender_ui.ui.serving.web import open_pages
from db.engine import create_store, transaction
from db.models import Invitation, Role, utc_now
from tests.builders.people import PASSWORD
from tests.builders.stores import put_store
from tests.ui.scripted_services import build_scripted_services


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    put_store(tmp_path)
    monkeypatch.setenv("BLENDER_UI_HOME", str(tmp_path))
    monkeypatch.setenv("ACCOUNT_PASSWORD", PASSWORD)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit status, and what was said on either stream."""
    status = main(["account", *arguments])
    said = capsys.readouterr()
    return status, (said.out + said.err).strip()


def accounts_of(home: Path) -> Accounts:
    return Accounts(create_store(f"sqlite:///{home / 'blender.sqlite'}"), clock=utc_now)


@pytest.mark.slow
def test_an_account_is_made_on_an_empty_machine_and_can_sign_in(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "blender.sqlite").unlink()
    assert run(capsys, "add", "Ada", "--role", "admin") == (0, "Ada can sign in as admin")
    assert run(capsys, "add", "bob") == (0, "bob can sign in as annotator")
    assert run(capsys, "list") == (0, "ada  admin\nbob  annotator")
    signed_in = accounts_of(home).sign_in(username="ada", password=PASSWORD)
    assert signed_in.annotator.role is Role.ADMIN


def test_a_role_and_a_password_are_changed_and_the_audit_trail_names_the_command_line(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capsys, "add", "bob")
    assert run(capsys, "role", "bob", "--role", "researcher") == (0, "bob has the role researcher")
    monkeypatch.setenv("ACCOUNT_PASSWORD", "another long password")
    assert run(capsys, "password", "BOB")[0] == 0
    accounts = accounts_of(home)
    with pytest.raises(NotPermitted):
        accounts.sign_in(username="bob", password=PASSWORD)
    assert (
        accounts.sign_in(username="bob", password="another long password").annotator.role is Role.RESEARCHER
    )
    events = Auditing(create_store(f"sqlite:///{home / 'blender.sqlite'}")).list_latest()
    assert [event.action for event in events] == ["account.password", "account.role", "account.create"]


MISUSES = [
    (("role", "nobody", "--role", "admin"), "there is no account 'nobody'"),
    (("role", "ada"), "say which role"),
    (("role", "ada", "--role", "annotator"), "the only admin"),
    (("add", "ada"), "is taken"),
    (("add", "two words"), "letters, digits"),
    (("add",), "say which name"),
]


def test_a_misuse_is_a_sentence_and_changes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "add", "ada", "--role", "admin")
    for arguments, names in MISUSES:
        status, said = run(capsys, *arguments)
        assert status == 1
        assert names in said
    assert run(capsys, "list") == (0, "ada  admin")


def test_a_password_that_is_too_short_makes_no_account(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCOUNT_PASSWORD", "short")
    assert "10 to 256 characters" in run(capsys, "add", "ada")[1]
    assert run(capsys, "list") == (0, "")


def test_a_typed_password_is_asked_for_twice(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACCOUNT_PASSWORD")
    typed = iter([PASSWORD, "another one altogether", PASSWORD, PASSWORD])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    assert "not the same" in run(capsys, "add", "ada")[1]
    assert run(capsys, "add", "ada")[0] == 0


def test_the_set_up_link_makes_one_admin_and_is_not_offered_again(tmp_path: Path) -> None:
    services = build_scripted_services(tmp_path, access_mode="accounts")
    _, link = describe_access(services, address="http://127.0.0.1:7860/")
    address, token = link.split("?invite=")
    assert address == "http://127.0.0.1:7860/"
    signed_in = services.invitations.accept(token=token, username="boss", password=PASSWORD, name="")
    assert signed_in.annotator.role is Role.ADMIN
    assert describe_access(services, address="http://127.0.0.1:7860/") == []
    with pytest.raises(NotPermitted):
        services.invitations.accept(token=token, username="thief", password=PASSWORD, name="")


def test_a_second_start_prints_no_second_link_while_the_first_is_good(tmp_path: Path) -> None:
    services = build_scripted_services(tmp_path, access_mode="accounts")
    _, link = describe_access(services, address="http://127.0.0.1:7860/")
    (again,) = describe_access(services, address="http://127.0.0.1:7860/")
    assert "invite=" not in again
    assert "blender-ui account add NAME --role admin" in again
    with transaction(services.engine, immediate=True) as session:
        (invitation,) = session.scalars(select(Invitation)).all()
        lasts = invitation.expires_at - invitation.created_at
        assert lasts <= timedelta(hours=1)
        invitation.expires_at = utc_now()
    _, another = describe_access(services, address="http://127.0.0.1:7860/")
    assert another != link


def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    with GuardedBlocks(build_scripted_services(tmp_path).access) as app:
        pass
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(home_path=tmp_path, port=taken.getsockname()[1])
        with pytest.raises(SettingsError, match="BLENDER_UI_PORT"):
            open_pages(app, settings)


@pytest.mark.parametrize(("host", "n_lines"), [("127.0.0.1", 0), ("0.0.0.0", 1)])
def test_an_open_app_that_others_can_reach_says_so(tmp_path: Path, host: str, n_lines: int) -> None:
    services = build_scripted_services(tmp_path)
    services.settings = replace(services.settings, host=host)
    assert len(describe_access(services, address="http://x/")) == n_lines
