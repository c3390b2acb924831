"""Tasks of a Label Studio export whose labelling configuration has a Pairwise, a Choices or a Ranker tag.

    JSON       {"data": {texts}, "annotations": [{"result": [...]}]}
    JSON-MIN   {texts, "comparison": "left", "annotator": 1, "annotation_id": 11, ...}, and CSV, its columns

A task's texts stand under names that its project chose; which ones are compared is told by the
names ``a`` and ``b`` go by in most templates, or by the Pairwise result's ``to_name``. A tie is a choice that
says so. Invariant: a cancelled annotation is no label; an empty one is left out and counted. Non-goal:
other tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, NamedTuple

from blender_ui.exchange.cells.chats import Compared, compare, read_opening, read_side
from blender_ui.exchange.cells.particulars import UNKNOWN, name_of, record_of
from blender_ui.exchange.cells.winner_words import is_winner, read_winner
from blender_ui.exchange.columns import Columns, as_value, find_sides, is_blank
from blender_ui.exchange.fields import FieldError, Fields, LeftOut
from blender_ui.exchange.gathering import UNNAMED
from blender_ui.exchange.ratings import RowRead, prefer
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord, Winner

PROMPT_NAMES = ("prompt", "instruction", "question", "query", "messages", "context")
EMPTY = "an annotation says nothing of which answer is better"
_OF_THE_TASK = (
    *(
        "id",
        "annotator",
        "annotation_id",
        "created_at",
        "updated_at",
        "lead_time",
        "source",
        "meta",
        "file_name",
    ),
    *PROMPT_NAMES,
)
_NO_ORDER = "a ranking into groups that have no order"


class _Said(NamedTuple):
    """What one annotation says: a word, or an order of the items' ids."""

    annotator: Any
    seconds: Any
    at: Any
    value: Any


def parse_task(task: Columns, source: str) -> RowRead:
    """Read a task with all its annotations."""
    fields = Fields(task)
    data = task["data"]
    if not isinstance(data, dict):
        raise fields.fault("expected an object as 'data'")
    results = list(_results(fields))
    told = [result for _, result in results if result is not None]
    said = [
        _Said(one.get("completed_by"), one.get("lead_time"), one.get("created_at"), _value(result))
        for one, result in results
        if result is not None
    ]
    row = Columns({"id": task.get("id"), "source": None, **data})
    empty = tuple(EMPTY for _, result in results if result is None)
    return RowRead(record=_read(row, said, _pointed(told), source), left_out=empty)


def parse_flat_task(task: Columns, source: str) -> RowRead:
    """Read a task of a JSON-MIN or CSV export, which holds one annotation."""
    row = Columns({name: as_value(value) for name, value in task.items()}, task.used)
    found = _vote_column(row)
    if found is None:
        raise LeftOut(EMPTY)
    said = _Said(row.get("annotator"), row.get("lead_time"), row.get("created_at"), row[found])
    return RowRead(record=_read(row, [said], (), source))


def _results(task: Fields) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any] | None]]:
    """Each standing annotation with the one of its results that says who won, or None."""
    for annotation in task.objects("annotations"):
        told = annotation.value
        if told.get("was_cancelled"):
            continue
        results = [result for result in told.get("result") or [] if isinstance(result, dict)]
        by_type = {type: [one for one in results if one.get("type") == type] for type in _TYPES}
        first = next((found[0] for found in by_type.values() if found), None)
        if first is None and results:
            raise annotation.fault("it holds neither a 'pairwise' nor a 'ranker' result nor a choice")
        yield told, first


_TYPES = ("pairwise", "ranker", "choices")


def _value(result: Mapping[str, Any]) -> Any:
    value = result.get("value") or {}
    match result["type"]:
        case "pairwise":
            return value.get("selected")
        case "ranker":
            return value.get("ranker")
    return (value.get("choices") or [None])[0]


