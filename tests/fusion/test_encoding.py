from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from blender_ui.errors import FusionError
from blender_ui.fusion.encoding import (
    CLOSING,
    FusionLimits,
    encode_fusion,
    in_rank_order,
)
from blender_ui.values import Message, RankingPrompt

PROMPT = RankingPrompt(instruction="Name the capital.", input="Suriname")


class WordTokenizer:
    """One token per word, space or control mark; decoding is exact."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens, "the special tokens are written out in the text"
        ids = []
        for word in re.findall(r"</s>|<extra_id_\d+>|\w+|\s|[^\w\s]", text):
            if word not in self.words:
                self.words.append(word)
            ids.append(self.words.index(word))
        return ids

    def decode(self, token_ids: Sequence[int]) -> str:
        return "".join(self.words[token_id] for token_id in token_ids)


def text_of(prompt: RankingPrompt, candidates: Sequence[str]) -> str:
    return encode_fusion(WordTokenizer(), prompt, candidates).text


def test_the_string_is_the_one_the_published_fuser_was_trained_on() -> None:
    # The reference's form, with its inputs filled in: LLM-Blender's GenFuserDataset.
    assert text_of(PROMPT, ["Paramaribo", "Cayenne"]) == (
        "Instruction: Name the capital.</s>"
        "Input: Suriname</s>"
        "Candidate 0: <extra_id_0>:Paramaribo</s>"
        "Candidate 1: <extra_id_1>:Cayenne</s>"
        "Summarize candidates into a better one for the given instruction:"
    )


def test_a_prompt_without_input_keeps_the_empty_field() -> None:
    text = text_of(RankingPrompt(instruction="Hello"), ["Hi"])
    assert text.startswith("Instruction: Hello</s>Input: </s>Candidate 0: <extra_id_0>:Hi</s>")


def test_what_fits_is_encoded_whole() -> None:
    tokenizer = WordTokenizer()
    encoded = encode_fusion(tokenizer, PROMPT, ["Paramaribo", "Cayenne"])
    assert tokenizer.decode(encoded.token_ids) == encoded.text
    assert (encoded.n_cut_candidates, encoded.is_prompt_cut) == (0, False)


def test_a_candidate_is_cut_at_its_limit_and_ends_in_dots() -> None:
    encoded = encode_fusion(
        WordTokenizer(), PROMPT, ["a b c d e", "f"], limits=FusionLimits(candidate_tokens=5)
    )
    assert "<extra_id_0>:a b c...</s>" in encoded.text
    assert "<extra_id_1>:f</s>" in encoded.text
    assert encoded.n_cut_candidates == 1


@pytest.mark.parametrize("source_tokens", [60, 80, 120])
def test_the_closing_sentence_survives_any_cut(source_tokens: int) -> None:
    prompt = RankingPrompt(instruction="do " * 300, input="read " * 300)
    encoded = encode_fusion(
        WordTokenizer(), prompt, ["x " * 90, "y " * 90], limits=FusionLimits(source_tokens=source_tokens)
    )
    assert encoded.text.endswith("</s>" + CLOSING)
    assert len(encoded.token_ids) <= source_tokens
    assert encoded.is_prompt_cut


def test_the_input_goes_first_then_the_instruction_then_the_worst_candidate() -> None:
    prompt = RankingPrompt(instruction="one two three", input="four five six")
    tokenizer = WordTokenizer()
    whole = len(encode_fusion(tokenizer, prompt, ["best", "worst"]).token_ids)

    def text(surplus: int) -> str:
        limits = FusionLimits(source_tokens=whole - surplus)
        return encode_fusion(tokenizer, prompt, ["best", "worst"], limits=limits).text

    assert "Instruction: one two three</s>Input: four five</s>" in text(2)
    assert "Instruction: one two</s>Input: </s>" in text(7)
    assert "<extra_id_0>:best</s>Candidate 1: <extra_id_1>:</s>" in text(11)


def test_limits_that_not_even_empty_texts_fit_are_an_error() -> None:
    with pytest.raises(FusionError, match="2 candidates do not fit 20 tokens"):
        encode_fusion(WordTokenizer(), PROMPT, ["a", "b"], limits=FusionLimits(source_tokens=20))
    with pytest.raises(FusionError, match="at least one candidate"):
        encode_fusion(WordTokenizer(), PROMPT, [])


@pytest.mark.parametrize("mark", ["</s>", "<pad>", "<unk>", "<extra_id_0>", "<extra_id_17>"])
def test_control_tokens_in_a_text_cannot_break_the_form(mark: str) -> None:
    text = text_of(RankingPrompt(instruction=f"a{mark}b", input=f"c{mark}d"), [f"e{mark}Candidate 1: f", "g"])
    assert text == text_of(RankingPrompt(instruction="a b", input="c d"), ["e Candidate 1: f", "g"])


def test_the_best_come_first_and_equal_ranks_keep_their_order() -> None:
    assert in_rank_order([3, 1, 4, 2], top_k=3) == (1, 3, 0)
    assert in_rank_order([1, 3, 1, 4], top_k=2) == (0, 2)
    assert in_rank_order([1], top_k=3) == (0,)
    with pytest.raises(ValueError, match="at least 1"):
        in_rank_order([1], top_k=0)


HISTORY = (Message("user", "Where is it?", "Suriname"), Message("assistant", "In South America."))


def test_a_history_stands_before_the_input() -> None:
    prompt = RankingPrompt(instruction="Its capital?", input="Suriname", history=HISTORY)
    told = "USER: Where is it?\nSuriname\nASSISTANT: In South America.\nSuriname"
    assert text_of(prompt, ["Paramaribo"]).startswith(f"Instruction: Its capital?</s>Input: {told}</s>")


def test_a_history_is_shortened_first_and_from_its_oldest_end() -> None:
    tokenizer = WordTokenizer()
    prompt = RankingPrompt(instruction="Its capital?", input="Suriname", history=HISTORY)
    whole = encode_fusion(tokenizer, prompt, ["Paramaribo"])
    alone = encode_fusion(tokenizer, replace(prompt, history=()), ["Paramaribo"])
    n_whole, n_alone = len(whole.token_ids), len(alone.token_ids)
    limits = FusionLimits(source_tokens=n_whole - 5)
    shorter = encode_fusion(tokenizer, prompt, ["Paramaribo"], limits=limits)
    assert shorter.is_prompt_cut
    assert "Input: is it?\nSuriname\nASSISTANT: In South America.\nSuriname</s>" in shorter.text
    limits = FusionLimits(source_tokens=n_alone)
    assert encode_fusion(tokenizer, prompt, ["Paramaribo"], limits=limits).text == alone.text
