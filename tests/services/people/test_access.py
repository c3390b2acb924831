"""Who comes in, by what, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from blender_ui.errors import MalformedInput, NotPermitted, NotSignedIn, Refused
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.people.accounts import MOST_FAILURES, MOST_FAILURES_FROM, SIGN_IN_TIME, Accounts
from blender_ui.services.people.auditing import Auditing
from blender_ui.services.people.invitations import Invitations
from blender_ui.services.people.signing_in import hash_secret
from blender_ui.services.projects.projects import Projects
from db.models import DEFAULT_PROJECT_ID, Account, Annotator, Audience, Invitation, Role, SignIn
from tests.builders.people import PASSWORD, make_accounts, set_member
from tests.builders.stores import Clock, key_of, make_store


@dataclass(frozen=True)
class House:
    """Everything about people, over one real store."""

    engine: Engine
    clock: Clock
    accounts: Accounts
    invitations: Invitations
    projects: Projects

    def access(self, mode: Mode = Mode.ACCOUNTS) -> Access:
        return Access(self.engine, mode=mode, clock=self.clock)


@pytest.fixture
def house(tmp_path: Path) -> House:
    engine, clock = make_store(tmp_path), Clock()
    accounts = make_accounts(engine, clock)
    invitations = Invitations(engine, accounts=accounts, clock=clock)
    return House(engine, clock, accounts, invitations, Projects(engine, clock=clock))


def add(house: House, username: str, role: Role = Role.ANNOTATOR) -> int:
    return house.accounts.add(username=username, password=PASSWORD, role=role, by=None).id


def test_a_sign_in_is_recognised_until_it_ends(house: House) -> None:
    me = add(house, "Ada")
    token = house.accounts.sign_in(username=" ADA ", password=PASSWORD).token
    assert house.access().recognise(token).id == me
    house.clock.pass_by(SIGN_IN_TIME.total_seconds() + 1)
    with pytest.raises(NotSignedIn, match="Sign in"):
        house.access().recognise(token)


def test_signing_out_and_locking_out_end_a_sign_in_at_once(house: House) -> None:
    add(house, "boss", Role.ADMIN)
    me = add(house, "ada")
    first, second = (house.accounts.sign_in(username="ada", password=PASSWORD).token for _ in range(2))
    house.accounts.sign_out(token=first)
    with pytest.raises(NotSignedIn):
        house.access().recognise(first)
    house.accounts.set_disabled(annotator_id=me, is_disabled=True, by=None)
    with pytest.raises(NotSignedIn):
        house.access().recognise(second)
    with pytest.raises(NotPermitted):
        house.accounts.sign_in(username="ada", password=PASSWORD)


def test_the_store_has_no_password_and_no_token(house: House) -> None:
    add(house, "ada")
    token = house.accounts.sign_in(username="ada", password=PASSWORD).token
    invitation = house.invitations.invite(role=Role.ANNOTATOR, by=None)
    with Session(house.engine) as session:
        (account,) = session.exec(select(Account)).all()
        rows = [*session.exec(select(SignIn)).all(), *session.exec(select(Invitation)).all()]
    assert account.password_hash is not None
    assert account.password_hash.startswith("$argon2id$")
    said = repr([account, *rows])
    assert not any(secret in said for secret in (PASSWORD, token, invitation))


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(house: House) -> None:
    add(house, "ada")
    with pytest.raises(NotPermitted) as wrong:
        house.accounts.sign_in(username="ada", password="not that one")
    with pytest.raises(NotPermitted) as unknown:
        house.accounts.sign_in(username="nobody", password=PASSWORD)
    assert str(wrong.value) == str(unknown.value)


def test_guessing_has_to_wait_even_with_the_right_password(house: House) -> None:
    add(house, "ada")
    for _ in range(MOST_FAILURES):
        with pytest.raises(NotPermitted, match="No account"):
            house.accounts.sign_in(username="ada", password="a guess of mine")
    with pytest.raises(NotPermitted, match="too often"):
        house.accounts.sign_in(username="ada", password=PASSWORD)
    house.clock.pass_by(61)
    assert house.accounts.sign_in(username="ada", password=PASSWORD).token


def test_an_address_that_guesses_for_many_names_has_to_wait_and_others_do_not(house: House) -> None:
    add(house, "ada")
    for number in range(MOST_FAILURES_FROM):
        with pytest.raises(NotPermitted, match="No account"):
            house.accounts.sign_in(username=f"name-{number}", password="a guess of mine", address="10.0.0.1")
    with pytest.raises(NotPermitted, match="Try again in 10 minutes"):
        house.accounts.sign_in(username="ada", password=PASSWORD, address="10.0.0.1")
    assert house.accounts.sign_in(username="ada", password=PASSWORD, address="10.0.0.2").token
    house.clock.pass_by(601)
    assert house.accounts.sign_in(username="ada", password=PASSWORD, address="10.0.0.1").token


def test_guessing_the_old_password_has_to_wait_too(house: House) -> None:
    me = add(house, "ada")
    for _ in range(MOST_FAILURES):
        with pytest.raises(NotPermitted, match="old password"):
            house.accounts.change_password(annotator_id=me, old="a guess of mine", new="another password")
    with pytest.raises(NotPermitted, match="too often"):
        house.accounts.change_password(annotator_id=me, old=PASSWORD, new="another password")
    house.clock.pass_by(61)
    house.accounts.change_password(annotator_id=me, old=PASSWORD, new="another password")


def test_old_passwords_guessed_for_many_accounts_make_an_address_wait_for_all_of_them(house: House) -> None:
    people = [add(house, f"person-{number}") for number in range(MOST_FAILURES_FROM // MOST_FAILURES + 1)]
    *guessed, spared = people
    for me in guessed:
        for _ in range(MOST_FAILURES):
            with pytest.raises(NotPermitted, match="old password"):
                house.accounts.change_password(
                    annotator_id=me, old="a guess of mine", new="another password", address="10.0.0.1"
                )
    with pytest.raises(NotPermitted, match="too often"):
        house.accounts.change_password(
            annotator_id=spared, old=PASSWORD, new="another password", address="10.0.0.1"
        )
    with pytest.raises(NotPermitted, match="too often"):
        house.accounts.sign_in(username=f"person-{len(guessed)}", password=PASSWORD, address="10.0.0.1")
    house.accounts.change_password(
        annotator_id=spared, old=PASSWORD, new="another password", address="10.0.0.2"
    )


def test_another_role_signs_every_browser_out_and_the_same_role_none(house: House) -> None:
    boss, me = add(house, "boss", Role.ADMIN), add(house, "ada")
    token = house.accounts.sign_in(username="ada", password=PASSWORD).token
    house.accounts.set_role(annotator_id=me, role=Role.ANNOTATOR, by=boss)
    assert house.access().recognise(token).id == me
    house.accounts.set_role(annotator_id=me, role=Role.RESEARCHER, by=boss)
    with pytest.raises(NotSignedIn):
        house.access().recognise(token)


def test_no_name_can_be_found_from_what_an_export_calls_a_person(house: House) -> None:
    for name in ("ada", "bob"):
        add(house, name)
    with Session(house.engine) as session:
        keys = session.exec(select(Annotator.key)).all()
    assert len(set(keys)) == 2
    assert all(key.startswith("account:") for key in keys)
    assert f"account:{hash_secret('ada')}" not in keys


def test_a_changed_password_signs_every_browser_out(house: House) -> None:
    me = add(house, "ada")
    token = house.accounts.sign_in(username="ada", password=PASSWORD).token
    with pytest.raises(NotPermitted, match="old password"):
        house.accounts.change_password(annotator_id=me, old="wrong one", new="another password")
    house.accounts.change_password(annotator_id=me, old=PASSWORD, new="another password")
    with pytest.raises(NotSignedIn):
        house.access().recognise(token)
    assert house.accounts.sign_in(username="ada", password="another password").annotator.id == me


@pytest.mark.parametrize(("username", "password"), [("", PASSWORD), ("a b", PASSWORD), ("ada", "short")])
def test_names_and_passwords_that_cannot_be_ones_are_refused(
    house: House, username: str, password: str
) -> None:
    with pytest.raises(MalformedInput):
        house.accounts.add(username=username, password=password, role=Role.ANNOTATOR, by=None)


def test_a_name_is_taken_whatever_its_case(house: House) -> None:
    add(house, "ada")
    with pytest.raises(Refused, match="taken"):
        add(house, "ADA")


def test_the_last_admin_can_neither_be_demoted_nor_locked_out(house: House) -> None:
    boss = add(house, "boss", Role.ADMIN)
    with pytest.raises(Refused, match="only admin"):
        house.accounts.set_role(annotator_id=boss, role=Role.ANNOTATOR, by=boss)
    with pytest.raises(Refused, match="only admin"):
        house.accounts.set_disabled(annotator_id=boss, is_disabled=True, by=boss)
    other = add(house, "other", Role.ADMIN)
    house.accounts.set_role(annotator_id=boss, role=Role.RESEARCHER, by=other)
    assert house.accounts.has_admin()


def test_an_invitation_makes_as_many_accounts_as_it_says(house: House) -> None:
    boss = add(house, "boss", Role.ADMIN)
    token = house.invitations.invite(role=Role.RESEARCHER, by=boss, n_accounts=2)
    for name in ("ada", "bob"):
        signed_in = house.invitations.accept(token=token, username=name, password=PASSWORD)
        assert signed_in.annotator.role is Role.RESEARCHER
        assert house.access().recognise(signed_in.token).name == name
    with pytest.raises(NotPermitted, match="used up"):
        house.invitations.accept(token=token, username="eve", password=PASSWORD)
    assert house.invitations.list_open() == []


def test_a_refused_account_does_not_use_the_invitation_up(house: House) -> None:
    add(house, "ada")
    token = house.invitations.invite(role=Role.ANNOTATOR, by=None)
    with pytest.raises(Refused, match="taken"):
        house.invitations.accept(token=token, username="ada", password=PASSWORD)
    assert house.invitations.look(token=token).n_left == 1


def test_an_invitation_ends_and_can_be_withdrawn(house: House) -> None:
    boss = add(house, "boss", Role.ADMIN)
    token = house.invitations.invite(role=Role.ANNOTATOR, by=boss)
    (view,) = house.invitations.list_open()
    house.invitations.withdraw(invitation_id=view.id, by=boss)
    with pytest.raises(NotPermitted):
        house.invitations.look(token=token)
    later = house.invitations.invite(role=Role.ANNOTATOR, by=boss)
    house.clock.pass_by(15 * 24 * 3600)
    with pytest.raises(NotPermitted):
        house.invitations.accept(token=later, username="late", password=PASSWORD)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("becomes", [*Role, None])
def test_a_link_is_good_as_long_as_its_maker_may_invite(
    house: House, role: Role, becomes: Role | None
) -> None:
    boss = add(house, "boss", Role.ADMIN)
    maker = add(house, "maker", Role.ADMIN)
    token = house.invitations.invite(role=role, by=maker)
    if becomes is None:
        house.accounts.set_disabled(annotator_id=maker, is_disabled=True, by=boss)
    else:
        house.accounts.set_role(annotator_id=maker, role=becomes, by=boss)
    if becomes is Role.ADMIN or (becomes is Role.RESEARCHER and role is Role.ANNOTATOR):
        assert len(house.invitations.list_open()) == 1
        assert house.invitations.accept(token=token, username="ada", password=PASSWORD)
        return
    assert house.invitations.list_open() == []
    for act in (house.invitations.look, partial(house.invitations.accept, username="ada", password=PASSWORD)):
        with pytest.raises(NotPermitted, match="may not invite any more"):
            act(token=token)


def test_only_the_last_set_up_link_makes_an_admin_and_only_the_first(house: House) -> None:
    first, second = (house.invitations.invite(role=Role.ADMIN, by=None) for _ in range(2))
    for token in (first, second, second):
        accept = partial(house.invitations.accept, token=token, password=PASSWORD)
        if token == second and not house.accounts.has_admin():
            accept(username="boss")
            continue
        with pytest.raises(NotPermitted):
            accept(username="thief")


def test_a_link_that_was_made_without_an_account_in_open_mode_is_good(house: House) -> None:
    me = house.access(Mode.OPEN).recognise(key_of(1))
    tokens = [house.invitations.invite(role=role, by=me.id) for role in (Role.ADMIN, Role.RESEARCHER)]
    for token, name in zip(tokens, ("boss", "ada"), strict=True):
        assert house.invitations.accept(token=token, username=name, password=PASSWORD)


def test_who_comes_from_hugging_face_is_the_same_annotator_each_time(house: House) -> None:
    add(house, "ada")
    first = house.accounts.sign_in_from_hub(hub_name="ada", name="Ada L.")
    again = house.accounts.sign_in_from_hub(hub_name="ada", name="Ada L.")
    assert first.annotator == again.annotator
    assert first.annotator.role is Role.ANNOTATOR
    # The name was taken by somebody with a password, whose account is not given away.
    assert {person.username for person in house.accounts.list_people()} == {"ada", "ada@hugging-face"}


def test_open_mode_asks_nobody_and_makes_everybody_admin(house: House) -> None:
    access = house.access(Mode.OPEN)
    me = access.recognise(key_of(1))
    access.require(me, Role.ADMIN)
    assert access.recognise(key_of(1)) == me


def test_a_demo_lets_anonymous_people_label_and_no_more(house: House) -> None:
    access = house.access(Mode.DEMO)
    me = access.recognise(key_of(1))
    access.require(me, Role.ANNOTATOR)
    with pytest.raises(NotPermitted, match="needs the role researcher"):
        access.require(me, Role.RESEARCHER)
    add(house, "boss", Role.ADMIN)
    token = house.accounts.sign_in(username="boss", password=PASSWORD).token
    access.require(access.recognise(token), Role.ADMIN)


def test_accounts_mode_knows_no_anonymous_browser(house: House) -> None:
    with pytest.raises(NotSignedIn):
        house.access().recognise(key_of(1))
    assert house.access().identify(None).annotator is None


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("needed", list(Role))
def test_a_role_may_do_what_the_lower_ones_may(house: House, role: Role, needed: Role) -> None:
    order = list(Role)
    add(house, "ada", role)
    me = house.access().recognise(house.accounts.sign_in(username="ada", password=PASSWORD).token)
    if order.index(role) >= order.index(needed):
        house.access().require(me, needed)
    else:
        with pytest.raises(NotPermitted):
            house.access().require(me, needed)


def test_a_project_for_members_is_closed_to_others_until_they_are_added(house: House) -> None:
    boss, ada = add(house, "boss", Role.ADMIN), add(house, "ada")
    terms = replace(house.projects.get(DEFAULT_PROJECT_ID).terms, audience=Audience.MEMBERS)
    house.projects.change(DEFAULT_PROJECT_ID, terms, by=boss)
    access = house.access()
    me = access.recognise(house.accounts.sign_in(username="ada", password=PASSWORD).token)
    assert house.projects.list_open_to(annotator_id=ada) == []
    with pytest.raises(NotPermitted, match="for its members"):
        access.require_labelling(me, project_id=DEFAULT_PROJECT_ID)
    set_member(house.engine, DEFAULT_PROJECT_ID, annotator_id=ada, is_member=True)
    access.require_labelling(me, project_id=DEFAULT_PROJECT_ID)
    set_member(house.engine, DEFAULT_PROJECT_ID, annotator_id=ada, is_member=False)
    with pytest.raises(NotPermitted):
        access.require_labelling(me, project_id=DEFAULT_PROJECT_ID)


def test_every_change_is_in_the_trail_with_who_made_it(house: House) -> None:
    boss = add(house, "boss", Role.ADMIN)
    ada = add(house, "ada")
    house.accounts.set_role(annotator_id=ada, role=Role.RESEARCHER, by=boss)
    house.accounts.set_role(annotator_id=ada, role=Role.RESEARCHER, by=boss)  # changes nothing, tells nothing
    house.accounts.set_disabled(annotator_id=ada, is_disabled=True, by=boss)
    events = Auditing(house.engine).list_latest()
    assert [(event.by, event.action, event.object_id) for event in events] == [
        ("boss", "account.disable", str(ada)),
        ("boss", "account.role", str(ada)),
        ("", "account.create", str(ada)),
        ("", "account.create", str(boss)),
    ]
    assert (events[1].before, events[1].after) == ({"role": "annotator"}, {"role": "researcher"})
