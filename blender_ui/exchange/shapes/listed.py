"""Rows with all answers to a prompt in a list, and a rank or a score for each, or verdicts on its pairs.

    Nectar          prompt, answers: [{answer, model, rank}]
    UltraFeedback   instruction, completions: [{response, model, annotations, fine-grained_score}]
    MixInstruct     instruction, candidates: [{text, model, scores}], cmp_results: {"m1,m2": "A is better"}
    distilabel      instruction, generations: [text], ratings: [number], generation_models: [name]

Invariant: these are models' verdicts unless ``kind`` says otherwise; automatic metrics, such as MixInstruct's
``scores``, are no verdicts. Non-goal: answers in columns of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from blender_ui.exchange.cells.chats import compare, read_side
from blender_ui.exchange.cells.numbers import as_number
from blender_ui.exchange.cells.particulars import UNKNOWN, annotator_of, kind_of, label_of, record_of
from blender_ui.exchange.cells.questions import Question, read_question
from blender_ui.exchange.cells.verdicts import find_hints, refuse_hints
from blender_ui.exchange.cells.winner_words import read_winner
from blender_ui.exchange.columns import Columns, as_value
from blender_ui.exchange.fields import FieldError, Undecidable
from blender_ui.exchange.ratings import RowRead, all_ratings, prefer
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord
from blender_ui.exchange.shapes.sides import model_in, model_or_unknown, text_in

LISTS = ("answers", "completions", "candidates", "responses", "generations", "outputs", "replies")
VERDICTS = ("cmp_results",)
NUMBERS = ("ratings", "scores", "rewards", "ranks", "rankings", "rank", "ranking")
_MODEL_LISTS = ("models", "generation_models", "model_names", "generators")
_RANKS = ("rank", "ranking", "place")
_SCORES = ("fine-grained_score", "fine_grained_score", "score", "rating", "reward", "overall_score")


def parse_listed_row(row: Columns, source: str) -> RowRead:
    """Read a row of answers with ranks, scores or verdicts on pairs.

    Raises:
        FieldError: If the answers, or the numbers beside them, cannot be told.
    """
    name = next((name for name in LISTS if name in row), None)
    if name is None:  # the file's other rows have one
        raise FieldError(f"expected a list of answers as one of {', '.join(LISTS)}, came none")
    items = as_value(row[name])
    if not isinstance(items, list) or not items:
        raise FieldError(f"expected a list of answers as {name!r}, came {type(items).__name__}")
    question = read_question(row)
    compared = compare(question.turns, [read_side(text_in(item, name), name) for item in items])
    models = _models(row, items)
    candidates = [
        CandidateRecord(model=model, text=text) for model, text in zip(models, compared.answers, strict=True)
    ]
    annotator = annotator_of(row)
    ratings = all_ratings(
        _values(row, items), annotator=annotator, kind=kind_of(row, annotator, default="judge")
    )
    labels = _verdicts(row, models)
    if not labels and not ratings:
        refuse_hints(row, [one for one in find_hints(row) if one != name])
    record = record_of(row, compared.asked, candidates, labels, input=question.input, source=source)
    return RowRead(record=record, ratings=ratings)


def _models(row: Columns, items: Sequence[Any]) -> list[str]:
    column = row.first(_MODEL_LISTS)
    listed = as_value(row[column]) if column else None
    if not isinstance(listed, list) or len(listed) != len(items):
        listed = [None] * len(items)
    return [model_in(item) or model_or_unknown(told) for item, told in zip(items, listed, strict=True)]


def _values(row: Columns, items: Sequence[Any]) -> list[float | None]:
    """A number for each answer, higher is better; None where it has none."""
    if all(isinstance(item, Mapping) for item in items):
        if any(name in item for item in items for name in _RANKS):
            return [_negated(_number(item, _RANKS)) for item in items]
        return [_score(item) for item in items]
    column = row.first(NUMBERS)
    if column is None:
        return [None] * len(items)
    numbers = as_value(row[column])
    if not isinstance(numbers, list) or len(numbers) != len(items):
        raise FieldError(f"expected {len(items)} numbers as {column!r}, one for each answer")
    values = [as_number(number) for number in numbers]
    if not column.startswith("rank"):
        return values
    _refuse_order(column, values)
    return [_negated(value) for value in values]


def _refuse_order(column: str, values: Sequence[float | None]) -> None:
    """Refuse numbers that may be each answer's place, or the answers in order, the best first.

    Of [2, 3, 1] the first answer is either the second best, or the worst. Where both readings say the same,
    and where a number comes twice or is missing, they are places. So they are under ``ranks`` and ``rank``.
    """
    n, known = len(values), [int(value) for value in values if value is not None and value.is_integer()]
    start = min(known, default=0)
    if not column.startswith("ranking") or start not in (0, 1):
        return
    if sorted(known) == list(range(start, start + n)):
        order = [known.index(place) + start for place in range(start, start + n)]
        if order != known:
            raise Undecidable(
                f"{column!r} may hold each answer's place, or the answers in order, the best first. If it "
                f"holds places, map 'ranks' to it by hand (ranks={column}); if an order, turn it into places"
            )


def _score(item: Mapping[str, Any]) -> float | None:
    value = _number(item, _SCORES)
    if value is not None:
        return value
    aspects = as_value(item.get("annotations"))
    if not isinstance(aspects, Mapping):
        return None
    given = [as_number(aspect.get("Rating")) for aspect in aspects.values() if isinstance(aspect, Mapping)]
    known = [value for value in given if value is not None]
    return fmean(known) if known else None


def _number(item: Mapping[str, Any], names: Sequence[str]) -> float | None:
    return next((as_number(item[name]) for name in names if item.get(name) is not None), None)


def _negated(value: float | None) -> float | None:
    return None if value is None else -value


def _verdicts(row: Columns, models: Sequence[str]) -> list[LabelRecord]:
    """Votes on pairs of models, under keys of two names such as "alpaca,vicuna"."""
    column = row.first(VERDICTS)
    told = as_value(row[column]) if column else None
    if told is None:
        return []
    if not isinstance(told, Mapping):
        raise FieldError(f"expected verdicts by pair of models as {column!r}, came {json.dumps(told)[:60]}")
    labels = []
    for pair, word in told.items():
        a, b = _place(pair, models)
        labels.append(label_of(row, read_winner(word, models=(models[a], models[b])), a=a, b=b, kind="judge"))
    return labels


def _place(pair: str, models: Sequence[str]) -> tuple[int, int]:
    for cut in (at for at, sign in enumerate(pair) if sign == ","):
        names = pair[:cut].strip(), pair[cut + 1 :].strip()
        if all(models.count(name) == 1 for name in names):
            return models.index(names[0]), models.index(names[1])
    raise FieldError(
        f"expected two of the answers' models, each once, as {pair!r}; there are {', '.join(models)}"
    )


def parse_two_rankings(row: Columns, source: str) -> PromptRecord:
    """Read older LLaMA-Factory rows: ``instruction`` with ``output`` as the better and the worse answer."""
    texts = as_value(row["output"])
    if not isinstance(texts, list) or len(texts) != 2:
        raise FieldError("expected the better and the worse answer as 'output'")
    question: Question = read_question(row)
    compared = compare(question.turns, [read_side(text, "output") for text in texts])
    candidates = [CandidateRecord(model=UNKNOWN, text=text) for text in compared.answers]
    a, b, winner = prefer(0, 1, compared.asked.prompt, compared.answers)
    label = label_of(row, winner, a=a, b=b)
    return record_of(row, compared.asked, candidates, [label], input=question.input, source=source)
