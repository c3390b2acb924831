"""Records of an Argilla export.

    records.to_json, and version 1's API    {"fields": {texts}, "responses": {question: [...]} or [...]}
    records.to_datasets, as on the Hub      {texts, "question.responses": [...], ".users", ".status"}
    version 1's format_as("datasets")       {texts, "question": [{"user_id", "value", "status"}]}

The texts are the prompt and the answers; a response is a word (label question), an order (ranking
question), or a number for an answer that the question names. An order of n answers becomes its n (n - 1) / 2
pairs. Invariant: only submitted responses are labels; drafts are left out and counted. Non-goal: suggestions,
which are models' guesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import combinations
from typing import Any, NamedTuple

from blender_ui.exchange.cells.chats import compare, read_opening, read_side
from blender_ui.exchange.cells.particulars import UNKNOWN, name_of, record_of
from blender_ui.exchange.cells.winner_words import read_winner
from blender_ui.exchange.columns import STEMS, Columns, as_value, is_blank, plain_heading
from blender_ui.exchange.fields import FieldError
from blender_ui.exchange.gathering import UNNAMED
from blender_ui.exchange.ratings import RowRead
from blender_ui.exchange.records import CandidateRecord, LabelRecord, Winner

PROMPT_NAMES = ("prompt", "instruction", "question", "query", "messages")
DRAFT = "a draft or a discarded response, which was not submitted"
_INPUT_NAMES = ("input", "context", "background")
_ASIDE = ("_suggestion", ".suggestion", "_suggestion_metadata", "_model", ".agent", ".score")
_RESPONSES = ".responses"


class _Response(NamedTuple):
    user: str
    value: Any
    status: str


def parse_record(record: Columns, source: str) -> RowRead:
    """Read a record with the responses of all its users."""
    texts = record["fields"]
    if not isinstance(texts, dict):
        raise FieldError("expected an object as 'fields'")
    metadata = record.get("metadata")
    row = Columns({"id": record.get("external_id") or record.get("id"), "source": None})
    return _read(
        row,
        texts,
        metadata if isinstance(metadata, dict) else {},
        list(_responses(record["responses"])),
        source,
    )


def is_flat(names: frozenset[str]) -> bool:
    """Whether a row with these names is one of ``to_datasets``."""
    return any(name.endswith(_RESPONSES) for name in names) or any(
        name.endswith("_suggestion") for name in names
    )


def is_question(value: Any) -> bool:
    """Whether a column holds a question's responses, as version 1 exports them."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(one, dict) and "value" in one and one.keys() & {"user_id", "status"} for one in value
        )
    )


def parse_flat_record(record: Columns, source: str) -> RowRead:
    """Read a record whose fields, responses and metadata are columns."""
    questions = {name.removesuffix(_RESPONSES) for name in record if name.endswith(_RESPONSES)}
    listed = {name for name in record if name not in questions and is_question(as_value(record[name]))}
    responses = [
        *(one for question in sorted(questions) for one in _of_columns(record, question)),
        *(one for name in sorted(listed) for one in _of_question(as_value(record[name]))),
    ]
    texts = _texts(record, {*questions, *listed})
    metadata = as_value(record.get("metadata"))
    about = {
        name: record[name] for name in record if name not in texts and name.startswith(("model", *texts))
    }
    about |= metadata if isinstance(metadata, dict) else {}
    row = Columns({"id": record.get("external_id") or record.get("id"), "source": None})
    return _read(row, texts, about, responses, source)


def _texts(record: Columns, questions: Set[str]) -> dict[str, Any]:
    """The columns of the prompt, its input and the answers, among those of questions and metadata."""
    asked = {name: record[name] for name in (*PROMPT_NAMES, *_INPUT_NAMES) if not is_blank(record.get(name))}
    named = {
        name
        for name in record
        if name not in asked and name.startswith(STEMS) and not name.endswith(_ASIDE)
        if not any(name == question or name.startswith(f"{question}.") for question in questions)
    }
    return asked | {name: record[name] for name in record if name in named and isinstance(record[name], str)}


