from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from transformers import BertConfig, BertModel

from blender_ui.choosing import distilling
from blender_ui.errors import WeightsUnavailable
from blender_ui.tasks.encoder import TOKENIZER, StaticEncoder
from tests.tasks.prompts import WORDS, make_encoder


def test_the_same_prompt_is_read_the_same_whatever_stands_beside_it(tmp_path: Path) -> None:
    encoder = make_encoder(tmp_path)
    alone = encoder.encode(["word1000 word1001"])
    np.testing.assert_array_equal(encoder.encode(["word7", "word1000 word1001"])[1], alone[0])
    assert np.linalg.norm(alone) == pytest.approx(1)


def test_frequent_words_count_less_than_rare_ones(tmp_path: Path) -> None:
    encoder = make_encoder(tmp_path)
    both, frequent, rare = encoder.encode(["word999 word1499", "word999", "word1499"])
    assert both @ rare > both @ frequent


def test_an_empty_prompt_is_zeros(tmp_path: Path) -> None:
    assert not make_encoder(tmp_path).encode([""]).any()


def test_a_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="fetch all-minilm-l6-v2"):
        StaticEncoder(tmp_path)


def test_the_table_is_what_the_model_makes_of_each_token(tmp_path: Path) -> None:
    """Against transformers' own forward pass, up to the axes that the table is turned to."""
    source, folder = tmp_path / "source", tmp_path / "made"
    source.mkdir()
    make_encoder(source)  # for its tokenizer
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    save_file(
        {name: value.numpy() for name, value in model.state_dict().items()}, source / "model.safetensors"
    )
    (source / "config.json").write_text(json.dumps({"num_attention_heads": 4}), encoding="utf-8")
    made = distilling.prepare_encoder(source, folder)
    tokens = torch.tensor([[distilling.CLS, 1200, distilling.SEP], [distilling.CLS, 1300, distilling.SEP]])
    whole = torch.stack([torch.full((len(WORDS),), distilling.CLS), torch.arange(len(WORDS))], dim=1)
    whole = torch.cat([whole, torch.full((len(WORDS), 1), distilling.SEP)], dim=1)
    with torch.no_grad():
        wanted = model(whole).last_hidden_state.mean(dim=1).numpy()
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    wanted -= wanted.mean(axis=0)
    table = np.load(folder / "table.npy").astype(float)
    rows = tokens[:, 1].numpy()
    np.testing.assert_allclose(table[rows] @ table[rows].T, wanted[rows] @ wanted[rows].T, atol=2e-3)
    assert made.size == 64
    assert (folder / TOKENIZER).is_file()
