from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from blender_ui.fusion.attention import agreement, attribute_attention
from blender_ui.fusion.attribution import Span, attribute_spans
from blender_ui.fusion.encoding import candidate_places, encode_fusion
from blender_ui.fusion.generation import GenerationOptions
from blender_ui.fusion.seq2seq import Seq2SeqFuser
from blender_ui.values import RankingPrompt
from tests.fusion.tiny_t5 import build_tiny_t5

FUSED = "Boil some water first. Then add the leaves."
SOURCES = ["Boil some water first.", "Then add the leaves."]


def token_places(text: str) -> list[tuple[int, int]]:
    """Tokens of at most three characters, as a tokenizer's: a word has several, and none spans two."""
    return [match.span() for match in re.finditer(r"\s?\S{1,3}", text)]


def looked_at(text: str, *, seam: int, share: float = 0.8) -> np.ndarray:
    """Attention of a fuser that reads source 0 before a character and source 1 after it."""
    return np.array(
        [[share, share / 8] if end <= seam else [share / 8, share] for _, end in token_places(text)]
    )


def test_attention_and_alignment_find_the_same_known_sources() -> None:
    weights = looked_at(FUSED, seam=FUSED.index("Then"))
    attended = attribute_attention(FUSED, token_places(FUSED), weights)
    aligned = attribute_spans(FUSED, SOURCES)
    assert attended.spans == aligned.spans == (Span(0, 23, 0), Span(23, 43, 1))
    assert attended.shares == pytest.approx((23 / 43, 20 / 43))
    assert agreement(attended.spans, aligned.spans) == 1


def test_one_stray_token_does_not_make_a_span_of_its_own() -> None:
    weights = looked_at(FUSED, seam=FUSED.index("Then"))
    weights[2] = [0.2, 0.3]
    spans = attribute_attention(FUSED, token_places(FUSED), weights).spans
    assert [span.source for span in spans] == [0, 1]


def test_a_fuser_that_hardly_looks_at_the_sources_writes_words_of_its_own() -> None:
    attribution = attribute_attention(FUSED, token_places(FUSED), looked_at(FUSED, seam=99, share=0.05))
    assert sum(attribution.shares) == 0
    assert agreement(attribution.spans, attribute_spans(FUSED, SOURCES).spans) == 1  # nothing to compare


def test_agreement_counts_characters_that_both_give_to_a_source() -> None:
    first = (Span(0, 4, 0), Span(4, 8, 1), Span(8, 10, None))
    second = (Span(0, 6, 0), Span(6, 10, 1))
    assert agreement(first, second) == 6 / 8


def test_weights_without_a_place_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 rows"):
        attribute_attention("ab", [(0, 1), (1, 2)], np.zeros((3, 2)))


def test_a_checkpoint_says_where_it_looked(tmp_path: Path) -> None:
    fuser = Seq2SeqFuser(build_tiny_t5(tmp_path), options=GenerationOptions(n_beams=1, max_new_tokens=8))
    prompt = RankingPrompt(instruction="Say it.")
    encoded = encode_fusion(fuser._tokenizer, prompt, ["ab cd", "ef"])
    first, second = candidate_places(fuser._tokenizer, encoded.token_ids, 2)
    texts = [fuser.decode(encoded.token_ids[place]) for place in (first, second)]
    assert [text.lstrip(": ") for text in texts] == ["ab cd", "ef"]
    last = list(fuser.stream(prompt, ["ab cd", "ef"]))[-1]
    assert last.attribution is not None
    assert "".join(last.text[span.start : span.end] for span in last.attribution.spans) == last.text
    assert len(last.attribution.shares) == 2
