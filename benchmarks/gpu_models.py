"""Checkpoints of random weights in the shape of those that the app uses, made from configurations.

For machines without a hub. Every text is made of ``words``, each of which is one token. Non-goal: answers
that say anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    DebertaV2Config,
    DebertaV2Model,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

SPECIALS = {"pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "unk": "[UNK]", "mask": "[MASK]"}
N_MARKS = 10
"""Tokens with which T5 counts a fuser's candidates."""
TEMPLATE = "{% for m in messages %}[CLS]{{ m['content'] }}[SEP]{% endfor %}[CLS]"


class Size(NamedTuple):
    """How large the checkpoints are."""

    n_words: int
    reader: dict[str, int]
    encoder: dict[str, int]
    fuser: dict[str, int]


FULL = Size(
    n_words=32_000,
    # SmolLM2 135M, DeBERTa v3 base and flan-t5 base.
    reader={
        "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
        "num_attention_heads": 9, "num_key_value_heads": 3,
    },
    encoder={
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
    },
    fuser={"d_model": 768, "d_kv": 64, "d_ff": 2048, "num_layers": 12, "num_heads": 12},
)  # fmt: skip
QUICK = Size(
    n_words=1000,
    reader={
        "hidden_size": 96, "intermediate_size": 256, "num_hidden_layers": 3,
        "num_attention_heads": 3, "num_key_value_heads": 3,
    },
    encoder={
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
    },
    fuser={"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4},
)  # fmt: skip


def make_reader(folder: Path, size: Size) -> Path:
    """A causal language model that is a reader and, by its chat template, a member; no answer ends early."""
    tokenizer = _make_tokenizer(size, single="$A")
    tokenizer.chat_template = TEMPLATE
    config = LlamaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=8192, bos_token_id=None, eos_token_id=None,
        # Tied, random weights would repeat the last token, which is a mark, and no text.
        tie_word_embeddings=False, **size.reader,
    )  # fmt: skip
    return _save(folder, LlamaForCausalLM, config, tokenizer)


def make_encoder(folder: Path, size: Size) -> Path:
    """What a joint ranker is made of."""
    tokenizer = _make_tokenizer(size, single="[CLS]:0 $A:0 [SEP]:0")
    config = DebertaV2Config(
        vocab_size=len(tokenizer), relative_attention=True, position_buckets=256, max_relative_positions=-1,
        norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type="p2c|c2p", position_biased_input=False,
        type_vocab_size=0, pad_token_id=tokenizer.pad_token_id, **size.encoder,
    )  # fmt: skip
    return _save(folder, DebertaV2Model, config, tokenizer)


def make_fuser(folder: Path, size: Size) -> Path:
    """What a fuser is made of."""
    tokenizer = _make_tokenizer(size, single="$A [SEP]")
    config = T5Config(
        vocab_size=len(tokenizer), feed_forward_proj="gated-gelu", tie_word_embeddings=False,
        decoder_start_token_id=tokenizer.pad_token_id, pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id, **size.fuser,
    )  # fmt: skip
    return _save(folder, T5ForConditionalGeneration, config, tokenizer)


def words(n: int, *, size: Size, rng: np.random.Generator) -> str:
    """A text of n words, one token each."""
    return " ".join(f"w{number}" for number in rng.integers(size.n_words, size=n))


def _save(folder: Path, kind: Any, config: Any, tokenizer: PreTrainedTokenizerFast) -> Path:
    torch.manual_seed(0)
    kind(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _make_tokenizer(size: Size, *, single: str) -> PreTrainedTokenizerFast:
    pieces = [(token, 0.0) for token in SPECIALS.values()]
    pieces += [(piece, -9.0) for piece in ("▁", *map(chr, range(33, 127)))]
    pieces += [(f"▁w{number}", -3.0) for number in range(size.n_words)]
    backend = Tokenizer(models.Unigram(pieces, unk_id=list(SPECIALS).index("unk")))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    ids = {token: number for number, token in enumerate(SPECIALS.values())}
    named = [(token, ids[token]) for token in ("[CLS]", "[SEP]")]
    backend.post_processor = processors.TemplateProcessing(single=single, special_tokens=named)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend,
        eos_token=SPECIALS["sep"],
        additional_special_tokens=[f"<extra_id_{number}>" for number in range(N_MARKS)],
        **{f"{name}_token": token for name, token in SPECIALS.items()},
    )
