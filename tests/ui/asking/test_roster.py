"""The Members page: what it shows of each member, and what it does when asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from blender_ui.members.configuration import Price
from blender_ui.services.asking.rounds import Blending
from blender_ui.ui.asking.roster.drawing import draw_members
from blender_ui.ui.asking.roster.handlers import LONGEST_FIELD, RosterHandlers, number_member
from blender_ui.ui.identity import presented_key
from blender_ui.ui.rows import Acted
from db.models import utc_now
from tests.builders.stores import Clock, key_of, make_labeling
from tests.members.scripted_endpoint import ScriptedEndpoint, refuses, says
from tests.services.asking.test_member_list import Bench


class Page:
    """The page's handlers over one member at a scripted endpoint."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        labeling = make_labeling(bench.engine, Clock())
        labeling.sign_in(key=key_of(1))
        self.handlers = RosterHandlers(labeling, bench.list)

    def add(self, name: object = "Bob", prices: tuple[object, object] = (None, None)) -> str:
        *_, last = self.handlers.add(name, "m", self.bench.endpoint.base_url, "ANN_API_KEY", prices)
        return last

    def act(self, name: str, member: str, value: str = "") -> str:
        *_, last = self.handlers.act(Acted(name, number_member(member), value))
        return last

    def drawn(self) -> str:
        return draw_members(self.handlers.page())


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with ScriptedEndpoint([says("Tea.")], models=["m"]).running() as endpoint:
        bench = Bench(tmp_path, endpoint)
        signed_in = presented_key.set(key_of(1))
        yield Page(bench)
        presented_key.reset(signed_in)
        bench.members.close()


def test_it_shows_state_seconds_failures_tokens_and_cost(page: Page) -> None:
    assert "is asked from now on" in page.add(prices=("1.0", " 3,0 "))
    config = page.bench.members.configs[1]
    assert config.price == Price(input=1.0, output=3.0)
    page.bench.endpoint.scripts = [says("Tea."), refuses(400, {"error": {"message": "no <b>tea</b>"}})]
    blending = Blending(page.bench.engine, members=page.bench.members, clock=utc_now)
    for _ in range(2):
        prompt_id = blending.ask(instruction="Tea?").prompt_id
        list(blending.stream(prompt_id=prompt_id, member_name="Bob"))
    drawn = page.drawn()
    for told in ("ready", "7 / 1", "0.0000", "1 of 2 (1 refused)", "no &lt;b&gt;tea"):
        assert told in drawn
    assert "KEY" not in drawn


def test_an_added_member_is_asked_a_first_question_and_what_came_is_told(page: Page) -> None:
    assert "asked from now on. Bob answered after " in page.add()
    page.bench.endpoint.scripts = [refuses(400, {"error": {"message": "no such model m"}})]
    said = page.add("Carl")
    assert "Carl is in members.toml" in said
    assert "No answer after " in said
    assert "no such model m" in said


def test_a_member_is_tried_disabled_and_enabled(page: Page) -> None:
    page.add()
    said = list(page.handlers.act(Acted("test", number_member("Bob"), "")))
    assert said[0] == "Bob is being asked a small question."
    assert said[1].startswith("Bob answered after ")
    assert said[1].endswith("s: Tea.")
    assert "Bob is not asked from now on" in page.act("disable", "Bob")
    assert "disabled" in page.drawn()
    assert "no member is called 'Bob'" in page.act("test", "Bob")
    assert "Nothing was changed: Ann is the last member" in page.act("disable", "Ann")
    assert "Bob is asked from now on" in page.act("enable", "Bob")


def test_what_is_no_row_or_no_act_changes_nothing(page: Page) -> None:
    assert "not in members.toml any more" in page.act("disable", "Nobody")
    assert "expected an act of a member, came 'remove'" in page.act("remove", "Ann")
    assert page.bench.members.names == ("Ann",)


@pytest.mark.parametrize("name", ["", None, 7, "x" * (LONGEST_FIELD + 1), ["Bob"]])
def test_what_is_not_a_name_changes_nothing(page: Page, name: object) -> None:
    assert "Nothing was changed: expected" in page.add(name)
    assert page.bench.members.names == ("Ann",)


@pytest.mark.parametrize("price", [-1, "cheap", True, float("inf")])
def test_what_is_no_price_changes_nothing(page: Page, price: object) -> None:
    assert "expected a price" in page.add(prices=(price, None))
    assert page.bench.members.names == ("Ann",)


def test_a_file_with_a_mistake_is_told_and_the_members_stay(page: Page) -> None:
    page.bench.write("[[member]]\n")
    assert "is missing" in page.drawn()
    assert page.bench.members.names == ("Ann",)


def test_a_member_is_asked_for_several_answers(page: Page) -> None:
    assert "Ann is asked for 3 answers to each question" in page.act("samples", "Ann", "3")
    assert '<option value="3" selected>' in page.drawn()


@pytest.mark.parametrize("number", ["0", "17", "2.5", "", "inf", "-1", "9" * 30])
def test_what_is_no_number_of_answers_changes_nothing(page: Page, number: str) -> None:
    assert "Nothing was changed: " in page.act("samples", "Ann", number)
    assert [config.samples for config in page.bench.members.configs] == [1]
