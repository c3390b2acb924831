"""An invitation that somebody with an account takes, and the project that it opens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.errors import NotPermitted
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.labeling.relabeling import Relabeling
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.people.accounts import Accounts
from blender_ui.services.people.auditing import Auditing
from blender_ui.services.people.invitations import Invitations
from blender_ui.services.projects.projects import Projects
from blender_ui.services.projects.workspaces import Workspaces
from blender_ui.ui.labeling.handlers import LabelHandlers
from db.models import DEFAULT_PROJECT_ID, Audience, Role
from tests.builders.people import PASSWORD, make_accounts, set_member
from tests.builders.stores import Clock, make_store


@dataclass(frozen=True)
class House:
    """People, and a project for its members beside the default one."""

    engine: Engine
    clock: Clock
    accounts: Accounts
    invitations: Invitations
    projects: Projects
    boss: int
    project_id: int

    def add(self, name: str, role: Role = Role.ANNOTATOR) -> int:
        return self.accounts.add(username=name, password=PASSWORD, role=role, by=None).id

    def invite(self, *, role: Role = Role.ANNOTATOR, project_id: int | None = None, n: int = 1) -> str:
        return self.invitations.invite(
            role=role, by=self.boss, project_id=project_id or self.project_id, n_accounts=n
        )

    def label(self) -> LabelHandlers:
        access = Access(self.engine, mode=Mode.ACCOUNTS, clock=self.clock)
        return LabelHandlers(
            Labeling(
                self.engine, clock=self.clock, seed=7, lease_seconds=60, overlap=1, access=access
            ),
            relabeling=Relabeling(self.engine, clock=self.clock),
            projects=self.projects,
            workspaces=Workspaces(self.engine, projects=self.projects, clock=self.clock),
            access=access,
        )  # fmt: skip

    def opens(self, name: str, project_id: object = None) -> str:
        token = self.accounts.sign_in(username=name, password=PASSWORD).token
        return self.label().open(token, project_id).project.name


@pytest.fixture
def house(tmp_path: Path) -> House:
    engine, clock = make_store(tmp_path), Clock()
    accounts = make_accounts(engine, clock)
    boss = accounts.add(username="boss", password=PASSWORD, role=Role.ADMIN, by=None).id
    projects = Projects(engine, clock=clock)
    terms = replace(projects.get(DEFAULT_PROJECT_ID).terms, name="Safety", audience=Audience.MEMBERS)
    made = projects.create(terms, by=boss)
    return House(
        engine, clock, accounts, Invitations(engine, accounts=accounts, clock=clock), projects, boss, made.id
    )


def test_whoever_an_invitation_made_begins_in_its_project(house: House) -> None:
    house.invitations.accept(token=house.invite(), username="ada", password=PASSWORD)
    assert house.opens("ada") == "Safety"


def test_somebody_with_an_account_joins_and_begins_in_the_project(house: House) -> None:
    ada, token = house.add("ada"), house.invite()
    assert house.opens("ada") == "Default project"
    joined = house.invitations.join(token=token, annotator_id=ada)
    assert (joined.project_id, joined.project) == (house.project_id, "Safety")
    assert house.opens("ada") == "Safety"
    with pytest.raises(NotPermitted, match="used up"):
        house.invitations.accept(token=token, username="eve", password=PASSWORD)


def test_the_last_project_that_one_joined_comes_first(house: House) -> None:
    terms = replace(house.projects.get(house.project_id).terms, name="Poems")
    poems = house.projects.create(terms, by=house.boss).id
    ada = house.add("ada")
    house.invitations.join(token=house.invite(project_id=poems), annotator_id=ada)
    house.clock.pass_by(1)
    house.invitations.join(token=house.invite(), annotator_id=ada)
    assert house.opens("ada") == "Safety"
    assert house.opens("ada", poems) == "Poems"


@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.RESEARCHER])
def test_who_can_label_it_already_uses_no_place_of_the_link(house: House, role: Role) -> None:
    me, token = house.add("ada", role), house.invite(n=2)
    for _ in range(3):
        assert house.invitations.join(token=token, annotator_id=me).project_id == house.project_id
    n_left = house.invitations.look(token=token).n_left
    assert n_left == (1 if role is Role.ANNOTATOR else 2)


def test_a_link_that_is_used_up_still_opens_the_project_for_its_members_and_for_no_one_else(
    house: House,
) -> None:
    token = house.invite()
    ada = house.invitations.accept(token=token, username="ada", password=PASSWORD).annotator.id
    assert house.invitations.join(token=token, annotator_id=ada).project == "Safety"
    with pytest.raises(NotPermitted, match="used up"):
        house.invitations.join(token=token, annotator_id=house.add("eve"))
    set_member(house.engine, house.project_id, annotator_id=ada, is_member=False)
    with pytest.raises(NotPermitted, match="used up"):
        house.invitations.join(token=token, annotator_id=ada)


def test_a_link_raises_a_role_and_never_lowers_one_and_the_trail_tells_both(house: House) -> None:
    ada = house.add("ada")
    house.invitations.join(token=house.invite(role=Role.RESEARCHER), annotator_id=ada)
    house.invitations.join(token=house.invite(), annotator_id=ada)
    ada_now = next(one for one in house.accounts.list_people() if one.annotator_id == ada)
    assert ada_now.role is Role.RESEARCHER
    actions = [(one.action, one.by) for one in Auditing(house.engine).list_latest()]
    assert ("account.role", "ada") in actions
    house.invitations.join(token=house.invite(), annotator_id=house.add("bob"))
    actions = [(one.action, one.by) for one in Auditing(house.engine).list_latest()]
    assert ("project.member", "bob") in actions


def test_a_wanted_project_that_is_not_open_is_said(house: House) -> None:
    house.add("ada")
    token = house.accounts.sign_in(username="ada", password=PASSWORD).token
    welcome = house.label().open(token, house.project_id)
    assert welcome.project.name == "Default project"
    assert "not open to you" in welcome.turn.notice
    assert house.label().open(token, None).turn.notice == ""
