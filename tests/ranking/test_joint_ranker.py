"""What is read, how often, and that neither batches nor neighbours change a logit."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from blender_ui.errors import RankerError
from blender_ui.ranking.aggregation import run_tournament
from blender_ui.ranking.joint.batches import group_by_tokens
from blender_ui.ranking.joint.checkpoint import start_checkpoint
from blender_ui.ranking.joint.encoding import Lengths
from blender_ui.ranking.joint.hardware import multiplies_bfloat16
from blender_ui.ranking.joint.model import Form, PairModel
from blender_ui.ranking.joint.ranker import JointRanker, ReadOptions
from blender_ui.values import Message, RankingPrompt

from .joint_fixtures import make_base

pytestmark = pytest.mark.slow

PROMPT = RankingPrompt(instruction="who sat on the mat?", input=" answer short")
CANDIDATES = ["the cat", "a long answer: of all the cats " * 4, "", "did it", "bad"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base"), "bert")


def _make_ranker(base: Path, *, form: Form = "joint", options: ReadOptions | None = None) -> JointRanker:
    checkpoint = start_checkpoint(base, form=form, lengths=Lengths(source=60, candidate=40), seed=1)
    return JointRanker(checkpoint, options=options or ReadOptions(device="cpu"))


def test_every_ordered_pair_is_read_once_and_the_diagonal_is_zero(base: Path) -> None:
    ranker = _make_ranker(base)
    logits = ranker.pairwise_logits(PROMPT, CANDIDATES)
    assert logits.shape == (5, 5)
    assert not logits.diagonal().any()
    assert ranker.n_readings == 20


def test_one_more_candidate_costs_two_readings_for_each_that_was_there(base: Path) -> None:
    ranker = _make_ranker(base)
    before = ranker.pairwise_logits(PROMPT, CANDIDATES[:4])
    n_before = ranker.n_readings
    after = ranker.pairwise_logits(PROMPT, CANDIDATES)
    assert ranker.n_readings - n_before == 2 * 4
    np.testing.assert_array_equal(after[:4, :4], before)
    ranker.pairwise_logits(PROMPT, CANDIDATES[::-1])
    assert ranker.n_readings == n_before + 2 * 4


def test_another_history_is_another_reading(base: Path) -> None:
    ranker = _make_ranker(base)
    prompts = [
        replace(PROMPT, history=history)
        for history in ((), (Message("assistant", "the cat"),), (Message("assistant", "the mat"),))
    ]
    logits = [ranker.pairwise_logits(prompt, CANDIDATES[:2])[0, 1] for prompt in prompts]
    assert ranker.n_readings == 3 * 2
    assert len(set(logits)) == 3


def test_another_prompt_is_another_reading(base: Path) -> None:
    ranker = _make_ranker(base)
    ranker.pairwise_logits(PROMPT, CANDIDATES[:2])
    ranker.pairwise_logits(RankingPrompt(instruction="who?"), CANDIDATES[:2])
    assert ranker.n_readings == 4


def test_what_is_remembered_is_bounded_and_the_least_used_goes_first(base: Path) -> None:
    ranker = _make_ranker(base, options=ReadOptions(device="cpu", n_remembered=2))
    for candidates in (CANDIDATES[:2], CANDIDATES[3:5], CANDIDATES[3:5]):
        ranker.pairwise_logits(PROMPT, candidates)
    assert ranker.n_readings == 4
    ranker.pairwise_logits(PROMPT, CANDIDATES[:2])
    assert ranker.n_readings == 6


def test_equal_texts_share_their_readings(base: Path) -> None:
    ranker = _make_ranker(base)
    logits = ranker.pairwise_logits(PROMPT, ["the cat", "the cat", "bad"])
    assert ranker.n_readings == 3
    assert logits[0, 2] == logits[1, 2]
    assert logits[0, 1] == logits[1, 0]


def test_a_pointwise_ranker_reads_each_candidate_once(base: Path) -> None:
    ranker = _make_ranker(base, form="pointwise")
    logits = ranker.pairwise_logits(PROMPT, CANDIDATES)
    assert ranker.n_readings == len(CANDIDATES)
    np.testing.assert_allclose(logits[0, 1] + logits[1, 2], logits[0, 2], atol=1e-6)


def test_the_batch_does_not_change_a_logit(base: Path) -> None:
    alone = _make_ranker(base, options=ReadOptions(device="cpu", batch_tokens=1))
    together = _make_ranker(base, options=ReadOptions(device="cpu", batch_tokens=10**6))
    np.testing.assert_allclose(
        alone.pairwise_logits(PROMPT, CANDIDATES), together.pairwise_logits(PROMPT, CANDIDATES), atol=1e-5
    )


def test_instruction_and_input_are_read_as_one_text_without_a_separator(base: Path) -> None:
    ranker = _make_ranker(base)
    split = ranker.pairwise_logits(PROMPT, CANDIDATES[:2])
    whole = ranker.pairwise_logits(
        RankingPrompt(instruction=PROMPT.instruction + PROMPT.input), CANDIDATES[:2]
    )
    np.testing.assert_array_equal(split, whole)


def test_one_candidate_or_none_needs_no_reading(base: Path) -> None:
    ranker = _make_ranker(base)
    assert ranker.pairwise_logits(PROMPT, ["a"]).tolist() == [[0.0]]
    assert ranker.pairwise_logits(PROMPT, []).shape == (0, 0)
    assert ranker.n_readings == 0


def test_a_tournament_reads_only_what_it_counts(base: Path) -> None:
    ranker = _make_ranker(base)
    candidates = [f"answer {number}" for number in range(8)]
    tournament = run_tournament(8, lambda pairs: ranker.read_pairs(PROMPT, candidates, pairs))
    assert ranker.n_readings == tournament.n_readings < 8 * 7


def test_truncation_is_reported(base: Path) -> None:
    cut = _make_ranker(base).find_truncation(PROMPT, ["cat " * 200, "short"])
    assert cut.prompt == 0
    assert cut.candidates[0] > 100
    assert cut.candidates[1] == 0


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_a_lower_precision_stays_near_float32(base: Path, precision: str) -> None:
    full = _make_ranker(base).pairwise_logits(PROMPT, CANDIDATES)
    options = ReadOptions(device="cpu", precision=precision)  # type: ignore[arg-type]
    low = _make_ranker(base, options=options).pairwise_logits(PROMPT, CANDIDATES)
    assert 0 < np.abs(low - full).max() < 0.1


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_backbone_gives_the_same_logits(base: Path) -> None:
    full = _make_ranker(base).pairwise_logits(PROMPT, CANDIDATES)
    compiled = _make_ranker(base, options=ReadOptions(device="cpu", compiled=True))
    np.testing.assert_allclose(compiled.pairwise_logits(PROMPT, CANDIDATES), full, atol=1e-5)


@pytest.mark.parametrize("device", ["tpu", "cuda:1", "cuda:x", "cudas"])
def test_an_absent_device_is_refused(base: Path, monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(RankerError, match="available device"):
        _make_ranker(base, options=ReadOptions(device=device))


def test_a_network_too_large_for_the_device_says_what_to_do(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")

    monkeypatch.setattr(PairModel, "to", fail)
    with pytest.raises(RankerError, match="use 'cpu' or bfloat16"):
        _make_ranker(base)


@pytest.mark.parametrize("generation", [7, 8])
def test_bfloat16_is_not_taken_where_it_is_only_emulated(
    monkeypatch: pytest.MonkeyPatch, generation: int
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(major=generation))
    assert multiplies_bfloat16(torch.device("cuda")) == (generation == 8)


def test_batches_hold_like_lengths_within_the_budget_longest_first() -> None:
    groups = list(group_by_tokens([5, 100, 7, 6, 90], n_most=100))
    assert groups == [[1], [4], [2, 3, 0]]
