"""Turns a GGUF file into an ordinary Hugging Face folder, once.

Invariant: the folder appears by one rename, whole: ``config.json``, ``model.safetensors`` in
bfloat16, the tokenizer with its chat template, and ``reader.json`` with the hashes of what was read
and written. Imports torch and takes 15 to 45 s, so it belongs into a process of its own. Non-goal:
reading answers with it, see ``blender_ui.ranking.reading``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from blender_ui.errors import WeightsUnavailable
from blender_ui.weights.folders import make_folder
from blender_ui.weights.packages import sha256_of

RECORD = "reader.json"


def prepare_reader(gguf_path: Path, folder: Path) -> Path:
    """Write the folder if it is not there yet.

    Args:
        gguf_path: A causal language model.
        folder: Where it is to be; of the same file system as its parent, which is made.

    Returns:
        ``folder``.

    Raises:
        WeightsUnavailable: If the file is not a model that transformers can read.
    """
    return make_folder(folder, lambda made: _write(gguf_path, made))


def _write(gguf_path: Path, folder: Path) -> None:
    # Its progress bars and advice are not for the person who starts the app.
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    source, name = str(gguf_path.parent), gguf_path.name
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(source, gguf_file=name, dtype=torch.bfloat16)
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=name)
    except (OSError, ValueError, KeyError) as error:
        raise WeightsUnavailable(f"transformers cannot read {gguf_path}: {error}") from error
    # The weights are plain numbers by now; with these left in place, saving refuses.
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    record = {
        "source": name,
        "source_sha256": sha256_of(gguf_path),
        "weights_sha256": sha256_of(folder / "model.safetensors"),
        "dtype": "bfloat16",
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
