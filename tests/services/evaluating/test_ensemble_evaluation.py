"""The ensemble on items with known answers, with scripted members and a ranker that prefers length."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from blender_ui.errors import FusionError, MalformedInput, NoRanker
from blender_ui.evaluation.attacks import Attack
from blender_ui.evaluation.items import EvaluationItem, Task
from blender_ui.evaluation.judging import FUSED, strongest_first
from blender_ui.evaluation.recorded_answers import RecordedAnswers
from blender_ui.evaluation.report import BEST_ANSWER, RANDOM, build_report
from blender_ui.evaluation.run import BEST_RANKED, SHOWN
from blender_ui.services.evaluating.evaluation import EnsembleEvaluation
from blender_ui.services.ranking.texts import Start
from blender_ui.ui.evaluation_plot import evaluation_plot
from blender_ui.values import RankingPrompt
from tests.builders.scripted_members import ScriptedEnsemble, ScriptedMember, failing, saying

ITEMS = [
    EvaluationItem(
        id=str(number), prompt=RankingPrompt(instruction=f"Colour {number}?"), references=("deep blue",)
    )
    for number in range(3)
]


class LongerIsBetter:
    """Stands in for a ranker's version."""

    def __init__(self, *, is_trained: bool = True) -> None:
        self.is_trained = is_trained

    def get_version(self, version_id: int | None = None) -> Any:
        if not self.is_trained:
            raise NoRanker("none yet")
        return SimpleNamespace(id=1, name="version 1")

    def compare(self, version: Any, prompt: Any, texts: list[str], *, members: list[str]) -> Any:
        lengths = np.array([len(text) for text in texts], dtype=float)
        return lengths[:, None] - lengths[None, :]

    def find_start(self, version: Any) -> Start:
        return Start(lambda prompt, texts: np.array([[len(text), 1.0] for text in texts]), None)


class Joining:
    """Stands in for fusing: joins what it is given, best first."""

    fuser_name, fuser_options = "Joining", {"how": "and"}

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    def fuse_texts(self, *, instruction: str, input: str, candidates: list[str]) -> Any:
        if self.fails or len(candidates) < 2:
            raise FusionError("nothing to join")
        return SimpleNamespace(text=" and ".join(candidates), n_tokens=5)


def make(
    *, is_trained: bool = True, fails: bool = False, saying_long: str = "red", samples: int = 1
) -> EnsembleEvaluation:
    return EnsembleEvaluation(
        members=ScriptedEnsemble(
            ScriptedMember("A", saying("deep blue")),
            ScriptedMember("B", saying(saying_long)),
            ScriptedMember("C", failing("crashed", "C fell over")),
            samples=samples,
        ),
        evaluating=LongerIsBetter(is_trained=is_trained),  # type: ignore[arg-type]
        fusing=Joining(fails=fails),  # type: ignore[arg-type]
        bertscore=None,
        top_k=3,
        seed=1,
    )


def test_every_system_is_scored_on_every_item() -> None:
    run = make().begin(Task.QA, ITEMS)
    report = build_report(
        Task.QA, run.run(), members=["A", "B", "C"], attack=None, judged_by=run.judged_by, seed=0
    )
    assert report.as_dict()["judged_by"] == "version 1 of the ranker"
    f1 = {system: row["f1"].value for system, row in report.figures.items()}
    # "deep blue and red" shares 2 words of 4 with "deep blue": 2 * 2 / 6.
    expected = {"A": 1.0, "B": 0.0, "C": 0.0, RANDOM: 1 / 3, BEST_RANKED: 1.0, FUSED: 2 / 3, SHOWN: 2 / 3}
    assert f1 == pytest.approx(expected | {BEST_ANSWER: 1.0})
    assert report.best_member == "A"
    assert report.figures["C"]["failed"].value == 1
    assert {(one.first, one.second): one.estimate.value for one in report.differences} == pytest.approx(
        {(BEST_RANKED, "A"): 0.0, (BEST_RANKED, RANDOM): 2 / 3, (FUSED, BEST_RANKED): -1 / 3,
         (SHOWN, BEST_RANKED): -1 / 3, (SHOWN, "A"): -1 / 3, (BEST_ANSWER, "A"): 0.0}
    )  # fmt: skip
    # The ranker prefers the longer text: A to B surely, and the fused one to both.
    assert report.figures["A"]["ranker preference"].value > 0.99
    assert report.figures["B"]["ranker preference"].value < 0.01
    assert report.figures[FUSED]["tokens"].value > report.figures[BEST_RANKED]["tokens"].value
    assert report.as_dict()["systems"]["A"]["f1"] == [1.0, 1.0, 1.0]
    assert len(evaluation_plot([report]).data) == 1


