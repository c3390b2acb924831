# ruff: noqa: E501 - a row a line reads best
"""Rows as peers publish them: which tool's they are, what was asked, and who beat whom.

Field names are the formats' own; texts are made up.
"""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from blender_ui.errors import MalformedInput
from blender_ui.exchange import PromptRecord, Tally, read_file
from blender_ui.exchange.intake import Reading, gather_file
from blender_ui.values import Message

Q = "How is rice cooked?"
SYSTEM, USER = {"role": "system", "content": "Be brief."}, {"role": "user", "content": Q}
THEN = ({"role": "assistant", "content": "In water."}, {"role": "user", "content": "How long?"})
BEFORE = (Message("user", Q), Message("assistant", "In water."))


def said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def read(path: Path, **options: Any) -> tuple[list[PromptRecord], Tally]:
    tally = Tally()
    return list(read_file(path, tally=tally, reading=Reading(**options))), tally


def beats(record: PromptRecord) -> set[tuple[str, str, str]]:
    """Better, worse (or two that tie), and which of these the vote says."""
    told = set()
    for label in record.labels:
        pair = (record.candidates[label.a].text, record.candidates[label.b].text)
        told.add((*(pair if label.winner != "b" else pair[::-1]), "tie" if label.winner == "tie" else ">"))
    return told


WON = {("good", "bad", ">")}
TRL = {"chosen": [USER, said("good")], "rejected": [USER, said("bad")]}
HH = "\n\nHuman: " + Q + "\n\nAssistant: In water.\n\nHuman: How long?\n\nAssistant: "
LLAMA = [
    {"from": "human", "value": Q},
    {"from": "gpt", "value": "In water."},
    {"from": "human", "value": "How long?"},
]


