"""What one key may take of the threads that serve programs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from blender_ui.api.streaming import Shares
from blender_ui.errors import QuotaUsedUp

FLOOD, OTHER = 1, 2


class Held:
    """Requests that go on until they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._changed = threading.Condition()
        self._is_let_go = False

    def request(self, name: str) -> Callable[[], None]:
        def run() -> None:
            with self._changed:
                self.begun.append(name)
                self._changed.notify_all()
                assert self._changed.wait_for(lambda: self._is_let_go, 10)

        return run

    def wait_for(self, n: int) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.begun) >= n, 10)
            return list(self.begun)

    def let_go(self) -> None:
        with self._changed:
            self._is_let_go = True
            self._changed.notify_all()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def test_a_key_with_many_requests_leaves_threads_to_the_others(pool: ThreadPoolExecutor) -> None:
    held, shares = Held(), Shares(pool, most=2, waiting=100)
    try:
        for number in range(10):
            shares.submit(FLOOD, held.request(f"flood {number}"))
        shares.submit(OTHER, held.request("other"))
        assert sorted(held.wait_for(3)) == ["flood 0", "flood 1", "other"]
    finally:
        held.let_go()
    assert len(held.wait_for(11)) == 11


def test_a_key_whose_line_is_full_is_told_when_to_come_again_and_another_is_not(
    pool: ThreadPoolExecutor,
) -> None:
    held, shares = Held(), Shares(pool, most=1, waiting=2)
    try:
        for number in range(3):
            shares.check(FLOOD)
            shares.submit(FLOOD, held.request(f"flood {number}"))
        with pytest.raises(QuotaUsedUp, match="1 requests of this key are being answered and 2 wait") as told:
            shares.check(FLOOD)
        assert told.value.wait_seconds
        shares.check(OTHER)
    finally:
        held.let_go()
    held.wait_for(3)
    pool.shutdown()
    shares.check(FLOOD)
