"""Passwords are checked a few at a time, a few wait, and the rest are told so."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlmodel import select

from blender_ui.errors import Refused
from blender_ui.services.people.accounts import Accounts
from blender_ui.services.people.passwords import MEMORY_KIB, MOST_AT_ONCE, MOST_WAITING, Passwords
from db.engine import transaction
from db.models import Account, Role, utc_now
from tests.builders.people import PASSWORD
from tests.builders.stores import make_store

N_GUESTS = 40


class WaitingHasher(PasswordHasher):
    """Checks as argon2 does, once it is let go; counts how many are in it at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64)
        self.go = threading.Event()
        self.n_inside = self.most_inside = 0
        self._guard = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        with self._guard:
            self.n_inside += 1
            self.most_inside = max(self.most_inside, self.n_inside)
        self.go.wait(30)
        try:
            return super().verify(hash, password)
        finally:
            with self._guard:
                self.n_inside -= 1


def test_of_forty_sign_ins_at_once_two_are_checked_eight_wait_and_the_rest_are_told_so() -> None:
    hasher = WaitingHasher()
    passwords = Passwords(hasher)
    stored = passwords.hash(PASSWORD)
    with ThreadPoolExecutor(N_GUESTS) as pool:
        guests = [pool.submit(passwords.verify, stored, PASSWORD) for _ in range(N_GUESTS)]
        while sum(guest.done() for guest in guests) < N_GUESTS - MOST_AT_ONCE - MOST_WAITING:
            threading.Event().wait(0.01)
        hasher.go.set()
    refused = [guest.exception() for guest in guests if guest.exception() is not None]
    assert len(refused) == N_GUESTS - MOST_AT_ONCE - MOST_WAITING
    assert all(isinstance(one, Refused) and "Try again in a few seconds" in str(one) for one in refused)
    assert all(guest.result() for guest in guests if guest.exception() is None)
    assert hasher.most_inside == MOST_AT_ONCE
    assert passwords.verify(stored, PASSWORD), "the line is empty again"


def test_a_wrong_password_and_nobodys_leave_the_line_too() -> None:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64))
    stored = passwords.hash(PASSWORD)
    for _ in range(2 * (MOST_AT_ONCE + MOST_WAITING)):
        assert not passwords.verify(stored, "a wrong one")
        assert not passwords.verify(None, PASSWORD)
        assert not passwords.verify("no hash at all", PASSWORD)


def test_a_new_hash_costs_one_lane_and_what_two_at_once_may_take() -> None:
    assert f"$m={MEMORY_KIB},t=1,p=1$" in Passwords().hash(PASSWORD)


@pytest.mark.parametrize("right", [True, False])
def test_a_hash_of_other_costs_is_renewed_by_the_right_password_only(tmp_path: Path, right: bool) -> None:
    engine = make_store(tmp_path)
    before = Accounts(engine, clock=utc_now, hasher=PasswordHasher(time_cost=2, memory_cost=64))
    before.add(username="ada", password=PASSWORD, role=Role.ADMIN, by=None)
    since = Accounts(engine, clock=utc_now, hasher=PasswordHasher(time_cost=1, memory_cost=64))

    def stored() -> str:
        with transaction(engine) as session:
            return str(session.exec(select(Account.password_hash)).one())

    old = stored()
    if right:
        token = since.sign_in(username="ada", password=PASSWORD).token
        assert ",t=1," in stored()
        assert since.sign_in(username="ada", password=PASSWORD).token != token
    else:
        with pytest.raises(Refused):
            since.sign_in(username="ada", password="a wrong one")
        assert stored() == old
