"""Each layout loads, every backbone saves and loads to the same logits, and damage has a reason."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from blender_ui.engine.folders import write_folder
from blender_ui.errors import RankerError
from blender_ui.ranking.joint.checkpoint import load_checkpoint, save_checkpoint, start_checkpoint
from blender_ui.ranking.joint.encoding import Lengths
from blender_ui.ranking.joint.model import Form
from blender_ui.ranking.joint.ranker import JointRanker, ReadOptions, load_ranker
from blender_ui.ranking.joint_files import digest_folder
from blender_ui.values import RankingPrompt

from .joint_fixtures import BACKBONES, make_base

pytestmark = pytest.mark.slow

PROMPT = RankingPrompt(instruction="who sat on the mat and did it best?")
CANDIDATES = ("the cat", "a long answer, of all the cats the best", "")
SHORT = Lengths(source=60, candidate=40)


def _save(folder: Path, model_type: str = "deberta-v2", *, form: Form = "joint") -> Path:
    base = make_base(folder / "base", model_type)
    save_checkpoint(start_checkpoint(base, form=form, lengths=SHORT, seed=3), folder / "ranker")
    return folder / "ranker"


def _as_original(checkpoint: Path, folder: Path, *, pickled: bool) -> Path:
    """The same weights as llm-blender's own folder: a RankerConfig and no tokenizer."""
    folder.mkdir()
    settings = {
        "ranker_type": "pairranker",
        "model_type": "deberta",
        "model_name": str(checkpoint.parent / "base"),
        "source_maxlength": SHORT.source,
        "candidate_maxlength": SHORT.candidate,
    }
    (folder / "config.json").write_text(json.dumps(settings))
    state = load_file(checkpoint / "model.safetensors")
    if pickled:
        torch.save(state, folder / "pytorch_model.bin")
    else:
        save_file(state, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("model_type", BACKBONES)
@pytest.mark.parametrize("form", ["joint", "pointwise"])
def test_any_backbone_reads_the_same_after_saving_and_loading(
    tmp_path: Path, model_type: str, form: Form
) -> None:
    base = make_base(tmp_path / "base", model_type)
    started = start_checkpoint(base, form=form, lengths=SHORT, seed=3)
    fingerprint = save_checkpoint(started, tmp_path / "ranker")
    loaded = load_ranker(tmp_path / "ranker", options=ReadOptions(device="cpu"))
    logits = loaded.pairwise_logits(PROMPT, CANDIDATES)
    before = JointRanker(started, options=ReadOptions(device="cpu")).pairwise_logits(PROMPT, CANDIDATES)
    np.testing.assert_allclose(logits, before, atol=1e-6)
    assert loaded.fingerprint == fingerprint
    assert np.abs(logits[~np.eye(3, dtype=bool)]).min() > 0
    if form == "pointwise":
        np.testing.assert_allclose(logits, -logits.T, atol=1e-6)


@pytest.mark.parametrize("pickled", [True, False])
def test_the_original_layout_gives_the_logits_of_ours(tmp_path: Path, pickled: bool) -> None:
    ours = _save(tmp_path)
    theirs = _as_original(ours, tmp_path / "original", pickled=pickled)
    np.testing.assert_array_equal(
        load_ranker(theirs).pairwise_logits(PROMPT, CANDIDATES),
        load_ranker(ours).pairwise_logits(PROMPT, CANDIDATES),
    )


def test_the_base_model_can_be_given_when_its_name_leads_nowhere(tmp_path: Path) -> None:
    theirs = _as_original(_save(tmp_path), tmp_path / "original", pickled=False)
    settings = json.loads((theirs / "config.json").read_text())
    (theirs / "config.json").write_text(json.dumps(settings | {"model_name": "nobody/nothing"}))
    with pytest.raises(RankerError, match="pass its folder as base="):
        load_ranker(theirs)
    assert load_ranker(theirs, base=tmp_path / "base").fingerprint


def test_the_base_of_the_original_layout_is_part_of_its_fingerprint(tmp_path: Path) -> None:
    theirs = _as_original(_save(tmp_path), tmp_path / "original", pickled=False)
    fingerprints = {load_checkpoint(theirs).fingerprint}
    for name in ("config.json", "tokenizer.json"):
        path = tmp_path / "base" / name
        path.write_text(path.read_text() + "\n")
        fingerprints.add(load_checkpoint(theirs).fingerprint)
    assert len(fingerprints) == 3


@pytest.mark.parametrize("name", ["spm.model", "tokenizer_config.json"])
def test_a_tokenizer_without_tokenizer_json_is_part_of_the_fingerprint(tmp_path: Path, name: str) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"weights")
    (tmp_path / name).write_bytes(b"first")
    first = digest_folder(tmp_path, weights)
    (tmp_path / name).write_bytes(b"second")
    assert digest_folder(tmp_path, weights) != first


