"""The fast DeBERTa path gives the general path's logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from blender_ui.ranking.joint.checkpoint import Checkpoint, start_checkpoint
from blender_ui.ranking.joint.deberta import DebertaReader, can_read
from blender_ui.ranking.joint.deberta_layers import Distances
from blender_ui.ranking.joint.encoding import Lengths
from blender_ui.ranking.joint.hardware import multiplies_bfloat16
from blender_ui.ranking.joint.ranker import JointRanker, ReadOptions
from blender_ui.values import RankingPrompt

from .joint_fixtures import make_base

pytestmark = pytest.mark.slow

PROMPT = RankingPrompt(instruction="who sat on the mat and did it best?")


def _start(folder: Path, **changes: Any) -> Checkpoint:
    base = make_base(folder, "deberta-v2", **changes)
    return start_checkpoint(base, form="joint", lengths=Lengths(source=300, candidate=300), seed=2)


@pytest.mark.parametrize("n_words", [0, 1, 7, 60, 150, 280])
def test_logits_equal_the_general_paths_at_every_length(tmp_path: Path, n_words: int) -> None:
    candidates = ["cat " * n_words, "the good answer " * (n_words // 3), ""]
    logits = [
        JointRanker(_start(tmp_path), options=ReadOptions(device="cpu", specialised=fast)).pairwise_logits(
            PROMPT, candidates
        )
        for fast in (False, True)
    ]
    np.testing.assert_allclose(logits[1], logits[0], atol=5e-6)


@pytest.mark.parametrize("capability", ["DEFAULT", "AVX2", "AVX512"])
def test_every_layout_of_the_weights_gives_the_same_logits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capability: str
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    checkpoint, candidates = _start(tmp_path), ["cat " * 60, "the good answer " * 20, ""]
    slow, fast = (
        JointRanker(checkpoint, options=ReadOptions(device="cpu", specialised=fast)) for fast in (False, True)
    )
    np.testing.assert_allclose(
        fast.pairwise_logits(PROMPT, candidates), slow.pairwise_logits(PROMPT, candidates), atol=5e-6
    )


@pytest.mark.skipif(not multiplies_bfloat16(torch.device("cpu")), reason="needs a processor with bfloat16")
def test_bfloat16_is_as_near_to_float32_as_on_the_general_path(tmp_path: Path) -> None:
    candidates = ["cat " * 60, "the good answer " * 20, ""]
    exact, general, fast = (
        JointRanker(
            _start(tmp_path), options=ReadOptions(device="cpu", precision=precision, specialised=specialised)
        ).pairwise_logits(PROMPT, candidates)
        for precision, specialised in (("float32", True), ("bfloat16", False), ("bfloat16", True))
    )
    # The largest of six roundings is chance; a term left out would be of another order.
    assert 0 < np.abs(fast - exact).max() <= 2 * np.abs(general - exact).max()


@pytest.mark.parametrize("n_workers", [1, 3])
def test_threads_and_growing_tables_change_nothing(tmp_path: Path, n_workers: int) -> None:
    options = ReadOptions(device="cpu", n_workers=n_workers)
    grown = JointRanker(_start(tmp_path), options=options)
    texts = [["a"], ["cat " * 290, "a", "bad " * 200]]
    for candidates in texts:
        grown.pairwise_logits(PROMPT, candidates)
    fresh = JointRanker(_start(tmp_path), options=options)
    np.testing.assert_allclose(
        grown.pairwise_logits(PROMPT, ["a", "bad"]), fresh.pairwise_logits(PROMPT, ["a", "bad"]), atol=1e-6
    )
    assert torch.get_num_threads() >= 1


@pytest.mark.parametrize(
    "changes",
    [
        {"position_buckets": -1},
        {"position_buckets": 8, "max_position_embeddings": 64},
        {"num_hidden_layers": 2},
    ],
)
def test_other_tables_of_distances_are_read_right(tmp_path: Path, changes: dict[str, object]) -> None:
    candidates = ["the cat sat on a mat " * 9, "good"]
    slow, fast = (
        JointRanker(_start(tmp_path, **changes), options=ReadOptions(device="cpu", specialised=fast))
        for fast in (False, True)
    )
    np.testing.assert_allclose(
        fast.pairwise_logits(PROMPT, candidates), slow.pairwise_logits(PROMPT, candidates), atol=5e-6
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"conv_kernel_size": 3, "conv_act": "gelu"},
        {"position_biased_input": True, "max_position_embeddings": 900},
        {"share_att_key": False},
        {"pos_att_type": "c2p"},
        {"num_hidden_layers": 1},
    ],
)
def test_a_variant_that_it_does_not_know_takes_the_general_path(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    checkpoint = _start(tmp_path, **changes)
    assert not can_read(checkpoint.model)
    assert (
        JointRanker(checkpoint, options=ReadOptions(device="cpu")).pairwise_logits(PROMPT, ["a", "b"]).any()
    )


def test_reading_nothing_gives_nothing(tmp_path: Path) -> None:
    assert DebertaReader(_start(tmp_path).model, n_workers=1).read([]).shape == (0,)


def test_distances_up_to_half_the_buckets_are_exact_and_farther_ones_share_rows() -> None:
    """Bucket rule of DeBERTa-v3 by hand: 256 buckets, 512 places; |d| <= 128 exact, 511 is the last."""

    class Config:
        max_relative_positions = -1
        max_position_embeddings = 512
        position_buckets = 256

    rows = Distances(Config()).between(torch.tensor([0, 128, 511, 2000]), 2001)
    assert rows[0, :3].tolist() == [256, 255, 254]
    assert rows[1, [0, 128]].tolist() == [384, 256]
    assert rows[2, 0] == 511
    assert rows[3, 0] == 511
    assert rows[0, 2000] == 0
