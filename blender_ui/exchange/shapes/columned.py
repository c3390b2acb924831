"""Rows of two answers or more in columns of their own, with a number for each, an order, or the best.

    prompt, response_1, response_2, response_3, rank_1, rank_2, rank_3     1 is best, equal ones are ties
    prompt, response_a, response_b, score_a, score_b                       the higher is better
    prompt, response_a, response_b, response_c, ranking: "B>A=C" or ["B", "A", "C"]
    prompt, answer_1, answer_2, answer_3, best: "answer_2", or a model's name

Invariant: an answer that a rank, an order or "best" does not name is compared with no other by it. Non-goals:
answers in a list (``exchange.shapes.listed``), and words for one of two (``exchange.cells.verdicts``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from blender_ui.exchange.cells.chats import compare
from blender_ui.exchange.cells.numbers import as_number
from blender_ui.exchange.cells.particulars import annotator_of, kind_of, label_of, record_of
from blender_ui.exchange.cells.questions import read_question
from blender_ui.exchange.cells.verdicts import find_hints, refuse_hints
from blender_ui.exchange.cells.winner_words import plain_word
from blender_ui.exchange.columns import Columns, Places, as_value, find_places, is_blank, model_columns
from blender_ui.exchange.fields import FieldError, Undecidable
from blender_ui.exchange.ratings import RowRead, all_ratings, prefer
from blender_ui.exchange.records import CandidateRecord
from blender_ui.exchange.shapes.sides import find_models, read_answers

RANKS = ("rank", "ranking", "place", "position")
SCORES = ("score", "rating", "points")
ORDERS = ("ranking", "order", "rank", "preference_order", "ranked")
_SURE_ORDERS = ("order", "preference_order")
"""Of these, the ones under which numbers are the answers in order, and not each answer's place."""
BEST = ("winner", "best", "preferred", "choice", "best_response", "best_answer")
_FORMS = ("{kind}_{side}", "{kind}{side}", "{side}_{kind}", "{name}_{kind}", "{kind}_{name}")
_STEP = re.compile(r"\s*([>=≈~]+)\s*|\s*,\s*")


def parse_many_row(row: Columns, source: str) -> RowRead:
    """Read a row of three answers or more, of which an unnamed one is a pair to ask.

    Raises:
        FieldError: If the row holds a vote that cannot be read.
    """
    places = find_places(frozenset(row))
    if places is None:
        raise FieldError("expected answers in columns such as 'response_1', 'response_2', 'response_3'")
    places = _held(row, places)
    question = read_question(row)
    compared = compare(question.turns, read_answers(row, places.texts))
    models = find_models(row, places.texts, model_columns(places))
    candidates = [
        CandidateRecord(model=model, text=text) for model, text in zip(models, compared.answers, strict=True)
    ]
    values = find_numbers(row, places) or find_order(row, places, models)
    labels = []
    if values is None and (best := _find_best(row, places, models)) is not None:
        for other in range(len(candidates)):
            if other != best:
                a, b, winner = prefer(best, other, compared.asked.prompt, compared.answers)
                labels.append(label_of(row, winner, a=a, b=b))
    elif values is None:
        refuse_hints(row, find_hints(row))
    annotator = annotator_of(row)
    ratings = all_ratings(values or (), annotator=annotator, kind=kind_of(row, annotator))
    record = record_of(row, compared.asked, candidates, labels, input=question.input, source=source)
    return RowRead(record=record, ratings=ratings)


def _held(row: Columns, places: Places) -> Places:
    """The places that a row fills: a table is as wide as its row of most answers, and two are the least."""
    n = len(places.texts)
    while n > 2 and is_blank(row.get(places.texts[n - 1])):
        n -= 1
    return Places(places.texts[:n], places.words[:n])


