"""Rows of one answer each, with a thumb or a score: TRL's unpaired preference, KTO, HelpSteer's ratings.

    prompt, completion, label: true or false
    messages (the answer last), label
    instruction, input, output, kto_tag
    prompt, response, helpfulness: 0 to 4

Rows about one prompt are compared with each other (``exchange.ratings``). Invariant: a thumb that is not
known is a fault. Non-goal: rows of two answers.
"""

from __future__ import annotations

from typing import Any

from blender_ui.exchange.cells.chats import ask, compare, read_side
from blender_ui.exchange.cells.particulars import annotator_of, kind_of, model_of, record_of
from blender_ui.exchange.cells.questions import read_question
from blender_ui.exchange.columns import Columns, is_blank
from blender_ui.exchange.fields import FieldError, LeftOut
from blender_ui.exchange.ratings import Rating, RowRead
from blender_ui.exchange.records import CandidateRecord

ANSWERS = ("completion", "response", "output", "answer", "generation", "reply")
CHATS = ("messages", "conversations")
THUMBS = ("kto_tag", "label", "thumb", "thumbs", "is_desirable", "desirable")
SCORES = ("helpfulness", "score", "rating", "reward", "quality")
_VALUES = {
    **dict.fromkeys(
        ("true", "1", "1.0", "good", "up", "thumbs_up", "desirable", "like", "yes", "chosen"), 1.0
    ),
    **dict.fromkeys(("false", "0", "0.0", "-1", "-1.0", "bad", "down", "thumbs_down", "undesirable"), 0.0),
    **dict.fromkeys(("dislike", "no", "rejected"), 0.0),
}


def parse_single_row(row: Columns, source: str) -> RowRead:
    """Read one answer with its rating.

    Raises:
        LeftOut: If nobody rated it.
    """
    column = row.first(ANSWERS)
    if column is None:
        whole = read_question(row).turns
        if not whole or whole[-1].role != "assistant":
            raise FieldError("expected an answer at the chat's end")
        asked, text, question_input = ask(whole[:-1]), whole[-1].text, ""
    else:
        question = read_question(row)
        compared = compare(question.turns, [read_side(row[column], column)])
        asked, text, question_input = compared.asked, compared.answers[0], question.input
    model = model_of(row, ("model", "model_name", "generator"))
    record = record_of(
        row, asked, [CandidateRecord(model=model, text=text)], input=question_input, source=source
    )
    annotator = annotator_of(row)
    thumb = row.first(THUMBS)
    value = _thumb(row[thumb]) if thumb else _score(row)
    if value is None:
        raise LeftOut("the answer has no rating")
    rating = Rating(
        annotator=annotator, index=0, value=value, kind=kind_of(row, annotator), is_thumb=bool(thumb)
    )
    return RowRead(record=record, ratings=(rating,))


def _thumb(value: Any) -> float:
    told = _VALUES.get(str(value).strip().casefold().replace(" ", "_"))
    if told is None:
        raise FieldError(f"expected true or false for whether the answer is good, came {value!r}")
    return told


def _score(row: Columns) -> float | None:
    name = row.first(SCORES)
    if name is None or is_blank(row[name]):
        return None
    try:
        value = float(row[name])
    except (TypeError, ValueError) as error:
        raise FieldError(f"expected a number as {name!r}, came {row[name]!r}") from error
    return None if value != value else value
