"""The title writer as a T5 checkpoint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blender_ui.errors import MissingPackage, WeightsUnavailable
from blender_ui.settings import load_settings
from blender_ui.weights import seq2seq
from blender_ui.weights.folders import make_folder
from blender_ui.weights.resolver import fetch
from blender_ui.weights.seq2seq import prepare_seq2seq


def test_without_the_package_the_error_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seq2seq, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match="pip install onnx"):
        prepare_seq2seq(tmp_path, tmp_path / "folder")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # Of the reference, in a branch not taken.
def test_no_weight_is_missing_and_the_output_layer_is_its_own(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the conversion's package onnx is not installed")
    import torch
    from transformers import AutoTokenizer, T5ForConditionalGeneration

    try:
        source = fetch("title-t5-small", cache_path=load_settings(os.environ).weights_path)
    except WeightsUnavailable as error:
        pytest.skip(f"the title writer's weights are absent: {error}")
    folder = prepare_seq2seq(source, tmp_path / "t5")
    model, report = T5ForConditionalGeneration.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert not torch.equal(model.lm_head.weight, model.shared.weight)
    assert not model.config.scale_decoder_outputs

    # The ONNX files are their own reference; their 8-bit activations blur it a little.
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("The parser crashes on an empty file.", return_tensors="pt").input_ids
    start = torch.tensor([[0]])
    mask = np.ones(ids.shape, dtype=np.int64)
    hidden = _run(source / "encoder.onnx", input_ids=ids.numpy(), attention_mask=mask)
    expected = _run(
        source / "decoder.onnx",
        input_ids=start.numpy(),
        encoder_hidden_states=hidden,
        encoder_attention_mask=mask,
    )[0, 0]
    with torch.inference_mode():
        alone = model(encoder_outputs=(torch.from_numpy(hidden),), decoder_input_ids=start).logits[0, 0]
        whole = model(input_ids=ids, decoder_input_ids=start).logits[0, 0]
    assert np.corrcoef(alone.numpy(), expected)[0, 1] > 0.98
    assert np.corrcoef(whole.numpy(), expected)[0, 1] > 0.95
    assert tokenizer.decode(alone.argmax()) == tokenizer.decode(expected.argmax()) == "Fix"


def _run(path: Path, **inputs: Any) -> Any:
    import onnx
    from onnx.reference import ReferenceEvaluator

    model = onnx.load(str(path))
    # The reference has no DequantizeLinear for 18; for a scalar scale, as here, 19 is the same.
    model.opset_import[0].version = 19
    return ReferenceEvaluator(model).run(None, inputs)[0]


def test_a_folder_is_written_once_and_not_at_all_when_writing_fails(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "folder"

    def fails(made: Path) -> None:
        (made / "half").touch()
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        make_folder(folder, fails)
    assert [path.name for path in folder.parent.iterdir()] == [".folder.lock"]
    make_folder(folder, lambda made: (made / "whole").touch())
    make_folder(folder, fails)
    assert [path.name for path in folder.iterdir()] == ["whole"]
