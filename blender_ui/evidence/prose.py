"""What speaks for a text that has no short conclusion: what it shares with the others, and with a given text.

Invariant: features depend on texts, and on which of them one writer wrote, and are finite, the empty text's
too. Non-goal: meaning; words are compared by their stems.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from blender_ui.values import FloatArray

_T = TypeVar("_T")

N_KEYWORDS = 12
N_LEAD_SENTENCES = 3
COVERED_FROM, COVERED_FULLY = 0.3, 0.8
"""Share of a sentence's words from which a text begins to cover it, and at which it does."""
POSITIONS = ((0, 1), (1, 2), (2, 3), (3, 5), (5, 8), (8, 13), (13, 10_000))

PROSE_FEATURES = (
    "log_words", "log_content_words", "shared_recall", "shared_precision", "pair_recall", "pair_precision",
    "common_words", "common_pairs", "common_words_squared", "common_pairs_squared", "best_pair_recall",
    "lead", "first_sentence", "after_lead", "keywords", "salience", "copied_pairs", "copied_triples",
    "new_words", "distinct_share", "log_sentences", "n_numbers", "ends_sentence",
    *(f"covers_sentences_{low + 1}" for low, _ in POSITIONS),
    "covers_agreed", "covers_most_agreed", "covers_early", "covers_long", "covers_numbers", "covers_quotes",
)  # fmt: skip

_WORD = re.compile(r"[^\W_]+(?:'[a-z]+)?")
_SENTENCE_END = re.compile(r"(?<=[.!?。])\s+|\n+")
_SUFFIXES = ("ing", "edly", "ed", "es", "s", "ly")
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
        the a an of to in on at for and or but is are was were be been being has have had he she it they his
        her its their this that these those with as by from not who which will would could said says say also
        than then there after before into about over out up i you we my our your s t re ve ll d m n't do does
        did so if
        """,
    )
)


class Words(NamedTuple):
    """A text as stems."""

    all: list[str]
    content: set[str]
    pairs: set[tuple[str, str]]


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, by closing marks and line ends."""
    return [sentence for sentence in _SENTENCE_END.split(text.strip()) if sentence.strip()]


def read_words(text: str) -> Words:
    """The stems of a text; content words are those that are not function words."""
    stems = [_stem(word) for word in _WORD.findall(text.lower())]
    content = {word for word in stems if word not in FUNCTION_WORDS and len(word) > 1}
    pairs = {pair for pair in itertools.pairwise(stems) if not set(pair) <= FUNCTION_WORDS}
    return Words(stems, content, pairs)


def prose_features(given: str, answers: Sequence[str], voices: FloatArray | None = None) -> FloatArray:
    """What speaks for each text.

    Args:
        given: The text that the prompt gave to work on, else the prompt.
        answers: n texts.
        voices: How much each answer counts, shape (n,): 1, as by default, for the only one of its writer.

    Returns:
        Shape (n, len(PROSE_FEATURES)), columns as PROSE_FEATURES has them.
    """
    texts = [read_words(answer) for answer in answers]
    voices = np.ones(len(answers)) if voices is None else voices
    columns = np.hstack(
        [
            np.array([[np.log1p(len(text.all)), np.log1p(len(text.content))] for text in texts]),
            _shared(texts, voices),
            _beside_given(given, texts),
            np.array([_surface(answer, text) for answer, text in zip(answers, texts, strict=True)]),
            _coverage(given, texts, voices),
        ]
    )
    return columns.reshape(len(answers), len(PROSE_FEATURES))


def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


def _shared(texts: Sequence[Words], voices: FloatArray) -> FloatArray:
    """What each text shares with the others, two by two and by how many have it."""
    words = _count([text.content for text in texts], voices)
    pairs = _count([text.pairs for text in texts], voices)
    rows = []
    for place, text in enumerate(texts):
        others = [other for index, other in enumerate(texts) if index != place]
        weights = np.delete(voices, place)
        in_words = [len(text.content & other.content) for other in others]
        in_pairs = [len(text.pairs & other.pairs) for other in others]
        word_recall = [n / max(1, len(other.content)) for n, other in zip(in_words, others, strict=True)]
        pair_recall = [n / max(1, len(other.pairs)) for n, other in zip(in_pairs, others, strict=True)]
        n_words, n_pairs = max(1, len(text.content)), max(1, len(text.pairs))
        own = float(voices[place])
        rows.append(
            [
                _mean(word_recall, weights),
                _mean(in_words, weights) / n_words,
                _mean(pair_recall, weights),
                _mean(in_pairs, weights) / n_pairs,
                *(_common(text.content, words, own, 1), _common(text.pairs, pairs, own, 1)),
                *(_common(text.content, words, own, 2), _common(text.pairs, pairs, own, 2)),
                max(pair_recall, default=0.0),
            ]
        )
    return np.array(rows, dtype=float)