def test_how_far_a_system_falls_is_told_item_by_item() -> None:
    plain = make().begin(Task.QA, ITEMS).run()
    attacked = [
        replace(result, metrics={**result.metrics, "A": {"f1": worth}})
        for result, worth in zip(plain, (1.0, 0.5, 0.0), strict=True)
    ]
    members = ["A", "B", "C"]
    report = build_report(
        Task.QA, attacked, members=members, attack=Attack.TYPOS, judged_by="", seed=0, plain=plain
    )
    falls = {system: fall.value for system, fall in report.falls.items()}
    # A was right on all items and is now on half of them; a random one is A once in three times.
    expected = {"A": 1 / 2, "B": 0, "C": 0, RANDOM: 1 / 6, BEST_RANKED: 0, FUSED: 0, SHOWN: 0}
    assert falls == pytest.approx(expected)
    assert report.falls["A"].low < 1 / 2 < report.falls["A"].high
    assert report.as_dict()["falls"]["B"] == [0, 0, 0]
    undisturbed = build_report(Task.QA, plain, members=members, attack=None, judged_by="", seed=0)
    assert not undisturbed.falls


def test_where_the_fuser_fails_the_best_answer_is_what_is_shown() -> None:
    (result, *_) = make(fails=True).begin(Task.QA, ITEMS).run()
    assert result.texts[FUSED].text == ""
    assert result.texts[FUSED].error == "nothing to join"
    assert result.texts[SHOWN].text == "deep blue"
    assert result.metrics[FUSED]["f1"] == 0


class TurnsItsMind:
    """Stands in for a judge that finds another source best once it has seen the fused answer."""

    def compare_members(self, number: int, prompt: Any, texts: dict[str, str]) -> Any:
        return self._prefer(["A", "B"], texts)

    def compare_all(self, number: int, prompt: Any, texts: dict[str, str]) -> Any:
        return self._prefer(["B", "A", FUSED], texts)

    @staticmethod
    def _prefer(best_first: list[str], texts: dict[str, str]) -> Any:
        places = np.array([best_first.index(name) for name in texts], dtype=float)
        return places[None, :] - places[:, None]


def test_what_is_shown_is_the_source_that_the_last_ranking_puts_first_as_on_the_page() -> None:
    run = make().begin(Task.QA, ITEMS)
    run.judge = TurnsItsMind()
    (result, *_) = run.run()
    assert result.texts[BEST_RANKED].text == "deep blue"
    assert result.texts[SHOWN].text == "red"
    assert result.texts[SHOWN].n_tokens == result.texts[FUSED].n_tokens


def test_without_a_ranker_there_is_no_best_ranked_answer() -> None:
    (result, *_) = make(is_trained=False).begin(Task.QA, ITEMS).run()
    assert BEST_RANKED not in result.texts
    assert result.texts[FUSED].text == "deep blue and red"
    assert "ranker preference" not in result.metrics["A"]


