"""Which answers agree: answers grouped by what they conclude, and what speaks for each group.

Invariant: every answer with a conclusion is in exactly one group, and features of a group depend only on
texts and on which of them one writer wrote, never on who that is. Non-goal: which group is right (``vote``).
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from blender_ui.evidence.arithmetic import Steps, check_steps, numbers_in
from blender_ui.evidence.conclusions import (
    NO_LITERAL,
    Conclusion,
    ConclusionKind,
    read_conclusion,
    read_literal,
)
from blender_ui.values import FloatArray

MIN_SHARE_WITH_CONCLUSION = 0.5
"""Of a prompt's answers, for them to be compared by conclusions."""
MAX_COMPARED_CHARACTERS = 300
MAX_SHORT_WORDS = 4
"""Of a span; a longer one is a sentence, which others say in other words."""

GROUP_FEATURES = (
    "log_size", "share", "is_largest",
    "mean_length", "greatest_length", "least_length",
    "length_of_conclusion", "stands_in_prompt", "is_negative", "is_fraction", "is_empty",
    "share_with_wrong_step", "all_with_wrong_step", "log_right_steps", "any_with_wrong_step", "log_sound",
    "mentioned_by_others", "mentioned_by_own",
    "shared_numbers", "most_shared_numbers",
    "near_support", "nearest",
    "share_of_type", "share_of_shape", "is_no_literal",
    "follows_last_step", "any_follows_last_step", "uses_prompt_numbers", "most_prompt_numbers",
)  # fmt: skip


class Group(NamedTuple):
    """Answers that conclude the same."""

    conclusion: Conclusion
    answers: tuple[int, ...]
    """Their places among the prompt's answers."""


def group_by_conclusion(prompt: str, answers: Sequence[str], given: str = "") -> tuple[Group, ...]:
    """Group answers by what they conclude, largest group first; empty where too few conclude anything."""
    return group_conclusions([read_conclusion(prompt, answer, given) for answer in answers])


def group_conclusions(conclusions: Sequence[Conclusion | None]) -> tuple[Group, ...]:
    """Group conclusions that were read already; see ``group_by_conclusion``."""
    places: dict[str, list[int]] = {}
    first: dict[str, Conclusion] = {}
    for place, conclusion in enumerate(conclusions):
        if conclusion is not None:
            places.setdefault(conclusion.key, []).append(place)
            first.setdefault(conclusion.key, conclusion)
    n_read = sum(map(len, places.values()))
    if not n_read or n_read < MIN_SHARE_WITH_CONCLUSION * len(conclusions):
        return ()
    ordered = sorted(places.items(), key=lambda item: (-len(item[1]), item[1][0]))
    return tuple(Group(first[key], tuple(members)) for key, members in ordered)


def are_short(groups: Sequence[Group]) -> bool:
    """Whether most answers in groups conclude something to the point, and not one sentence of their own."""
    n = sum(len(group.answers) for group in groups)
    n_short = sum(len(group.answers) for group in groups if _is_short(group.conclusion))
    return 2 * n_short > n


def _is_short(conclusion: Conclusion) -> bool:
    return conclusion.kind is not ConclusionKind.SPAN or len(conclusion.key.split()) <= MAX_SHORT_WORDS


def group_features(
    prompt: str, answers: Sequence[str], groups: Sequence[Group], voices: FloatArray | None = None
) -> FloatArray:
    """What speaks for each group.

    Args:
        prompt: What was asked.
        answers: n texts.
        groups: Of these answers.
        voices: How much each answer counts, shape (n,): 1, as by default, for the only one of its writer.

    Returns:
        Shape (n_groups, len(GROUP_FEATURES)), finite, columns as GROUP_FEATURES has them.
    """
    seen = _Seen(prompt, answers)
    voices = np.ones(len(answers)) if voices is None else voices
    total = float(voices.sum())
    sizes = [float(voices[list(group.answers)].sum()) for group in groups]
    forms = [_form(group.conclusion.key) for group in groups]
    rows = []
    for group, form, size in zip(groups, forms, sizes, strict=True):
        rows.append(
            [
                *(np.log(size), size / total, float(size == max(sizes))),
                *_lengths(seen, group),
                *_looks(seen, group),
                *_steps(seen, group),
                *_mentions(seen, group, voices),
                *_nearness(group, groups, np.array(sizes) / total),
                *_shape(form, forms, sizes),
                *_last_step(seen, group),
            ]
        )
    return np.array(rows, dtype=float).reshape(len(rows), len(GROUP_FEATURES))


