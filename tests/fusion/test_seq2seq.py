from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from blender_ui.errors import FusionError
from blender_ui.fusion.encoding import CLOSING, FusionLimits, encode_fusion
from blender_ui.fusion.generation import GenerationOptions, read_options
from blender_ui.fusion.seq2seq import Seq2SeqFuser
from blender_ui.values import RankingPrompt
from tests.fusion.tiny_t5 import build_tiny_t5

PROMPT = RankingPrompt(instruction="Name the capital.", input="Suriname")
CANDIDATES = ["Paramaribo", "It is Cayenne."]
GREEDY = GenerationOptions(n_beams=1, max_new_tokens=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_t5(tmp_path_factory.mktemp("tiny-t5"))


def test_the_closing_sentence_reaches_the_model_however_long_the_input_is(folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = RankingPrompt(instruction="Read this.", input="word " * 2000)
    limits = FusionLimits(source_tokens=300, candidate_tokens=20)
    encoded = encode_fusion(tokenizer, prompt, ["long " * 50, "short"], limits=limits)
    assert len(encoded.token_ids) <= 300
    assert tokenizer.decode(encoded.token_ids).replace(" ", "").endswith(CLOSING.replace(" ", ""))
    # The same tokens as the reference gives for the same string, where nothing has to be cut.
    whole = encode_fusion(tokenizer, PROMPT, CANDIDATES)
    assert list(whole.token_ids) == tokenizer(whole.text, add_special_tokens=False).input_ids
    assert tokenizer.convert_tokens_to_ids("<extra_id_1>") in whole.token_ids


def test_greedy_text_grows_piece_by_piece_to_what_generate_gives(folder: Path) -> None:
    fuser = Seq2SeqFuser(folder, options=GREEDY)
    pieces = list(fuser.stream(PROMPT, CANDIDATES))
    assert len(pieces) > 2
    assert all(pieces[-1].text.startswith(piece.text) for piece in pieces)
    assert (pieces[-1].n_tokens, pieces[-1].finish_reason) == (12, "length")
    encoded = encode_fusion(fuser._tokenizer, PROMPT, CANDIDATES)
    assert pieces[-1].text == fuser.decode(fuser.generate(encoded.token_ids))


def test_a_model_that_memory_does_not_hold_says_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr("transformers.PreTrainedModel.to", fail)
    with pytest.raises(FusionError, match="a smaller model"):
        Seq2SeqFuser(folder, options=GREEDY)


def test_beams_give_the_text_whole(folder: Path) -> None:
    fuser = Seq2SeqFuser(folder, options=GenerationOptions(n_beams=3, max_new_tokens=8))
    (piece,) = fuser.stream(PROMPT, CANDIDATES)
    assert piece.text
    assert piece.finish_reason == "length"


def test_an_answer_stays_where_its_attention_takes_too_much_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fuser = Seq2SeqFuser(folder, options=GREEDY)

    def attribute(*_arguments: object) -> None:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(fuser, "attribute", attribute)
    *_, last = fuser.stream(PROMPT, CANDIDATES)
    assert (last.text, last.finish_reason, last.attribution) == (last.text.strip(), "length", None)
    assert last.text


def test_sampling_draws_different_texts(folder: Path) -> None:
    import torch

    fuser = Seq2SeqFuser(folder, options=GenerationOptions(n_beams=1, max_new_tokens=12, temperature=1.5))
    torch.manual_seed(0)
    texts = {list(fuser.stream(PROMPT, CANDIDATES))[-1].text for _ in range(4)}
    assert len(texts) > 1


def test_closing_and_stop_end_the_generation(folder: Path) -> None:
    fuser = Seq2SeqFuser(folder, options=GenerationOptions(n_beams=1, max_new_tokens=4000))
    stream = fuser.stream(PROMPT, CANDIDATES)
    next(stream)
    stream.close()
    assert not any(thread.name == "seq2seq" for thread in threading.enumerate())
    stop = threading.Event()
    stream = fuser.stream(PROMPT, CANDIDATES, stop=stop)
    next(stream)
    stop.set()
    with pytest.raises(FusionError, match="stopped"):
        list(stream)


def test_a_folder_that_is_no_seq2seq_checkpoint_is_named(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(FusionError, match=str(tmp_path)):
        Seq2SeqFuser(tmp_path)
    damaged = Path(shutil.copytree(folder, tmp_path / "damaged"))
    (damaged / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(FusionError, match=str(damaged)):
        Seq2SeqFuser(damaged)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (None, GenerationOptions(max_new_tokens=128, n_beams=4, temperature=0.0)),
        ({"num_beams": 2, "max_new_tokens": 64}, GenerationOptions(max_new_tokens=64, n_beams=2)),
        ({"do_sample": True, "temperature": 0.7}, GenerationOptions(n_beams=1, temperature=0.7)),
        ({"do_sample": True}, GenerationOptions(n_beams=1, temperature=1.0)),
        ({"do_sample": False, "temperature": 0.7, "eos_token_id": 1}, GenerationOptions()),
    ],
)
def test_the_checkpoints_own_configuration_says_how_it_writes(
    tmp_path: Path, stated: dict[str, object] | None, expected: GenerationOptions
) -> None:
    if stated is not None:
        (tmp_path / "generation_config.json").write_text(json.dumps(stated))
    assert read_options(tmp_path) == expected


@pytest.mark.parametrize("text", ["[", "[]", '{"num_beams": "many"}', '{"max_new_tokens": 0}'])
def test_a_configuration_that_cannot_be_used_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "generation_config.json").write_text(text)
    with pytest.raises(FusionError):
        read_options(tmp_path)
