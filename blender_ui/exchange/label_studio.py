"""Tasks of a Label Studio export (JSON) whose labelling configuration has a Pairwise tag.

A task's ``data`` holds the texts under names that its project chose; which ones are compared is told by the
names ``a`` and ``b`` go by in most templates, or by the Pairwise result's ``to_name``. A tie is a choice that
says so. Invariant: a cancelled annotation is no label; one without a comparison is a fault. Non-goal:
other tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from blender_ui.exchange.fields import FieldError, Fields
from blender_ui.exchange.gathering import UNNAMED, id_of_question
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord
from blender_ui.exchange.verdicts import read_winner
from blender_ui.exchange.words import read_text

ANSWER_NAMES = (
    ("text_a", "text_b"),
    ("answer1", "answer2"),
    ("answer_a", "answer_b"),
    ("response1", "response2"),
    ("response_a", "response_b"),
    ("text1", "text2"),
)
PROMPT_NAMES = ("prompt", "instruction", "question", "query")


def parse_task(task: Mapping[str, Any], source: str) -> PromptRecord:
    """Read a task with all its annotations."""
    fields = Fields(task)
    data = task["data"]
    if not isinstance(data, dict):
        raise fields.fault("expected an object as 'data'")
    results = list(_results(fields))
    names = _answer_names(data, [result for _, result in results])
    prompt = _prompt(data)
    candidates = tuple(
        CandidateRecord(model=_model(data, name, side), text=_text(data, name))
        for name, side in zip(names, "ab", strict=True)
    )
    return PromptRecord(
        id=str(data.get("id") or task.get("id") or id_of_question(prompt)),
        source=str(data.get("source") or source)[:128],
        prompt=prompt,
        candidates=candidates,
        labels=tuple(_label(annotation, result) for annotation, result in results),
    )


def _results(task: Fields) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each standing annotation with the one of its results that says who won."""
    for annotation in task.objects("annotations"):
        told = annotation.value
        if told.get("was_cancelled"):
            continue
        results = [result for result in told.get("result") or [] if isinstance(result, dict)]
        pairwise = [result for result in results if result.get("type") == "pairwise"]
        choices = [result for result in results if result.get("type") == "choices"]
        if not (pairwise or choices):
            raise annotation.fault("it holds neither a 'pairwise' result nor a choice")
        yield told, (pairwise or choices)[0]


def _label(annotation: Mapping[str, Any], result: Mapping[str, Any]) -> LabelRecord:
    value = result.get("value") or {}
    words = value.get("selected") if result["type"] == "pairwise" else (value.get("choices") or [None])[0]
    by = annotation.get("completed_by")
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    seconds = annotation.get("lead_time")
    return LabelRecord(
        annotator=str(by if by is not None else UNNAMED)[:128],
        a=0,
        b=1,
        winner=read_winner(words),
        kind="human",
        seconds=float(seconds) if isinstance(seconds, int | float) and seconds >= 0 else None,
        at=_time(annotation.get("created_at")),
    )


def _time(text: Any) -> str | None:
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        time.astimezone(UTC)  # which the store keeps, and the calendar's first and last day may lack
    except (ValueError, OverflowError) as error:
        raise FieldError(f"expected 'created_at' in ISO 8601, came {text!r}") from error
    return time.isoformat()


def _answer_names(data: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    pointed = {str(result.get("to_name", "")) for result in results if result["type"] == "pairwise"}
    for names in (*(tuple(name.strip() for name in to.split(",")) for to in sorted(pointed)), *ANSWER_NAMES):
        if len(names) == 2 and all(name in data for name in names):
            return names[0], names[1]
    known = "; ".join(" and ".join(names) for names in ANSWER_NAMES)
    raise FieldError(f"expected two answers in 'data', named {known}; came {', '.join(data) or 'nothing'}")


def _prompt(data: Mapping[str, Any]) -> str:
    for name in PROMPT_NAMES:
        text = read_text(data.get(name))
        if text is not None and text.strip():
            return text
    raise FieldError(
        f"expected the prompt in 'data' as one of {', '.join(PROMPT_NAMES)}; came {', '.join(data)}"
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise FieldError(f"expected text as data[{name!r}], came {type(value).__name__}")
    return value


def _model(data: Mapping[str, Any], name: str, side: str) -> str:
    """Who wrote an answer, where the task says so: ``model_a``, ``answer1_model``."""
    for key in (f"model_{side}", f"{name}_model"):
        if isinstance(data.get(key), str) and data[key].strip():
            return str(data[key])[:128]
    return "unknown"
