"""What a row says beside its texts: whose vote it is, how strong, and what the prompt is called.

Invariant: a name that is longer than the store keeps is shortened to one that is still its own. Non-goal: the
texts, and who won.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from blender_ui.exchange.cells.chats import Asked
from blender_ui.exchange.cells.numbers import as_number
from blender_ui.exchange.columns import Columns, as_value, is_blank
from blender_ui.exchange.fields import FieldError, Fields, LeftOut, has_words
from blender_ui.exchange.gathering import UNNAMED, id_of_question
from blender_ui.exchange.jsonl import STRENGTH_BY_WORD, parse_time
from blender_ui.exchange.limits import shorten
from blender_ui.exchange.records import CandidateRecord, Kind, LabelRecord, PromptRecord, Winner

UNKNOWN = "unknown"
"""The model of an answer whose row names none."""
_ANNOTATORS = (
    *("annotator", "annotator_id", "annotator_name", "rater", "rater_id", "worker", "worker_id", "labeler"),
    *("labeller", "evaluator", "judge", "judge_name", "completed_by", "participant", "participant_id"),
    *("reviewer", "user_id"),
)
_JUDGES = ("gpt", "claude", "llama", "alpaca_eval", "weighted_alpaca_eval", "chatgpt", "gemini", "pairrm")
_KINDS: dict[str, Kind] = {"human": "human", "judge": "judge"}
_IDS = ("id", "prompt_id", "question_id", "external_id")
_MEDIA = ("image", "images", "audio", "audios", "video", "videos")
_CATEGORIES = ("category", "subset", "domain")


def name_of(value: Any, *, most: int) -> str | None:
    """A name, number or list of names as text, shortened to so many characters; None where it is blank.

    Raises:
        FieldError: If it is an object.
    """
    if is_blank(value):
        return None
    if isinstance(value, list | tuple):
        value = ", ".join(str(one) for one in value if not is_blank(one)) or None
    if isinstance(value, Mapping):
        raise FieldError("expected a name or a number, came an object")
    return None if value is None else shorten(str(value).strip(), most)


def annotator_of(row: Columns) -> str:
    """Who voted, or ``UNNAMED``."""
    name = row.first(_ANNOTATORS)
    return UNNAMED if name is None else name_of(row[name], most=128) or UNNAMED


def kind_of(row: Columns, annotator: str, default: Kind = "human") -> Kind:
    """Whether a person or a model voted: as ``kind`` says, or as the annotator's name does."""
    if row.first(("kind",)):
        return Fields(row).choice("kind", _KINDS)
    return "judge" if annotator.casefold().startswith(_JUDGES) else default


def model_of(row: Columns, names: Iterable[str]) -> str:
    """Who wrote an answer, in the first of these columns that says so."""
    name = row.first(names)
    return UNKNOWN if name is None else name_of(row[name], most=128) or UNKNOWN


def label_of(
    row: Columns,
    winner: Winner,
    *,
    a: int = 0,
    b: int = 1,
    kind: Kind = "human",
    strength: float | None = None,
) -> LabelRecord:
    """The vote of a row, with what the row says of it."""
    fields = Fields({name: _cell(row, name) for name in ("strength", "seconds", "reason", "at")})
    told, seconds = fields.number("strength", words=STRENGTH_BY_WORD), fields.number("seconds")
    if told is not None and not 0 < told <= 1:
        raise FieldError(f"expected 'strength' above 0 and at most 1, came {told}")
    if seconds is not None and seconds < 0:
        raise FieldError(f"expected 'seconds' to be 0 or more, came {seconds}")
    annotator = annotator_of(row)
    return LabelRecord(
        annotator=annotator,
        a=a,
        b=b,
        winner=winner,
        kind=kind_of(row, annotator, kind),
        strength=strength if told is None else told,
        reason=fields.optional_text("reason"),
        seconds=seconds,
        at=parse_time(fields),
    )


def record_of(
    row: Columns,
    asked: Asked,
    candidates: Iterable[CandidateRecord],
    labels: Iterable[LabelRecord] = (),
    *,
    input: str = "",
    source: str,
) -> PromptRecord:
    """A prompt's record under the names that the row gives it."""
    if row.first(_MEDIA) is not None and any(as_value(row.get(name)) for name in _MEDIA):
        raise LeftOut("the prompt has a picture, a sound or a film beside its text")
    input = input or asked.input
    if not (has_words(asked.prompt) or has_words(input)):
        raise FieldError("'prompt' is blank")
    id_name = row.first(_IDS)
    category = row.first(_CATEGORIES)
    language = row.first(("lang", "language"))
    return PromptRecord(
        id=(name_of(row[id_name], most=256) if id_name else None)
        or id_of_question(asked.prompt, input, asked.history),
        source=name_of(row.get("source"), most=128) or source,
        prompt=asked.prompt,
        input=input,
        history=asked.history,
        candidates=tuple(candidates),
        labels=tuple(labels),
        licence=name_of(row.get("licence"), most=128),
        lang=name_of(row[language], most=32) if language else None,
        category=name_of(row[category], most=128) if category else None,
    )


def _cell(row: Columns, name: str) -> Any:
    """A cell that is not blank; numbers that CSV spells as numbers."""
    if is_blank(row.get(name)):
        return None
    value = row[name]
    if isinstance(value, str) and name in ("strength", "seconds"):
        try:
            return as_number(value)
        except FieldError:
            return value  # a word, or a fault that the field's reader names
    return value
