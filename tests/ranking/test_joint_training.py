"""Training learns, survives being killed, and says what to lower: on networks of a few thousand weights."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from blender_ui.errors import RankerError
from blender_ui.ranking.joint import training
from blender_ui.ranking.joint.checkpoint import start_checkpoint
from blender_ui.ranking.joint.dropout import set_dropout
from blender_ui.ranking.joint.encoding import Lengths
from blender_ui.ranking.joint.examples import merge_judgements
from blender_ui.ranking.joint.model import Form
from blender_ui.ranking.joint.ranker import load_ranker
from blender_ui.ranking.joint.training import JointOptions, TrainingStopped, train
from blender_ui.values import PreferenceDataset, RankingPrompt

from .joint_fixtures import BACKBONES, make_base

pytestmark = pytest.mark.slow

SHORT = Lengths(source=16, candidate=16)


def make_dataset(n_prompts: int = 12) -> PreferenceDataset:
    """Two answers a prompt; people prefer the one that says good, whichever side it is on."""
    rng = np.random.default_rng(0)
    texts, left, right, target = [], [], [], []
    for prompt in range(n_prompts):
        texts += ["the good answer", "the bad answer"]
        good, bad = 2 * prompt, 2 * prompt + 1
        swapped = rng.random() < 0.5
        left.append(bad if swapped else good)
        right.append(good if swapped else bad)
        target.append(0.0 if swapped else 1.0)
    return PreferenceDataset(
        prompts=tuple(RankingPrompt(instruction=f"question {number}") for number in range(n_prompts)),
        texts=tuple(texts),
        members=("",) * len(texts),
        prompt_of=np.repeat(np.arange(n_prompts), 2),
        left=np.array(left),
        right=np.array(right),
        target=np.array(target),
        both_bad=np.zeros(n_prompts, dtype=bool),
        strength=np.full(n_prompts, np.nan),
        annotators=("someone",) * n_prompts,
    )


def _options(**changes: object) -> JointOptions:
    defaults: dict[str, object] = {
        "n_epochs": 2,
        "batch_size": 4,
        "micro_batch_size": 3,
        "learning_rate": 3e-3,
        "lengths": SHORT,
        "precision": "float32",
        "checkpoint_steps": 2,
        "device": "cpu",
    }
    return JointOptions(**(defaults | changes))  # type: ignore[arg-type]


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("model_type", "form"),
    [("bert", "pointwise"), ("deberta-v2", "joint"), ("llama", "joint")],
)
def test_it_learns_what_people_prefer(tmp_path: Path, model_type: str, form: Form) -> None:
    seen: list[tuple[int, int, float, float]] = []
    output = train(
        make_dataset(),
        base=make_base(tmp_path / "base", model_type),
        output=tmp_path / "ranker",
        options=_options(form=form, n_epochs=16, learning_rate=5e-3),
        on_progress=lambda *values: seen.append(values),
    )
    assert [step for step, *_ in seen] == [*range(1, 49)]
    assert {n_steps for _, n_steps, *_ in seen} == {48}
    assert seen[-1][3] == 1.0
    assert np.mean([loss for *_, loss, _ in seen[-5:]]) < 0.5 * seen[0][2]
    logits = load_ranker(output).pairwise_logits(
        RankingPrompt(instruction="question unseen"), ["the bad answer", "the good answer"]
    )
    assert logits[1, 0] - logits[0, 1] > 0


_CHILD = """
import os, signal, sys, torch
from pathlib import Path
from tests.ranking.test_joint_training import _options, make_dataset
from blender_ui.ranking.joint.training import train
torch.set_num_threads(1)
def die(step, *_):
    if step == 5:
        os.kill(os.getpid(), signal.SIGKILL)
train(make_dataset(), base=Path(sys.argv[1]), output=Path(sys.argv[2]), options=_options(dropout=0.1),
      on_progress=die)
