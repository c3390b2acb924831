"""``blender-ui ask``: what is said, asked and kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from types import SimpleNamespace
from typing import Any

import pytest

import blender_ui.cli.ask as command
from blender_ui.cli import main
from blender_ui.members.seats import Seat, read_seat
from blender_ui.services.choosing.proposal import ExpectedMember, Proposal


def expect(name: str, propensity: float) -> ExpectedMember:
    return ExpectedMember(
        name=name, quality=0.7, low=0.5, high=0.9, cost=None, seconds=2.0, propensity=propensity
    )


PROPOSAL = Proposal(
    version_id=4,
    kind="code, python",
    asked=(expect("first", 1.0), expect("second", 0.9)),
    left_out=(expect("third", 0.1),),
    is_explored=False,
    value=0.8,
    all_value=0.85,
)


class ScriptedServices:
    """Proposes what it was told to; every member says its name, but one called "broken" fails."""

    def __init__(self, proposal: Proposal | None, names: tuple[str, ...]) -> None:
        self.asked: list[tuple[str, float | None]] = []
        self.wanted: dict[str, Any] = {}
        self._names, self._proposal = names, proposal
        self.proposals = self.blending = self.choices = self
        self.kept: list[tuple[int, Proposal]] = []

    def propose(self, **wanted: Any) -> Proposal | None:
        self.wanted = wanted
        return self._proposal

    def keep(self, *, prompt_id: int, names: tuple[str, ...], proposal: Proposal) -> None:
        assert names == proposal.names
        self.kept.append((prompt_id, proposal))

    def ask(self, **asked: str) -> Any:
        return SimpleNamespace(prompt_id=7, member_names=self._names)

    def seats(self, names: Iterable[str]) -> tuple[str, ...]:
        labels = ((name, f"{name} (2)") if name == "twice" else (name,) for name in names)
        return tuple(chain.from_iterable(labels))

    def seat(self, label: str) -> Seat:
        return read_seat(label, self._names)

    def stream(
        self, *, prompt_id: int, member_name: str, sample: int, propensity: float | None
    ) -> Iterator[Any]:
        self.asked.append((member_name, propensity))
        failure = SimpleNamespace(message="out of order") if member_name == "broken" else None
        again = " again" * (sample - 1)
        yield SimpleNamespace(text=f"I am {member_name}{again}", failure=failure, candidate_id=1, seconds=0.5)

    def close(self) -> None:
        pass


def run(monkeypatch: pytest.MonkeyPatch, services: ScriptedServices, *words: str) -> int:
    monkeypatch.setattr(command, "build_services", lambda settings: services)
    return main(["ask", "--instruction", "sort a list", *words])


def test_the_best_are_asked_with_their_propensities_and_it_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    services = ScriptedServices(PROPOSAL, ("first", "second", "third"))
    assert run(monkeypatch, services, "--k", "2", "--budget", "0.5", "--seconds", "9", "--json") == 0
    assert sorted(services.asked) == [("first", 1.0), ("second", 0.9)]
    assert services.kept == [(7, PROPOSAL)]
    assert (services.wanted["k"], services.wanted["budget"].cost, services.wanted["budget"].seconds) == (
        2,
        0.5,
        9,
    )
    said = capsys.readouterr()
    assert "kind of task “code, python”: first 0.70 (0.50 to 0.90), 2.0 s; second" in said.err
    told = json.loads(said.out)
    assert [answer["text"] for answer in told["answers"]] == ["I am first", "I am second"]
    assert told["proposal"]["left_out"][0]["name"] == "third"


def test_without_a_chooser_everybody_is_asked_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    services = ScriptedServices(None, ("one", "broken"))
    assert run(monkeypatch, services) == 0
    assert sorted(services.asked) == [("broken", None), ("one", None)]
    said = capsys.readouterr()
    assert "No chooser that knows these members is active" in said.err
    assert "out of order" in said.out


def test_each_of_a_members_answers_is_asked_for_and_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    services = ScriptedServices(None, ("one", "twice"))
    assert run(monkeypatch, services, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {answer["member"]: answer["text"] for answer in told["answers"]} == {
        "one": "I am one",
        "twice": "I am twice",
        "twice (2)": "I am twice again",
    }


def test_the_exit_status_is_1_where_nobody_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, ScriptedServices(None, ("broken",))) == 1


@pytest.mark.parametrize("words", [("--k", "0"), ("--budget", "-1"), ("--seconds", "0")])
def test_a_limit_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, str]
) -> None:
    services = ScriptedServices(None, ("one",))
    assert run(monkeypatch, services, *words) == 1
    assert f"expected {words[0]}" in capsys.readouterr().err
    assert not services.asked
