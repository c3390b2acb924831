"""What one asks a ranker, each question with one meaning, over any ``Ranker``.

Invariant: a call returns one kind of value, takes one prompt with any number of candidates, changes
nothing that it was given, and gives the same answer whatever was asked before. Ranks are 1 for the
best and equal scores share the lowest; every order among equals is that of the candidates. Non-goal:
loading a ranker, or reading a second prompt in the same call: loop, nothing is gained by a list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from blender_ui.errors import RankerError
from blender_ui.ranking.aggregation import (
    Pair,
    Policy,
    Tournament,
    rank_scores,
    run_tournament,
    score_candidates,
)
from blender_ui.ranking.protocol import Ranker
from blender_ui.values import FloatArray, IntArray, RankingPrompt

ReferenceRule = Literal["longest", "shortest", "median_length", "first", "last"]
Turn = Mapping[str, str]
"""One turn of a conversation: ``role`` "USER" or "ASSISTANT" in any case, and ``content``."""

_CONVERSATION = (
    "Finish the following coversation in each i-th turn by filling in <Response i> with your response."
)
"""The sentence that llm-blender's checkpoints were trained with, its spelling included."""


class Ranking(NamedTuple):
    """How n candidates of one prompt stand.

    Attributes:
        scores: Shape (n,), higher is better; see ``score_candidates`` for the unit.
        ranks: Shape (n,), 1 is best, equal scores share the lowest rank.
        logits: Shape (n, n), the readings they come from.
    """

    scores: FloatArray
    ranks: IntArray
    logits: FloatArray


class Margin(NamedTuple):
    """One pair read in both orders.

    Attributes:
        logit: Mean of both readings as seen from ``left``, in natural-log odds; above 0 where left is
            better, and exactly the negative of the margin of the same pair swapped.
        left_first: The reading with left first, that left is better.
        right_first: The reading with right first, that right is better.
    """

    logit: float
    left_first: float
    right_first: float


def rank(
    ranker: Ranker,
    prompt: RankingPrompt,
    candidates: Sequence[str],
    *,
    policy: Policy = "max_logits",
    members: Sequence[str] | None = None,
) -> Ranking:
    """Rank the candidates of a prompt by all ordered pairs.

    Args:
        ranker: Any ranker.
        prompt: What they answer.
        candidates: n texts, at least one; empty texts are allowed.
        policy: See ``score_candidates``.
        members: n member names, for rankers that know members.

    Raises:
        RankerError: If there is no candidate, or ``members`` has another length.
    """
    _check(candidates, members)
    logits = ranker.pairwise_logits(prompt, candidates, members=members)
    scores = score_candidates(logits, policy=policy)
    return Ranking(scores=scores, ranks=rank_scores(scores), logits=logits)


def compare(
    ranker: Ranker,
    prompt: RankingPrompt,
    left: str,
    right: str,
    *,
    members: tuple[str, str] | None = None,
) -> Margin:
    """Compare two candidates, each shown first once.

    The logit is the mean of the two orders: log-odds, like one reading. llm-blender's ``compare``
    says average and returns the sum, which is twice this.
    """
    logits = ranker.pairwise_logits(prompt, (left, right), members=members)
    left_first, right_first = float(logits[0, 1]), float(logits[1, 0])
    return Margin(logit=(left_first - right_first) / 2, left_first=left_first, right_first=right_first)


def compare_conversations(ranker: Ranker, left: Sequence[Turn], right: Sequence[Turn]) -> Margin:
    """Compare the assistant's turns of two conversations with the same user turns.

    Args:
        ranker: Any ranker.
        left: Turns, alternately of the user and of the assistant, the user's first.
        right: The same user turns with other answers.

    Raises:
        RankerError: If the turns do not alternate or the user's differ.
    """
    questions, left_answers = _split_turns(left)
    other_questions, right_answers = _split_turns(right)
    if questions != other_questions:
        raise RankerError("expected two conversations with the same user turns; they differ")
    asked = [f"USER: {text}\nAssistant: <Response {i}>" for i, text in enumerate(questions, 1)]
    prompt = RankingPrompt(instruction=_CONVERSATION, input="\n".join(asked))
    return compare(ranker, prompt, _join_answers(left_answers), _join_answers(right_answers))


def rank_with_reference(
    ranker: Ranker,
    prompt: RankingPrompt,
    candidates: Sequence[str],
    *,
    reference: str | None = None,
    rule: ReferenceRule = "longest",
    members: Sequence[str] | None = None,
) -> Ranking:
    """Rank candidates by their margin against one text: 2n readings in place of n(n - 1).

    Args:
        ranker: Any ranker.
        prompt: What they answer.
        candidates: n texts, at least one.
        reference: The text to compare with; by default one of the candidates.
        rule: Which candidate, by length in characters, the first of equals; of an even number the
            longer middle one is the median.
        members: n member names, for rankers that know members.

    Returns:
        Scores are margins (means of both orders) over the reference, in natural-log odds; a candidate
        that is itself the reference has score 0. ``logits`` has shape (n, 2): candidate first and
        reference first.

    Raises:
        RankerError: If there is no candidate, ``members`` has another length or the rule is unknown.
    """
    _check(candidates, members)
    chosen = None if reference is not None else _choose_reference(candidates, rule)
    text = candidates[chosen] if chosen is not None else reference or ""
    logits = np.zeros((len(candidates), 2))
    for index, candidate in enumerate(candidates):
        if index == chosen:
            continue
        pair = (members[index], "" if chosen is None else members[chosen]) if members else None
        both = ranker.pairwise_logits(prompt, (candidate, text), members=pair)
        logits[index] = both[0, 1], both[1, 0]
    scores = (logits[:, 0] - logits[:, 1]) / 2
    return Ranking(scores=scores, ranks=rank_scores(scores), logits=logits)