@pytest.mark.parametrize(
    ("shape", "row", "history", "prompt", "expected"),
    [
        ("TRL preference", {"prompt": Q, "chosen": "good", "rejected": "bad"}, (), Q, WON),
        ("TRL preference", TRL, (), Q, WON),
        ("TRL preference", {"prompt": [SYSTEM, USER], "chosen": [said("good")], "rejected": [said("bad")]},
         (Message("system", "Be brief."),), Q, WON),
        ("TRL preference", {"prompt": [USER, *THEN], "chosen": [said("good")], "rejected": [said("bad")]},
         BEFORE, "How long?", WON),
        ("TRL preference", {"chosen": "The rice is good", "rejected": "The rice is bad"}, (), "The rice is",
         {(" good", " bad", ">")}),
        ("Anthropic HH", {"chosen": HH + "good", "rejected": HH + "bad"}, BEFORE, "How long?", WON),
        ("Anthropic HH", {"chosen": f"Human: {Q}\n\nAssistant: good", "rejected": f"Human: {Q}\n\nAssistant: bad"},
         (), Q, WON),
        ("Anthropic HH", {"chosen": f"<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\ngood<|im_end|>",
                          "rejected": f"<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\nbad<|im_end|>\n"},
         (), Q, WON),
        ("OpenAI preference", {"input": {"messages": [SYSTEM, USER]}, "preferred_output": [said("good")],
                               "non_preferred_output": [said("bad")]},
         (Message("system", "Be brief."),), Q, WON),
        ("LLaMA-Factory preference", {"instruction": "Cook.", "input": "", "chosen": "good", "rejected": "bad"},
         (), "Cook.", WON),
        ("LLaMA-Factory preference", {"instruction": "How long?", "history": [[Q, "In water."]], "chosen": "good",
                                      "rejected": "bad"}, BEFORE, "How long?", WON),
        ("LLaMA-Factory preference", {"conversations": LLAMA, "chosen": {"from": "gpt", "value": "good"},
                                      "rejected": {"from": "gpt", "value": "bad"}}, BEFORE, "How long?", WON),
        ("LLaMA-Factory preference", {"instruction": Q, "input": "", "output": ["good", "bad"]}, (), Q, WON),
        ("Orca", {"system": "Be brief.", "question": Q, "chosen": "good", "rejected": "bad"},
         (Message("system", "Be brief."),), Q, WON),
        ("RewardBench 2", {"prompt": Q, "chosen": ["good"], "rejected": ["bad", "worse"], "models": ["x", "y", "z"]},
         (), Q, WON | {("good", "worse", ">")}),
        ("RewardBench 2", {"prompt": Q, "chosen": "good", "rejected": ["bad"]}, (), Q, WON),
        ("chosen and rejected", {"instruction": Q, "chosen_response": "good", "rejected_response": "bad"}, (), Q, WON),
        ("HelpSteer preferences", {"context": [USER, *THEN], "response1": "good", "response2": "bad",
                                   "overall_preference": -2}, BEFORE, "How long?", WON),
        ("HelpSteer preferences", {"prompt": f"{Q}\n<extra_id_1>Assistant\nIn water.\n<extra_id_1>User\nHow long?",
                                   "response_1": "bad", "response_2": "good", "preference_strength": 3},
         BEFORE, "How long?", WON),
        ("AlpacaEval", {"instruction": Q, "output_1": "bad", "generator_1": "x", "output_2": "good",
                        "generator_2": "y", "annotator": "weighted_alpaca_eval_gpt4_turbo", "preference": 1.97},
         (), Q, WON),
        ("AlpacaEval", {"instruction": Q, "input": "rice", "output_1": "good", "output_2": "bad", "preference": 1},
         (), Q, WON),
        ("PKU-SafeRLHF", {"prompt": Q, "response_0": "bad", "response_1": "good", "better_response_id": 1,
                          "safer_response_id": 0}, (), Q, WON),
        ("UltraFeedback", {"instruction": Q, "source": "evol", "models": ["x", "y"], "completions": [
            {"model": "x", "response": "bad", "overall_score": 10.0, "fine-grained_score": 1.5},
            {"model": "y", "response": "good", "overall_score": 7.0, "fine-grained_score": 4.5}]}, (), Q, WON),
        ("UltraFeedback", {"instruction": Q, "completions": [
            {"model": "x", "response": "good", "annotations": {"honesty": {"Rating": "5"}, "truth": {"Rating": "N/A"}}},
            {"model": "y", "response": "bad", "annotations": {"honesty": {"Rating": "2"}}}]}, (), Q, WON),
        ("Nectar", {"prompt": f"\n\nHuman: {Q} \n\nAssistant: ", "source": ["sharegpt", "lmsys"], "answers": [
            {"answer": "bad", "model": "x", "rank": 3.0}, {"answer": "good", "model": "y", "rank": 1.0},
            {"answer": "fair", "model": "z", "rank": 2.0}]},
         (), Q, WON | {("good", "fair", ">"), ("fair", "bad", ">")}),
        ("MixInstruct", {"id": "u/1", "instruction": "Cook.", "input": "rice", "candidates": [
            {"decoding_method": "top_p", "model": "x", "text": "bad", "scores": {"bleu": 90}},
            {"decoding_method": "top_p", "model": "y,2", "text": "good", "scores": {"bleu": 1}},
            {"decoding_method": "top_p", "model": "z", "text": "fair", "scores": {}}],
            "cmp_results": json.dumps({"x,y,2": "B is better", "y,2,z": "same good"})},
         (), "Cook.", WON | {("good", "fair", "tie")}),
        ("several answers a row", {"instruction": Q, "generations": ["bad", "good"], "ratings": [1, 4],
                                   "generation_models": ["x", "y"]}, (), Q, WON),
        ("arena 140k", {"id": "b", "evaluation_session_id": "s", "model_a": "x", "model_b": "y", "winner": "model_b",
                        "conversation_a": [USER, said("bad")], "conversation_b": [USER, said("good")]}, (), Q, WON),
        ("FastChat battles", {"question_id": 81, "model_a": "x", "model_b": "y", "winner": "model_b", "turn": 1,
                              "judge": "author_2", "conversation_a": [USER, said("bad"), THEN[1], said("A.")],
                              "conversation_b": [USER, said("good"), THEN[1], said("B.")]}, (), Q, WON),
    ],
)  # fmt: skip
def test_a_row_of_a_known_tool_is_read(
    tmp_path: Path,
    shape: str,
    row: dict[str, Any],
    history: tuple[Message, ...],
    prompt: str,
    expected: set[tuple[str, str, str]],
) -> None:
    (record,), tally = read(lines(tmp_path / "x.jsonl", row))
    assert list(tally.shapes) == [shape]
    assert (record.history, record.prompt, beats(record)) == (history, prompt, expected)
    assert len(record.labels) == len(expected)


