"""No vote of a file is dropped, doubled, reversed or made up: it is read, or what became of it is told."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from blender_ui.errors import MalformedInput
from blender_ui.exchange import PromptRecord, Tally, read_file, write_csv
from blender_ui.exchange.intake import Reading
from blender_ui.values import Message

ROW = {"prompt": "Why?", "model_a": "m1", "text_a": "A.", "model_b": "m2", "text_b": "B."}


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def sheet(path: Path, *rows: dict[str, Any]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def read(path: Path) -> tuple[list[PromptRecord], Tally]:
    tally = Tally()
    return list(read_file(path, tally=tally)), tally


def winners(path: Path) -> list[str]:
    return [label.winner for record in read(path)[0] for label in record.labels]


# People whom a file does not name.


def test_unnamed_people_are_different_people_on_a_pair(tmp_path: Path) -> None:
    rows = [ROW | {"winner": winner} for winner in "aab"]
    (record,), _ = read(lines(tmp_path / "x.jsonl", *rows))
    assert [label.winner for label in record.labels] == ["a", "a", "b"]
    assert [label.annotator for label in record.labels] == ["someone", "someone-2", "someone-3"]


def test_unnamed_people_keep_their_names_when_rows_are_added(tmp_path: Path) -> None:
    rows = [ROW | {"winner": "a"}, ROW | {"text_b": "C.", "winner": "b"}]
    (first,), _ = read(lines(tmp_path / "x.jsonl", *rows))
    (later,), _ = read(lines(tmp_path / "y.jsonl", *rows, ROW | {"winner": "b"}))
    assert later.labels[:2] == first.labels
    assert later.labels[2].annotator == "someone-2"


def test_an_unnamed_person_is_nobody_who_is_named(tmp_path: Path) -> None:
    named = [ROW | {"annotator": "someone-2", "winner": "a"}, ROW | {"annotator": "someone", "winner": "a"}]
    (record,), _ = read(lines(tmp_path / "x.jsonl", *named, ROW | {"annotator": " ", "winner": "b"}))
    assert [label.annotator for label in record.labels] == ["someone-2", "someone", "someone-3"]


def test_a_pair_shown_the_other_way_round_is_the_same_pair(tmp_path: Path) -> None:
    swapped = ROW | {"text_a": "B.", "text_b": "A.", "model_a": "m2", "model_b": "m1", "winner": "a"}
    (record,), _ = read(lines(tmp_path / "x.jsonl", ROW | {"winner": "a"}, swapped))
    assert len({label.annotator for label in record.labels}) == 2


def test_unnamed_voters_of_label_studio_argilla_and_fastchat_are_different_people(tmp_path: Path) -> None:
    def annotation(side: str) -> dict[str, Any]:
        return {"result": [{"type": "pairwise", "to_name": "answer1,answer2", "value": {"selected": side}}]}

    task = {
        "id": 1,
        "data": {"prompt": "Why?", "answer1": "A.", "answer2": "B."},
        "annotations": [annotation("left"), annotation("right")],
    }
    responses = {"preference": [{"value": "response-1"}, {"value": "response-2"}]}
    argilla = {"fields": {"prompt": "Why?", "response-1": "A.", "response-2": "B."}, "responses": responses}
    battles = [battle(judge=None), battle(judge=None, winner="model_b")]
    votes = [fastchat_vote("leftvote", ip=None), fastchat_vote("rightvote", ip=None)]
    for number, rows in enumerate(([task], [argilla], battles, votes)):
        (record,), _ = read(lines(tmp_path / f"{number}.jsonl", *rows))
        assert [label.winner for label in record.labels] == ["a", "b"]
        assert len({label.annotator for label in record.labels}) == 2


# Who won.


@pytest.mark.parametrize(
    ("word", "winner"),
    [
        ("m1", "a"),
        (" M2 ", "b"),
        ("1.0", "a"),
        (2.0, "b"),
        ("A is better", "a"),
        ("Response B wins", "b"),
        ("the second answer was better", "b"),
        ("[[A]]", "a"),
        ("[[B>>A]]", "b"),
        ("A=B", "tie"),
        ("I prefer response 2", "b"),
        ("Answer A is much better", "a"),
        ("left slightly better", "a"),
        ("same bad", "both_bad"),
        ("same", "tie"),
        ("Draw", "tie"),
        ("both are good", "tie"),
        ("both are bad", "both_bad"),
        ("tie (bothbad)", "both_bad"),
    ],
)
def test_a_winner_is_read_by_number_name_or_phrase(tmp_path: Path, word: Any, winner: str) -> None:
    assert winners(lines(tmp_path / "x.jsonl", ROW | {"winner": word})) == [winner]


def test_a_winner_that_is_a_number_of_unknown_meaning_refuses_the_file_however_it_is_read(
    tmp_path: Path,
) -> None:
    path = lines(tmp_path / "x.jsonl", *[ROW | {"winner": number} for number in (1, 0, 1)])
    with pytest.raises(MalformedInput, match=r"line 2: the winner 0 is a number .* say what each means"):
        list(read_file(path, reading=Reading(skip_faulty=True)))


@pytest.mark.parametrize("word", ["A is worse", "not a", "m3", True, "neither is better", "a, b"])
def test_a_winner_in_other_words_is_a_fault_that_names_what_is_known(tmp_path: Path, word: Any) -> None:
    with pytest.raises(MalformedInput, match=r"line 1: expected the winner as one of .*, a, .*came "):
        read(lines(tmp_path / "x.jsonl", ROW | {"winner": word}))


def test_a_word_that_means_one_side_and_names_the_other_is_a_fault(tmp_path: Path) -> None:
    row = ROW | {"model_a": "B", "model_b": "A", "winner": "A"}
    with pytest.raises(MalformedInput, match="names model B's side, and means side A"):
        read(lines(tmp_path / "x.jsonl", row))


ARENA = {
    "id": "1",
    "model_a": "m1",
    "model_b": "m2",
    "prompt": "Why?",
    "response_a": "A.",
    "response_b": "B.",
}


def flags(a: Any, b: Any, tie: Any) -> dict[str, Any]:
    return {"winner_model_a": a, "winner_model_b": b, "winner_tie": tie}


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_winner_in_three_columns_is_read(tmp_path: Path, suffix: str) -> None:
    rows = [
        ARENA | {"id": str(number)} | flags(*(int(number == place) for place in range(3)))
        for number in range(3)
    ]
    path = tmp_path / f"x.{suffix}"
    assert winners((sheet if suffix == "csv" else lines)(path, *rows)) == ["a", "b", "tie"]


@pytest.mark.parametrize("values", [(0, 0, 0), (1, 1, 0), (2, 0, 0), ("", "", 0)])
def test_three_columns_that_tell_no_winner_are_a_fault(tmp_path: Path, values: tuple[Any, ...]) -> None:
    with pytest.raises(MalformedInput, match=r"expected one of winner_.* to be 1"):
        read(sheet(tmp_path / "x.csv", ARENA | flags(*values)))


def test_texts_that_are_lists_of_turns_are_read_as_text(tmp_path: Path) -> None:
    texts = {"prompt": '["Why?"]', "response_a": '["So."]', "response_b": "[null]"}
    as_text = sheet(tmp_path / "x.csv", ARENA | texts | flags(1, 0, 0))
    as_lists = lines(
        tmp_path / "x.jsonl",
        ARENA | {name: json.loads(text) for name, text in texts.items()} | flags(1, 0, 0),
    )
    for path in (as_text, as_lists):
        (record,), _ = read(path)
        assert record.prompt == "Why?"
        assert [candidate.text for candidate in record.candidates] == ["So.", ""]


def test_one_text_in_brackets_is_a_text(tmp_path: Path) -> None:
    (record,), _ = read(lines(tmp_path / "x.jsonl", ROW | {"text_a": '["x"]', "winner": "a"}))
    assert record.candidates[0].text == '["x"]'


@pytest.mark.parametrize(
    "column", ["preference", "human_vote", "Verdict", "chosen_side", "label", "score_a", "winner_reason"]
)
def test_a_column_that_may_hold_the_vote_and_cannot_be_read_refuses_the_file(
    tmp_path: Path, column: str
) -> None:
    with pytest.raises(MalformedInput, match=rf"'{column}' with 1.*expected 'winner'"):
        read(lines(tmp_path / "x.jsonl", ROW | {column: 1}))


def test_a_column_of_another_name_that_says_who_won_is_read(tmp_path: Path) -> None:
    rows = [ROW | {"preference": "B"}, ROW | {"preference": "tie"}, ROW | {"preference": "m1"}]
    assert winners(lines(tmp_path / "x.jsonl", *rows)) == ["b", "tie", "a"]


def test_a_pair_without_a_vote_stays_a_pair_to_ask(tmp_path: Path) -> None:
    (record,), _ = read(lines(tmp_path / "x.jsonl", ROW | {"topic": "tea", "winner": None}))
    assert record.labels == ()


def test_a_submitted_response_that_says_nothing_of_who_won_is_a_fault(tmp_path: Path) -> None:
    record = {
        "fields": {"prompt": "Why?", "response-1": "A.", "response-2": "B."},
        "responses": {"rating": [{"value": 4, "user_id": "u1"}]},
    }
    with pytest.raises(MalformedInput, match="a word or an order of the answers; came 4"):
        read(lines(tmp_path / "x.jsonl", record))


def test_a_kind_of_vote_that_is_not_known_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="came 'bothgood_revote'"):
        read(lines(tmp_path / "x.jsonl", fastchat_vote("leftvote"), fastchat_vote("bothgood_revote")))


# What is left out, and told.


GOOD = {"prompt": "Good?", "chosen": "Yes.", "rejected": "No."}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "Q?", "chosen": "Same.", "rejected": " Same.\n"}, "both answers are the same text"),
        (
            {"prompt": "Q?", "chosen": "A.", "rejected": "B.", "score_chosen": 4, "score_rejected": 4.0},
            "scores",
        ),
        (
            {"prompt": "Q?", "chosen": "A.", "rejected": "B.", "chosen_rating": 4, "rejected_rating": 4},
            "scores",
        ),
        ({"prompt": "Q?", "chosen": "A.", "rejected": "B: \ud83c"}, "half of a surrogate pair"),
    ],
)
def test_a_row_that_prefers_nothing_is_left_out_and_counted(
    tmp_path: Path, row: dict[str, Any], reason: str
) -> None:
    (record,), tally = read(lines(tmp_path / "x.jsonl", GOOD, row, GOOD | {"prompt": "Good?"}, row))
    assert record.prompt == "Good?"
    (told,) = tally.left_out()
    assert (tally.n_rows, told.n, told.places) == (4, 2, ("line 2", "line 4"))
    assert reason in told.reason


def test_a_tie_of_equal_texts_is_a_tie(tmp_path: Path) -> None:
    row = ROW | {"text_b": "A.", "winner": "tie"}
    assert winners(lines(tmp_path / "x.jsonl", row)) == ["tie"]


def test_a_win_over_an_equal_text_among_other_votes_is_left_out_alone(tmp_path: Path) -> None:
    label = {"annotator": "ada", "a": 0, "b": 1, "winner": "a", "kind": "human"}
    record = {
        "id": "1",
        "source": "s",
        "prompt": "Why?",
        "candidates": [
            {"model": name, "text": text} for name, text in (("x", "A."), ("y", "A."), ("z", "C."))
        ],
        "labels": [label, label | {"b": 2}],
    }
    (read_back,), tally = read(lines(tmp_path / "x.jsonl", record))
    assert [(one.a, one.b) for one in read_back.labels] == [(0, 2)]
    assert [told.n for told in tally.left_out()] == [1]


SYSTEM, ASKED = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}
SAID, AGAIN = {"role": "assistant", "content": "So."}, {"role": "user", "content": "Sure?"}


def answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


BEFORE = (Message("user", "Why?"), Message("assistant", "So."))
PARTED = ("A\n\nUser: Sure?\n\nAssistant: B", "C\n\nUser: Sure?\n\nAssistant: D")
RIGHT = {"from_name": "x", "to_name": "answer1,answer2", "type": "pairwise", "value": {"selected": "right"}}


@pytest.mark.parametrize(
    ("row", "history", "prompt", "answers", "winner"),
    [
        ({"prompt": [SYSTEM, ASKED, SAID, AGAIN], "chosen": answer("A."), "rejected": answer("B.")},
         (Message("system", "Be brief."), *BEFORE), "Sure?", ("A.", "B."), "A."),
        ({"chosen": [ASKED, SAID, AGAIN, *answer("A.")], "rejected": [ASKED, SAID, AGAIN, *answer("B.")]},
         BEFORE, "Sure?", ("A.", "B."), "A."),
        ({"prompt": [ASKED, SAID, AGAIN], "chosen": "A.", "rejected": "B."},
         BEFORE, "Sure?", ("A.", "B."), "A."),
        ({"prompt": [ASKED, SAID, AGAIN], "response_a": "A.", "response_b": "B.", "winner": "b"},
         BEFORE, "Sure?", ("A.", "B."), "B."),
        # The sides part at the first turn, so that each answer is the rest of its conversation.
        (ARENA | flags(1, 0, 0) | {"prompt": ["Why?", "Sure?"], "response_a": ["A", "B"],
                                   "response_b": ["C", "D"]},
         (), "Why?", PARTED, PARTED[0]),
        ({"winner": "model_a", "model_a": "x", "model_b": "y",
          "conversation_a": [ASKED, SAID, AGAIN, SAID],
          "conversation_b": [ASKED, SAID, AGAIN, *answer("B.")]},
         BEFORE, "Sure?", ("So.", "B."), "So."),
        ({"data": {"prompt": [ASKED, SAID, AGAIN], "answer1": "A.", "answer2": "B."},
          "annotations": [{"result": [RIGHT]}]}, BEFORE, "Sure?", ("A.", "B."), "B."),
        ({"fields": {"prompt": [ASKED, SAID, AGAIN], "a": "A.", "b": "B."},
          "responses": {"preference": [{"value": "b"}]}}, BEFORE, "Sure?", ("A.", "B."), "B."),
    ],
)  # fmt: skip
def test_a_conversation_is_read_with_what_was_said_before(
    tmp_path: Path,
    row: dict[str, Any],
    history: tuple[Message, ...],
    prompt: str,
    answers: tuple[str, ...],
    winner: str,
) -> None:
    (record,), _ = read(lines(tmp_path / "x.jsonl", row))
    assert (record.history, record.prompt) == (history, prompt)
    assert {candidate.text for candidate in record.candidates} == set(answers)
    (label,) = record.labels
    assert record.candidates[label.a if label.winner == "a" else label.b].text == winner


def test_messages_of_typed_parts_are_read_and_pictures_are_left_out(tmp_path: Path) -> None:
    def chat(*parts: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"role": "user", "content": list(parts)}, {"role": "assistant", "content": "A."}]

    asked, picture = {"type": "text", "text": "Why?"}, {"type": "image", "image": "x.png"}
    one, two = (
        battle(conversation_a=chat(asked)),
        battle(conversation_a=chat(picture, asked), question_id="r"),
    )
    (record,), tally = read(lines(tmp_path / "x.jsonl", one, two))
    assert record.prompt == "Why?"
    assert [told.places for told in tally.left_out()] == [("line 2",)]


def battle(**other: Any) -> dict[str, Any]:
    return {
        "question_id": "q",
        "model_a": "m1",
        "model_b": "m2",
        "winner": "model_a",
        "judge": "arena_user_1",
        "conversation_a": [ASKED, *answer("A.")],
        "conversation_b": [ASKED, *answer("B.")],
    } | other


def fastchat_vote(kind: str, *, ip: str | None = "203.0.113.9", **of_state: Any) -> dict[str, Any]:
    states = [
        {"model_name": name, "conv_id": "c", "messages": [["Human", "Why?"], ["Assistant", f"{name} says."]]}
        | of_state
        for name in ("m1", "m2")
    ]
    return {"tstamp": 1700000000.5, "type": kind, "models": ["", ""], "states": states, "ip": ip}


def test_what_a_template_says_before_its_offset_is_no_question(tmp_path: Path) -> None:
    messages = [["U", "Example"], ["A", "Shown."], ["U", "Why?"], ["A", "So."]]
    vote = fastchat_vote("tievote", messages=messages, offset=2)
    (record,), _ = read(lines(tmp_path / "x.jsonl", vote))
    assert (record.prompt, record.candidates[0].text) == ("Why?", "So.")


@pytest.mark.parametrize("offset", [-1, 5, "2", 1.5])
def test_an_offset_that_is_no_place_among_the_messages_is_a_fault(tmp_path: Path, offset: Any) -> None:
    with pytest.raises(MalformedInput, match="expected 'offset' to be a place among 2 messages"):
        read(lines(tmp_path / "x.jsonl", fastchat_vote("leftvote", offset=offset)))


@pytest.mark.parametrize(
    "error",
    [
        "**NETWORK ERROR DUE TO HIGH TRAFFIC. PLEASE REGENERATE OR REFRESH THIS PAGE.**",
        "Half an\n\n**Network error due to high traffic. Please regenerate or refresh this page.**\n\n(OOM)",
        "$MODERATION$ YOUR INPUT VIOLATES OUR CONTENT MODERATION GUIDELINES.",
        "**RATE LIMIT OF THIS MODEL IS REACHED. PLEASE COME BACK LATER.**",
    ],
)
def test_an_error_text_in_place_of_an_answer_is_left_out_and_counted(tmp_path: Path, error: str) -> None:
    failed = battle(question_id="r", conversation_b=[ASKED, *answer(error)])
    logged = fastchat_vote("leftvote", messages=[["U", "Why?"], ["A", error]])
    for name, rows in (("b", [battle(), failed]), ("v", [fastchat_vote("rightvote"), logged])):
        records, tally = read(lines(tmp_path / f"{name}.jsonl", *rows))
        assert len(records) == 1
        ((reason, n, places),) = tally.left_out()
        assert (n, places) == (1, ("line 2",))
        assert "error" in reason


def test_lines_of_a_log_that_are_no_vote_are_counted(tmp_path: Path) -> None:
    chat = {"tstamp": 1.0, "type": "chat", "model": "m1", "state": {}}
    records, tally = read(lines(tmp_path / "x.jsonl", chat, fastchat_vote("leftvote"), chat))
    assert len(records) == 1
    assert [(told.n, told.places) for told in tally.left_out()] == [(2, ("line 1", "line 3"))]


def test_only_the_first_places_of_a_reason_are_named(tmp_path: Path) -> None:
    same = {"prompt": "Q?", "chosen": "A.", "rejected": "A."}
    _, tally = read(lines(tmp_path / "x.jsonl", GOOD, *[same] * 30))
    ((_, n, places),) = tally.left_out()
    assert (n, len(places)) == (30, 5)


def test_an_export_of_unnamed_votes_is_read_as_it_was(tmp_path: Path) -> None:
    records, _ = read(lines(tmp_path / "x.jsonl", *[ROW | {"winner": winner} for winner in "aab"]))
    write_csv(tmp_path / "out.csv", records)
    assert read(tmp_path / "out.csv")[0] == records


@pytest.mark.parametrize(
    ("said", "winner"),
    [
        ({"loser": "b"}, "a"),
        ({"worse": "A"}, "b"),
        ({"Losing model": "m1"}, "b"),
        ({"worse_response": "B."}, "a"),
        ({"worse": ""}, None),
        ({"winner": "Both are equally good", "loser": ""}, "tie"),
        ({"winner": "both are equally bad"}, "both_bad"),
    ],
)
def test_a_column_of_the_side_that_lost_is_a_vote_for_the_other(
    tmp_path: Path, said: dict[str, str], winner: str | None
) -> None:
    ((record,), _) = read(lines(tmp_path / "x.jsonl", ROW | said))
    assert [label.winner for label in record.labels] == ([] if winner is None else [winner])


@pytest.mark.parametrize(
    "said", [{"loser": 1}, {"worse": "both"}, {"worse": "?"}, {"loser": "a", "worst": "b"}]
)
def test_a_column_of_the_side_that_lost_that_cannot_be_read_refuses_the_file(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    with pytest.raises(MalformedInput, match="a vote may stand in"):
        read(lines(tmp_path / "x.jsonl", ROW | said))