def best_of_n(
    ranker: Ranker,
    prompt: RankingPrompt,
    candidates: Sequence[str],
    *,
    n_readings: Literal["full", "tournament"] = "full",
    members: Sequence[str] | None = None,
) -> int:
    """Find the best candidate.

    Args:
        ranker: Any ranker.
        prompt: What they answer.
        candidates: n texts, at least one.
        n_readings: "full" reads all n(n - 1) ordered pairs; "tournament" about n log n of them, and
            now and then finds another candidate close to the best.
        members: n member names, for rankers that know members.

    Returns:
        Its index, the first of equals.

    Raises:
        RankerError: If there is no candidate or the number of readings is unknown.
    """
    match n_readings:
        case "full":
            return int(rank(ranker, prompt, candidates, members=members).scores.argmax())
        case "tournament":
            return play_tournament(ranker, prompt, candidates, members=members).winner
        case _:
            raise RankerError(f"expected n_readings 'full' or 'tournament', came {n_readings!r}")


def top_k(
    ranker: Ranker,
    prompt: RankingPrompt,
    candidates: Sequence[str],
    *,
    k: int,
    policy: Policy = "max_logits",
    members: Sequence[str] | None = None,
) -> tuple[int, ...]:
    """The best k candidates in rank order, as indices; all of them where there are fewer.

    Equals stand in the candidates' order. Texts are never copied or cut.

    Raises:
        RankerError: If k is below 1 or there is no candidate.
    """
    if k < 1:
        raise RankerError(f"expected k of at least 1, came {k}")
    scores = rank(ranker, prompt, candidates, policy=policy, members=members).scores
    return tuple(int(index) for index in np.argsort(-scores, kind="stable")[:k])


def play_tournament(
    ranker: Ranker, prompt: RankingPrompt, candidates: Sequence[str], *, members: Sequence[str] | None = None
) -> Tournament:
    """``run_tournament`` over a ranker; one that has ``read_pairs`` reads a round as one batch.

    Raises:
        RankerError: If there is no candidate, or ``members`` has another length.
    """
    _check(candidates, members)
    read_pairs: Callable[..., FloatArray] | None = getattr(ranker, "read_pairs", None)

    def read(pairs: Sequence[Pair]) -> Sequence[float] | FloatArray:
        if read_pairs is not None:
            return read_pairs(prompt, candidates, pairs)
        return [_read_pair(ranker, prompt, candidates, pair, members) for pair in pairs]

    return run_tournament(len(candidates), read)


def _read_pair(
    ranker: Ranker,
    prompt: RankingPrompt,
    candidates: Sequence[str],
    pair: Pair,
    members: Sequence[str] | None,
) -> float:
    first, second = pair
    names = (members[first], members[second]) if members else None
    return float(ranker.pairwise_logits(prompt, (candidates[first], candidates[second]), members=names)[0, 1])


def _check(candidates: Sequence[str], members: Sequence[str] | None) -> None:
    if isinstance(candidates, str) or not len(candidates):
        raise RankerError("expected at least one candidate in a sequence of texts")
    if members is not None and len(members) != len(candidates):
        raise RankerError(f"expected {len(candidates)} members, one a candidate; came {len(members)}")


def _choose_reference(candidates: Sequence[str], rule: ReferenceRule) -> int:
    by_length = sorted(range(len(candidates)), key=lambda index: len(candidates[index]))
    match rule:
        case "longest":
            return max(range(len(candidates)), key=lambda index: len(candidates[index]))
        case "shortest":
            return by_length[0]
        case "median_length":
            return by_length[len(candidates) // 2]
        case "first":
            return 0
        case "last":
            return len(candidates) - 1
        case _:
            raise RankerError(f"expected a rule among {', '.join(get_args(ReferenceRule))}; came {rule!r}")


def _split_turns(turns: Sequence[Turn]) -> tuple[list[str], list[str]]:
    """Questions and answers of a conversation, or a reason why it is none."""
    roles = [turn["role"].upper() for turn in turns]
    if not roles or len(roles) % 2 or roles != ["USER", "ASSISTANT"] * (len(roles) // 2):
        raise RankerError(f"expected turns of USER and ASSISTANT by turns, USER first; came {roles}")
    texts = [turn["content"] for turn in turns]
    return texts[::2], texts[1::2]


def _join_answers(answers: Sequence[str]) -> str:
    return "\n".join(f"<Response {i}>: {text}" for i, text in enumerate(answers, 1))