def test_ratings_and_verdicts_of_models_are_a_judges(tmp_path: Path) -> None:
    nectar = {
        "prompt": Q,
        "answers": [{"answer": text, "model": text, "rank": n} for n, text in enumerate("xyz")],
    }
    alpaca = {
        "instruction": Q,
        "output_1": "a",
        "output_2": "b",
        "preference": 2,
        "annotator": "alpaca_eval_gpt4",
    }
    person = alpaca | {"annotator": 14}
    for row, kind in ((nectar, "judge"), (alpaca, "judge"), (person, "human")):
        (record,), _ = read(lines(tmp_path / "x.jsonl", row))
        assert {label.kind for label in record.labels} == {kind}


def test_the_better_of_a_ranking_stands_on_either_side(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"Q{n}?", "answers": [{"answer": f"{text} {n}", "model": text, "rank": place} for place, text in enumerate("xyz")]}
        for n in range(40)
    ]  # fmt: skip
    records, _ = read(lines(tmp_path / "x.jsonl", *rows))
    sides = [label.winner for record in records for label in record.labels]
    assert 40 <= sides.count("a") <= 80


def test_helpsteers_people_are_votes_of_their_own(tmp_path: Path) -> None:
    people = [{"score": score, "reasoning": f"r{score}", "feedback1": "f"} for score in (-3, 1, -2)]
    row = {
        "context": [USER],
        "response1": "a",
        "response2": "b",
        "overall_preference": -1,
        "individual_preference": people,
    }
    (record,), _ = read(lines(tmp_path / "x.jsonl", row))
    assert [(one.winner, one.strength, one.reason) for one in record.labels] == [
        ("a", 1.0, "r-3"), ("b", 0.5, "r1"), ("a", 0.75, "r-2"),
    ]  # fmt: skip
    assert len({one.annotator for one in record.labels}) == 3


@pytest.mark.parametrize("score", [4, "left", True, None])
def test_a_signed_score_out_of_its_range_is_a_fault(tmp_path: Path, score: Any) -> None:
    row = {"prompt": Q, "response1": "a", "response2": "b", "overall_preference": 0}
    with pytest.raises(MalformedInput, match="line 2: expected a number"):
        read(lines(tmp_path / "x.jsonl", row, row | {"overall_preference": score}))


# One answer a row.


def test_thumbs_on_answers_to_one_prompt_are_votes_between_them(tmp_path: Path) -> None:
    rows = [
        {"prompt": Q, "completion": "good", "label": True},
        {"prompt": Q, "completion": "bad", "label": False},
        {"prompt": Q, "completion": "fine", "label": True},
        {"prompt": "Alone?", "completion": "Yes.", "label": True},
    ]
    records, tally = read(lines(tmp_path / "x.jsonl", *rows))
    assert list(tally.shapes) == ["TRL unpaired preference"]
    assert beats(records[0]) == {("good", "bad", ">"), ("fine", "bad", ">")}
    assert [(told.n, told.places) for told in tally.left_out()] == [(1, ("line 4",))]


def test_chats_with_a_thumb_are_read(tmp_path: Path) -> None:
    rows = [
        {"messages": [USER, *THEN, said(text)], "label": label}
        for text, label in (("good", True), ("bad", False))
    ]
    (record,), tally = read(lines(tmp_path / "x.jsonl", *rows))
    assert (list(tally.shapes), record.history, beats(record)) == (["KTO"], BEFORE, WON)
    rows = [
        {"instruction": Q, "input": "", "output": text, "kto_tag": tag}
        for text, tag in (("good", True), ("bad", False))
    ]
    assert beats(read(lines(tmp_path / "y.jsonl", *rows))[0][0]) == WON


def test_helpsteers_ratings_are_compared_by_prompt(tmp_path: Path) -> None:
    rows = [
        {"prompt": Q, "response": text, "helpfulness": value, "correctness": 4, "verbosity": 1}
        for text, value in (("good", 4), ("bad", 1), ("poor", 1))
    ]
    (record,), tally = read(lines(tmp_path / "x.jsonl", *rows))
    assert list(tally.shapes) == ["HelpSteer ratings"]
    tie = {pair for pair in beats(record) if pair[2] == "tie"}
    assert beats(record) - tie == WON | {("good", "poor", ">")}
    assert {frozenset(pair[:2]) for pair in tie} == {frozenset(("bad", "poor"))}


# Labelling tools.


def flat_task(**other: Any) -> dict[str, Any]:
    return {"id": 7, "prompt": Q, "answer1": "good", "answer2": "bad", "annotator": 1, "annotation_id": 11,
            "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:00:05Z", "lead_time": 4.2} | other  # fmt: skip


