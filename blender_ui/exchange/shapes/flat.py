"""Rows of one label each, and rows of a chosen and a rejected answer, as trainers keep them.

    prompt, model_a, text_a, model_b, text_b, winner   [, source, id, instruction_input, kind, annotator, ...]
    prompt, chosen, rejected                           [, chosen_model, rejected_model, id, source, ...]

``tables.CSV_COLUMNS`` is the first kind. Prompt and answers may be texts or chats (messages with role and
content); who won may stand in other columns, see ``exchange.cells.verdicts``. Invariant: sides that a
row does not tell are drawn at random, so that "chosen" is no side. Non-goal: gathering rows of one prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blender_ui.exchange.cells.chats import (
    Compared,
    compare,
    implied_opening,
    read_opening,
    read_side,
    read_turn_lists,
)
from blender_ui.exchange.cells.particulars import (
    UNKNOWN,
    annotator_of,
    kind_of,
    label_of,
    model_of,
    name_of,
    record_of,
)
from blender_ui.exchange.cells.questions import Question, find_prompt, read_question
from blender_ui.exchange.cells.transcripts import read_transcript
from blender_ui.exchange.cells.verdicts import Pair, find_hints, find_winner, has_winner, split_votes
from blender_ui.exchange.cells.words import Turn, read_turn_texts, read_turns
from blender_ui.exchange.columns import Columns, Places, as_value, find_sides, model_columns
from blender_ui.exchange.fields import FieldError, LeftOut
from blender_ui.exchange.ratings import RowRead, all_ratings, is_first_by_lot, prefer
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord
from blender_ui.exchange.shapes.columned import find_numbers, find_order
from blender_ui.exchange.shapes.sides import find_models, text_in

CHOSEN = (
    ("chosen", "rejected"),
    ("chosen_response", "rejected_response"),
    ("chosen_answer", "rejected_answer"),
    ("chosen_output", "rejected_output"),
    ("chosen_text", "rejected_text"),
    ("response_chosen", "response_rejected"),
    ("preferred_output", "non_preferred_output"),
    ("preferred", "rejected"),
    ("preferred", "dispreferred"),
    ("accepted", "rejected"),
    ("better", "worse"),
)
"""Names of the column of the better answer, and of the worse."""
REJECTED = ("rejected_response", "rejected_messages")
"""Beside ``messages`` that end in the chosen answer, as ms-swift has it."""
EQUAL_SCORES = "the scores of 'chosen' and 'rejected' are equal, so neither is better"
_SCORES = tuple(
    names
    for word in ("score", "rating", "reward", "avg_rating")
    for names in ((f"{word}_chosen", f"{word}_rejected"), (f"chosen_{word}", f"rejected_{word}"))
)


def parse_label_row(row: Columns, source: str) -> PromptRecord | RowRead:
    """Read the labels of one pair; a row without a winner is a pair that nobody has compared yet."""
    sides = find_sides(frozenset(row))
    if sides is None:
        raise FieldError("expected two answers, such as 'text_a' and 'text_b'")
    question = read_question(row)
    texts = [text_in(row.get(name), name) for name in sides.texts]
    compared = _compare(question, texts, sides.texts)
    models = find_models(row, sides.texts, model_columns(sides))
    candidates = [
        CandidateRecord(model=model, text=text) for model, text in zip(models, compared.answers, strict=True)
    ]
    pair = Pair((models[0], models[1]), sides.texts, compared.answers)
    has_one = has_winner(row)
    labels = () if has_one else _labels(row, pair)
    numbers = None if has_one or labels else _numbers(row, Places(*sides), models)
    if numbers is None and not labels:
        winner = find_winner(row, pair)
        labels = () if winner is None else (label_of(row, winner),)
    record = record_of(row, compared.asked, candidates, labels, input=question.input, source=source)
    if numbers is None:
        return record
    annotator = annotator_of(row)
    return RowRead(
        record=record, ratings=all_ratings(numbers, annotator=annotator, kind=kind_of(row, annotator))
    )


def _numbers(row: Columns, places: Places, models: Sequence[str]) -> list[float | None] | None:
    """A number for each answer, or their places in a list; an order in words is read as who won."""
    is_list = any(isinstance(as_value(row[name]), list) for name in find_hints(row))
    return find_numbers(row, places) or (find_order(row, places, models) if is_list else None)


def _labels(row: Columns, pair: Pair) -> tuple[LabelRecord, ...]:
    """The labels of several people in one list of the row."""
    labels = []
    for vote in split_votes(row):
        winner = find_winner(vote, pair)
        if winner is None:
            raise FieldError(f"expected a vote in each of the row's list, came {dict(vote)!r:.80}")
        labels.append(label_of(vote, winner))
    return tuple(labels)


def parse_chosen_row(row: Columns, source: str) -> PromptRecord:
    """Read chosen and rejected answers, one or several of each, each of the first as better than each other.

    Raises:
        LeftOut: If the row's own scores say that neither is better.
    """
    names = next((pair for pair in CHOSEN if row.keys() >= set(pair)), CHOSEN[0])
    _refuse_equal_scores(row)
    question = _question_beside(row, names)
    several = [_several(row.get(name)) for name in names]
    if several == [None, None]:
        return _pair(row, question, names, source)
    better, worse = (texts or [row[name]] for texts, name in zip(several, names, strict=True))
    compared = compare(question.turns, [read_side(one, names[0]) for one in (*better, *worse)])
    models = _models(row, names, len(better), len(worse))
    labels = []
    for a in range(len(better)):
        for b in range(len(better), len(better) + len(worse)):
            left, right, winner = prefer(a, b, compared.asked.prompt, compared.answers)
            labels.append(label_of(row, winner, a=left, b=right))
    candidates = [
        CandidateRecord(model=model, text=text) for model, text in zip(models, compared.answers, strict=True)
    ]
    return record_of(row, compared.asked, candidates, labels, input=question.input, source=source)


def parse_rejected_row(row: Columns, source: str) -> PromptRecord:
    """Read a chat that ends in the chosen answer; beside it stands the rejected one, or its whole chat."""
    whole = read_opening(row["messages"])
    rejected = row.first(REJECTED)
    if not whole or whole[-1].role != "assistant" or rejected is None:
        raise FieldError("expected 'messages' that end in the chosen answer, and a rejected one")
    system = row.first(("system",))
    before = [Turn("system", str(row[system]))] if system and whole[0].role != "system" else []
    other = read_side(row[rejected], rejected)
    sides = [[*before, *whole], other if len(other) > 1 else [*before, *whole[:-1], *other]]
    return _decided(row, compare([], sides), [UNKNOWN, UNKNOWN], "", source)


def _question_beside(row: Columns, names: tuple[str, str]) -> Question:
    """The question in a column of its own; none where there is none, or the answers' chats hold it."""
    if not find_prompt(row):
        return Question([], "")
    try:
        return read_question(row)
    except LeftOut:
        raise
    except FieldError:
        chats = [read_turns(row.get(name)) for name in names]
        if not all(chat and chat[0].role != "assistant" for chat in chats):
            raise
        return Question([], "")


