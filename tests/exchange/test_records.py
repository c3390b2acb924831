"""Records as arrays: people's standing labels, in the order shown."""

import os
from pathlib import Path

import numpy as np
import pytest

from blender_ui.exchange import CandidateRecord, LabelRecord, PromptRecord, read_records, to_dataset
from blender_ui.exchange.records import Kind, Winner, dataset_member

SHARED_DATA = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


def label(a: int, b: int, winner: Winner, *, who: str = "ada", kind: Kind = "human") -> LabelRecord:
    return LabelRecord(
        annotator=who, a=a, b=b, winner=winner, kind=kind, strength=0.5 if winner == "a" else None
    )


def record(*labels: LabelRecord) -> PromptRecord:
    candidates = [CandidateRecord(model=model, text=f"text {model}") for model in ("m", "n", "unknown-1")]
    return PromptRecord(id="1", source="test", prompt="Why?", candidates=tuple(candidates), labels=labels)


def test_labels_become_arrays_in_the_order_shown() -> None:
    first = record(label(0, 1, "a"), label(1, 0, "b"), label(2, 1, "tie"))
    dataset = to_dataset([record(), first, record(label(0, 2, "both_bad"))])
    assert dataset.left.tolist() == [3, 4, 5, 6]
    assert dataset.right.tolist() == [4, 3, 4, 8]
    assert dataset.target.tolist() == [1.0, 0.0, 0.5, 0.5]
    assert dataset.both_bad.tolist() == [False, False, False, True]
    assert dataset.prompt_of.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert dataset.members[:3] == ("m", "n", "")
    np.testing.assert_equal(dataset.strength, [0.5, np.nan, np.nan, np.nan])


def test_judges_are_left_out() -> None:
    assert len(to_dataset([record(label(0, 1, "a", kind="judge"))])) == 0


def test_the_last_answer_to_the_same_question_stands() -> None:
    dataset = to_dataset(
        [record(label(0, 1, "a"), label(0, 1, "b", who="bob"), label(0, 1, "tie"), label(1, 0, "a"))]
    )
    assert dataset.target.tolist() == [0.0, 0.5, 1.0]


def test_only_unknown_models_have_no_name() -> None:
    assert [dataset_member(model) for model in ("unknown", "Unknown-2", "unknown_3", "")] == [""] * 4
    assert dataset_member("unknown-llm") == "unknown-llm"


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"needs the shared preferences at {SHARED_DATA}")
@pytest.mark.parametrize(
    ("name", "n_prompts", "n_labels"),
    # As published beside the files; three of tulu1's 933 were given anew by the same annotator.
    [
        ("pandalm", 137, 2421),
        ("vicuna80", 63, 5544),
        ("tulu1", 269, 930),
        ("llmbar", 417, 417),
        ("qafeedback_dev", 500, 3000),
        ("oasst_candidates", 250, 0),
    ],
)
def test_real_files_are_read_whole(name: str, n_prompts: int, n_labels: int) -> None:
    dataset = to_dataset(read_records(SHARED_DATA / f"{name}.jsonl.gz"))
    assert (len(dataset.prompts), len(dataset)) == (n_prompts, n_labels)
