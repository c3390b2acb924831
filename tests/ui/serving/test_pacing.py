"""One sender who sends without end waits in a line of their own; the others are answered at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from blender_ui.services.people.access import Access
from blender_ui.settings import Settings
from blender_ui.ui.identity import KEY_HEADER
from blender_ui.ui.serving import pacing
from blender_ui.ui.serving.pacing import ACCOUNT, Line, Lines, Pace, Pacing, is_paced
from db.models import Role
from tests.builders.people import PASSWORD
from tests.builders.stores import key_of
from tests.ui.scripted_services import build_scripted_services

SLOW = Pace(a_second=2, at_a_stretch=4, at_once=1, waiting=2)


class Time:
    """A clock that moves by what is waited."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def test_after_a_stretch_requests_come_at_the_pace() -> None:
    line, now = Line(SLOW), 100.0
    waits = []
    for _ in range(7):
        waits.append(line.find_wait(now))
        line.enter(now)
    assert waits == pytest.approx([0, 0, 0, 0, 0, 0.5, 1.0])
    assert line.find_wait(now + 1.5) == 0
    assert line.find_wait(now + 1000) == 0


def test_a_request_that_takes_long_counts_by_its_time_and_a_quick_one_as_one() -> None:
    line, now = Line(replace(SLOW, share=0.5)), 100.0
    for seconds in (1.0, 0.01, 0.01):
        line.enter(now)
        line.charge(seconds)
    line.enter(now)
    # Four requests are 2 s at the pace, and the long one counts for 1.5 s more; a stretch is 2 s.
    assert line.find_wait(now) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", True),
        ("/label", True),
        ("/gradio_api/run/label_vote", True),
        ("/gradio_api/queue/join", True),
        ("/gradio_api/queue/data", False),
        ("/gradio_api/heartbeat/x", False),
        ("/assets/index.js", False),
        ("/healthz", False),
        ("/v1/chat/completions", False),
        ("/v1x", True),
    ],
)
def test_work_is_paced_and_streams_files_and_programs_are_not(path: str, expected: bool) -> None:
    assert is_paced(path) is expected


class Door:
    """The pacing in front of an app that answers when it is let."""

    def __init__(self, folder: Path, mode: str, **settings: Any) -> None:
        services = build_scripted_services(folder, access_mode=mode)
        self.services, self.time = services, Time()
        self.n_inside = self.most_inside = 0
        self.held = asyncio.Event()
        self.held.set()
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])
        self.paced = make_pacing(app, services.access, replace(services.settings, **settings), self.time)

    async def _answer(self, _: Request) -> Response:
        self.n_inside += 1
        self.most_inside = max(self.most_inside, self.n_inside)
        await self.held.wait()
        self.n_inside -= 1
        return PlainTextResponse("there")

    async def send(self, key: str | None = None, *, address: str = "192.0.2.1") -> httpx.Response:
        transport = httpx.ASGITransport(self.paced, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.post("/gradio_api/run/x", headers={KEY_HEADER: key} if key else {})


def make_pacing(app: Any, access: Access, settings: Settings, time: Time) -> Pacing:
    return Pacing(app, access=access, settings=settings, lines=Lines(clock=time, pause=time.pause))


def run(part: Coroutine[Any, Any, None]) -> None:
    asyncio.run(part)


def test_a_visitor_who_floods_waits_and_another_of_the_same_address_does_not(tmp_path: Path) -> None:
    async def flood() -> None:
        door = Door(tmp_path, "demo", visitor_requests=1, address_requests=20)
        for _ in range(15):
            assert (await door.send(key_of(1))).status_code == 200
        assert len(door.time.waits) == 4
        before = len(door.time.waits)
        assert (await door.send(key_of(2))).status_code == 200
        assert len(door.time.waits) == before

    run(flood())


def test_a_flood_under_ever_new_keys_is_held_to_the_pace_of_its_address(tmp_path: Path) -> None:
    async def flood() -> None:
        door = Door(tmp_path, "demo", visitor_requests=1, address_requests=1)
        for number in range(30):
            await door.send(key_of(number))
        assert len(door.time.waits) == 9
        await door.send(key_of(99), address="192.0.2.2")
        assert len(door.time.waits) == 9

    run(flood())


def test_who_has_a_whole_line_waiting_is_refused_with_when_to_come_again(tmp_path: Path) -> None:
    async def flood() -> None:
        door = Door(tmp_path, "demo")
        door.held.clear()
        sent = [asyncio.create_task(door.send(key_of(1))) for _ in range(50)]
        done: set[Any] = set()
        while len(done) < 50 - 33:
            done, _ = await asyncio.wait(sent, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        assert {one.result().status_code for one in done} == {429}
        refused = next(iter(done)).result()
        assert int(refused.headers["retry-after"]) >= 1
        assert "Too many requests come from here at once. Try again in" in refused.json()["error"]
        assert door.most_inside == 1
        door.held.set()
        assert (await door.send(key_of(2))).status_code == 200
        answers = [one.status_code for one in await asyncio.gather(*sent)]
        assert sorted(answers) == [200] * 33 + [429] * 17

    run(flood())


def test_a_request_that_waits_for_something_else_does_not_hold_the_same_visitor_s_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look() -> None:
        monkeypatch.setattr(pacing, "HOLD_SECONDS", 0.01)
        door = Door(tmp_path, "demo")
        door.held.clear()
        slow = [asyncio.create_task(door.send(key_of(1))) for _ in range(2)]
        while door.n_inside < 2:
            await asyncio.sleep(0.001)
        door.held.set()
        assert [one.status_code for one in await asyncio.gather(*slow)] == [200, 200]

    run(look())


def test_annotators_with_accounts_share_an_address_without_waiting(tmp_path: Path) -> None:
    async def label() -> None:
        door = Door(tmp_path, "accounts", visitor_requests=1, address_requests=1)
        door.services.accounts.add(username="ada", password=PASSWORD, role=Role.ANNOTATOR, by=None)
        keys = [door.services.accounts.sign_in(username="ada", password=PASSWORD).token for _ in range(3)]
        answers = await asyncio.gather(*(door.send(key) for key in keys for _ in range(50)))
        assert {one.status_code for one in answers} == {200}
        assert door.time.waits == []

    run(label())


def test_the_lines_of_those_who_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async def come_and_go() -> None:
        time = Time()
        lines = Lines(clock=time, pause=time.pause)
        monkeypatch.setattr(pacing, "MOST_LINES", 3)
        async with lines.turn({"stays": SLOW}):
            for number in range(10):
                async with lines.turn({number: ACCOUNT}):
                    pass
            assert set(lines._lines) == {"stays", 8, 9}

    run(come_and_go())
