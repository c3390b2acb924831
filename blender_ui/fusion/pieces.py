"""Fusing from pieces: the best answer as it is, with what others add and other answers or the text bear out.

Invariant: the first proposal is the best source, and every other one keeps all of it but sentences whose
figures more of the others contradict than bear out. A sentence is added only if it is new, is borne out, and
contradicts nothing in what it is added to. Nothing is written here: every sentence stands in a source.
Non-goals: what a proposal is worth, which a ranker says; joining code or short conclusions, where one answer
is right as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from blender_ui.evidence.agreement import are_short
from blender_ui.evidence.answers import find_groups
from blender_ui.evidence.arithmetic import numbers_in
from blender_ui.evidence.code.behaviour import is_code_asked
from blender_ui.evidence.conclusions import read_conclusion
from blender_ui.evidence.grounding import find_orders, obedient_places
from blender_ui.evidence.prose import read_words, split_sentences
from blender_ui.values import RankingPrompt

MOST_ADDED = 3
SAME_FROM = 0.6
"""Share of a sentence's content words that another text has, from which on it says the same."""
LEAST_WORDS = 4
"""Content words that a sentence must have to be taken over."""

_ITEM = re.compile(r"^(\s*)(?:([-*•])|(\d+)([.)]))\s+")


class _Stretch(NamedTuple):
    """A sentence or an item of a list."""

    source: int
    text: str
    words: set[str]
    numbers: set[str]


def propose(prompt: RankingPrompt, sources: Sequence[str]) -> tuple[str, ...]:
    """Texts to choose from, the best source first, each later one with one sentence more.

    Args:
        prompt: What the sources answer.
        sources: Best first, at least one.

    >>> bees = "Bees dance to show the others where rich flowers stand."
    >>> hive = "Their hive keeps warm through the long winter months."
    >>> asked = RankingPrompt(instruction="Tell me about bees and how they live together.")
    >>> propose(asked, [bees, f"{bees} {hive}", f"{hive} {bees}"])[1] == f"{bees} {hive}"
    True
    """
    best = sources[0]
    if is_code_asked(prompt.instruction) or are_short(find_groups(prompt, sources)):
        return (best,)
    stretches = [one for place, text in enumerate(sources) for one in _cut(place, text)]
    corrected = _correct(best, stretches)
    proposals = [best] if corrected == best else [best, corrected]
    text = corrected
    for one in _list_additions(prompt, corrected, sources, stretches):
        text = _append(text, one.text)
        proposals.append(text)
    return tuple(proposals)


def choose_text(
    prompt: RankingPrompt,
    sources: Sequence[str],
    written: str,
    *,
    score: Callable[[Sequence[str]], Sequence[float] | None],
) -> str:
    """Which text is kept as the fused answer: the proposal with the highest score.

    A text that contradicts what the sources agree on is kept only where there is no other.

    Args:
        prompt: What the sources answer.
        sources: Best first.
        written: By a fuser.
        score: Gives each of some proposals a number, higher is better; None where it cannot say, and then
            the fuser's text is kept, if it may stand.
    """
    proposals = list(propose(prompt, sources)[1:])
    if is_supported(prompt, written, sources):
        proposals.insert(0, written)
    if len(proposals) < 2:
        return proposals[0] if proposals else written
    scores = score(proposals)
    return proposals[0] if scores is None else proposals[int(np.argmax(scores))]


def is_supported(prompt: RankingPrompt, text: str, sources: Sequence[str]) -> bool:
    """Whether a text that somebody wrote from the sources may stand beside the best one.

    It may not where it concludes something else than the best source and one more do, obeys an order in the
    given text, or gives other figures for what two sources say alike.
    """
    if len(sources) in obedient_places(prompt.instruction, prompt.input, [*sources, text]):
        return False
    groups = find_groups(prompt, sources)
    own = read_conclusion(prompt.instruction, text, prompt.input)
    agreed_by_best = [group for group in groups if 0 in group.answers and len(group.answers) > 1]
    if are_short(groups) and any(own is None or own.key != group.conclusion.key for group in agreed_by_best):
        return False
    stretches = [one for place, source in enumerate(sources) for one in _cut(place, source)]
    agreed = [one for one in stretches if _count_for(one, stretches) > 1]
    return not any(_contradict(one, other) for one in _cut(len(sources), text) for other in agreed)


def _list_additions(
    prompt: RankingPrompt, text: str, sources: Sequence[str], stretches: Sequence[_Stretch]
) -> list[_Stretch]:
    """Sentences of other sources that are new and borne out, those that most bear out first."""
    given, orders = read_words(prompt.input).content, [one.sentence for one in find_orders(prompt.input)]
    contents = [read_words(source).content for source in sources]
    kept = read_words(text).content
    own = _cut(0, text)
    ranked: list[tuple[int, int, _Stretch]] = []
    for number, one in enumerate(stretches):
        if one.source == 0 or any(order in one.text for order in orders):
            continue
        n_others = sum(
            _has(content, one) for place, content in enumerate(contents) if place not in (0, one.source)
        )
        n_for = n_others + (_has(given, one) and one.numbers <= numbers_in(prompt.input))
        if n_for and not any(_contradict(one, other) for other in own):
            ranked.append((-n_for, number, one))
    added: list[_Stretch] = []
    for _, _, one in sorted(ranked):
        if not _has(kept, one) and len(added) < MOST_ADDED:
            added.append(one)
            kept = kept | one.words
    return added


def _correct(best: str, stretches: Sequence[_Stretch]) -> str:
    """The best source with sentences replaced whose figures more of the others contradict than bear out."""
    for one in [stretch for stretch in stretches if stretch.source == 0]:
        against = [other for other in stretches if _contradict(one, other)]
        rivals = sorted(against, key=lambda other: -_count_for(other, stretches))
        if rivals and _count_for(rivals[0], stretches) > max(1, _count_for(one, stretches)):
            best = best.replace(one.text, rivals[0].text, 1)
    return best


def _count_for(one: _Stretch, stretches: Sequence[_Stretch]) -> int:
    """How many sources say this with the same figures, its own among them."""
    return len(
        {other.source for other in stretches if _is_alike(one, other) and one.numbers == other.numbers}
        | {one.source}
    )


def _contradict(one: _Stretch, other: _Stretch) -> bool:
    """Whether two sentences say the same of different figures."""
    return (
        one.source != other.source
        and _is_alike(one, other)
        and bool(one.numbers - other.numbers and other.numbers - one.numbers)
    )


def _is_alike(one: _Stretch, other: _Stretch) -> bool:
    return len(one.words & other.words) >= SAME_FROM * max(len(one.words), len(other.words))


def _has(content: set[str], one: _Stretch) -> bool:
    return len(one.words & content) >= SAME_FROM * len(one.words)


def _cut(source: int, text: str) -> list[_Stretch]:
    found = []
    for sentence in split_sentences(text):
        words = {word for word in read_words(sentence).content if not word[0].isdigit()}
        if len(words) >= LEAST_WORDS:
            found.append(_Stretch(source, sentence.strip(), words, numbers_in(_ITEM.sub("", sentence))))
    return found


def _append(text: str, sentence: str) -> str:
    """A text with a sentence at its end, as one more item where it ends with a list."""
    bare = _ITEM.sub("", sentence)
    item = _ITEM.match(text.rstrip().split("\n")[-1])
    if item is None:
        return f"{text.rstrip()} {bare}"
    indent, mark, number, after = item.groups()
    return f"{text.rstrip()}\n{indent}{mark or f'{int(number) + 1}{after}'} {bare}"