class _Seen:
    """What is read once of a prompt and its answers."""

    def __init__(self, prompt: str, answers: Sequence[str]) -> None:
        self.answers = answers
        lengths = np.log1p([len(answer) for answer in answers])
        self.lengths = lengths - np.median(lengths)
        self.asked = numbers_in(prompt)
        self.numbers = [numbers_in(answer) for answer in answers]
        self.steps: list[Steps] = [check_steps(answer) for answer in answers]


def _lengths(seen: _Seen, group: Group) -> list[float]:
    lengths = seen.lengths[list(group.answers)]
    return [float(lengths.mean()), float(lengths.max()), float(lengths.min())]


def _looks(seen: _Seen, group: Group) -> list[float]:
    key = group.conclusion.key
    return [
        float(np.log1p(len(key))),
        float(key in seen.asked),
        float(key.startswith("-")),
        float("/" in key),
        float(key in ("''", "")),
    ]


def _steps(seen: _Seen, group: Group) -> list[float]:
    wrong = np.array([seen.steps[place].n_wrong > 0 for place in group.answers])
    right = np.log1p([seen.steps[place].n_right for place in group.answers])
    n_sound = int((~wrong).sum())
    return [
        float(wrong.mean()),
        float(wrong.all()),
        float(right.mean()),
        float(wrong.any()),
        float(np.log1p(n_sound)),
    ]


def _mentions(seen: _Seen, group: Group, voices: FloatArray) -> list[float]:
    key, own = group.conclusion.key.strip("'\""), set(group.answers)
    others = sum(
        voices[place] for place, answer in enumerate(seen.answers) if place not in own and key in answer
    )
    shared = []
    for place in group.answers:
        mine = seen.numbers[place] - seen.asked
        ratios = [
            len(mine & (theirs - seen.asked)) / max(1, len(mine | (theirs - seen.asked)))
            for other, theirs in enumerate(seen.numbers)
            if other != place
        ]
        shared.append(float(np.average(ratios, weights=np.delete(voices, place))) if ratios else 0.0)
    mentioned = float(np.mean([key in seen.answers[place] for place in group.answers]))
    return [float(others / voices.sum()), mentioned, float(np.mean(shared)), max(shared)]


def _nearness(group: Group, groups: Sequence[Group], shares: FloatArray) -> list[float]:
    """Support by conclusions that are nearly the same: a slip of one character is no other opinion."""
    ratios = [
        (float(share), _likeness(group.conclusion.key, other.conclusion.key))
        for other, share in zip(groups, shares, strict=True)
        if other is not group
    ]
    near = sum(share * max(0.0, 2 * ratio - 1) for share, ratio in ratios)
    return [near, max((ratio for _, ratio in ratios), default=0.0)]


def _likeness(one: str, other: str) -> float:
    if max(len(one), len(other)) > MAX_COMPARED_CHARACTERS:
        return 0.0
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def _shape(form: tuple[str, int], forms: Sequence[tuple[str, int]], sizes: Sequence[float]) -> list[float]:
    types: defaultdict[str, float] = defaultdict(float)
    shapes: defaultdict[tuple[str, int], float] = defaultdict(float)
    for each, size in zip(forms, sizes, strict=True):
        types[each[0]] += size
        shapes[each] += size
    total = sum(sizes)
    return [types[form[0]] / total, shapes[form] / total, float(form[0] == "")]


def _form(key: str) -> tuple[str, int]:
    """Type and length of a literal; no type where it is none."""
    value = read_literal(key)
    if value is NO_LITERAL:
        return "", -1
    return type(value).__name__, len(value) if hasattr(value, "__len__") else -1


def _last_step(seen: _Seen, group: Group) -> list[float]:
    follows = [float(seen.steps[place].last_result == group.conclusion.key) for place in group.answers]
    used = [len(seen.numbers[place] & seen.asked) / max(1, len(seen.asked)) for place in group.answers]
    return [float(np.mean(follows)), max(follows), float(np.mean(used)), max(used)]
