"""What the rows of a file mean: which tool wrote them, and the reader that makes records of them.

A shape is known by its fields, and the more particular shapes stand before the general ones. Invariant: of
one file all rows are read as the same shape. Non-goal: reading whole files (``exchange.intake``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from blender_ui.errors import UnknownShape
from blender_ui.exchange.cells.questions import PROMPTS
from blender_ui.exchange.cells.transcripts import read_transcript
from blender_ui.exchange.cells.words import read_turns
from blender_ui.exchange.columns import Columns, as_value, find_places, find_sides
from blender_ui.exchange.fields import LeftOut
from blender_ui.exchange.jsonl import parse_record
from blender_ui.exchange.ratings import RowRead
from blender_ui.exchange.records import PromptRecord
from blender_ui.exchange.shapes import (
    argilla,
    columned,
    fastchat,
    flat,
    label_studio,
    listed,
    open_webui,
    scored,
    single,
)

Parser = Callable[[Columns, str], PromptRecord | RowRead]
"""Takes a row's columns and the source to use where they name none."""
Test = Callable[[Mapping[str, Any]], bool]


class Shape(NamedTuple):
    """A form of rows, in a sentence, and how one is read.

    Attributes:
        name: What people call it.
        needs: Names that must all be among a row's fields; each may be one of several.
        parse: Makes a row's record.
        test: What else a row must be like.
    """

    name: str
    needs: tuple[tuple[str, ...], ...]
    parse: Parser
    test: Test | None = None

    def fits(self, fields: Mapping[str, Any]) -> bool:
        """Whether a row with these fields is of this shape."""
        if not all(any(name in fields for name in names) for names in self.needs):
            return False
        return self.test is None or self.test(fields)


def _parse_own(fields: Columns, source: str) -> PromptRecord:
    return parse_record(fields)


def _has_sides(fields: Mapping[str, Any]) -> bool:
    return find_sides(frozenset(fields)) is not None


def _has_places(fields: Mapping[str, Any]) -> bool:
    return find_places(frozenset(fields)) is not None


def _is_argilla(fields: Mapping[str, Any]) -> bool:
    questions = (as_value(value) for value in fields.values())
    return argilla.is_flat(frozenset(fields)) or any(map(argilla.is_question, questions))


def _are_transcripts(fields: Mapping[str, Any]) -> bool:
    texts = (fields["chosen"], fields["rejected"])
    return all(isinstance(text, str) and read_transcript(text) for text in texts)


def _has_several(fields: Mapping[str, Any]) -> bool:
    value = as_value(fields["rejected"])
    return isinstance(value, list) and bool(value) and read_turns(value) is None


def _has_chosen(fields: Mapping[str, Any]) -> bool:
    return any(fields.keys() >= set(names) for names in flat.CHOSEN)


def _ends_in_answer(fields: Mapping[str, Any]) -> bool:
    turns = next((read_turns(fields[name]) for name in single.CHATS if name in fields), None)
    return bool(turns) and turns is not None and turns[-1].role == "assistant"


def _holds_list(fields: Mapping[str, Any]) -> bool:
    return any(isinstance(as_value(fields.get(name)), list) for name in listed.LISTS)


def _orders_two(fields: Mapping[str, Any]) -> bool:
    value = as_value(fields["output"])
    return isinstance(value, list) and len(value) == 2


