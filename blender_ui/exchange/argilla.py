"""Records of an Argilla export: ``dataset.records.to_json`` of version 2, and version 1's API form.

``fields`` holds the prompt and the answers; a response is a word (label question) or an order (ranking
question). An order of n answers becomes its n (n - 1) / 2 pairs. Invariant: only submitted responses are
labels. Non-goal: suggestions, which are models' guesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

from blender_ui.exchange.fields import FieldError, Fields
from blender_ui.exchange.gathering import UNNAMED, id_of_question
from blender_ui.exchange.label_studio import PROMPT_NAMES
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord, Winner
from blender_ui.exchange.verdicts import read_winner
from blender_ui.exchange.words import read_text

_INPUT_NAMES = ("input", "context", "background")


class _Response(NamedTuple):
    user: str
    value: Any


def parse_record(record: Mapping[str, Any], source: str) -> PromptRecord:
    """Read a record with the responses of all its users."""
    fields = Fields(record)
    texts = record["fields"]
    if not isinstance(texts, dict):
        raise fields.fault("expected an object as 'fields'")
    metadata = record.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    prompt_name = next((name for name in PROMPT_NAMES if read_text(texts.get(name))), None)
    if prompt_name is None:
        raise fields.fault(
            f"expected the prompt as one of {', '.join(PROMPT_NAMES)}; came {', '.join(texts)}"
        )
    aside = (prompt_name, *_INPUT_NAMES)
    answers = [name for name, value in texts.items() if name not in aside and read_text(value) is not None]
    if len(answers) < 2:
        raise fields.fault(
            f"expected two answers or more beside the prompt, came {', '.join(answers) or 'none'}"
        )
    prompt = read_text(texts[prompt_name]) or ""
    return PromptRecord(
        id=str(record.get("external_id") or record.get("id") or id_of_question(prompt))[:256],
        source=source,
        prompt=prompt,
        input=next((text for name in _INPUT_NAMES if (text := read_text(texts.get(name)))), ""),
        candidates=tuple(
            CandidateRecord(
                model=str(metadata.get(f"{name}_model") or metadata.get(name) or "unknown")[:128],
                text=read_text(texts[name]) or "",
            )
            for name in answers
        ),
        labels=_all_labels(record["responses"], answers),
    )


def _all_labels(responses: Any, answers: list[str]) -> tuple[LabelRecord, ...]:
    submitted = list(_responses(responses))
    labels = tuple(label for response in submitted for label in _labels(response, answers))
    if submitted and not labels:
        came = ", ".join(sorted({repr(response.value) for response in submitted})[:3])
        raise FieldError(
            f"expected a submitted response to be a word or an order of the answers; came {came}"
        )
    return labels


def _responses(responses: Any) -> Iterator[_Response]:
    """Submitted responses of either version: lists by question, or questions by user."""
    if isinstance(responses, dict):
        for of_question in responses.values():
            for response in of_question if isinstance(of_question, list) else ():
                if response.get("status", "submitted") == "submitted":
                    yield _Response(str(response.get("user_id") or UNNAMED), response.get("value"))
    elif isinstance(responses, list):
        for response in responses:
            if response.get("status", "submitted") == "submitted":
                for answer in (response.get("values") or {}).values():
                    yield _Response(str(response.get("user_id") or UNNAMED), answer.get("value"))
    else:
        raise FieldError("expected 'responses' as an object by question or a list by user")


def _labels(response: _Response, answers: list[str]) -> Iterator[LabelRecord]:
    if isinstance(response.value, list):
        ranks = _ranks(response.value)
        for a, b in combinations(range(len(answers)), 2):
            if answers[a] in ranks and answers[b] in ranks:
                first, second = ranks[answers[a]], ranks[answers[b]]
                winner: Winner = "tie" if first == second else "a" if first < second else "b"
                yield _label(response, a, b, winner)
    elif isinstance(response.value, str):
        if response.value in answers and len(answers) == 2:
            yield _label(response, 0, 1, "ab"[answers.index(response.value)])  # type: ignore[arg-type]
        elif len(answers) == 2:
            yield _label(response, 0, 1, _read_choice(response.value))
        else:
            raise FieldError(f"one word, {response.value!r}, cannot order {len(answers)} answers; rank them")
    # Ratings and free texts are other questions of the same record.


def _read_choice(word: str) -> Winner:
    try:
        return read_winner(word)
    except FieldError:
        # response-1 and the like: numbered from 1 by Argilla's templates.
        return read_winner(word.rsplit("-", 1)[-1])


def _ranks(value: list[Any]) -> dict[str, int]:
    """Rank by answer, 1 is best: from objects with value and rank, or from names best first."""
    ranks: dict[str, int] = {}
    for place, item in enumerate(value, start=1):
        match item:
            case {"value": str() as name, "rank": int() as rank}:
                ranks[name] = rank
            case str() as name:
                ranks[name] = place
            case _:
                raise FieldError(f"expected an order of answers, came {item!r} in it")
    return ranks


def _label(response: _Response, a: int, b: int, winner: Winner) -> LabelRecord:
    return LabelRecord(annotator=response.user[:128], a=a, b=b, winner=winner, kind="human")
