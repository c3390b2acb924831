"""A T5 of a few thousand weights with a tokenizer of its own, built from a seed."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

N_EXTRA_IDS = 10
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'\"()-"


def build_tiny_t5(folder: Path, *, seed: int = 0) -> Path:
    """Save a random T5 with a letter tokenizer in T5's form to ``folder``."""
    tokenizer = _letter_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=tokenizer.pad_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = T5ForConditionalGeneration(config)
    with torch.no_grad():
        # Only letters that begin a word can win, so that every token is a word and no text ends.
        words = [tokenizer.convert_tokens_to_ids(f"▁{letter}") for letter in LETTERS]
        others = sorted(set(range(len(tokenizer))) - set(words))
        model.lm_head.weight[others] = 0.0
    model.save_pretrained(folder)
    return folder


def _letter_tokenizer() -> PreTrainedTokenizerFast:
    """A token for each letter and for each that begins a word, and T5's control tokens."""
    marks = ["<pad>", "</s>", "<unk>", "▁"]
    letters = [*LETTERS, *(f"▁{letter}" for letter in LETTERS)]
    pieces = [(piece, 0.0) for piece in marks] + [(letter, -2.0) for letter in letters]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.normalizer = normalizers.Replace(Regex(r"\s+"), " ")
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=[f"<extra_id_{index}>" for index in range(N_EXTRA_IDS)],
    )
