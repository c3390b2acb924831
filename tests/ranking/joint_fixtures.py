"""Small real models and tokenizers, built in memory: no weights are fetched for a unit test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "who", "did", "it", "best", "of", "all"]
WORDS += ["answer", "question", "good", "bad", "long", "short"]
SPECIALS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")


def make_tokenizer(*, n_positions: int = 10**9) -> PreTrainedTokenizerFast:
    """A Unigram tokenizer with DeBERTa-v3's specials, at its ids, over letters and a few words."""
    pieces = [*SPECIALS[:4], "▁", *map(chr, range(33, 127)), *(f"▁{word}" for word in WORDS)]
    vocabulary = [(piece, 0.0 if piece in SPECIALS else -3.0 - len(piece) % 3) for piece in pieces]
    backend = Tokenizer(models.Unigram(vocabulary, unk_id=3))
    backend.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    names = dict(zip(("pad", "cls", "sep", "unk", "mask"), SPECIALS, strict=True))
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend,
        model_max_length=n_positions,
        **{f"{name}_token": token for name, token in names.items()},
    )


_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "pad_token_id": 0,
}
BACKBONES: dict[str, dict[str, Any]] = {
    "deberta-v2": {
        "relative_attention": True,
        "position_buckets": 16,
        "max_relative_positions": -1,
        "max_position_embeddings": 32,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": "p2c|c2p",
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
    "bert": {"max_position_embeddings": 160},
    "roberta": {"max_position_embeddings": 160},
    "mpnet": {"max_position_embeddings": 160},
    "modernbert": {"cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2},
    "llama": {"num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2},
}


def make_base(folder: Path, model_type: str, *, seed: int = 0, **changes: Any) -> Path:
    """Write a backbone with random weights and its tokenizer, as a hub folder would be."""
    tokenizer = make_tokenizer()
    config = AutoConfig.for_model(
        model_type, vocab_size=len(tokenizer), **{**_SIZES, **BACKBONES[model_type], **changes}
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
        for name, weight in model.named_parameters():
            if "embeddings" in name or name.endswith("bias"):
                torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
