"""What answers agree on and where they part, as short statements that a person can check in the texts.

Invariant: every statement but one of run code quotes an answer or the given text, and names whose it is by
place. Statements of long answers go by words: what is called the same shares most of its content words.
Non-goal: which is right.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from blender_ui.evidence.agreement import Group, are_short
from blender_ui.evidence.answers import find_groups, find_notes
from blender_ui.evidence.arithmetic import numbers_in
from blender_ui.evidence.conclusions import Conclusion, ConclusionKind
from blender_ui.evidence.grounding import find_orders, obeyed_orders
from blender_ui.evidence.prose import FUNCTION_WORDS, read_words, split_sentences
from blender_ui.evidence.topic import OFF_TOPIC_BELOW, log_chances_on_topic
from blender_ui.values import RankingPrompt

MOST_SENTENCES = 40
"""Of an answer, and of a given text; the rest is not compared."""
LEAST_WORDS = 4
"""Content words that a sentence must have to be compared."""
SAME_FROM, STRANGE_BELOW = 0.6, 0.3
"""Share of a sentence's content words that another text has: from here it says so, and below it does not."""
MOST_OF_A_KIND = 3
LONGEST_QUOTE = 160

_ASKS_TO_COVER = re.compile(r"summar|shorten|condense|key points|main (?:points|ideas)|tl;?dr|abstract", re.I)


class ClaimKind(enum.StrEnum):
    """What a statement about answers says."""

    AGREED = "agreed"
    """Several answers say it."""
    OPPOSED = "opposed"
    """Whose conclusion or figure it is, beside others who have another."""
    ALONE = "alone"
    """Only one answer says it."""
    UNCOVERED = "uncovered"
    """It stands in the given text, and no answer has it though the text was to be summed up."""
    ORDER = "order"
    """It is an order in the given text; whose answers obey it."""
    RAN = "ran"
    """What running code showed; no quote."""
    OFF_TOPIC = "off_topic"
    """An answer that is most likely about another prompt."""


class Claim(NamedTuple):
    """One statement."""

    kind: ClaimKind
    text: str
    """Quoted, cut to ``LONGEST_QUOTE`` characters."""
    places: tuple[int, ...]
    """Of the answers that it is about, among all."""


def list_claims(prompt: RankingPrompt, answers: Sequence[str]) -> tuple[Claim, ...]:
    """What can be said of one prompt's answers, the most telling first.

    Args:
        prompt: What is answered.
        answers: n texts.

    >>> [(one.kind.value, one.text, one.places) for one in list_claims(
    ...     RankingPrompt(instruction="How many?"), ["It is 42.", "42", "41"])]
    [('agreed', '42', (0, 1)), ('opposed', '41', (2,))]
    """
    orders = _list_orders(prompt, answers)
    if len(answers) < 2:
        return (*orders, *_list_uncovered(prompt, answers))
    groups = find_groups(prompt, answers)
    said = _by_conclusions(groups) if are_short(groups) else _by_sentences(answers)
    ran = [Claim(ClaimKind.RAN, note.text, note.places) for note in find_notes(prompt, answers)]
    return (*orders, *_list_off_topic(prompt, answers), *ran, *said, *_list_uncovered(prompt, answers))


def _list_off_topic(prompt: RankingPrompt, answers: Sequence[str]) -> list[Claim]:
    """Answers about something else; none where all seem to be, because then the words tell nothing."""
    places = np.flatnonzero(log_chances_on_topic(prompt, answers) < OFF_TOPIC_BELOW).tolist()
    if len(places) == len(answers):
        return []
    return [Claim(ClaimKind.OFF_TOPIC, _quote(answers[place]), (place,)) for place in places]


def _list_orders(prompt: RankingPrompt, answers: Sequence[str]) -> list[Claim]:
    """Orders that name what is to be said, and any other that an answer obeys; with whose answers do."""
    obeyed = obeyed_orders(prompt.instruction, prompt.input, answers)
    sentences = dict.fromkeys(
        order.sentence for order in (*find_orders(prompt.input), *obeyed.values()) if prompt.input
    )
    return [
        Claim(
            ClaimKind.ORDER,
            _quote(sentence),
            tuple(sorted(place for place, order in obeyed.items() if order.sentence == sentence)),
        )
        for sentence in sentences
    ]


