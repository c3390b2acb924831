"""Quotas and turns, with time passed in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blender_ui.errors import QuotaUsedUp
from blender_ui.services.people import quotas
from blender_ui.services.people.quotas import FORGOTTEN_AFTER, LONGEST, Asker, Quota, Turns, say_wait
from tests.builders.stores import Clock

HOUR = timedelta(hours=1)


def test_a_quota_is_of_one_name_and_a_window() -> None:
    clock, quota = Clock(), Quota(2, window=HOUR)
    assert quota.take("a", now=clock()) is None
    clock.pass_by(600)
    assert quota.take("a", now=clock()) is None
    assert quota.take("a", now=clock()) == timedelta(minutes=50)
    assert quota.take("b", now=clock()) is None
    clock.pass_by(3000)
    assert quota.find_wait("a", now=clock()) is None
    assert quota.take("a", now=clock()) is None
    assert quota.take("a", now=clock()) == timedelta(minutes=10)


def test_names_are_forgotten_so_that_invented_ones_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "MOST_NAMES", 3)
    clock, quota = Clock(), Quota(1, window=HOUR)
    for name in "abcdefgh":
        quota.take(name, now=clock())
    assert len(quota._events) <= 3
    assert quota.take("h", now=clock()) is not None, "the latest name is still known"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"), (3600, "60 minutes")],
)
def test_a_wait_is_said_and_never_too_short(seconds: float, said: str) -> None:
    assert say_wait(timedelta(seconds=seconds)) == said


def test_one_visitor_s_flood_has_one_that_runs_and_one_that_waits() -> None:
    clock, turns = Clock(), Turns(at_once=2, waiting=8)
    flood = Asker("flood", "there")
    first, second = turns.enter(flood, now=clock()), turns.enter(flood, now=clock())
    for _ in range(48):
        with pytest.raises(QuotaUsedUp, match="One question of yours"):
            turns.enter(flood, now=clock())
    assert turns.may_begin(first, now=clock()) is True
    assert turns.may_begin(second, now=clock()) is False
    other = turns.enter(Asker("other", "here"), now=clock())
    assert turns.may_begin(other, now=clock()) is True
    turns.leave(first, now=clock())
    assert turns.may_begin(second, now=clock()) is True


def test_a_free_turn_goes_to_another_address_before_the_one_that_had_the_last() -> None:
    clock, turns = Clock(), Turns(at_once=1, waiting=8)
    flood = [turns.enter(Asker(f"invented-{n}", "there"), now=clock()) for n in range(4)]
    other = turns.enter(Asker("other", "here"), now=clock())
    turns.leave(flood[0], now=clock())
    assert turns.may_begin(other, now=clock()) is True
    assert [turns.may_begin(one, now=clock()) for one in flood[1:]] == [False, False, False]
    turns.leave(other, now=clock())
    assert turns.may_begin(flood[1], now=clock()) is True


def test_an_address_fills_half_of_the_waiting_places_and_leaves_the_rest_to_others() -> None:
    clock, turns = Clock(), Turns(at_once=1, waiting=4)
    for n in range(3):
        turns.enter(Asker(f"invented-{n}", "there"), now=clock())
    with pytest.raises(QuotaUsedUp, match="Ask again in a minute"):
        turns.enter(Asker("one more", "there"), now=clock())
    turns.enter(Asker("other", "here"), now=clock())


def test_a_question_that_nobody_asks_after_loses_its_place() -> None:
    clock, turns = Clock(), Turns(at_once=1, waiting=4)
    lost, other = turns.enter(Asker("a", "x"), now=clock()), turns.enter(Asker("b", "x"), now=clock())
    clock.pass_by(FORGOTTEN_AFTER.total_seconds() - 1)
    assert turns.may_begin(other, now=clock()) is False
    clock.pass_by(1)
    assert turns.may_begin(other, now=clock()) is True
    assert turns.may_begin(lost, now=clock()) is None
    clock.pass_by(LONGEST.total_seconds() - 1)
    waits = turns.enter(Asker("c", "x"), now=clock())
    assert turns.may_begin(waits, now=clock()) is False
    clock.pass_by(1)
    assert turns.may_begin(waits, now=clock()) is True