def _pointed(results: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of two texts that a Pairwise result compares, or of the list that a Ranker orders."""
    targets = sorted({str(result.get("to_name", "")) for result in results if result["type"] != "choices"})
    return tuple(name.strip() for name in targets[0].split(",")) if targets else ()


def _read(row: Columns, said: Sequence[_Said], pointed: Sequence[str], source: str) -> PromptRecord:
    items = _items(row)
    if items and any(isinstance(one.value, list | dict) for one in said):
        return _read_order(row, items, said, source)
    names = _answer_names(row, pointed)
    compared = _compare(row, [row[name] for name in names], names)
    candidates = [
        CandidateRecord(model=_model(row, name, side), text=text)
        for name, side, text in zip(names, "ab", compared.answers, strict=True)
    ]
    labels = [_label(one, 0, 1, read_winner(one.value, columns=names)) for one in said]
    return record_of(row, compared.asked, candidates, labels, source=source)


def _read_order(
    row: Columns, items: Sequence[Mapping[str, Any]], said: Sequence[_Said], source: str
) -> PromptRecord:
    texts = [
        next((item[name] for name in ("body", "text", "html", "title") if item.get(name)), "")
        for item in items
    ]
    compared = _compare(row, texts, ["body"] * len(texts))
    candidates = [
        CandidateRecord(model=name_of(item.get("model") or item.get("title"), most=128) or UNKNOWN, text=text)
        for item, text in zip(items, compared.answers, strict=True)
    ]
    place_of = {str(item.get("id", index)): index for index, item in enumerate(items)}
    labels = [
        _label(one, *prefer(better, worse, compared.asked.prompt, compared.answers))
        for one in said
        for better, worse in combinations([_place(place_of, id) for id in _order(one.value)], 2)
    ]
    return record_of(row, compared.asked, candidates, labels, source=source)


def _order(value: Any) -> list[Any]:
    """Ids, the best first; ids that stay in the list (``_``) were not ranked."""
    if isinstance(value, dict):
        groups = [ids for name, ids in value.items() if name != "_" and isinstance(ids, list)]
        if len(groups) != 1:
            raise LeftOut(_NO_ORDER)
        value = groups[0]
    if not isinstance(value, list):
        raise FieldError(f"expected an order of the items, came {value!r}")
    return value


def _place(place_of: Mapping[str, int], id: Any) -> int:
    if str(id) not in place_of:
        raise FieldError(f"the order names {id!r}, which is none of the items {', '.join(place_of)}")
    return place_of[str(id)]


def _items(row: Columns) -> list[Mapping[str, Any]]:
    """The list that a Ranker orders."""
    for name, value in row.items():
        if (
            isinstance(value, list)
            and len(value) > 1
            and all(isinstance(one, dict) and "id" in one for one in value)
        ):
            row.used.add(name)
            return value
    return []


def _vote_column(row: Columns) -> str | None:
    """The column that holds the result, by the name that its project chose; None where it is empty."""
    sides = find_sides(frozenset(row))
    texts = sides.texts if sides else ()
    others = [name for name in row if name not in (*_OF_THE_TASK, *texts) and not is_blank(row[name])]
    for name in others:
        value = row[name]
        if isinstance(value, dict) and value and all(isinstance(ids, list) for ids in value.values()):
            return name
        if isinstance(value, str) and is_winner(value):
            return name
    return None


def _compare(row: Columns, answers: Sequence[Any], names: Sequence[str]) -> Compared:
    name = row.first(PROMPT_NAMES)
    if name is None:
        raise FieldError(
            f"expected the prompt in 'data' as one of {', '.join(PROMPT_NAMES)}; came {', '.join(row)}"
        )
    sides = [read_side(answer, name) for answer, name in zip(answers, names, strict=True)]
    return compare(read_opening(row[name]), sides)


def _label(said: _Said, a: int, b: int, winner: Winner) -> LabelRecord:
    by = said.annotator
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    seconds = (
        float(said.seconds) if isinstance(said.seconds, int | float) or _is_number(said.seconds) else None
    )
    return LabelRecord(
        annotator=name_of(by, most=128) or UNNAMED,
        a=a,
        b=b,
        winner=winner,
        kind="human",
        seconds=seconds if seconds is not None and seconds >= 0 else None,
        at=_time(said.at),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.replace(".", "", 1).isdecimal()


def _time(text: Any) -> str | None:
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        time = datetime.fromisoformat(text)
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        time.astimezone(UTC)  # which the store keeps, and the calendar's first and last day may lack
    except (ValueError, OverflowError) as error:
        raise FieldError(f"expected 'created_at' in ISO 8601, came {text!r}") from error
    return time.isoformat()


def _answer_names(row: Columns, pointed: Sequence[str]) -> tuple[str, str]:
    if len(pointed) == 2 and all(name in row for name in pointed):
        return pointed[0], pointed[1]
    sides = find_sides(frozenset(row))
    if sides is None:
        raise FieldError(
            "expected two answers in 'data', named text_a and text_b, answer1 and answer2 or the like; "
            f"came {', '.join(name for name in row if name not in ('id', 'source')) or 'nothing'}"
        )
    return sides.texts


def _model(row: Columns, name: str, side: str) -> str:
    """Who wrote an answer, where the task says so: ``model_a``, ``answer1_model``."""
    for key in (f"model_{side}", f"{name}_model"):
        if isinstance(row.get(key), str) and row[key].strip():
            return name_of(row[key], most=128) or UNKNOWN
    return UNKNOWN