"""


def test_a_run_killed_with_sigkill_ends_with_the_same_weights_when_called_again(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", "bert")
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, str(base), str(tmp_path / "killed")],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    assert not (tmp_path / "killed").exists()
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seen: list[int] = []
    try:
        resumed = train(
            make_dataset(),
            base=base,
            output=tmp_path / "killed",
            options=_options(dropout=0.1),
            on_progress=lambda step, *_: seen.append(step),
        )
        whole = train(make_dataset(), base=base, output=tmp_path / "whole", options=_options(dropout=0.1))
    finally:
        torch.set_num_threads(n_threads)
    assert seen == [5, 6]
    for name, weight in _weights(whole).items():
        torch.testing.assert_close(_weights(resumed)[name], weight, rtol=0, atol=0)
    assert not (tmp_path / "killed.progress").exists()


def test_a_stopped_run_says_so_and_goes_on_from_the_very_step(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", "bert")
    seen: list[int] = []

    def run(*, stop_after: int) -> Path:
        return train(
            make_dataset(),
            base=base,
            output=tmp_path / "ranker",
            options=_options(),
            on_progress=lambda step, *_: seen.append(step),
            should_stop=lambda: len(seen) >= stop_after,
        )

    with pytest.raises(TrainingStopped, match="step 3 of 6"):
        run(stop_after=3)
    run(stop_after=99)
    assert seen == [1, 2, 3, 4, 5, 6]


def test_a_finished_run_called_again_does_nothing(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", "bert")
    seen: list[int] = []
    for _ in range(2):
        train(
            make_dataset(),
            base=base,
            output=tmp_path / "ranker",
            options=_options(n_epochs=1),
            on_progress=lambda step, *_: seen.append(step),
        )
    assert seen == [1, 2, 3]


def test_other_weights_of_the_base_are_another_run(tmp_path: Path) -> None:
    seen: list[int] = []
    for seed in (0, 1):
        train(
            make_dataset(),
            base=make_base(tmp_path / "base", "bert", seed=seed),
            output=tmp_path / "ranker",
            options=_options(n_epochs=1),
            on_progress=lambda step, *_: seen.append(step),
        )
    assert seen == [1, 2, 3, 1, 2, 3]


_RANK = """
import os, sys, torch
from pathlib import Path
from tests.ranking.test_joint_training import _options, make_dataset
from blender_ui.ranking.joint.training import TrainingStopped, train
torch.set_num_threads(1)
base, output, rank = Path(sys.argv[1]), Path(sys.argv[2]), int(os.environ["RANK"])
seen = []
def run(stop_after):
    return train(
        make_dataset(5), base=base, output=output, options=_options(),
        on_progress=lambda *values: seen.append(values),
        should_stop=lambda: rank == 1 and len(seen) >= stop_after,
    )
try:
    run(3)
except TrainingStopped:
    assert output.with_name("both.progress").exists()
else:
    raise AssertionError("it was not stopped")
