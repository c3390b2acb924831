"""A link for a forgotten password: whose it is, that it works once, and what ends it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from blender_ui.errors import MalformedInput, NotPermitted, Refused
from blender_ui.services.people.accounts import Accounts
from blender_ui.services.people.auditing import Auditing
from blender_ui.services.people.resets import LASTS, PasswordResets
from db.models import Role
from tests.builders.people import PASSWORD, make_accounts
from tests.builders.stores import Clock, make_store

NEW = "another long password"


class Desk:
    """An admin, and Ada, who forgot her password."""

    def __init__(self, folder: Path) -> None:
        self.engine, self.clock = make_store(folder), Clock()
        self.accounts: Accounts = make_accounts(self.engine, self.clock)
        self.boss = self.accounts.add(username="boss", password=PASSWORD, role=Role.ADMIN, by=None).id
        self.ada = self.accounts.add(username="ada", password=PASSWORD, role=Role.ANNOTATOR, by=None).id
        self.resets = self.of_secret(7)

    def of_secret(self, secret: int) -> PasswordResets:
        return PasswordResets(self.engine, accounts=self.accounts, secret=secret, clock=self.clock)

    def link(self) -> str:
        return self.resets.make(annotator_id=self.ada, by=self.boss)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_link_gives_its_account_a_new_password_once(desk: Desk) -> None:
    token = desk.link()
    assert desk.resets.look(token=token) == "ada"
    assert desk.resets.take(token=token, password=NEW).annotator.id == desk.ada
    assert desk.accounts.sign_in(username="ada", password=NEW).annotator.id == desk.ada
    with pytest.raises(NotPermitted, match="used up"):
        desk.resets.take(token=token, password=PASSWORD)
    done = [(one.action, one.by, one.object_id) for one in Auditing(desk.engine).list_latest(limit=2)]
    assert done == [
        ("account.password", "ada", str(desk.ada)),
        ("account.reset_link", "boss", str(desk.ada)),
    ]


def test_whatever_changes_the_password_ends_the_link(desk: Desk) -> None:
    token = desk.link()
    desk.accounts.set_password(annotator_id=desk.ada, password=NEW, by=None)
    with pytest.raises(NotPermitted):
        desk.resets.look(token=token)


def test_a_link_lasts_a_day_and_not_for_who_is_locked_out(desk: Desk) -> None:
    token = desk.link()
    desk.accounts.set_disabled(annotator_id=desk.ada, is_disabled=True, by=desk.boss)
    with pytest.raises(NotPermitted):
        desk.resets.look(token=token)
    with pytest.raises(Refused, match="locked out"):
        desk.link()
    desk.accounts.set_disabled(annotator_id=desk.ada, is_disabled=False, by=desk.boss)
    assert desk.resets.look(token=token) == "ada"
    desk.clock.now += LASTS + timedelta(seconds=1)
    with pytest.raises(NotPermitted):
        desk.resets.look(token=token)


def test_nobody_makes_a_link_out_of_another_one(desk: Desk) -> None:
    number, until, signature = desk.link().split(".")
    forged = [
        f"{desk.boss}.{until}.{signature}",
        f"{number}.{int(until) + 1}.{signature}",
        f"{number}.{until}.{signature[:-1]}",
        f"{number}.{until}.é",
        "", "..", "x.y.z", f"{'9' * 40}.{until}.{signature}",
    ]  # fmt: skip
    for token in forged:
        with pytest.raises(NotPermitted):
            desk.resets.take(token=token, password=NEW)
    with pytest.raises(NotPermitted):
        desk.of_secret(8).look(token=f"{number}.{until}.{signature}")


def test_a_short_password_leaves_the_link_as_it_was(desk: Desk) -> None:
    token = desk.link()
    with pytest.raises(MalformedInput):
        desk.resets.take(token=token, password="short")
    assert desk.resets.look(token=token) == "ada"


def test_a_person_is_called_as_they_wish_and_the_trail_says_so(desk: Desk) -> None:
    assert desk.accounts.rename(annotator_id=desk.ada, name="  Ada  Lovelace ").name == "Ada Lovelace"
    with pytest.raises(MalformedInput, match="1 to 128"):
        desk.accounts.rename(annotator_id=desk.ada, name=" ")
    (event, *_) = Auditing(desk.engine).list_latest(containing="lovelace")
    assert (event.action, event.before, event.after) == (
        "account.name", {"name": "ada"}, {"name": "Ada Lovelace"},
    )  # fmt: skip


def test_the_trail_is_searched_by_who_what_and_what_changed(desk: Desk) -> None:
    trail = Auditing(desk.engine)
    desk.link()
    assert [one.action for one in trail.list_latest(containing="BOSS")] == [
        "account.reset_link", "account.create",
    ]  # fmt: skip
    assert [one.action for one in trail.list_latest(containing="reset")] == ["account.reset_link"]
    assert trail.list_latest(containing="100%_") == []
