"""Members are tried, added and disabled while the app runs, and the file says the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from blender_ui.errors import MalformedInput, MemberError, NotFound, SettingsError
from blender_ui.members.file import MembersFile
from blender_ui.members.registry import Members
from blender_ui.services.asking.member_list import N_SPARE, MemberList, NewMember
from blender_ui.services.asking.rounds import Blending
from db.models import AuditEvent, utc_now
from tests.builders.stores import make_store
from tests.members.scripted_endpoint import KEY, ScriptedEndpoint, refuses, says
from tests.members.test_registry import no_weights


class Bench:
    """One member at a scripted endpoint, with its file."""

    def __init__(self, folder: Path, endpoint: ScriptedEndpoint) -> None:
        self.endpoint = endpoint
        self.path = folder / "members.toml"
        self.path.write_text(self.table("Ann"))
        self.engine: Engine = make_store(folder)
        file = MembersFile(self.path)
        environ = {"ANN_API_KEY": KEY}
        self.members = Members(file.read(), find_weights=no_weights, environ=environ)
        self.list = MemberList(self.engine, file=file, members=self.members, clock=utc_now)

    def table(self, name: str, more: str = "") -> str:
        return (
            f'[[member]]\nname = "{name}"\nbackend = "openai"\nmodel = "m"\nkey_env = "ANN_API_KEY"\n'
            f'base_url = "{self.endpoint.base_url}"\n{more}'
        )

    def new(self, name: str, **changes: str) -> NewMember:
        fields = {"name": name, "model": "m", "base_url": self.endpoint.base_url, "key_env": "ANN_API_KEY"}
        return NewMember(**(fields | changes))  # type: ignore[arg-type]

    def write(self, text: str) -> None:
        self.path.write_text(text)
        os.utime(self.path, ns=(1, 1))  # a second write within one tick of the clock counts, too


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ScriptedEndpoint([says("Tea ", "is a drink.")], models=["m"]).running() as endpoint:
        bench = Bench(tmp_path, endpoint)
        yield bench
        bench.members.close()


def test_an_added_member_is_asked_at_once_and_stands_in_file_and_audit(bench: Bench) -> None:
    bench.list.add(bench.new("Bob"), by=None)
    assert [config.name for config in MembersFile(bench.path).read()] == ["Ann", "Bob"]
    blending = Blending(bench.engine, members=bench.members, clock=utc_now)
    asked = blending.ask(instruction="Why?")
    assert asked.member_names == ("Ann", "Bob")
    *_, last = blending.stream(prompt_id=asked.prompt_id, member_name="Bob")
    assert last.text == "Tea is a drink."
    listed = {one.config.name: one for one in bench.list.list_members()}
    assert listed["Bob"].standing is not None
    assert (listed["Bob"].status, listed["Bob"].standing.n_answers, listed["Ann"].standing) == (
        "ready",
        1,
        None,
    )
    with Session(bench.engine) as session:
        assert [event.action for event in session.exec(select(AuditEvent))] == ["member.add"]


def test_a_disabled_member_is_not_asked_and_the_others_go_on_as_they_are(bench: Bench) -> None:
    bench.list.add(bench.new("Bob"), by=None)
    ann = bench.members.get("Ann")
    bench.list.set_enabled("Bob", False, by=None)
    assert bench.members.names == ("Ann",)
    assert bench.members.get("Ann") is ann
    with pytest.raises(SettingsError, match="last member that is enabled"):
        bench.list.set_enabled("Ann", False, by=None)
    bench.list.set_enabled("Bob", True, by=None)
    assert bench.members.names == ("Ann", "Bob")
    assert [config.enabled for config in MembersFile(bench.path).read()] == [True, True]


def test_a_file_that_somebody_changed_is_followed_and_one_with_a_mistake_is_not(bench: Bench) -> None:
    assert bench.list.follow_file() == ""
    bench.write(bench.table("Ann") + bench.table("Bob"))
    assert bench.list.follow_file() == ""
    assert bench.members.names == ("Ann", "Bob")
    bench.write(bench.table("Ann", more="temprature = 1\n"))
    os.utime(bench.path, ns=(2, 2))
    assert "is not known" in bench.list.follow_file()
    assert bench.members.names == ("Ann", "Bob")


def test_a_test_tells_the_answer_or_the_failure_and_tries_a_member_that_is_down(bench: Bench) -> None:
    assert bench.list.test("Ann").text == "Tea is a drink."
    bench.endpoint.scripts = [refuses(400, {"error": {"message": "no such model m"}}), says("Tea.")]
    assert "no such model m" in bench.list.test("Ann").failure
    down = MemberError("Ann: no", kind="timeout")
    bench.members._find("Ann").gate.breaker.note_failure(down, is_trial=False, began=False)
    assert bench.members.load("Ann").pause_seconds > 0
    assert bench.list.test("Ann").text == "Tea."
    with pytest.raises(NotFound):
        bench.list.test("Zed")


@pytest.mark.parametrize("written", ["/chat/completions", "/", "/models"])
def test_the_file_has_the_address_without_the_path_of_a_call(bench: Bench, written: str) -> None:
    added = bench.list.add(bench.new("Bob", base_url=bench.endpoint.base_url + written), by=None)
    assert added.base_url == bench.endpoint.base_url


def test_the_file_has_the_address_where_the_first_question_was_answered(bench: Bench) -> None:
    host = bench.endpoint.base_url.removesuffix("/v1")
    bench.list.add(bench.new("Bob", base_url=host), by=None)
    assert bench.list.test_added("Bob").text == "Tea is a drink."
    assert [config.base_url for config in MembersFile(bench.path).read()] == [bench.endpoint.base_url] * 2
    bench.endpoint.scripts = [refuses(400, {"error": {"message": "no such model m"}})]
    bench.list.add(bench.new("Carl", base_url=host), by=None)
    assert "no such model m" in bench.list.test_added("Carl").failure
    assert MembersFile(bench.path).read()[2].base_url == host


def test_only_a_variable_of_a_key_can_be_named(bench: Bench) -> None:
    for variable in ("HOME", "DATABASE_URL", KEY):
        with pytest.raises(MalformedInput, match="ending in _API_KEY"):
            bench.list.add(bench.new("Bob", key_env=variable), by=None)
    assert KEY not in bench.path.read_text()


def test_there_is_room_for_so_many_members(bench: Bench) -> None:
    for number in range(N_SPARE):
        bench.list.add(bench.new(f"Bob {number}"), by=None)
    with pytest.raises(MalformedInput, match=f"room for {N_SPARE + 1} answers until"):
        bench.list.add(bench.new("One more"), by=None)


def test_a_member_may_be_asked_for_several_answers_by_page_and_file(bench: Bench) -> None:
    bench.list.set_samples("Ann", 3, by=None)
    assert [config.samples for config in bench.members.configs] == [3]
    assert [config.samples for config in MembersFile(bench.path).read()] == [3]
    blending = Blending(bench.engine, members=bench.members, clock=utc_now)
    assert blending.seats(blending.ask(instruction="Why?").member_names) == ("Ann", "Ann (2)", "Ann (3)")
    with Session(bench.engine) as session:
        (event,) = session.exec(select(AuditEvent))
        assert (event.action, event.object_id) == ("member.samples", "Ann")


def test_answers_that_no_page_has_room_for_are_refused_and_the_file_stays(bench: Bench) -> None:
    before = bench.path.read_text()
    with pytest.raises(MalformedInput, match=f"room for {N_SPARE + 1} answers until"):
        bench.list.set_samples("Ann", N_SPARE + 2, by=None)
    with pytest.raises(SettingsError, match="samples"):
        bench.list.set_samples("Ann", 0, by=None)
    with pytest.raises(NotFound):
        bench.list.set_samples("Zoe", 2, by=None)
    assert bench.path.read_text() == before
    bench.list.set_samples("Ann", N_SPARE + 1, by=None)
    with pytest.raises(MalformedInput, match="room for"):
        bench.list.add(bench.new("Bob"), by=None)
    assert [config.name for config in MembersFile(bench.path).read()] == ["Ann"]