run(99)
assert (output / "model.safetensors").exists()
assert [values[0] for values in seen] == [1, 2, 3, 4], seen
assert all(values[3] in (0, 0.25, 0.5, 0.75, 1) for values in seen), seen
torch.distributed.destroy_process_group()
"""


def test_two_processes_end_with_the_weights_of_one_and_stop_together(tmp_path: Path) -> None:
    """The last batch of an epoch holds one pair, so that one process has none."""
    base = make_base(tmp_path / "base", "bert")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": f"{port}",
        "OMP_NUM_THREADS": "1",
    }
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _RANK, str(base), str(tmp_path / "both")],
            cwd=Path(__file__).parents[2],
            env=os.environ | shared | {"RANK": f"{rank}", "LOCAL_RANK": f"{rank}"},
            stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]
    try:
        errors = [child.communicate(timeout=300)[1].decode() for child in children]
    finally:
        for child in children:
            child.kill()
    assert [child.returncode for child in children] == [0, 0], errors
    alone = train(make_dataset(5), base=base, output=tmp_path / "alone", options=_options())
    both = _weights(tmp_path / "both")
    for name, weight in _weights(alone).items():
        torch.testing.assert_close(both[name], weight, rtol=1e-3, atol=1e-4)


def test_other_options_do_not_go_on_from_a_saved_state(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", "bert")
    with pytest.raises(TrainingStopped):
        train(make_dataset(), base=base, output=tmp_path / "r", options=_options(), should_stop=lambda: True)
    seen: list[int] = []
    options = _options(seed=1)
    train(
        make_dataset(),
        base=base,
        output=tmp_path / "r",
        options=options,
        on_progress=lambda s, *_: seen.append(s),
    )
    assert seen[0] == 1


@pytest.mark.parametrize("model_type", ["bert", "deberta-v2", "llama"])
def test_adapters_leave_a_plain_checkpoint_and_the_frozen_rows_as_they_were(
    tmp_path: Path, model_type: str
) -> None:
    base = make_base(tmp_path / "base", model_type)
    options = _options(lora_rank=2, gradient_checkpointing=True, n_epochs=1)
    output = train(make_dataset(), base=base, output=tmp_path / "ranker", options=options)
    plain = train(make_dataset(), base=base, output=tmp_path / "plain", options=_options(n_epochs=1))
    adapted = _weights(output)
    assert adapted.keys() == _weights(plain).keys()
    embedding = next(name for name in adapted if "word_embeddings" in name or "embed_tokens" in name)
    before = load_file(base / "model.safetensors")
    name = next(name for name in before if embedding.endswith(name))
    torch.testing.assert_close(adapted[embedding][:-4], before[name])
    assert load_ranker(output).fingerprint


def test_parts_of_a_batch_add_up_to_the_batch(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", "llama")
    folders = []
    for size in (2, 8):
        options = _options(micro_batch_size=size, batch_size=8, n_epochs=1, form="pointwise")
        folders.append(train(make_dataset(8), base=base, output=tmp_path / f"{size}", options=options))
    first, second = map(_weights, folders)
    for name, weight in first.items():
        torch.testing.assert_close(second[name], weight, rtol=1e-3, atol=2e-5)


def test_a_ranker_can_be_trained_further_from_its_checkpoint(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", "bert")
    first = train(make_dataset(), base=base, output=tmp_path / "first", options=_options(n_epochs=1))
    second = train(make_dataset(), base=first, output=tmp_path / "second", options=_options(n_epochs=1))
    assert load_ranker(first).fingerprint != load_ranker(second).fingerprint
    with pytest.raises(RankerError, match="pointwise ranker to train further"):
        train(make_dataset(), base=first, output=tmp_path / "x", options=_options(form="pointwise"))


def test_annotators_of_one_pair_become_a_soft_target_with_their_number_as_weight() -> None:
    """Three on pair (0, 1): left, left shown swapped as a loss, tie; one weak preference on (2, 3)."""
    dataset = make_dataset(2)
    merged = merge_judgements(
        PreferenceDataset(
            prompts=dataset.prompts,
            texts=dataset.texts,
            members=dataset.members,
            prompt_of=dataset.prompt_of,
            left=np.array([0, 1, 0, 2]),
            right=np.array([1, 0, 1, 3]),
            target=np.array([1.0, 0.0, 0.5, 1.0]),
            both_bad=np.array([False, False, True, False]),
            strength=np.array([np.nan, np.nan, np.nan, 0.4]),
            annotators=("a", "b", "c", "a"),
        )
    )
    assert merged.left.tolist() == [0, 2]
    np.testing.assert_allclose(merged.target, [(1 + 1 + 0.5) / 3, 0.7])
    assert merged.weight.tolist() == [3, 1]


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    empty = make_dataset().select(np.zeros(12, dtype=bool))
    with pytest.raises(RankerError, match="came none"):
        train(empty, base=make_base(tmp_path / "base", "bert"), output=tmp_path / "r", options=_options())


@pytest.mark.parametrize("where", ["Accelerator", "binary_cross_entropy_with_logits"])
def test_running_out_of_memory_says_what_to_lower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training, where, fail)
    with pytest.raises(RankerError, match="lower micro_batch_size"):
        train(
            make_dataset(), base=make_base(tmp_path / "b", "bert"), output=tmp_path / "r", options=_options()
        )
    assert not (tmp_path / "r").exists()


def test_a_cpu_run_after_one_on_a_gpu_is_told_to_take_a_new_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("AcceleratorState has already been initialized")

    monkeypatch.setattr(training, "Accelerator", fail)
    base = make_base(tmp_path / "base", "bert")
    with pytest.raises(RankerError, match="in a new process"):
        train(make_dataset(), base=base, output=tmp_path / "r", options=_options())


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", "bert")
    with pytest.raises(RankerError, match="lower learning_rate"):
        train(
            make_dataset(),
            base=base,
            output=tmp_path / "r",
            options=_options(learning_rate=1e30, max_gradient_norm=math.inf, n_epochs=4),
        )


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(RankerError, match="positive counts"):
        JointOptions(batch_size=0)
    for dropout in (-0.1, 1.0, math.nan):
        with pytest.raises(RankerError, match="less than 1"):
            JointOptions(dropout=dropout)


_DROPPING: dict[str, dict[str, float]] = {
    "bert": {"hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5},
    "deberta-v2": {"hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5},
    "llama": {"attention_dropout": 0.5},
    "modernbert": {"attention_dropout": 0.5, "embedding_dropout": 0.5, "mlp_dropout": 0.5},
    "falcon": {"attention_dropout": 0.5, "hidden_dropout": 0.5},
}


@pytest.mark.parametrize("model_type", _DROPPING)
def test_dropout_is_what_was_asked_for_until_it_is_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_type: str
) -> None:
    monkeypatch.setitem(BACKBONES, "falcon", {"bos_token_id": 1, "eos_token_id": 2})
    base = make_base(tmp_path / "base", model_type, **_DROPPING[model_type])
    model = start_checkpoint(base, form="joint", lengths=SHORT).model.train()
    config = model.pretrained_model.config.to_dict()
    ids = torch.arange(4, 24)[None]
    inputs = (ids, torch.ones_like(ids), torch.tensor([[1, 7, 14]]))

    def differ() -> bool:
        with torch.no_grad():
            return bool(model(*inputs) != model(*inputs))

    assert differ()
    set_back = set_dropout(model, 0.0)
    assert model.training
    assert not differ()
    set_back()
    assert differ()
    assert model.pretrained_model.config.to_dict() == config
    assert model.head_layer[0].p == 0.05


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_training_drops_nothing_by_default_and_saves_the_dropout_of_the_base(
    tmp_path: Path, lora_rank: int
) -> None:
    folders = []
    for probability in (0.0, 0.5):
        name = f"{probability}"
        base = make_base(
            tmp_path / f"base{name}",
            "bert",
            hidden_dropout_prob=probability,
            attention_probs_dropout_prob=0.2,
        )
        options = _options(n_epochs=1, lora_rank=lora_rank, gradient_checkpointing=True)
        folders.append(train(make_dataset(), base=base, output=tmp_path / name, options=options))
        saved = json.loads((folders[-1] / "config.json").read_text())
        assert saved["hidden_dropout_prob"] == probability
        assert (saved["attention_probs_dropout_prob"], saved["drop_out"]) == (0.2, 0.05)
    first, second = map(_weights, folders)
    for name, weight in first.items():
        torch.testing.assert_close(second[name], weight)
