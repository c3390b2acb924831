"""What trainers' rows say: who won, by how much, and with which figures; worked by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from blender_ui.exchange import CandidateRecord, LabelRecord, PromptRecord
from blender_ui.exchange.lessons.forms import USUAL_TERMS, Form, Terms, list_rows
from blender_ui.exchange.lessons.judged import Detail, Judged, Mark, Scored
from blender_ui.exchange.records import Kind, Winner
from blender_ui.values import Message


def label(a: int, b: int, winner: Winner, who: str, kind: Kind = "human", **said: Any) -> LabelRecord:
    return LabelRecord(annotator=who, a=a, b=b, winner=winner, kind=kind, **said)


LABELS = (
    label(0, 1, "a", "ada", strength=0.5, criteria=(("correct", "a"), ("style", "b"))),
    label(1, 0, "b", "bob", strength=1.0, criteria=(("correct", "b"), ("style", "tie"))),
    label(0, 1, "b", "cyd", strength=0.25),
    label(1, 2, "a", "ada"),
    label(2, 1, "a", "bob"),
    label(0, 2, "tie", "ada"),
    label(0, 2, "b", "judge", "judge"),
)
RECORD = PromptRecord(
    id="1",
    source="test",
    licence="MIT",
    prompt="Why?",
    input="The sky,\nit is blue.",
    history=(Message("system", "Be brief."),),
    candidates=tuple(CandidateRecord(model=name, text=f'"{name}", said') for name in "xyz"),
    labels=LABELS,
)
DETAILS = (
    Detail("active", 0.5, (Mark(0, 0, 3, '"x"', "good"),)),
    Detail("random", 0.25, (Mark(1, 0, 3, '"y"', "bad"),)),
    *[Detail() for _ in LABELS[2:]],
)
JUDGED = Judged(record=RECORD, details=DETAILS)
ASKED = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Why?\n\nThe sky,\nit is blue."},
]


def rows(form: Form, judged: Judged = JUDGED, terms: Terms = USUAL_TERMS) -> list[dict[str, Any]]:
    return list(list_rows(form, judged, terms))


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": f'"{text}", said'}]


def test_dpo_has_a_row_for_each_pair_that_people_decided_with_its_figures() -> None:
    # x beats y by two to one; y and z are even; x and z are a tie, and the judge does not count.
    (row,) = rows("dpo")
    assert (row["prompt"], row["chosen"], row["rejected"]) == (ASKED, said("x"), said("y"))
    assert (row["n_votes"], row["decided_by"]) == (3, "people")
    assert row["agreement"] == pytest.approx(2 / 3)
    assert row["strength"] == pytest.approx(0.75)  # of ada's and bob's, who won
    assert row["weight"] == pytest.approx(1 / 3 * 0.75)
    assert row["criteria"] == [
        {"criterion": "correct", "share": 1.0},
        {"criterion": "style", "share": 0.25},
    ]
    assert [(span["of"], span["text"], span["label"]) for span in row["spans"]] == [
        ("chosen", '"x"', "good"),
        ("rejected", '"y"', "bad"),
    ]
    assert (row["propensity"], row["policy"]) == (0.375, "active,random")
    assert (row["source"], row["id"], row["licence"]) == ("test", "1", "MIT")


def test_figures_are_the_chosen_answers_whichever_side_it_stood_on() -> None:
    turned = tuple(
        replace(one, a=one.b, b=one.a, winner={"a": "b", "b": "a"}.get(one.winner, one.winner),
                criteria=tuple((name, {"a": "b", "b": "a"}.get(won, won)) for name, won in one.criteria))
        for one in LABELS
    )  # fmt: skip
    assert rows("dpo", replace(JUDGED, record=replace(RECORD, labels=turned))) == rows("dpo")
    other = tuple(CandidateRecord(model=name, text=f'"{name}", said') for name in "yxz")
    places = {0: 1, 1: 0, 2: 2}
    swapped = tuple(replace(one, a=places[one.a], b=places[one.b]) for one in LABELS)
    marks = tuple(
        one._replace(marks=tuple(mark._replace(candidate=places[mark.candidate]) for mark in one.marks))
        for one in DETAILS
    )
    record = replace(RECORD, candidates=other, labels=swapped)
    assert rows("dpo", Judged(record=record, details=marks)) == rows("dpo")


def test_a_ruling_counts_in_place_of_the_votes_on_its_pair() -> None:
    ruled = replace(RECORD, rulings=(label(1, 0, "a", "ruling"),))
    (row,) = rows("dpo", replace(JUDGED, record=ruled))
    assert (row["chosen"], row["rejected"]) == (said("y"), said("x"))
    assert (row["decided_by"], row["weight"], row["agreement"], row["n_votes"]) == ("ruling", 1.0, 1.0, 1)
    assert row["criteria"][0] == {"criterion": "correct", "share": 0.0}
    labels = {
        row["completion"][0]["content"]: row["label"] for row in rows("kto", replace(JUDGED, record=ruled))
    }
    assert labels == {'"x", said': False, '"y", said': True}
    tied = replace(RECORD, rulings=(label(0, 1, "tie", "ruling"),))
    assert rows("dpo", replace(JUDGED, record=tied)) == []


def test_two_answers_with_the_same_text_are_no_pair() -> None:
    same = tuple(CandidateRecord(model=name, text="The same. ") for name in "xyz")
    assert rows("dpo", replace(JUDGED, record=replace(RECORD, candidates=same))) == []


def test_kto_says_of_each_answer_whether_more_votes_are_for_it_than_against() -> None:
    # x: two for, one against, one tie. y: against x one for and two against, against z one each. z is even.
    found = {row["completion"][0]["content"][1]: row for row in rows("kto")}
    assert {name: row["label"] for name, row in found.items()} == {"x": True, "y": False}
    assert found["x"]["prompt"] == ASKED
    assert (found["x"]["n_votes"], found["y"]["n_votes"]) == (4, 5)
    assert found["x"]["weight"] == pytest.approx(1 / 4 * 0.75)
    assert [span["text"] for span in found["x"]["spans"]] == ['"x"']
    assert {span["of"] for span in found["y"]["spans"]} == {"completion"}


def test_both_bad_is_a_vote_against_both() -> None:
    record = replace(RECORD, labels=(label(0, 1, "both_bad", "ada"),))
    judged = Judged(record=record, details=(Detail(),))
    assert [row["label"] for row in rows("kto", judged)] == [False, False]
    assert rows("dpo", judged) == []
    assert rows("sft", judged) == []


def test_sft_has_the_answer_that_most_votes_are_for() -> None:
    (row,) = rows("sft")
    assert row["messages"] == ASKED + said("x")
    assert rows("sft", Judged(record=replace(RECORD, labels=()), details=())) == []


RANKED = replace(JUDGED, scores=(Scored(0.2, 0.55), Scored(1.0, 0.75), Scored(-1.2, 0.2)), ranker=4)


def test_best_of_n_has_the_best_ranked_answer_with_its_lead_over_the_next() -> None:
    (row,) = rows("best_of_n", RANKED)
    assert row["messages"] == ASKED + said("y")
    assert (row["score"], row["rank"], row["n_answers"]) == (0.75, 1, 3)
    assert row["margin"] == pytest.approx(0.8)
    assert (row["threshold"], row["ranker_version"], row["model"]) == (0.5, 4, "y")
    assert rows("best_of_n", RANKED, Terms(threshold=0.8)) == []
    assert rows("best_of_n", RANKED, Terms(margin=0.9)) == []
    assert rows("best_of_n", JUDGED) == []


def test_rejection_sampling_takes_every_answer_that_reaches_the_threshold() -> None:
    def taken(**terms: float) -> list[str]:
        found = rows("rejection_sampled", RANKED, Terms(**terms))
        return [row["model"] for row in found]

    assert taken() == ["y", "x"]
    assert taken(threshold=0.0) == ["y", "x", "z"]
    assert taken(threshold=0.6) == ["y"]
    assert taken(margin=1.0) == ["x"]  # 1.4 ahead of z; y is .8 ahead of x
    assert taken(threshold=0.0, margin=0.1) == ["y", "x"]  # nothing is below z


def test_an_answer_that_nothing_was_compared_with_is_not_the_best_of_n() -> None:
    assert rows("best_of_n", replace(RANKED, scores=(None, Scored(1.0, 0.9), None))) == []
