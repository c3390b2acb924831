"""Each role walks the pages open to it: no link leads to a closed one, no enabled control is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from blender_ui.services.people.access import Mode
from blender_ui.ui.identity import may_call
from blender_ui.ui.shell import PAGES
from db.models import Role
from tests.builders.stores import key_of
from tests.ui.people.test_roles import Demo, House
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.slow

VISITOR = key_of(1)
OWN = re.compile(r'href=\\?"\./([a-z]*)')


class Walker:
    """Somebody with a key who opens every page that the account page names."""

    def __init__(self, house: Any, key: str) -> None:
        self.house, self.key = house, key
        self.pages: list[str] = house.post("account_me", key).json()["data"][0]["pages"]

    def loads(self, path: str) -> Iterator[tuple[str, Any]]:
        """What the page's load events, and opening its tabs, answer."""
        for fn in self.house.app.fns.values():
            name = str(fn.api_name)
            if fn.page != path or fn.fn is None or not any(map(self._draws, fn.targets)):
                continue
            values = [None if type(one).__name__ == "State" else one.value for one in fn.inputs]
            yield name, self.house.post(name, *values, key=self.key)

    def _draws(self, target: tuple[int | None, str]) -> bool:
        component = self.house.app.blocks.get(target[0])
        return target[1] == "load" or (target[1] == "select" and isinstance(component, gr.Tab))

    def controls(self, path: str) -> Iterator[tuple[Any, str]]:
        """Every component of the page that calls an endpoint when it is pressed, and the endpoint."""
        for fn in self.house.app.fns.values():
            if fn.page == path and fn.fn is not None:
                for component_id, event in fn.targets:
                    if event in ("click", "submit", "input", "change") and component_id is not None:
                        yield self.house.app.blocks[component_id], str(fn.api_name)

    def enabled(self, path: str) -> dict[int, bool]:
        """Whether each component that a load event says something of can be used."""
        said = {}
        for fn in self.house.app.fns.values():
            if fn.page == path and str(fn.api_name).endswith("_controls"):
                reply = self.house.post(str(fn.api_name), key=self.key)
                assert reply.status_code == 200, reply.text
                for one, update in zip(fn.outputs, reply.json()["data"], strict=True):
                    if isinstance(update, dict) and "interactive" in update:
                        said[one._id] = update["interactive"]
        return said


@pytest.fixture(scope="module")
def empty_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("empty-demo"), mode="demo", n_prompts=0)
    yield house
    house.services.engine.dispose()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    yield demo
    demo.services.engine.dispose()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"), n_prompts=0)
    yield house
    house.services.engine.dispose()


@pytest.fixture(params=["visitor of an empty demo", "visitor of a demo", "annotator", "researcher", "admin"])
def walker(request: pytest.FixtureRequest) -> Walker:
    if "demo" in request.param:
        where = "empty_demo" if "empty" in request.param else "demo"
        return Walker(request.getfixturevalue(where), VISITOR)
    where = request.getfixturevalue("house")
    return Walker(where, where.tokens[Role(request.param)])


def test_no_link_leads_to_a_page_that_is_closed(walker: Walker) -> None:
    n_answers = 0
    for path in walker.pages:
        for name, reply in walker.loads(path):
            if "_results" in name or "_wait" in name:
                continue
            assert reply.status_code == 200, (name, reply.text)
            n_answers += 1
            for to in OWN.findall(unescape(reply.text)):
                assert to in (*walker.pages, "account"), (path, name, to)
    assert n_answers >= 1


def test_the_label_page_shows_ways_that_are_open(walker: Walker) -> None:
    welcome = walker.house.post("label_open", walker.key, None).json()["data"][0]
    empty = welcome["turn"]["empty"]
    for way in empty["ways"] if empty else []:
        assert way["address"].removeprefix("./") in walker.pages


def test_no_control_that_can_be_used_is_refused(walker: Walker) -> None:
    access = walker.house.services.access
    n_controls = 0
    for path in walker.pages:
        enabled = walker.enabled(path)
        for component, endpoint in walker.controls(path):
            n_controls += 1
            may = may_call(access, endpoint, walker.key)
            if not may:
                assert enabled.get(component._id) is False, (path, endpoint, component)
            elif component._id in enabled:
                assert enabled[component._id] is True, (path, endpoint)
    assert n_controls > 5


@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.ADMIN])
def test_who_may_train_a_demo_s_ranker_can_press_train(demo: Demo, role: Role) -> None:
    walker = Walker(demo, demo.tokens[role])
    train = next(one for one, name in walker.controls("train") if name == "train_request")
    assert walker.enabled("train")[train._id] is True
    assert Walker(demo, VISITOR).enabled("train")[train._id] is False
    assert train.interactive is False, "nobody's until the page knows whose it is"


def test_a_demo_s_visitor_is_told_why_a_page_is_only_shown(demo: Demo) -> None:
    (said,) = [reply.text for name, reply in Walker(demo, VISITOR).loads("train") if name == "train_controls"]
    assert "A demo shows what is there" in said
    assert "./account" in said
    (said,) = [
        reply.text
        for name, reply in Walker(demo, demo.tokens[Role.ADMIN]).loads("train")
        if name == "train_controls"
    ]
    assert "A demo shows" not in said


def test_modes_without_visitors_have_no_closed_controls(house: House, tmp_path: Path) -> None:
    names = [str(fn.api_name) for fn in house.app.fns.values()]
    assert not [name for name in names if name.endswith("_controls")]
    assert build_scripted_services(tmp_path).access.mode is Mode.OPEN
    assert {page.path for page in PAGES} > {"train", "inspect"}