def _count(parts: Sequence[set[_T]], voices: FloatArray) -> dict[_T, float]:
    counts: defaultdict[_T, float] = defaultdict(float)
    for part, voice in zip(parts, voices.tolist(), strict=True):
        for one in part:
            counts[one] += voice
    return counts


def _common(mine: set[_T], counts: dict[_T, float], own: float, power: int) -> float:
    """Share of what others have too, each weighed by how many have it."""
    weight = {one: max(0.0, n - own) ** power for one, n in counts.items()}
    return sum(weight[one] for one in mine) / max(1.0, sum(weight.values()))


def _beside_given(given: str, texts: Sequence[Words]) -> FloatArray:
    source, sentences = read_words(given), split_sentences(given)
    counts = Counter(word for word in source.all if word in source.content)
    lead = read_words(" ".join(sentences[:N_LEAD_SENTENCES])).content
    first = read_words(sentences[0]).content if sentences else set()
    after = read_words(" ".join(sentences[N_LEAD_SENTENCES:8])).content
    keywords = [word for word, _ in counts.most_common(N_KEYWORDS)]
    salience = sum(np.log1p(n) for n in counts.values())
    pairs, triples = _runs(source.all, 2), _runs(source.all, 3)
    rows = []
    for text in texts:
        mine, mine_pairs, mine_triples = text.content, _runs(text.all, 2), _runs(text.all, 3)
        rows.append(
            [
                *(len(mine & part) / max(1, len(part)) for part in (lead, first, after)),
                sum(word in mine for word in keywords) / max(1, len(keywords)),
                sum(np.log1p(counts[word]) for word in mine) / max(1.0, salience),
                len(mine_pairs & pairs) / max(1, len(mine_pairs)),
                len(mine_triples & triples) / max(1, len(mine_triples)),
                sum(word not in counts for word in mine) / max(1, len(mine)),
            ]
        )
    return np.array(rows, dtype=float)


def _surface(answer: str, text: Words) -> list[float]:
    return [
        len(set(text.all)) / max(1, len(text.all)),
        float(np.log1p(len(split_sentences(answer)))),
        float(sum(word.isdigit() for word in text.content)),
        float(answer.rstrip().endswith((".", "!", "?", '"', "'", "”", "。"))),
    ]


def _coverage(given: str, texts: Sequence[Words], voices: FloatArray) -> FloatArray:
    """Which sentences of the given text each text covers: early ones, agreed ones, ones with figures."""
    sentences = split_sentences(given)
    contents = [read_words(sentence).content for sentence in sentences]
    shares = np.array(
        [[len(text.content & content) / max(1, len(content)) for content in contents] for text in texts]
    ).reshape(len(texts), len(contents))
    covered = np.clip((shares - COVERED_FROM) / (COVERED_FULLY - COVERED_FROM), 0, 1)
    agreed = np.average(covered, axis=0, weights=voices)
    by_position = [covered[:, low:high].sum(axis=1) for low, high in POSITIONS]
    weights = [
        agreed,
        agreed**2,
        1 / np.arange(1, len(contents) + 1),
        np.log1p([len(content) for content in contents]),
        np.array([min(3, len(re.findall(r"\d+", sentence))) for sentence in sentences]),
        np.array([float('"' in sentence or "“" in sentence or "''" in sentence) for sentence in sentences]),
    ]
    return np.stack([*by_position, *(covered @ weight for weight in weights)], axis=1)


def _runs(words: Sequence[str], length: int) -> set[tuple[str, ...]]:
    return set(zip(*(words[start:] for start in range(length)), strict=False))


def _mean(values: Sequence[float], weights: FloatArray) -> float:
    return float(np.average(values, weights=weights)) if values else 0.0
