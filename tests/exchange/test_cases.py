"""The public cases of files that break tools like this one, where they lie beside the shared data."""

import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from blender_ui.exchange import PromptRecord, Tally, read_file
from blender_ui.exchange.intake import Reading

SHARED_DATA = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
IMPORTS = SHARED_DATA.parent / "cases" / "imports"
pytestmark = pytest.mark.skipif(not IMPORTS.is_dir(), reason=f"needs the shared cases at {IMPORTS}")


class Right(NamedTuple):
    """What is right for a case.

    Attributes:
        votes: By what they say, in the order a, b, tie, both bad; None where sides are drawn.
        n: How many votes.
        n_left: Rows and votes that are left out and counted.
    """

    votes: tuple[int, int, int, int] | None
    n: int
    n_left: int = 0


RIGHT = {
    "arena_55k.csv": Right((2, 1, 1, 0), 4),
    "arena_content_parts.jsonl": Right((1, 1, 1, 1), 4),
    "argilla_to_datasets.jsonl": Right((2, 0, 0, 0), 2, 1),
    "binarized.parquet": Right(None, 1),
    "bom_crlf.jsonl": Right(None, 2),
    "chat_prompt_two_answers.jsonl": Right((1, 0, 0, 0), 1),
    "excel_semicolon_bom.csv": Right((1, 0, 1, 0), 2),
    "excel_sep_line.csv": Right((1, 0, 1, 0), 2),
    "fastchat_log.jsonl": Right((1, 0, 1, 1), 3, 2),
    "half_named.csv": Right((4, 0, 0, 0), 4),
    "half_surrogates.jsonl": Right(None, 1, 1),
    "hard_texts.csv": Right((0, 10, 0, 0), 10),
    "hard_texts.jsonl": Right((0, 11, 0, 0), 11),
    "helpsteer3.jsonl": Right((1, 1, 1, 0), 3),
    "hh_text.jsonl": Right(None, 1),
    "label_studio.csv": Right((1, 0, 0, 0), 1),
    "label_studio_min.json": Right((1, 0, 0, 0), 1),
    "label_studio_one_empty.json": Right((1, 0, 0, 0), 1, 1),
    "llamafactory_alpaca.json": Right(None, 2),
    "mixinstruct.json": Right((1, 0, 0, 0), 1),
    "not_gzip.jsonl.gz": Right(None, 2),
    "one_id_two_questions.jsonl": Right(None, 1, 1),
    "open_webui_feedbacks.json": Right(None, 1),
    "openai_dpo.jsonl": Right(None, 1),
    "pairs.jsonl.bz2": Right(None, 2),
    "pairs.jsonl.xz": Right(None, 2),
    "pandas_index.csv": Right((1, 0, 1, 0), 2),
    "pretty_objects.json": Right(None, 2),
    "really_gzip.jsonl": Right(None, 2),
    "rewardbench2.jsonl": Right(None, 3),
    "same_answers.jsonl": Right(None, 0, 2),
    "sheet_empty_rows.csv": Right((1, 0, 1, 0), 2),
    "sheet_headings.csv": Right((1, 0, 1, 0), 2),
    "three_unnamed.csv": Right((2, 1, 0, 0), 3),
    "trl_history.jsonl": Right(None, 2),
    "two_islands.csv": Right((8, 0, 0, 0), 8),
    "two_splits": Right(None, 4),
    "winner_names.csv": Right((1, 1, 0, 0), 2),
    "winner_numbers.csv": Right((1, 1, 0, 0), 2),
    "winner_phrases.csv": Right((1, 0, 1, 0), 2),
    "winner_tie_bothbad.csv": Right((0, 0, 1, 1), 2),
    "wrapped.json": Right(None, 2),
}
KEEPS_NOTHING = ("same_answers.jsonl",)


def read(name: str) -> tuple[list[PromptRecord], Tally]:
    tally = Tally()
    return list(read_file(IMPORTS / name, tally=tally, reading=Reading(skip_faulty=True))), tally


def test_every_case_is_here() -> None:
    assert {path.name for path in IMPORTS.iterdir()} == set(RIGHT)


@pytest.mark.parametrize("name", sorted(set(RIGHT) - set(KEEPS_NOTHING)))
def test_every_vote_of_a_case_is_read(name: str) -> None:
    records, tally = read(name)
    right = RIGHT[name]
    said = Counter(label.winner for record in records for label in record.labels)
    assert (said.total(), sum(told.n for told in tally.left_out())) == (right.n, right.n_left)
    if right.votes is not None:
        assert tuple(said[winner] for winner in ("a", "b", "tie", "both_bad")) == right.votes
    for text in (
        text for record in records for text in (record.prompt, *(one.text for one in record.candidates))
    ):
        assert not text.startswith('["')
        assert "[user]" not in text
