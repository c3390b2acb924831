"""What running code says of one prompt's answers: the prompt's own code, or the functions that answers wrote.

Invariant: nothing runs unless a runner is given, and whatever code does, the worst outcome is that nothing is
known. Non-goal: where code may run (``evaluation.sandbox``), and what its outcomes are worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from blender_ui.evidence.agreement import Group
from blender_ui.evidence.code.behaviour import (
    BEHAVIOUR_FEATURES,
    Behaviour,
    behaviour_features,
    is_code_asked,
    observe,
)
from blender_ui.evidence.code.execution import Ran, find_question, run_questions, source_of
from blender_ui.evidence.weighing import RUN_FEATURES, bear_out
from blender_ui.values import FloatArray, RankingPrompt

MOST_SECONDS = 15.0
"""That running takes for one prompt, however many answers hang; each has an equal share, in any order."""
EXECUTION_FEATURES = (*RUN_FEATURES, *(f"code_{name}" for name in BEHAVIOUR_FEATURES))


class RunWithin(Protocol):
    """Runs a program where it can do no harm."""

    def __call__(self, program: str, *, wall_seconds: float) -> Sequence[str]:
        """The lines that the program wrote; it is killed after so many seconds."""
        ...


class RanNote(NamedTuple):
    """What running showed, in words, and of which answers."""

    text: str
    places: tuple[int, ...]


class Execution(NamedTuple):
    """What running gave.

    Attributes:
        features: Columns as ``EXECUTION_FEATURES`` has them, (n, width); zeros where nothing ran.
        notes: For people.
    """

    features: FloatArray
    notes: tuple[RanNote, ...] = ()


def execute(
    prompt: RankingPrompt, answers: Sequence[str], groups: Sequence[Group], run: RunWithin | None
) -> Execution:
    """Run what can be run.

    Args:
        prompt: Whose code is run where it asks what that gives or takes; else examples are taken from it.
        answers: n texts; their code is run where code was asked for.
        groups: Of the answers, by what they conclude; empty where they are compared by their texts.
        run: Runs a program where it can do no harm; None to run nothing.
    """
    nothing = np.zeros((len(answers), len(EXECUTION_FEATURES)))
    if run is None or not any(answer.strip() for answer in answers):
        return Execution(nothing)
    asked = f"{prompt.instruction}\n{prompt.input}".strip()
    if groups and (question := find_question(asked)) is not None:
        conclusions = [group.conclusion for group in groups]
        asks = [(question, [source_of(one) for one in conclusions])]
        (ran,) = run_questions(asks, partial(run, wall_seconds=MOST_SECONDS))
        borne_out, _ = bear_out(prompt.instruction, prompt.input, conclusions, ran)
        for group, row in zip(groups, borne_out, strict=True):
            nothing[list(group.answers), : len(RUN_FEATURES)] = row
        return Execution(nothing, _tell_groups(groups, borne_out))
    if not is_code_asked(prompt.instruction):
        return Execution(nothing)
    observed = observe(asked, answers, partial(run, wall_seconds=MOST_SECONDS / len(answers)))
    nothing[:, len(RUN_FEATURES) :] = behaviour_features(observed)
    return Execution(nothing, _tell_behaviours(observed))


def _tell_groups(groups: Sequence[Group], borne_out: FloatArray) -> tuple[RanNote, ...]:
    """Which conclusions the prompt's code bears out, and which not.

    The value itself is not told: code may read files here, and a page must not show them.
    """
    notes = []
    for column, text in enumerate(("borne out by the code", "refuted by the code")):
        chosen = [group for group, row in zip(groups, borne_out, strict=True) if row[column]]
        places = [place for group in chosen for place in group.answers]
        if places:
            notes.append(RanNote(text, tuple(sorted(places))))
    return tuple(notes)


def _tell_behaviours(observed: Sequence[Behaviour | None]) -> tuple[RanNote, ...]:
    """How many of the prompt's examples hold, who does the same, and whose code does not load."""
    told: dict[str, list[int]] = {}
    known = [(place, one) for place, one in enumerate(observed) if one is not None]
    for place, one in known:
        if all(ran.error in ("SyntaxError", "Ended") for ran in one.outcomes):
            told.setdefault("does not run", []).append(place)
        elif one.examples:
            n = sum(ran.value == "True" for ran in one.examples)
            told.setdefault(f"{n} of the prompt's {len(one.examples)} examples hold", []).append(place)
    notes = [RanNote(text, tuple(places)) for text, places in told.items()]
    alike: dict[tuple[Ran, ...], list[int]] = {}
    for place, one in known:
        if any(ran.value is not None for ran in one.outcomes):
            alike.setdefault(one.outcomes, []).append(place)
    notes += [
        RanNote(f"the same on {len(outcomes)} made-up inputs", tuple(places))
        for outcomes, places in alike.items()
        if len(places) > 1
    ]
    return tuple(notes)
