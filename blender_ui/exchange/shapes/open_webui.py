"""Open WebUI's exported feedback: a thumb on an answer beside which others to the same question stood.

The texts are in the chat's snapshot. A thumb up says that the rated answer is better than each of its
siblings, a thumb down that each of them is better. Invariant: an answer that was rated without siblings makes
no vote and is left out. Non-goal: tags, comments on a topic, and ratings from 1 to 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blender_ui.exchange.cells.chats import compare
from blender_ui.exchange.cells.particulars import UNKNOWN, name_of, record_of
from blender_ui.exchange.cells.words import Turn, read_seconds_since_1970, role_of
from blender_ui.exchange.columns import Columns
from blender_ui.exchange.fields import FieldError, LeftOut
from blender_ui.exchange.gathering import UNNAMED
from blender_ui.exchange.ratings import prefer
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord

ALONE = "the answer was rated alone: no other answer to the same question stood beside it"
_NANOSECONDS = 1e15
"""A larger time is in nanoseconds, as some versions write them."""


def parse_feedback(feedback: Columns, source: str) -> PromptRecord:
    """Read a thumb on one of several answers.

    Raises:
        LeftOut: If it rates an answer alone, or nothing.
    """
    data, meta = _object(feedback, "data"), _object(feedback, "meta")
    sign = {"1": True, "-1": False}.get(str(data.get("rating")).removesuffix(".0"))
    if sign is None:
        raise LeftOut("the feedback has no thumb up or down")
    messages = _messages(feedback)
    rated = messages.get(str(meta.get("message_id")))
    if rated is None:
        raise FieldError(f"the snapshot lacks the rated message {meta.get('message_id')!r}")
    siblings = _siblings(messages, rated, data.get("sibling_model_ids"))
    if not siblings:
        raise LeftOut(ALONE)
    answers = [rated, *siblings]
    opening = _opening(messages, rated)
    compared = compare(opening, [[Turn("assistant", _text(answer))] for answer in answers])
    candidates = [
        CandidateRecord(model=_model(answer), text=text)
        for answer, text in zip(answers, compared.answers, strict=True)
    ]
    labels = []
    for place in range(1, len(answers)):
        better, worse = (0, place) if sign else (place, 0)
        a, b, winner = prefer(better, worse, compared.asked.prompt, compared.answers)
        labels.append(
            LabelRecord(
                annotator=name_of(feedback.get("user_id"), most=128) or UNNAMED,
                a=a,
                b=b,
                winner=winner,
                kind="human",
                reason=_reason(data),
                at=_time(feedback.get("created_at")),
            )
        )
    row = Columns({"id": _chat_of(meta, rated)})
    return record_of(row, compared.asked, candidates, labels, source=source)


def _object(feedback: Columns, name: str) -> Mapping[str, Any]:
    value = feedback.get(name)
    if not isinstance(value, Mapping):
        raise FieldError(f"expected an object as {name!r}")
    return value


def _messages(feedback: Columns) -> dict[str, Mapping[str, Any]]:
    """The snapshot's messages by id."""
    value: Any = feedback.get("snapshot")
    for step in ("chat", "chat", "history", "messages"):
        value = value.get(step) if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping):
        raise LeftOut("the feedback has no snapshot of its chat, so its texts are not known")
    return {str(id): message for id, message in value.items() if isinstance(message, Mapping)}


def _siblings(
    messages: Mapping[str, Mapping[str, Any]], rated: Mapping[str, Any], models: Any
) -> list[Mapping[str, Any]]:
    """Answers of the other models to the same question; without their names, all other answers to it."""
    others = [
        message
        for message in messages.values()
        if message is not rated
        and message.get("parentId") == rated.get("parentId")
        and role_of(str(message.get("role"))) == "assistant"
    ]
    if not isinstance(models, list):
        return others
    return [message for message in others if message.get("model") in models or _model(message) in models]


def _opening(messages: Mapping[str, Mapping[str, Any]], rated: Mapping[str, Any]) -> list[Turn]:
    """The turns from the first question to the one that was answered."""
    turns: list[Turn] = []
    seen: set[str] = set()
    parent = rated.get("parentId")
    while parent is not None and str(parent) in messages and str(parent) not in seen:
        seen.add(str(parent))
        message = messages[str(parent)]
        turns.append(Turn(role_of(str(message.get("role"))), _text(message)))
        parent = message.get("parentId")
    return turns[::-1]


def _text(message: Mapping[str, Any]) -> str:
    if message.get("files"):
        raise LeftOut("a message holds more than text, such as a picture")
    text = message.get("content")
    if not isinstance(text, str):
        raise FieldError("expected text as a message's 'content'")
    return text


def _model(message: Mapping[str, Any]) -> str:
    """Who wrote it; in Open WebUI's arena the model that was drawn."""
    return name_of(message.get("selectedModelId") or message.get("model"), most=128) or UNKNOWN


def _chat_of(meta: Mapping[str, Any], rated: Mapping[str, Any]) -> str | None:
    chat, question = meta.get("chat_id"), rated.get("parentId")
    return f"{chat}:{question}" if chat and question else None


def _reason(data: Mapping[str, Any]) -> str | None:
    told = [data.get("reason"), data.get("comment")]
    return ": ".join(text for text in told if isinstance(text, str) and text.strip()) or None


def _time(value: Any) -> str | None:
    if isinstance(value, int | float) and value > _NANOSECONDS:
        value = value / 1e9
    return read_seconds_since_1970(value)
