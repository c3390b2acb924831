"""Turns the title writer's int8 ONNX files into a T5 checkpoint to fine-tune a fuser from.

Invariant: the folder appears whole, is read by ``T5ForConditionalGeneration`` without a missing
weight, and keeps the output layer apart from the embedding. Imports torch, and needs the package
``onnx``, which the app does not. Non-goal: a fuser; what comes out writes titles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, PreTrainedTokenizerFast, T5Config

from blender_ui.errors import MissingPackage, WeightsUnavailable
from blender_ui.weights.folders import make_folder

QUANTIZED = "_quantized"


def prepare_seq2seq(onnx_path: Path, folder: Path) -> Path:
    """Write the checkpoint's folder if it is not there yet.

    Args:
        onnx_path: Folder with ``encoder.onnx``, ``decoder.onnx`` and ``tokenizer.json``.
        folder: Where the checkpoint is to be.

    Raises:
        MissingPackage: If ``onnx`` is not installed.
        WeightsUnavailable: If the files do not hold the weights of this T5.
    """
    if find_spec("onnx") is None:
        raise MissingPackage("reading ONNX files needs the package onnx; run: pip install onnx")
    return make_folder(folder, lambda made: _write(onnx_path, made))


def _write(onnx_path: Path, folder: Path) -> None:
    weights: dict[str, torch.Tensor] = {}
    for name in ("encoder.onnx", "decoder.onnx"):
        weights |= {key: torch.from_numpy(value) for key, value in _weights_of(onnx_path / name)}
    # transformers ties the two unless both are in the file, and these differ.
    if torch.equal(weights["lm_head.weight"], weights["shared.weight"]):
        raise WeightsUnavailable(f"{onnx_path}: expected an output layer of its own, found the embedding")
    weights.pop("encoder.embed_tokens.weight", None)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _config().save_pretrained(folder)
    generation: Any = GenerationConfig
    generation(decoder_start_token_id=0, eos_token_id=1, pad_token_id=0).save_pretrained(folder)
    fast: Any = PreTrainedTokenizerFast
    tokenizer = fast(
        tokenizer_file=str(onnx_path / "tokenizer.json"),
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
    )
    tokenizer.save_pretrained(folder)


def _config() -> T5Config:
    fields: dict[str, Any] = {
        "vocab_size": 32128,
        "d_model": 512,
        "d_kv": 64,
        "d_ff": 1024,
        "num_layers": 8,
        "num_decoder_layers": 8,
        "num_heads": 6,
        "feed_forward_proj": "gated-gelu",
        # Says here that the decoder's output is not scaled, as in every flan-t5.
        "tie_word_embeddings": False,
        "architectures": ["T5ForConditionalGeneration"],
    }
    return T5Config(**fields)


def _weights_of(path: Path) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Every weight of one file under the name that transformers gives it, in float32."""
    import onnx
    from onnx import numpy_helper

    graph: Any = onnx.load(str(path)).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    # The weights of products have no names of their own; the scope of their node has the layer's.
    scopes = {node.input[1]: node.name for node in graph.node if node.op_type == "MatMulInteger"}
    for name, array in arrays.items():
        if name.endswith(QUANTIZED):
            stem = name.removesuffix(QUANTIZED)
            value = _dequantized(array, scale=arrays[f"{stem}_scale"], zero=arrays[f"{stem}_zero_point"])
            if name in scopes:
                yield _layer_name(scopes[name]), np.ascontiguousarray(value.T)
            else:
                yield _full_name(stem), value
        elif name.endswith("layer_norm.weight"):
            yield _full_name(name), array.astype(np.float32)


def _dequantized(array: Any, *, scale: Any, zero: Any) -> npt.NDArray[np.float32]:
    value: npt.NDArray[np.float32] = (array.astype(np.float32) - zero.astype(np.float32)) * scale
    return value


def _layer_name(scope: str) -> str:
    """``/m/decoder/block.0/layer.0/SelfAttention/q/MatMul_quant`` is ``decoder.block.0...q.weight``."""
    layer = re.sub(r"/MatMul\w*$", "", scope).strip("/").replace("/", ".")
    return _full_name(f"{layer}.weight")


def _full_name(name: str) -> str:
    return "encoder." + name.removeprefix("enc.") if name.startswith("enc.") else name.removeprefix("m.")