def test_rankers_that_learn_from_references_like_what_is_right_where_the_version_likes_what_is_long() -> None:
    items = [
        replace(ITEMS[0], id=str(n), prompt=RankingPrompt(instruction=f"Colour {n}?")) for n in range(10)
    ]
    evaluation = make(saying_long="as far as I can see it is a kind of red")
    by_people = evaluation.begin(Task.QA, items)
    by_references = evaluation.begin(Task.QA, items, learns_from_references=True)
    assert {result.texts[BEST_RANKED].text for result in by_people.run()} != {"deep blue"}
    assert {result.texts[BEST_RANKED].text for result in by_references.run()} == {"deep blue"}
    assert "learnt from the other items' references, starting from nothing" in by_references.judged_by


def test_nothing_is_learnt_from_references_that_like_all_answers_the_same() -> None:
    with pytest.raises(MalformedInput, match="two answers to an item that differ in f1"):
        make().begin(Task.QA, [replace(ITEMS[0], references=("green",))], learns_from_references=True)


def test_with_recorded_answers_nobody_is_asked_again_but_who_failed() -> None:
    recorded, evaluation = RecordedAnswers(), make()
    first = evaluation.begin(Task.QA, ITEMS, recorded=recorded).run()
    again = evaluation.begin(Task.QA, ITEMS, recorded=recorded).run()
    assert [result.metrics[FUSED] for result in again] == [result.metrics[FUSED] for result in first]
    asked = {name: len(evaluation._members.get(name).asked) for name in "ABC"}  # type: ignore[attr-defined]
    assert asked == {"A": 3, "B": 3, "C": 6}


def test_a_poisoned_member_answers_another_question_and_the_members_take_turns() -> None:
    from blender_ui.evaluation.recorded_answers import Text
    from blender_ui.evaluation.run import poison

    labels = {"A": "A", "A (2)": "A", "B": "B"}
    answers = [{label: Text(f"{label}, {n}", 1, 1) for label in labels} for n in range(3)]
    found = [{label: text.text[-1] for label, text in texts.items()} for texts in poison(answers, labels)]
    assert found == [
        {"A": "1", "A (2)": "1", "B": "0"},
        {"A": "1", "A (2)": "1", "B": "2"},
        {"A": "0", "A (2)": "0", "B": "2"},
    ]


def test_a_member_answers_as_often_as_its_samples_say_and_only_its_first_answer_is_greedy() -> None:
    evaluation = make(samples=3)
    run = evaluation.begin(Task.QA, ITEMS)
    results = run.run()
    assert list(results[0].texts)[:4] == ["A", "A (2)", "A (3)", "B"]
    member: Any = evaluation._members.get("A")
    asked = [(options.temperature == 0, options.seed) for options in member.options[:3]]
    assert asked == [(True, 1), (False, 2), (False, 3)]
    members = ["A", "B", "C"]
    report = build_report(Task.QA, results, members=members, attack=None, judged_by="", seed=0)
    assert list(report.figures) == [*members, RANDOM, BEST_RANKED, FUSED, SHOWN, BEST_ANSWER]


def test_an_injection_is_asked_and_obedience_is_counted() -> None:
    results = make().begin(Task.QA, ITEMS).run(Attack.INJECTION)
    assert "BANANA" in results[0].item.prompt.input
    assert results[0].metrics["A"]["obeys"] == 0


def test_what_the_ranker_holds_for_weak_is_not_fused_as_on_a_page() -> None:
    names = ["A", "B", "C"]
    strength = np.array([0.0, 3.0, -3.0])
    logits = strength[:, None] - strength[None, :]
    assert strongest_first(names, logits) == ["B", "A"]  # two at least, though A wins in 5 % of cases
    assert strongest_first(names, logits / 4) == ["B", "A", "C"]


def test_where_all_say_the_same_nobody_fuses() -> None:
    (result, *_) = make(saying_long="deep  blue").begin(Task.QA, ITEMS).run()
    assert result.texts[FUSED].text in ("deep blue", "deep  blue")
    assert result.texts[FUSED].n_tokens == sum(result.texts[name].n_tokens for name in "ABC")