@pytest.mark.parametrize(
    ("name", "word"), [("comparison", "left"), ("pw", "left"), ("which", "Answer 1 is better")]
)
def test_label_studios_short_exports_are_read(tmp_path: Path, name: str, word: str) -> None:
    (record,), _ = read(lines(tmp_path / "x.jsonl", flat_task(**{name: word})))
    assert (beats(record), record.labels[0].annotator, record.labels[0].seconds) == (WON, "1", 4.2)


def test_an_annotation_without_a_verdict_is_left_out(tmp_path: Path) -> None:
    records, tally = read(lines(tmp_path / "x.jsonl", flat_task(comparison="left"), flat_task(id=8)))
    assert (len(records), [told.n for told in tally.left_out()]) == (1, [1])


@pytest.mark.parametrize(
    "value", [{"rank": ["2", "1", "3"]}, ["2", "1", "3"], {"_": [], "order": ["2", "1", "3"]}]
)
def test_a_rankers_order_becomes_its_pairs(tmp_path: Path, value: Any) -> None:
    items = [
        {"id": str(n), "title": f"model {n}", "body": text}
        for n, text in enumerate(("fair", "good", "bad"), 1)
    ]
    result = {"type": "ranker", "from_name": "rank", "to_name": "answers", "value": {"ranker": value}}
    task = {
        "id": 1,
        "data": {"prompt": Q, "items": items},
        "annotations": [{"id": 5, "completed_by": 3, "result": [result]}],
    }
    expected = WON | {("good", "fair", ">"), ("fair", "bad", ">")}
    flat = {
        "id": 1,
        "prompt": Q,
        "items": items,
        "rank": value,
        "annotator": 3,
        "annotation_id": 5,
        "lead_time": 1.0,
    }
    for row in (task, flat) if isinstance(value, dict) else (task,):
        (record,), _ = read(lines(tmp_path / "x.jsonl", row))
        assert (beats(record), len(record.labels)) == (expected, 3)


ARGILLA = {"prompt": Q, "response-1": "good", "response-2": "bad"}


@pytest.mark.parametrize(
    "row",
    [
        {"fields": ARGILLA, "responses": {"preference": [{"value": "response-1", "user_id": "u"}]}},
        {"fields": ARGILLA, "responses": [
            {"user_id": "u", "status": "submitted", "values": {"preference": {"value": "response-1"}}}]},
        ARGILLA | {"preference.responses": ["response-1"], "preference.responses.users": ["u"],
                   "preference.responses.status": ["submitted"], "preference.suggestion": "response-2"},
        ARGILLA | {"rank.responses": [["response-1", "response-2"]], "rank.responses.users": ["u"]},
        ARGILLA | {"preference": [{"user_id": "u", "value": "response-1", "status": "submitted"}],
                   "preference-suggestion": None, "metadata": "{}", "external_id": "r-1"},
        ARGILLA | {"rank": [{"user_id": "u", "status": "submitted",
                             "value": {"rank": [1, 2], "value": ["response-1", "response-2"]}}]},
    ],
)  # fmt: skip
def test_argillas_exports_are_read_in_every_form(tmp_path: Path, row: dict[str, Any]) -> None:
    (record,), _ = read(lines(tmp_path / "x.jsonl", row))
    assert (record.prompt, beats(record), record.labels[0].annotator) == (Q, WON, "u")


def feedback(rating: int, **other: Any) -> dict[str, Any]:
    def message(id: str, parent: str | None, role: str, text: str, **more: Any) -> dict[str, Any]:
        return {"id": id, "parentId": parent, "role": role, "content": text} | more

    told = (
        message("1", None, "user", Q), message("2", "1", "assistant", "In water.", model="x"),
        message("3", "2", "user", "How long?"), message("4", "3", "assistant", "good", model="x"),
        message("5", "3", "assistant", "bad", model="y"), message("6", "3", "assistant", "other", model="z"),
    )  # fmt: skip
    return {
        "id": "f", "user_id": "u", "type": "rating", "created_at": 1770000000,
        "data": {"rating": rating, "model_id": "x", "sibling_model_ids": ["y"], "comment": "Clear."},
        "meta": {"chat_id": "c", "message_id": "4" if rating > 0 else "5", "arena": False},
        "snapshot": {"chat": {"chat": {"history": {"messages": {one["id"]: one for one in told}}}}},
    } | other  # fmt: skip


