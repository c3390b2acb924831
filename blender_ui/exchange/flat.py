"""Rows of one label each, and rows of a chosen and a rejected answer, as trainers keep them.

    prompt, model_a, text_a, model_b, text_b, winner   [, source, id, instruction_input, kind, annotator, ...]
    prompt, chosen, rejected                           [, chosen_model, rejected_model, id, source, ...]

``tables.CSV_COLUMNS`` is the first kind. Prompt and answers may be texts or chats (messages with role and
content); who won may stand in other columns, see ``exchange.verdicts``. Invariant: sides that a
row does not tell are drawn at random, so that "chosen" is no side. Non-goal: gathering rows of one prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blender_ui.exchange.chats import Compared, compare, implied_opening, read_side, read_turn_lists
from blender_ui.exchange.columns import Columns, as_value, find_sides, model_columns
from blender_ui.exchange.fields import FieldError, LeftOut
from blender_ui.exchange.particulars import UNKNOWN, label_of, model_of, name_of, record_of
from blender_ui.exchange.questions import Question, find_prompt, read_question
from blender_ui.exchange.ratings import is_first_by_lot, prefer
from blender_ui.exchange.records import CandidateRecord, PromptRecord
from blender_ui.exchange.transcripts import read_transcript
from blender_ui.exchange.verdicts import find_winner
from blender_ui.exchange.words import Turn, read_turn_texts, read_turns

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
EQUAL_SCORES = "the scores of 'chosen' and 'rejected' are equal, so neither is better"
_SCORES = tuple(
    names
    for word in ("score", "rating", "reward", "avg_rating")
    for names in ((f"{word}_chosen", f"{word}_rejected"), (f"chosen_{word}", f"rejected_{word}"))
)


def parse_label_row(row: Columns, source: str) -> PromptRecord:
    """Read one label; a row without a winner is a pair that nobody has compared yet."""
    sides = find_sides(frozenset(row))
    if sides is None:
        raise FieldError("expected two answers, such as 'text_a' and 'text_b'")
    question = read_question(row)
    compared = _compare(question, [row.get(name) for name in sides.texts], sides.texts)
    models = tuple(model_of(row, names) for names in model_columns(sides))
    candidates = [
        CandidateRecord(model=model, text=text) for model, text in zip(models, compared.answers, strict=True)
    ]
    winner = find_winner(row, (models[0], models[1]))
    labels = () if winner is None else (label_of(row, winner),)
    return record_of(row, compared.asked, candidates, labels, input=question.input, source=source)


def parse_chosen_row(row: Columns, source: str) -> PromptRecord:
    """Read chosen and rejected answers, one or several of each, each of the first as better than each other.

    Raises:
        LeftOut: If the row's own scores say that neither is better.
    """
    names = next((pair for pair in CHOSEN if row.keys() >= set(pair)), CHOSEN[0])
    _refuse_equal_scores(row)
    question = read_question(row) if find_prompt(row) else Question([], "")
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


def _pair(row: Columns, question: Question, names: tuple[str, str], source: str) -> PromptRecord:
    compared = _compare(question, [row.get(name) for name in names], names)
    models = _models(row, names, 1, 1)
    is_first = is_first_by_lot(compared.asked.prompt, *compared.answers)
    candidates = [
        CandidateRecord(model=model, text=text) for model, text in zip(models, compared.answers, strict=True)
    ]
    label = label_of(row, "a" if is_first else "b")
    in_order = candidates if is_first else candidates[::-1]
    return record_of(row, compared.asked, in_order, (label,), input=question.input, source=source)


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
