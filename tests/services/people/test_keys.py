"""Keys of programs: shown once, kept hashed, limited, counted, revoked."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from blender_ui.errors import MalformedInput, NotFound, NotSignedIn, QuotaUsedUp
from blender_ui.services.people.auditing import Auditing
from blender_ui.services.people.keys import ApiKeys, KeyTerms
from db.engine import transaction
from db.models import Annotator, AnnotatorKind, ApiKey, Role
from db.queries.keys import Use
from tests.builders.stores import Clock


class Shop:
    """A store, its keys, and a clock."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.clock = engine, Clock()
        self.keys = ApiKeys(self.engine, clock=self.clock)

    def again(self) -> ApiKeys:
        """The keys as another process has them."""
        return ApiKeys(self.engine, clock=self.clock)


@pytest.fixture
def shop(either_store: Engine) -> Shop:
    return Shop(either_store)


def test_a_key_is_kept_hashed_and_stands_for_a_program(shop: Shop) -> None:
    secret = shop.keys.make(KeyTerms(name=" bot ", role=Role.RESEARCHER, project_id=1), by=None)
    with transaction(shop.engine) as session:
        (row,) = session.scalars(select(ApiKey)).all()
        assert session.get_one(Annotator, row.annotator_id).kind is AnnotatorKind.JUDGE
    assert secret not in repr(row)
    assert secret.startswith(row.start)
    assert len(row.start) < len(secret) / 2
    caller = shop.keys.admit(secret)
    assert (caller.name, caller.role, caller.project_id) == ("bot", Role.RESEARCHER, 1)
    assert caller.annotator_id == row.annotator_id


def test_an_unknown_and_a_revoked_key_let_nobody_in_at_once(shop: Shop) -> None:
    with pytest.raises(NotSignedIn, match="unknown or was revoked"):
        shop.keys.admit("bui-nothing")
    secret = shop.keys.make(KeyTerms(name="bot"), by=None)
    shop.keys.admit(secret)
    (key,) = shop.again().list_keys()
    shop.again().revoke(key_id=key.id, by=None)
    with pytest.raises(NotSignedIn, match="revoked"):
        shop.keys.admit(secret)
    (key,) = shop.keys.list_keys()
    assert key.revoked_at is not None
    with pytest.raises(NotFound):
        shop.keys.revoke(key_id=99, by=None)
    actions = [event.action for event in Auditing(shop.engine).list_latest()]
    assert actions == ["key.revoke", "key.create"]


def test_requests_of_a_minute_are_limited_by_key(shop: Shop) -> None:
    one = shop.keys.make(KeyTerms(name="one", requests_a_minute=2), by=None)
    other = shop.keys.make(KeyTerms(name="other", requests_a_minute=2), by=None)
    shop.keys.admit(one)
    shop.clock.pass_by(20)
    shop.keys.admit(one)
    with pytest.raises(QuotaUsedUp, match=r"2 requests a minute\. Ask again in 40 seconds") as caught:
        shop.keys.admit(one)
    assert caught.value.wait_seconds == 40
    shop.keys.admit(other)
    shop.clock.pass_by(40)
    shop.keys.admit(one)


def test_tokens_of_a_day_are_limited_counted_or_not_yet_and_by_every_process(shop: Shop) -> None:
    secret = shop.keys.make(KeyTerms(name="bot", tokens_a_day=100), by=None)
    caller = shop.keys.admit(secret)
    shop.keys.count_tokens(caller, 60)
    shop.keys.write_counts()
    other = shop.again()
    other.count_tokens(other.admit(secret), 40)
    other.close()  # which ends the thread that stores the count
    with pytest.raises(QuotaUsedUp, match=r"100 tokens a day and has used 100\. Ask again in 720 minutes"):
        shop.keys.admit(secret)
    shop.keys.write_counts()
    with pytest.raises(QuotaUsedUp, match="100 tokens a day"):
        shop.again().admit(secret)
    shop.clock.pass_by(12 * 3600)
    shop.keys.admit(secret)


def test_every_use_is_counted_when_the_keys_are_closed(shop: Shop) -> None:
    secret = shop.keys.make(KeyTerms(name="bot"), by=None)
    for _ in range(5):
        shop.keys.count_tokens(shop.keys.admit(secret), 7)
    shop.clock.pass_by(24 * 3600)
    shop.keys.admit(secret)
    shop.keys.close()
    (key,) = shop.again().list_keys()
    assert key.ever == Use(6, 35)
    assert key.today == Use(1, 0)


@pytest.mark.parametrize(
    "terms",
    [
        KeyTerms(name="  "),
        KeyTerms(name="x" * 129),
        KeyTerms(name="x", requests_a_minute=0),
        KeyTerms(name="x", tokens_a_day=2_000_000_001),
    ],
)
def test_terms_that_make_no_sense_make_no_key(shop: Shop, terms: KeyTerms) -> None:
    with pytest.raises(MalformedInput):
        shop.keys.make(terms, by=None)
    with pytest.raises(NotFound, match="no project 9"):
        shop.keys.make(KeyTerms(name="x", project_id=9), by=None)
    assert shop.keys.list_keys() == []