def _read(
    row: Columns,
    texts: Mapping[str, Any],
    metadata: Mapping[str, Any],
    responses: Sequence[_Response],
    source: str,
) -> RowRead:
    prompt = next((name for name in PROMPT_NAMES if not is_blank(texts.get(name))), None)
    if prompt is None:
        raise FieldError(f"expected the prompt as one of {', '.join(PROMPT_NAMES)}; came {', '.join(texts)}")
    about = {plain_heading(name): value for name, value in metadata.items()}
    aside = (prompt, *_INPUT_NAMES)
    names = [name for name, value in texts.items() if name not in aside and value is not None]
    if len(names) < 2:
        raise FieldError(f"expected two answers or more beside the prompt, came {', '.join(names) or 'none'}")
    compared = compare(read_opening(texts[prompt]), [read_side(texts[name], name) for name in names])
    candidates = [
        CandidateRecord(model=_model(about, name), text=text)
        for name, text in zip(names, compared.answers, strict=True)
    ]
    given = next((texts[name] for name in _INPUT_NAMES if isinstance(texts.get(name), str)), "")
    submitted = [response for response in responses if response.status == "submitted"]
    labels = tuple(label for response in submitted for label in _labels(response, names))
    if submitted and not labels:
        came = ", ".join(sorted({repr(response.value) for response in submitted})[:3])
        raise FieldError(
            f"expected a submitted response to be a word or an order of the answers; came {came}"
        )
    record = record_of(row, compared.asked, candidates, labels, input=given, source=source)
    return RowRead(record=record, left_out=(DRAFT,) * (len(responses) - len(submitted)))


def _model(about: Mapping[str, Any], name: str) -> str:
    plain = plain_heading(name)
    number = plain.rsplit("_", 1)[-1]
    keys = (f"{plain}_model", f"{plain}.model", f"model_{number}", f"model_{plain}", plain)
    told = next((about[key] for key in keys if isinstance(about.get(key), str) and about[key].strip()), None)
    return name_of(told, most=128) or UNKNOWN


def _responses(responses: Any) -> Iterator[_Response]:
    """Responses of either version: lists by question, or questions by user."""
    if isinstance(responses, dict):
        for of_question in responses.values():
            yield from _of_question(of_question if isinstance(of_question, list) else [])
    elif isinstance(responses, list):
        for response in responses:
            for answer in (response.get("values") or {}).values():
                yield _Response(_user(response.get("user_id")), answer.get("value"), _status(response))
    else:
        raise FieldError("expected 'responses' as an object by question or a list by user")


def _of_question(responses: Sequence[Mapping[str, Any]]) -> Iterator[_Response]:
    for response in responses:
        yield _Response(_user(response.get("user_id")), response.get("value"), _status(response))


def _of_columns(record: Columns, question: str) -> Iterator[_Response]:
    values, users, status = (
        as_value(record.get(f"{question}{_RESPONSES}{more}")) or [] for more in ("", ".users", ".status")
    )
    for place, value in enumerate(values):
        user = users[place] if place < len(users) else None
        yield _Response(_user(user), value, str(status[place]) if place < len(status) else "submitted")


def _user(user: Any) -> str:
    return name_of(user, most=128) or UNNAMED


def _status(response: Mapping[str, Any]) -> str:
    return str(response.get("status") or "submitted")


def _labels(response: _Response, answers: list[str]) -> Iterator[LabelRecord]:
    value = as_value(response.value)
    if isinstance(value, dict) and {"rank", "value"} <= value.keys():
        value = [
            {"rank": rank, "value": name} for rank, name in zip(value["rank"], value["value"], strict=True)
        ]
    if isinstance(value, list):
        ranks = _ranks(value)
        by_place = [ranks.get(plain_heading(name)) for name in answers]
        for a, b in combinations(range(len(answers)), 2):
            first, second = by_place[a], by_place[b]
            if first is not None and second is not None:
                winner: Winner = "tie" if first == second else "a" if first < second else "b"
                yield _label(response, a, b, winner)
    elif isinstance(value, str):
        plain = [plain_heading(name) for name in answers]
        if len(answers) != 2:
            raise FieldError(f"one word, {value!r}, cannot order {len(answers)} answers; rank them")
        if plain_heading(value) in plain:
            yield _label(response, 0, 1, "b" if plain.index(plain_heading(value)) else "a")
        else:
            yield _label(response, 0, 1, _read_choice(value))
    # Ratings and free texts are other questions of the same record.


def _read_choice(word: str) -> Winner:
    try:
        return read_winner(word)
    except FieldError:
        # response-1 and the like: numbered from 1 by Argilla's templates.
        return read_winner(word.rsplit("-", 1)[-1])


def _ranks(value: list[Any]) -> dict[str, int]:
    """Rank by answer's plain name, 1 is best: from objects with value and rank, or from names best first."""
    ranks: dict[str, int] = {}
    for place, item in enumerate(value, start=1):
        match item:
            case {"value": str() as name, "rank": int() as rank}:
                ranks[plain_heading(name)] = rank
            case str() as name:
                ranks[plain_heading(name)] = place
            case _:
                raise FieldError(f"expected an order of answers, came {item!r} in it")
    return ranks


def _label(response: _Response, a: int, b: int, winner: Winner) -> LabelRecord:
    return LabelRecord(annotator=response.user, a=a, b=b, winner=winner, kind="human")
