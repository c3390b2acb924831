"""Everything that is known of one prompt's answers, put together for the learnt vote.

Invariant: what comes out depends on texts, and on programs only where a runner is given. Non-goal: learning
(``vote``), and drawing it.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blender_ui.evidence.agreement import Group, group_by_conclusion, group_conclusions, group_features
from blender_ui.evidence.code.behaviour import Behaviour, behaviour_features, is_code_asked
from blender_ui.evidence.code.execution import QuestionRun, find_question
from blender_ui.evidence.conclusions import Conclusion, canonical
from blender_ui.evidence.prose import prose_features
from blender_ui.evidence.vote import Choice
from blender_ui.values import FloatArray

RUN_FEATURES = ("is_borne_out", "is_refuted")


class Basis(enum.StrEnum):
    """What answers to a prompt are compared by."""

    CONCLUSIONS = "conclusions"
    TEXT = "text"
    NOTHING = "nothing"
    """There are no texts; only who answered is known."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of one prompt's answers.

    Attributes:
        basis: What they are compared by.
        choice: For the learnt vote.
        conclusions: Of each group; None where the basis is another.
        computed: What running the prompt's own code gave, in the spelling of conclusions; None where
            nothing ran.
    """

    basis: Basis
    choice: Choice
    conclusions: tuple[Conclusion | None, ...]
    computed: Conclusion | None = None


def weigh(
    prompt: str,
    given: str,
    answers: Sequence[str],
    members: Sequence[str],
    *,
    kind: str,
    read: Sequence[Conclusion | None] | None = None,
    ran: QuestionRun | None = None,
    observed: Sequence[Behaviour | None] | None = None,
) -> Evidence:
    """Gather the evidence about one prompt's answers.

    Args:
        prompt: What was asked.
        given: The text to work on; empty where there is none.
        answers: n texts.
        members: n names.
        kind: Of the task.
        read: Conclusions that were read before; by default they are read here.
        ran: What running the prompt's own code gave (``execution.run_questions``).
        observed: What each answer's own code does (``behaviour.observe``); None where none ran.
    """
    asked = f"{prompt}\n{given}".strip()
    lengths = np.log1p([len(answer) for answer in answers])
    if not any(answers):
        nothing = np.zeros((len(answers), 0))
        return _alone(Basis.NOTHING, nothing, nothing, members, kind, lengths)
    groups = read_groups(prompt, given, answers) if read is None else group_conclusions(read)
    if groups:
        features = group_features(asked, answers, groups)
        conclusions = tuple(group.conclusion for group in groups)
        borne_out, computed = bear_out(prompt, given, conclusions, ran)
        choice = Choice(
            members=tuple(members),
            kind=kind,
            groups=tuple(group.answers for group in groups),
            features=features,
            run=borne_out,
            lengths=lengths,
        )
        return Evidence(basis=Basis.CONCLUSIONS, choice=choice, conclusions=conclusions, computed=computed)
    features = prose_features(given or prompt, answers)
    return _alone(
        Basis.TEXT, features, behaviour_features(observed or (None,) * len(answers)), members, kind, lengths
    )


def read_groups(prompt: str, given: str, answers: Sequence[str]) -> tuple[Group, ...]:
    """Groups of answers that conclude the same; none where code is what was asked for."""
    if is_code_asked(prompt) and find_question(f"{prompt}\n{given}") is None:
        return ()
    return group_by_conclusion(prompt, answers, given)


def _alone(
    basis: Basis,
    features: FloatArray,
    run: FloatArray,
    members: Sequence[str],
    kind: str,
    lengths: FloatArray,
) -> Evidence:
    """Every answer is a group of its own."""
    choice = Choice(
        members=tuple(members),
        kind=kind,
        groups=tuple((place,) for place in range(len(members))),
        features=features,
        run=run,
        lengths=lengths,
    )
    return Evidence(basis=basis, choice=choice, conclusions=(None,) * len(members))


def bear_out(
    prompt: str, given: str, conclusions: Sequence[Conclusion], ran: QuestionRun | None
) -> tuple[FloatArray, Conclusion | None]:
    """Which groups running the prompt's code bears out, (n_groups, 2), and what it gave."""
    found = np.zeros((len(conclusions), len(RUN_FEATURES)))
    if ran is None:
        return found, None
    if len(ran.checks) == len(conclusions):
        found[:, 0] = [one.value == "True" for one in ran.checks]
        found[:, 1] = [one.value == "False" for one in ran.checks]
    computed = (
        canonical(prompt, ran.value.value, given) if ran.value and ran.value.value is not None else None
    )
    if computed is not None:
        found[:, 0] = [spell(prompt, given, one) == computed.key for one in conclusions]
        found[:, 1] = 1 - found[:, 0]
    return found, computed


def spell(prompt: str, given: str, conclusion: Conclusion) -> str:
    """A conclusion's key in our spelling, also of one that was read by somebody else."""
    ours = canonical(prompt, conclusion.text, given)
    return conclusion.key if ours is None else ours.key
