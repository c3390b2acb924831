"""Rows of one label each, and rows of a chosen and a rejected answer, as trainers keep them.

    prompt, model_a, text_a, model_b, text_b, winner   [, source, id, instruction_input, kind, annotator, ...]
    prompt, chosen, rejected                           [, chosen_model, rejected_model, id, source, ...]

``tables.CSV_COLUMNS`` is the first kind. Prompt and answers may be texts or chats (messages with role and
content); who won may stand in other columns, see ``exchange.verdicts``. Invariant: sides that a
row does not tell are drawn at random, so that "chosen" is no side. Non-goal: gathering rows of one prompt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from blender_ui.exchange.fields import FieldError, Fields, LeftOut
from blender_ui.exchange.gathering import UNNAMED, id_of_question
from blender_ui.exchange.jsonl import STRENGTH_BY_WORD, parse_time
from blender_ui.exchange.records import CandidateRecord, Kind, LabelRecord, PromptRecord, Winner
from blender_ui.exchange.verdicts import find_winner
from blender_ui.exchange.words import (
    CONVERSATION,
    Turn,
    read_exchange,
    read_text,
    read_turn_texts,
    read_turns,
)

TEXT_A = ("text_a", "response_a", "answer_a")
TEXT_B = ("text_b", "response_b", "answer_b")
UNKNOWN = "unknown"
_SCORES = tuple(
    names
    for word in ("score", "rating", "reward")
    for names in ((f"{word}_chosen", f"{word}_rejected"), (f"chosen_{word}", f"rejected_{word}"))
)
_KINDS: dict[str, Kind] = {"human": "human", "judge": "judge"}
_NUMBERS = ("strength", "seconds")


def parse_label_row(row: Mapping[str, Any], source: str) -> PromptRecord:
    """Read one label; a row without a winner is a pair that nobody has compared yet."""
    row = _cleaned(row)
    fields = Fields(row)
    names = [next((name for name in side if name in row), side[0]) for side in (TEXT_A, TEXT_B)]
    prompt, texts = _texts(row, names)
    models = (_model(fields, "model_a"), _model(fields, "model_b"))
    candidates = tuple(
        CandidateRecord(model=model, text=text) for model, text in zip(models, texts, strict=True)
    )
    winner = find_winner(row, models)
    labels = () if winner is None else (_label(fields, row, winner),)
    return _record(fields, prompt, candidates, labels, source=source)


def parse_chosen_row(row: Mapping[str, Any], source: str) -> PromptRecord:
    """Read a chosen and a rejected answer as one label.

    Raises:
        LeftOut: If the row's own scores say that neither is better.
    """
    row = _cleaned(row)
    fields = Fields(row)
    prompt, answers = _texts(row, ("chosen", "rejected"))
    for first, second in _SCORES:
        if row.get(first) is not None and row.get(first) == row.get(second):
            raise LeftOut("the scores of 'chosen' and 'rejected' are equal, so neither is better")
    models = [_model(fields, f"{name}_model") for name in ("chosen", "rejected")]
    chosen, rejected = (
        CandidateRecord(model=model, text=text) for model, text in zip(models, answers, strict=True)
    )
    is_first = hashlib.sha256("\x1f".join((prompt, *sorted(answers))).encode()).digest()[0] % 2 == 0
    is_first = is_first if answers[0] <= answers[1] else not is_first
    candidates = (chosen, rejected) if is_first else (rejected, chosen)
    label = _label(fields, row, "a" if is_first else "b")
    return _record(fields, prompt, candidates, (label,), source=source)


def _texts(row: Mapping[str, Any], names: Sequence[str]) -> tuple[str, list[str]]:
    """The prompt and the two answers under these names: texts, chats, or texts in lists of turns."""
    turns = [read_turn_texts(row.get(name)) for name in ("prompt", *names)]
    if all(turns):
        if any(len(texts or ()) > 1 for texts in turns):
            raise LeftOut(CONVERSATION)
        return (turns[0] or [""])[0], [(texts or [""])[0] for texts in turns[1:]]
    chats = [read_turns(row.get(name)) for name in names]
    asked = row.get("prompt")
    if any(chat is not None for chat in chats):
        asked_turns = read_turns(asked)
        opening = asked_turns or ([Turn("user", asked)] if isinstance(asked, str) else [])
        told = [
            _told(opening, chat or [Turn("assistant", _required_text(row, (name,)))])
            for name, chat in zip(names, chats, strict=True)
        ]
        if told[0][0] != told[1][0]:
            raise FieldError(f"{names[0]!r} and {names[1]!r} answer different questions")
        return told[0][0], [answer for _, answer in told]
    prompt = read_text(asked)
    if prompt is None:
        came = "nothing" if asked is None else type(asked).__name__
        raise FieldError(
            f"expected text or a chat as 'prompt', came {came}; "
            f"without it {names[0]!r} and {names[1]!r} must be chats"
        )
    return prompt, [_required_text(row, (name,)) for name in names]


def _told(opening: Sequence[Turn], chat: Sequence[Turn]) -> tuple[str, str]:
    """Question and answer of a chat that may begin with the opening or go on from it."""
    starts_over = any(turn.role != "assistant" for turn in chat)
    whole = list(chat) if starts_over else [*opening, *chat]
    return read_exchange(whole)


def _model(fields: Fields, name: str) -> str:
    model = fields.optional_text(name, longest=128) or ""
    return model if model.strip() else UNKNOWN


def _label(fields: Fields, row: Mapping[str, Any], winner: Winner) -> LabelRecord:
    strength, seconds = fields.number("strength", words=STRENGTH_BY_WORD), fields.number("seconds")
    if strength is not None and not 0 < strength <= 1:
        raise FieldError(f"expected 'strength' above 0 and at most 1, came {strength}")
    if seconds is not None and seconds < 0:
        raise FieldError(f"expected 'seconds' to be 0 or more, came {seconds}")
    return LabelRecord(
        annotator=fields.optional_text("annotator", longest=128) or UNNAMED,
        a=0,
        b=1,
        winner=winner,
        kind="human" if row.get("kind") is None else fields.choice("kind", _KINDS),
        strength=strength,
        reason=fields.optional_text("reason"),
        seconds=seconds,
        at=parse_time(fields),
    )


def _record(
    fields: Fields,
    prompt: str,
    candidates: tuple[CandidateRecord, ...],
    labels: tuple[LabelRecord, ...],
    *,
    source: str,
) -> PromptRecord:
    given_input = fields.optional_text("instruction_input") or ""
    if not (prompt.strip() or given_input.strip()):
        raise FieldError("'prompt' is blank")
    return PromptRecord(
        id=fields.optional_text("id", longest=256) or id_of_question(prompt, given_input),
        source=fields.optional_text("source", longest=128) or source,
        prompt=prompt,
        input=given_input,
        candidates=candidates,
        labels=labels,
        licence=fields.optional_text("licence", longest=128),
        lang=fields.optional_text("lang", longest=32),
        category=fields.optional_text("category", longest=128),
    )


def _required_text(row: Mapping[str, Any], names: Sequence[str]) -> str:
    name = next((name for name in names if name in row), names[0])
    value = row.get(name)
    if not isinstance(value, str):
        raise FieldError(
            f"expected text as {name!r}, came {type(value).__name__ if value is not None else 'nothing'}"
        )
    return value


def _cleaned(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without empty cells, but empty answers; numbers that CSV spells as numbers, ids as text."""
    texts = (*TEXT_A, *TEXT_B, "prompt", "chosen", "rejected")
    fields = {
        name: value
        for name, value in row.items()
        if name in texts or not (isinstance(value, str) and not value.strip())
    }
    for name in _NUMBERS:
        if isinstance(fields.get(name), str):
            try:
                fields[name] = float(fields[name])
            except ValueError:
                continue  # a word, or a fault that the field's reader names
    if isinstance(fields.get("id"), int) and not isinstance(fields["id"], bool):
        fields["id"] = str(fields["id"])
    return fields