def test_the_fingerprint_of_our_layout_stays_as_it_was(tmp_path: Path) -> None:
    folder = _save(tmp_path)
    names = ("model.safetensors", "config.json", "ranker.json", "tokenizer.json")
    digests = b"".join(hashlib.sha256((folder / name).read_bytes()).digest() for name in names)
    assert load_checkpoint(folder).fingerprint == hashlib.sha256(digests).hexdigest()
    (folder / "tokenizer.json").unlink()
    weights = folder / "model.safetensors"
    before = digest_folder(folder, weights)
    (folder / "tokenizer_config.json").write_text("{}")
    assert digest_folder(folder, weights) == before


def test_our_layout_is_the_hugging_face_one_with_its_control_token_ids(tmp_path: Path) -> None:
    """What the PairRM-hf class reads from config.json, and the state dict keys it expects."""
    folder = _save(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    vocabulary = load_checkpoint(folder).tokenizer.get_vocab()
    assert config["source_prefix_id"] == vocabulary["<|source|>"]
    assert config["cand2_prefix_id"] == vocabulary["<|candidate2|>"]
    assert (config["n_tasks"], config["drop_out"]) == (1, 0.05)
    assert config["vocab_size"] == len(vocabulary)
    keys = set(load_file(folder / "model.safetensors"))
    assert {"head_layer.1.weight", "head_layer.4.bias"} <= keys
    assert "pretrained_model.encoder.layer.0.attention.self.query_proj.weight" in keys


def test_lengths_and_form_come_back(tmp_path: Path) -> None:
    loaded = load_checkpoint(_save(tmp_path, form="pointwise"))
    assert asdict(loaded.lengths) == asdict(SHORT)
    assert (loaded.model.form, loaded.model.pooling) == ("pointwise", "segments")


def test_a_changed_file_does_not_pass_for_the_version_it_was(tmp_path: Path) -> None:
    folder = _save(tmp_path)
    settings = json.loads((folder / "ranker.json").read_text())
    (folder / "ranker.json").write_text(json.dumps(settings | {"form": "pointwise"}))
    with pytest.raises(RankerError, match="fingerprint"):
        load_ranker(folder)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "config.json").unlink(), "config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "JSON"),
        (lambda folder: (folder / "config.json").write_text('{"ranker_type": "dual"}'), "pairranker"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"gone"), "damaged"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer"),
        (
            lambda folder: save_file({"x": torch.zeros(1)}, folder / "model.safetensors"),
            "PairRanker's weights",
        ),
    ],
)
def test_a_damaged_checkpoint_says_what_is_wrong(tmp_path: Path, damage: object, reason: str) -> None:
    folder = _save(tmp_path)
    (folder / "fingerprint").unlink()
    assert callable(damage)
    damage(folder)
    with pytest.raises(RankerError, match=reason):
        load_ranker(folder)


def test_a_plain_encoder_is_not_taken_for_a_ranker(tmp_path: Path) -> None:
    with pytest.raises(RankerError, match="PairRanker"):
        load_ranker(make_base(tmp_path / "base", "bert"))


def test_a_missing_weight_is_named(tmp_path: Path) -> None:
    folder = _save(tmp_path)
    state = load_file(folder / "model.safetensors")
    del state["head_layer.1.bias"]
    save_file(state, folder / "model.safetensors")
    (folder / "fingerprint").unlink()
    with pytest.raises(RankerError, match=r"head_layer\.1\.bias"):
        load_ranker(folder)


def test_lengths_that_the_positions_do_not_hold_are_refused(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", "bert")
    with pytest.raises(RankerError, match="at most 160"):
        start_checkpoint(base, form="joint", lengths=Lengths(source=100, candidate=40))
    assert start_checkpoint(base, form="joint").lengths.total == 160


def test_a_failed_write_leaves_the_old_folder_whole_and_nothing_else(tmp_path: Path) -> None:
    def keep(part: Path) -> None:
        (part / "a").write_text("old")

    def fail(part: Path) -> None:
        (part / "a").write_text("new")
        raise RuntimeError("disk full")

    write_folder(tmp_path / "kept", keep)
    with pytest.raises(RuntimeError):
        write_folder(tmp_path / "kept", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept" / "a").read_text() == "old"


def test_a_folder_written_again_is_replaced(tmp_path: Path) -> None:
    for name in ("first", "second"):

        def fill(part: Path, name: str = name) -> None:
            (part / name).write_text(name)

        write_folder(tmp_path / "kept", fill)
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "second"]