def _pair(row: Columns, question: Question, names: tuple[str, str], source: str) -> PromptRecord:
    compared = _compare(question, [row.get(name) for name in names], names)
    return _decided(row, compared, _models(row, names, 1, 1), question.input, source)


def _decided(
    row: Columns, compared: Compared, models: Sequence[str], input: str, source: str
) -> PromptRecord:
    """The first of two answers is better; which of them stands left is drawn."""
    is_first = is_first_by_lot(compared.asked.prompt, *compared.answers)
    candidates = [
        CandidateRecord(model=model, text=text) for model, text in zip(models, compared.answers, strict=True)
    ]
    label = label_of(row, "a" if is_first else "b")
    in_order = candidates if is_first else candidates[::-1]
    return record_of(row, compared.asked, in_order, (label,), input=input, source=source)


def _compare(question: Question, answers: Sequence[Any], names: Sequence[str]) -> Compared:
    """The question and the two answers: texts, chats, or texts in lists of turns."""
    if question.turns:
        lists = read_turn_lists(question.value, answers)
        if lists is not None:
            return compare([], lists)
        return compare(
            question.turns, [read_side(answer, name) for answer, name in zip(answers, names, strict=True)]
        )
    if all(isinstance(answer, str) and read_turns(answer) is None for answer in answers):
        return _implied(*answers, names=names)
    chats = [read_side(answer, name) for answer, name in zip(answers, names, strict=True)]
    if not any(turn.role != "assistant" for turn in chats[0]):
        raise FieldError(
            "expected text or a chat as 'prompt', came nothing; "
            f"without it {names[0]!r} and {names[1]!r} must be chats"
        )
    return compare([], chats)


def _implied(first: str, second: str, *, names: Sequence[str]) -> Compared:
    """Two whole dialogues in text, or two texts that begin with their prompt."""
    told = [read_transcript(text) for text in (first, second)]
    if told[0] and told[1]:
        return compare([], [told[0], told[1]])
    split = implied_opening(first, second)
    if split is None:
        raise FieldError(
            "expected text or a chat as 'prompt', came nothing; "
            f"without it {names[0]!r} and {names[1]!r} must be chats, or begin with the same words"
        )
    prompt, *answers = split
    return compare([Turn("user", prompt)], [[Turn("assistant", answer)] for answer in answers])


def _several(value: Any) -> list[Any] | None:
    """Several answers in one column; None where it holds one."""
    value = as_value(value) if read_turn_texts(value) else value
    if isinstance(value, list) and value and read_turns(value) is None:
        return value
    return None


def _models(row: Columns, names: tuple[str, str], n_better: int, n_worse: int) -> list[str]:
    """Who wrote the better answers and the worse, where the row says so."""
    listed = as_value(row.get("models")) if "models" in row else None
    if isinstance(listed, list) and len(listed) == n_better + n_worse:
        return [name_of(model, most=128) or UNKNOWN for model in listed]
    models = []
    for name, short, n in zip(names, ("chosen", "rejected"), (n_better, n_worse), strict=True):
        told = model_of(row, (f"{name}_model", f"{short}_model", f"model_{short}"))
        models += [told if n == 1 else UNKNOWN] * n
    return models


def _refuse_equal_scores(row: Columns) -> None:
    for first, second in _SCORES:
        if row.get(first) is not None and row.get(first) == row.get(second):
            raise LeftOut(EQUAL_SCORES)
    if str(row.get("status")).casefold() == "tie":
        raise LeftOut(EQUAL_SCORES)
