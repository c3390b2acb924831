"""Rows of two answers whose vote is a number with a meaning of its own in that data set.

    HelpSteer3     context, response1, response2, overall_preference: -3 (the first is much better) to 3
    HelpSteer2     prompt, response_1, response_2, preference_strength: as above
    AlpacaEval     instruction, output_1, output_2, preference: 1, 2, 0 or 1.5 for a tie, or a number between
    PKU-SafeRLHF   prompt, response_0, response_1, better_response_id: 0 or 1

Invariant: only a number whose meaning the data set's authors published is read as a vote. Non-goal: votes
in words (``exchange.shapes.flat``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from blender_ui.exchange.cells.chats import compare, read_side
from blender_ui.exchange.cells.particulars import label_of, model_of, record_of
from blender_ui.exchange.cells.questions import read_question
from blender_ui.exchange.columns import Columns, as_value, find_sides, is_blank, model_columns
from blender_ui.exchange.fields import FieldError, LeftOut
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord, Winner

SIGNED = ("overall_preference", "preference_strength")
_INDIVIDUAL = ("individual_preference", "all_preferences_unprocessed", "three_most_similar_preferences")
_STRENGTHS = {1: 0.5, 2: 0.75, 3: 1.0}
"""Slightly better, better, much better."""


def parse_signed_row(row: Columns, source: str) -> PromptRecord:
    """Read HelpSteer's preference: the people's own where the row lists them, else the overall one."""
    column = row.first(SIGNED)
    if column is None:
        raise FieldError(f"expected a number from -3 to 3 as {SIGNED[0]!r}, came nothing")
    overall = _signed(row, row[column])
    own = next((told for name in _INDIVIDUAL if (told := _listed(row, name))), [])
    labels = [_of_a_person(row, told) for told in own] or [overall]
    return _record(row, labels, source)


def parse_alpaca_row(row: Columns, source: str) -> PromptRecord:
    """Read AlpacaEval's preference, whose fraction says how sure a judge is of the second."""
    value = _number(row["preference"], "preference")
    if value is None:
        raise LeftOut("'preference' is empty: nobody has compared the two")
    if not (value == 0 or 1 <= value <= 2):
        raise FieldError(f"expected 1, 2 or a number between, or 0, as 'preference'; came {value:g}")
    winner: Winner = "tie" if value in (0, 1.5) else "a" if value < 1.5 else "b"
    return _record(row, [label_of(row, winner)], source)


def parse_numbered_row(row: Columns, source: str) -> PromptRecord:
    """Read a vote that names the better answer by its number from 0."""
    value = _number(row["better_response_id"], "better_response_id")
    if value not in (0, 1):
        raise FieldError(f"expected 0 or 1 as 'better_response_id', came {row['better_response_id']!r}")
    return _record(row, [label_of(row, "b" if value else "a")], source)


def _record(row: Columns, labels: list[LabelRecord], source: str) -> PromptRecord:
    sides = find_sides(frozenset(row))
    if sides is None:
        raise FieldError("expected two answers, such as 'response1' and 'response2'")
    question = read_question(row)
    compared = compare(question.turns, [read_side(row[name], name) for name in sides.texts])
    candidates = [
        CandidateRecord(model=model_of(row, names), text=text)
        for names, text in zip(model_columns(sides), compared.answers, strict=True)
    ]
    return record_of(row, compared.asked, candidates, labels, input=question.input, source=source)


def _signed(row: Columns, value: Any) -> LabelRecord:
    number = _number(value, SIGNED[0])
    if number is None or not -3 <= number <= 3:
        raise FieldError(f"expected a number from -3 to 3 as a preference, came {value!r}")
    winner: Winner = "tie" if number == 0 else "a" if number < 0 else "b"
    strength = None if number == 0 else _STRENGTHS.get(abs(round(number)), _STRENGTHS[1])
    return label_of(row, winner, strength=strength)


def _of_a_person(row: Columns, told: Mapping[str, Any]) -> LabelRecord:
    label = _signed(row, told.get("score", told.get("strength")))
    reason = told.get("reasoning") or told.get("elaboration") or told.get("statement")
    return replace(label, reason=reason if isinstance(reason, str) else None)


def _listed(row: Columns, name: str) -> list[Mapping[str, Any]]:
    """The preferences of single people, where the row has all of them."""
    told = as_value(row.get(name))
    if not isinstance(told, list) or not all(isinstance(one, Mapping) for one in told):
        return []
    return told if all(one.get("score", one.get("strength")) is not None for one in told) else []


def _number(value: Any, name: str) -> float | None:
    if is_blank(value):
        return None
    if isinstance(value, bool):
        raise FieldError(f"expected a number as {name!r}, came {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise FieldError(f"expected a number as {name!r}, came {value!r}") from error
    return None if number != number else number