def test_open_webuis_thumbs_are_votes_over_the_siblings(tmp_path: Path) -> None:
    down = feedback(-1) | {"id": "g", "data": {"rating": -1, "model_id": "y", "sibling_model_ids": ["x"]}}
    alone = feedback(1) | {
        "data": {"rating": 1, "model_id": "x"},
        "meta": {"chat_id": "c", "message_id": "2"},
    }
    (record,), tally = read(lines(tmp_path / "x.jsonl", feedback(1), down, alone))
    assert (record.history, record.prompt, beats(record)) == (BEFORE, "How long?", WON)
    assert [label.reason for label in record.labels] == ["Clear.", None]
    assert [(told.n, told.places) for told in tally.left_out()] == [(1, ("line 3",))]


# Faulty rows, long names, splits.


def test_faulty_rows_are_skipped_and_named_where_that_is_asked_for(tmp_path: Path) -> None:
    good = {"prompt": Q, "chosen": "good", "rejected": "bad"}
    path = lines(
        tmp_path / "x.jsonl", good, {"prompt": Q, "chosen": 3, "rejected": "bad"}, 7, good | {"prompt": "R?"}
    )
    path.write_text(path.read_text() + '\n{"prompt": ')
    with pytest.raises(MalformedInput) as caught:
        read(path)
    assert [line for line, _ in caught.value.faults] == [2, 3, 5]
    records, tally = read(path, skip_faulty=True)
    assert (len(records), tally.n_rows) == (2, 5)
    assert [(told.reason, told.n) for told in tally.left_out()] == [("malformed", 3)]
    assert [place for place, _ in tally.faults] == ["line 2", "line 3", "line 5"]


def test_a_file_of_faulty_rows_alone_is_refused_even_so(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="none of its 1 rows can be taken"):
        read(lines(tmp_path / "x.jsonl", {"prompt": Q, "chosen": 3, "rejected": "bad"}), skip_faulty=True)


def test_rows_that_are_left_out_are_given_as_they_are(tmp_path: Path) -> None:
    same = {"prompt": Q, "chosen": "same", "rejected": "same", "extra": 1}
    path = lines(tmp_path / "x.jsonl", {"prompt": Q, "chosen": "good", "rejected": "bad"}, same, 7)
    with closing(gather_file(path, tally=Tally(), reading=Reading(skip_faulty=True))) as gathering:
        left = [(row.place, row.row) for row in gathering.left_rows()]
    assert left == [("line 2", same), ("line 3", {"text": 7})]


@pytest.mark.parametrize("name", ["source", "id", "annotator", "category", "licence"])
def test_a_long_name_is_shortened_and_stays_its_own(tmp_path: Path, name: str) -> None:
    rows = [
        {"prompt": f"Q{end}?", "text_a": "good", "text_b": "bad", "winner": "a", name: "x" * 300 + end}
        for end in "yz"
    ]
    records, _ = read(lines(tmp_path / "x.jsonl", *rows))
    names = {getattr(record.labels[0] if name == "annotator" else record, name) for record in records}
    assert len(names) == 2
    assert all(len(one) <= 256 for one in names)


def test_splits_that_number_their_prompts_alike_are_told_apart(tmp_path: Path) -> None:
    for split in ("test", "train"):
        lines(tmp_path / f"{split}.jsonl", *[
            {"id": n, "prompt": f"{split} {n}?", "chosen": "good", "rejected": "bad"} for n in range(2)
        ])  # fmt: skip
    records, _ = read(tmp_path)
    assert [record.id for record in records] == ["0", "1", "train.jsonl/0", "train.jsonl/1"]


def test_a_fault_in_a_folder_names_its_file(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", {"prompt": Q, "chosen": "good", "rejected": "bad"})
    lines(tmp_path / "b.jsonl", {"prompt": Q, "chosen": "good", "rejected": 1})
    with pytest.raises(MalformedInput, match=r"b\.jsonl, line 1: expected text as 'rejected'"):
        read(tmp_path)


def test_the_columns_that_nothing_was_read_from_are_named(tmp_path: Path) -> None:
    row = {"prompt": Q, "chosen": "good", "rejected": "bad", "Cluster": 4, "chosen-model": "x"}
    (record,), tally = read(lines(tmp_path / "x.jsonl", row))
    assert tally.unused_columns == ("cluster",)
    assert {candidate.model for candidate in record.candidates} == {"x", "unknown"}
