"""Answers beside references, in numbers. Text in, numbers out.

Invariant: every number is in [0, 1], higher is better, and an empty answer has 0. Where there are
several references the best one counts. Non-goal: running code, and comparing meanings; ``sandbox`` and
``bertscore`` do.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
ROUGE = ("rouge1", "rouge2", "rougeL")


def rouge(answer: str, references: Sequence[str]) -> dict[str, float]:
    """F1 of ROUGE-1, ROUGE-2 and ROUGE-L with stemming, by the reference of the best ROUGE-L.

    Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004.
    """
    from rouge_score.rouge_scorer import RougeScorer  # takes a second to import

    scorer = RougeScorer(list(ROUGE), use_stemmer=True)
    scored = [scorer.score(reference, answer) for reference in references]
    best = max(scored, key=lambda score: score["rougeL"].fmeasure)
    return {name: float(best[name].fmeasure) for name in ROUGE}


def exact_match(answer: str, references: Sequence[str]) -> float:
    """Whether an answer is a reference, but for case, articles and punctuation.

    Source: Rajpurkar et al., "SQuAD", EMNLP 2016, and its evaluation script.
    """
    return float(any(_normalised(answer) == _normalised(reference) for reference in references))


def contains(answer: str, references: Sequence[str]) -> float:
    """Whether an answer holds a reference as whole words: right, whatever else it says."""
    words = f" {_normalised(answer)} "
    return float(any(f" {_normalised(reference)} " in words for reference in references if reference.strip()))


def token_f1(answer: str, references: Sequence[str]) -> float:
    """F1 of the words that an answer shares with a reference, the best of them.

    Source: as ``exact_match``.
    """
    return max(
        (_f1(_normalised(answer).split(), _normalised(one).split()) for one in references), default=0.0
    )


def _normalised(text: str) -> str:
    plain = "".join(character for character in text.casefold() if character not in string.punctuation)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def _f1(words: Sequence[str], wanted: Sequence[str]) -> float:
    n_same = sum((Counter(words) & Counter(wanted)).values())
    return 2 * n_same / (len(words) + len(wanted)) if n_same else 0.0