def _by_conclusions(groups: Sequence[Group]) -> list[Claim]:
    kinds = [ClaimKind.AGREED if len(group.answers) > 1 else ClaimKind.OPPOSED for group in groups]
    if len(groups) > 1 and not any(kind is ClaimKind.AGREED for kind in kinds):
        kinds = [ClaimKind.OPPOSED] * len(groups)
    return [
        Claim(kind, _quote(_spell(group.conclusion)), group.answers)
        for kind, group in zip(kinds, groups, strict=True)
    ]


def _spell(conclusion: Conclusion) -> str:
    """Whole numbers and letters plainly; anything else as the first answer has it."""
    is_plain = conclusion.kind in (ConclusionKind.NUMBER, ConclusionKind.CHOICE) and "/" not in conclusion.key
    return conclusion.key if is_plain else conclusion.text


class _Sentence(NamedTuple):
    place: int
    text: str
    words: set[str]
    """Content words but numbers."""
    numbers: set[str]


def _by_sentences(answers: Sequence[str]) -> list[Claim]:
    sentences = [one for place, answer in enumerate(answers) for one in _read(place, answer)]
    contents = [read_words(answer).content for answer in answers]
    opposed = _list_opposed(sentences)
    agreed: list[Claim] = []
    alone: list[Claim] = []
    told: list[set[str]] = []
    for one in sentences:
        shares = [len(one.words & content) / len(one.words) for content in contents]
        who = tuple(place for place, share in enumerate(shares) if share >= SAME_FROM or place == one.place)
        others = [share for place, share in enumerate(shares) if place != one.place]
        if any(len(one.words & words) >= SAME_FROM * len(one.words) for words in told):
            continue
        if len(who) > 1 and not any(one.text in claim.text for claim in opposed):
            agreed.append(Claim(ClaimKind.AGREED, _quote(one.text), who))
            told.append(one.words)
        elif others and max(others) < STRANGE_BELOW:
            alone.append(Claim(ClaimKind.ALONE, _quote(one.text), (one.place,)))
            told.append(one.words)
    agreed.sort(key=lambda claim: -len(claim.places))
    return [*agreed[:MOST_OF_A_KIND], *opposed[: 2 * MOST_OF_A_KIND], *alone[:MOST_OF_A_KIND]]


def _list_opposed(sentences: Sequence[_Sentence]) -> list[Claim]:
    """Sentences of two answers that say the same of different figures, one after the other."""
    found: list[Claim] = []
    for index, one in enumerate(sentences):
        for other in sentences[index + 1 :]:
            if other.place == one.place or not (one.numbers and other.numbers):
                continue
            shared = len(one.words & other.words)
            is_alike = shared >= SAME_FROM * max(len(one.words), len(other.words))
            # One that has all of the other's figures and more tells more, and nothing else.
            if is_alike and one.numbers - other.numbers and other.numbers - one.numbers:
                found.append(Claim(ClaimKind.OPPOSED, _quote(one.text), (one.place,)))
                found.append(Claim(ClaimKind.OPPOSED, _quote(other.text), (other.place,)))
    return list(dict.fromkeys(found))


def _list_uncovered(prompt: RankingPrompt, answers: Sequence[str]) -> list[Claim]:
    """Sentences of a text that was to be summed up which no answer has anything of."""
    if not prompt.input or not _ASKS_TO_COVER.search(prompt.instruction) or not any(answers):
        return []
    contents = [read_words(answer).content for answer in answers]
    orders = {order.sentence for order in find_orders(prompt.input)}
    found = [
        Claim(ClaimKind.UNCOVERED, _quote(one.text), ())
        for one in _read(-1, prompt.input)
        if one.text not in orders
        and all(len(one.words & content) < STRANGE_BELOW * len(one.words) for content in contents)
    ]
    return found[:MOST_OF_A_KIND]


def _read(place: int, text: str) -> list[_Sentence]:
    found = []
    for sentence in split_sentences(text)[:MOST_SENTENCES]:
        words = {word for word in read_words(sentence).content if not word[0].isdigit()} - FUNCTION_WORDS
        if len(words) >= LEAST_WORDS:
            found.append(_Sentence(place, sentence.strip(), words, numbers_in(sentence)))
    return found


def _quote(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST_QUOTE else plain[: LONGEST_QUOTE - 1].rstrip() + "…"
