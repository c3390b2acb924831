"""One vote in the many ways in which files write it: what is said is said the right way round, or refused."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from blender_ui.errors import MalformedInput
from blender_ui.exchange import LabelRecord, PromptRecord, Tally, read_file
from blender_ui.exchange.columns import Mapped
from blender_ui.exchange.intake import NO_VOTE, Reading

PAIR = {"prompt": "q", "text_a": "x", "text_b": "y"}
FROM_0 = {"prompt": "q", "response_0": "x", "response_1": "y"}
THREE = {"prompt": "q", "response_a": "x", "response_b": "y", "response_c": "z"}
NUMBERED = {"prompt": "q", "response_1": "x", "response_2": "y", "response_3": "z"}
LISTED = {"prompt": "q", "responses": ["x", "y", "z"]}
SHP = {"history": "q", "human_ref_A": "x", "human_ref_B": "y", "score_A": 9, "score_B": 4}
USER, GOOD, BAD = ({"role": role, "content": text} for role, text in
                   (("user", "q"), ("assistant", "x"), ("assistant", "y")))  # fmt: skip


def said(record: PromptRecord, label: LabelRecord) -> str:
    """A vote whichever answer stood left: "x>y", "x=y" for a tie, "x!y" for both bad."""
    a, b = (record.candidates[index].text.strip() for index in (label.a, label.b))
    if label.winner in ("a", "b"):
        return f"{a}>{b}" if label.winner == "a" else f"{b}>{a}"
    return ("=" if label.winner == "tie" else "!").join(sorted((a, b)))


def read(folder: Path, *rows: Any, reading: Reading | None = None) -> tuple[list[str], Tally]:
    path, tally = folder / "x.jsonl", Tally()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    records = list(read_file(path, tally=tally, reading=reading))
    return sorted(said(record, label) for record in records for label in record.labels), tally


TIES = ["tie", "Tie", "draw", "equal", "equals", "same", "even", "both", "both_good", "similar", "comparable",
        "equivalent", "neutral", "indifferent", "A=B", "A≈B", "[[C]]", "tie_both_good",
        "tie (both good)", "it's a tie", "It is a tie", "a draw", "about equal", "on par"]  # fmt: skip
BOTH_BAD = ["both bad", "tie (both bad)", "tie (bothbad)", "neither", "both poor", "both unacceptable",
            "Neither answer is good", "neither is good"]  # fmt: skip
LEFT = ["A", "[[A]]", "A>>B", "Response A", "A is slightly better", "strongly prefer A", "slightly A", "1", 1,
        1.0, "Output (a)", "I prefer the first one", "x"]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "vote"),
    [
        *((word, "x=y") for word in TIES),
        *((word, "x!y") for word in BOTH_BAD),
        *((word, "x>y") for word in LEFT),
    ],
)
def test_a_word_is_read(tmp_path: Path, word: Any, vote: str) -> None:
    assert read(tmp_path, PAIR | {"winner": word})[0] == [vote]


@pytest.mark.parametrize("number", [0, -1, 3, 5, "0.5", 1.5, "2,5"])
def test_a_number_of_unknown_meaning_refuses_the_file_though_malformed_rows_are_skipped(
    tmp_path: Path, number: Any
) -> None:
    rows = [PAIR | {"winner": 1}, PAIR | {"prompt": "p", "winner": number}]
    with pytest.raises(MalformedInput, match="not known which side"):
        read(tmp_path, *rows, reading=Reading(skip_faulty=True))


@pytest.mark.parametrize(
    ("word", "vote"),
    [("response_1", "y>x"), ("Response 0", "x>y"), ("Response 1 is better", "y>x"), ("tie", "x=y")],
)
def test_a_word_names_the_answer_of_its_column(tmp_path: Path, word: str, vote: str) -> None:
    assert read(tmp_path, FROM_0 | {"winner": word})[0] == [vote]


@pytest.mark.parametrize("number", [0, 1, "1", 2])
def test_a_bare_number_beside_answers_from_0_is_refused(tmp_path: Path, number: Any) -> None:
    with pytest.raises(MalformedInput, match="not known which side"):
        read(tmp_path, FROM_0 | {"winner": number})
    words = Mapped({}, {"0": "a", "1": "b", "2": "tie"})
    vote = {"0": "x>y", "1": "y>x", "2": "x=y"}[str(number)]
    assert read(tmp_path, FROM_0 | {"winner": number}, reading=Reading(mapped=words))[0] == [vote]


@pytest.mark.parametrize("word", ["nan", "N/A", "null", None, "", float("nan")])
def test_a_missing_vote_is_a_pair_to_ask(tmp_path: Path, word: Any) -> None:
    votes, tally = read(tmp_path, PAIR | {"winner": word}, PAIR | {"prompt": "p", "winner": "a"})
    assert (votes, tally.n_prompts, tally.notes) == (["x>y"], 2, [])


@pytest.mark.parametrize(
    "row",
    [
        THREE | {"winner": "D"},
        THREE | {"winner": 1},
        THREE | {"ranking": "A>B>A"},
        THREE | {"ranking": "C<B<A"},
        THREE | {"ranking": "A>=B>C"},
        THREE | {"ranking": "A>B,C"},
        NUMBERED | {"ranking": [2, 3, 1]},
        NUMBERED | {"rank": "2,3,1"},
        PAIR | {"scores": [1, 2]},
        PAIR | {"ratings": ["2", "1"]},
        {"prompt": "q", "response_1": "x", "response_2": "y", "rankings": [2, 1]},
        THREE | {"response_c": "", "rank_a": 1, "rank_b": 2, "rank_c": 3},
        THREE | {"response_c": "", "best": "C"},
        THREE | {"label": 2},
        {"prompt": "q", "response_0": "x", "response_1": "y", "response_2": "z", "best": 1},
        LISTED | {"best": 1},
        LISTED | {"chosen": 1},
        LISTED | {"label": 2},
        LISTED | {"ranking": [2, 3, 1]},
        LISTED | {"ranking": [2, 0, 1]},
        LISTED | {"ratings": ["good", "bad", "bad"]},
        PAIR | {"annotation": {"winner": "b"}},
        PAIR | {"annotator1": 1, "annotator2": 2, "annotator3": 0},
        PAIR | {"winner": "a", "winner_model_a": 0, "winner_model_b": 1, "winner_tie": 0},
        PAIR | {"winner": ["a", "tie"]},
        PAIR | {"score_a": 1, "score_b": 2, "preference": 3},
        PAIR | {"rank_a": 1, "rank_b": 2, "score_a": 1, "score_b": 2},
        PAIR | {"votes": ["a", "elsewhere"]},
        {"prompt": "q", "chosen": 0, "rejected": 1},
    ],
)
def test_a_vote_that_cannot_be_read_for_sure_is_refused(tmp_path: Path, row: dict[str, Any]) -> None:
    with pytest.raises(MalformedInput):
        read(tmp_path, row)


@pytest.mark.parametrize(
    ("row", "votes"),
    [
        (LISTED | {"ranks": [2, 3, 1]}, "x>y z>x z>y"),
        (LISTED | {"ranking": [2, 1, 3]}, "x>z y>x y>z"),
        (LISTED | {"ranks": [1, 1, 2]}, "x=y x>z y>z"),
        (LISTED | {"ranks": ["1", None, "2"]}, "x>z"),
        (LISTED | {"scores": ["3,5", "1", "2"]}, "x>y x>z z>y"),
        (LISTED | {"scores": [True, False, None]}, "x>y"),
        (THREE | {"ranking": "B > A = C"}, "x=z y>x y>z"),
        (THREE | {"ranking": ["B", "A", "C"]}, "x>z y>x y>z"),
        (THREE | {"ranking": ["B", "A"]}, "y>x"),
        (THREE | {"ranking": [["B", "C"], "A"]}, "y=z y>x z>x"),
        (THREE | {"ranking": "response_c, response_a"}, "z>x"),
        (THREE | {"ranking": "B >> A > C"}, "x>z y>x y>z"),
        (NUMBERED | {"ranking": [2, 1, 3]}, "x>z y>x y>z"),
        (NUMBERED | {"ranking": "2>3>1"}, "y>x y>z z>x"),
        (NUMBERED | {"order": [2, 3, 1]}, "y>x y>z z>x"),
        (NUMBERED | {"ranking": [3, 1]}, "z>x"),
        (NUMBERED | {"ranking": [[2, 3], 1]}, "y=z y>x z>x"),
        (PAIR | {"ranking": ["B", "A"]}, "y>x"),
        ({"prompt": "q", "response_1": "x", "response_2": "y", "ranking": [2, 1]}, "y>x"),
        (THREE | {"rank_a": 1, "rank_b": 1, "rank_c": 2}, "x=y x>z y>z"),
        (THREE | {"score_a": 1, "score_b": None, "score_c": 2}, "z>x"),
        (NUMBERED | {"response_1_rating": 4, "response_2_rating": 5, "response_3_rating": 1}, "x>z y>x y>z"),
        (THREE | {"best": "B"}, "y>x y>z"),
        (THREE | {"response_c": "", "best": "B"}, "y>x"),
        (THREE | {"response_c": None, "rank_a": 1, "rank_b": 2, "rank_c": None}, "x>y"),
        (NUMBERED | {"winner": 3}, "z>x z>y"),
        (NUMBERED | {"model_1": "m", "model_2": "n", "model_3": "o", "best": "o"}, "z>x z>y"),
        (PAIR | {"rank_a": 2, "rank_b": 1}, "y>x"),
        (PAIR | {"rating_a": 2, "rating_b": "2"}, "x=y"),
        (PAIR | {"score_a": 2, "score_b": 1}, "x>y"),
        (PAIR | {"votes": ["a", "b", "a"]}, "x>y x>y y>x"),
        (PAIR | {"votes": [{"annotator": "p", "vote": "a"}, {"annotator": "r", "vote": "tie"}]}, "x=y x>y"),
        ({"prompt": "q", "A": "x", "B": "y", "winner": "B"}, "y>x"),
        ({"prompt": "q", "text_a": {"model": "m", "text": "x"}, "text_b": {"model": "n", "text": "y"},
          "winner": "n"}, "y>x"),
        ({"prompt": "2+3?", "text_a": "4", "text_b": "5", "winner": "b"}, "5>4"),
        ({"messages": [USER, GOOD], "rejected_response": "y"}, "x>y"),
        ({"messages": [USER, GOOD], "rejected_messages": [USER, BAD]}, "x>y"),
        ({"conversation": [{"input": "q", "output": "x"}], "chosen": [USER, GOOD], "rejected": [USER, BAD]},
         "x>y"),
        ({"prompt": "q", "chosen": str([USER, GOOD]), "rejected": str([USER, BAD])}, "x>y"),
        ({"prompt": "q", "chosen": str([USER, GOOD]).replace("}, {", "}\n {"),
          "rejected": str([USER, BAD]).replace("}, {", "}\n {")}, "x>y"),
        ({"prompt": "['q']", "response_a": "['x']", "response_b": "[\"y\"]", "winner": "model_a"}, "x>y"),
    ],
)  # fmt: skip
def test_votes_of_a_row_are_read(tmp_path: Path, row: dict[str, Any], votes: str) -> None:
    assert read(tmp_path, row)[0] == votes.split()


def test_places_under_another_name_are_mapped_by_hand(tmp_path: Path) -> None:
    ranks = Reading(mapped=Mapped({"ranks": "losses"}, {}))
    assert read(tmp_path, LISTED | {"losses": [0.5, 0.1, 0.9]}, reading=ranks)[0] == ["x>z", "y>x", "y>z"]
    votes, tally = read(tmp_path, LISTED | {"losses": [0.5, 0.1, 0.9]})
    assert (votes, tally.notes, tally.unused_columns) == ([], [NO_VOTE], ("losses",))


def test_a_file_of_no_known_shape_is_read_by_columns_and_words_told_by_hand(tmp_path: Path) -> None:
    columns = {"prompt": "history", "text_a": "human_ref_A", "text_b": "human_ref_B", "winner": "labels"}
    reading = Reading(mapped=Mapped(columns, {"1": "a", "0": "b"}))
    assert read(tmp_path, SHP | {"labels": 1}, reading=reading)[0] == ["x>y"]
    assert read(tmp_path, SHP | {"labels": 0}, reading=reading)[0] == ["y>x"]


@pytest.mark.parametrize(
    "row",
    [
        PAIR | {"images": ["a.png"]},
        {"prompt": "<image> q", "chosen": "x", "rejected": "y", "image": {"path": "a.png"}},
        {"prompt": "q", "chosen": "x", "rejected": "y", "audio": "a.wav"},
        {"prompt": [USER], "rejected": [BAD],
         "chosen": [{"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]}]},
        {"chosen": [USER, GOOD], "rejected": [{"role": "user", "content": "p"}, BAD]},
    ],
)  # fmt: skip
def test_what_no_prompt_or_answer_can_hold_is_left_out_and_counted(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    whole = {"prompt": "p", "winner": "a", **{k: v for k, v in PAIR.items() if k.startswith("text")}}
    if "text_a" not in row:
        whole = {"prompt": "p", "chosen": "x", "rejected": "y"}
    votes, tally = read(tmp_path, whole, row)
    assert (votes, [told.n for told in tally.left_out()]) == (["x>y"], [1])


@pytest.mark.parametrize("images", [None, [], ""])
def test_an_empty_column_of_pictures_is_no_picture(tmp_path: Path, images: Any) -> None:
    assert read(tmp_path, PAIR | {"winner": "a", "images": images})[0] == ["x>y"]


HOSTILE = [
    "<script>alert(1)</script>", "a,b", "'; DROP TABLE member;--", "[m](javascript:x)", "{{7*7}}",
    "=cmd|' /C calc'!A1", "\u202eevil", "café", "cafe\u0301", "模型🤖", "tie (good)", "A or B", "a\tb",
    "x" * 300,
]  # fmt: skip


@pytest.mark.parametrize("model", HOSTILE)
def test_a_models_name_may_be_anything_and_still_name_the_winner(tmp_path: Path, model: str) -> None:
    rows = [PAIR | {"model_a": "m", "model_b": model, "winner": model}]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (record,) = read_file(path)
    assert [said(record, label) for label in record.labels] == ["y>x"]
    name = record.candidates[1].model
    assert name == model if len(model) <= 128 else (len(name) == 128 and name.startswith("xxx"))


@pytest.mark.parametrize("order", range(5))
def test_columns_may_stand_in_any_order(tmp_path: Path, order: int) -> None:
    cells = list({"Winner": "B", "Response B": "y", "prompt": "q", "model-b": "n", "responseA": "x"}.items())
    row = dict(cells[order:] + cells[:order])
    assert read(tmp_path, row)[0] == ["y>x"]


def test_rows_said_twice_are_two_votes_and_swapped_sides_are_not_reversed(tmp_path: Path) -> None:
    swapped = {"prompt": "q", "text_a": "y", "text_b": "x", "winner": "a"}
    votes, _ = read(tmp_path, PAIR | {"winner": "a"}, PAIR | {"winner": "a"}, swapped)
    assert Counter(votes) == {"x>y": 2, "y>x": 1}