def find_numbers(row: Columns, places: Places) -> list[float | None] | None:
    """A number for each answer, higher is better; None where the row has none, or says more than these.

    Raises:
        FieldError: If one of them is no number.
    """
    hints = set(find_hints(row))
    for kind in (*RANKS, *SCORES):
        for form in _FORMS:
            names = [
                form.format(kind=kind, side=side, name=name)
                for side, name in zip(places.words, places.texts, strict=True)
            ]
            if row.keys() >= set(names) and hints and hints <= set(names):
                values = [as_number(row[name]) for name in names]
                return [value and -value for value in values] if kind in RANKS else values
    return None


def find_order(row: Columns, places: Places, models: Sequence[str]) -> list[float | None] | None:
    """The negated place of each answer in an order; None where there is no order, or more than that.

    Raises:
        Undecidable: If its numbers may also be each answer's place.
        FieldError: If it cannot be read.
    """
    hints = find_hints(row)
    name = next((name for name in ORDERS if row.first((name,)) and set(hints) <= {name}), None)
    if name is None:
        return None
    told = as_value(row[name])
    if isinstance(told, str) and _STEP.search(told):
        groups = _groups(told)
    elif isinstance(told, list):
        groups = [one if isinstance(one, list) else [one] for one in told]
    else:
        return None
    values: list[float | None] = [None] * len(places.texts)
    for place, group in enumerate(groups):
        for word in group:
            index = _index(word, places, models)
            if values[index] is not None:
                raise FieldError(f"the order {row[name]!r} names {word!r} twice")
            values[index] = -float(place)
    if name not in _SURE_ORDERS and (isinstance(told, list) or "," in told):
        _refuse_places(name, groups, values)
    return values


def _refuse_places(name: str, groups: Sequence[Sequence[Any]], values: Sequence[float | None]) -> None:
    """Refuse numbers that may be each answer's place: of 2, 3, 1 the first answer is the second best, or the
    worst. Fewer numbers than answers, and equal ones in a list of their own, can only be an order."""
    words = [str(word).strip() for group in groups for word in group]
    if len(groups) != len(values) or not all(word.isdecimal() for word in words):
        return
    if any(value != 1 - int(word) for value, word in zip(values, words, strict=True)):
        raise Undecidable(
            f"{name!r} may hold each answer's place, or the answers in order, the best first. If it holds an "
            f"order, map 'order' to it by hand (order={name}); if places, give each a column, such as rank_1"
        )


def _groups(text: str) -> list[list[str]]:
    """Names in order, equal ones together: "A > B = C"; raises FieldError where signs leave it open."""
    signs = {step[1] for step in _STEP.finditer(text)}
    are_mixed = None in signs and len(signs) > 1  # after "A>B," it is open whether C is as good as B
    if "<" in text or are_mixed or any(sign and len(set(sign)) > 1 for sign in signs):
        raise FieldError(f"expected an order with the best first, such as A>B=C; came {text!r}")
    groups: list[list[str]] = [[]]
    start = 0
    for step in _STEP.finditer(text):
        groups[-1].append(text[start : step.start()])
        if step[1] is None or ">" in step[1]:
            groups.append([])
        start = step.end()
    groups[-1].append(text[start:])
    return groups


def _find_best(row: Columns, places: Places, models: Sequence[str]) -> int | None:
    hints = find_hints(row)
    name = next((name for name in BEST if row.first((name,)) and set(hints) <= {name}), None)
    return None if name is None else _index(row[name], places, models)


def _index(word: Any, places: Places, models: Sequence[str]) -> int:
    """Which answer a word names: by its column, its place, or its model where it has only one."""
    plain = plain_word(str(word))
    if models.count(str(word).strip()) == 1:
        return models.index(str(word).strip())
    for names in (places.texts, places.words):
        if plain in names:
            if plain.isdecimal() and "0" in places.words:
                raise Undecidable(
                    f"the number {word!r} may count the answers from 0 or from 1; use {places.texts[0]!r} "
                    "and the like"
                )
            return names.index(plain)
    if plain.isdecimal() and not places.words[0].isdecimal():
        raise Undecidable(f"the number {word!r} may count the answers from 0 or from 1; use their letters")
    raise FieldError(f"expected one of {', '.join(places.texts)}, or a model's name; came {word!r}")