_PAIR = (("chosen",), ("rejected",))
OWN = Shape("this app's records", (("candidates",), ("labels",)), _parse_own)
SHAPES = (
    OWN,
    Shape("Label Studio tasks", (("data",), ("annotations",)), label_studio.parse_task),
    Shape("Argilla records", (("fields",), ("responses",)), argilla.parse_record),
    Shape("FastChat votes", (("type",), ("models",), ("states",)), fastchat.parse_vote),
    Shape("FastChat logs", (("type",), ("model",), ("state",)), fastchat.parse_vote),
    Shape(
        "arena 140k",
        (("winner",), ("conversation_a",), ("conversation_b",), ("evaluation_session_id",)),
        fastchat.parse_battle,
    ),
    Shape(
        "FastChat battles",
        (("winner", "winner_model_a"), ("model_a",), ("model_b",), ("conversation_a",), ("conversation_b",)),
        fastchat.parse_battle,
    ),
    Shape("Open WebUI feedback", (("data",), ("meta",), ("snapshot", "user_id")), open_webui.parse_feedback),
    Shape("Argilla, as a data set", (), argilla.parse_flat_record, _is_argilla),
    Shape(
        "Label Studio, a row an annotation",
        (("annotation_id",), ("lead_time", "annotator")),
        label_studio.parse_flat_task,
    ),
    Shape("HelpSteer preferences", (scored.SIGNED,), scored.parse_signed_row, _has_sides),
    Shape("AlpacaEval", (("output_1",), ("output_2",), ("preference",)), scored.parse_alpaca_row),
    Shape(
        "PKU-SafeRLHF", (("response_0",), ("response_1",), ("better_response_id",)), scored.parse_numbered_row
    ),
    Shape(
        "arena 55k",
        (("winner_model_a",), ("winner_model_b",), ("winner_tie",)),
        flat.parse_label_row,
        _has_sides,
    ),
    Shape("one label a row", (PROMPTS,), flat.parse_label_row, _has_sides),
    Shape("several answers in columns", (PROMPTS,), columned.parse_many_row, _has_places),
    Shape("OpenAI preference", (("preferred_output",), ("non_preferred_output",)), flat.parse_chosen_row),
    Shape("Anthropic HH", _PAIR, flat.parse_chosen_row, _are_transcripts),
    Shape("RewardBench 2", _PAIR, flat.parse_chosen_row, _has_several),
    Shape("Orca", (("question",), *_PAIR), flat.parse_chosen_row),
    Shape("LLaMA-Factory preference", (("instruction", "conversations"), *_PAIR), flat.parse_chosen_row),
    Shape("TRL preference", _PAIR, flat.parse_chosen_row),
    Shape("ms-swift preference", (("messages",), flat.REJECTED), flat.parse_rejected_row),
    Shape("chosen and rejected", (), flat.parse_chosen_row, _has_chosen),
    Shape("UltraFeedback", (("completions",), PROMPTS), listed.parse_listed_row, _holds_list),
    Shape("Nectar", (("answers",), PROMPTS), listed.parse_listed_row, _holds_list),
    Shape("MixInstruct", (("candidates",), ("cmp_results",), PROMPTS), listed.parse_listed_row, _holds_list),
    Shape("several answers a row", (listed.LISTS, PROMPTS), listed.parse_listed_row, _holds_list),
    Shape(
        "LLaMA-Factory preference", (("instruction",), ("output",)), listed.parse_two_rankings, _orders_two
    ),
    Shape("HelpSteer ratings", (PROMPTS, ("response",), ("helpfulness",)), single.parse_single_row),
    Shape("KTO", (single.CHATS, single.THUMBS), single.parse_single_row, _ends_in_answer),
    Shape("TRL unpaired preference", (PROMPTS, single.ANSWERS, single.THUMBS), single.parse_single_row),
    Shape("one rated answer a row", (PROMPTS, single.ANSWERS, single.SCORES), single.parse_single_row),
)


def find_shape(fields: Mapping[str, Any], *, path: Path, columns: Iterable[str] = ()) -> Shape:
    """The shape that a row's fields have.

    Args:
        fields: By plain heading.
        path: The file, for the error.
        columns: What can be mapped by hand; none for the names of ``fields``.

    Raises:
        UnknownShape: If it is none of ``SHAPES``.
    """
    for shape in SHAPES:
        try:
            if shape.fits(fields):
                return shape
        except LeftOut:
            continue  # a test met what the shape's reader will leave out
    expected = "; ".join(f"{name}: {needs}" for name, needs in describe_shapes())
    columns = tuple(columns) or tuple(fields)
    found = ", ".join(map(repr, columns[:12])) or "no field at all"
    raise UnknownShape(
        f"{path.name} has the fields {found}. Say which of them is the prompt, which the two answers and "
        f"which the vote, or expected those of one of these: {expected}",
        columns=columns,
    )


def describe_shapes() -> Iterable[tuple[str, str]]:
    """Each shape's name and the fields by which it is known."""
    return ((shape.name, _say_needs(shape)) for shape in SHAPES)


def _say_needs(shape: Shape) -> str:
    told = {
        "Argilla, as a data set": "columns such as preference.responses",
        "one label a row": "prompt, text_a, text_b",
        "several answers in columns": "prompt, text_a, text_b, text_c",
        "chosen and rejected": "chosen, rejected",
    }
    return told.get(shape.name) or ", ".join(names[0] for names in shape.needs)
