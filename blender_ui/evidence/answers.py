"""What is known of each answer beside the others of its prompt, as features that a ranker can weigh.

Invariant: features depend on the texts and on which of them one member wrote, never on its name; who supports
an answer depends on the names, too; the same texts give the same evidence, in any order. Several answers of
one member are one voice together, or a member that is always wrong would bear itself out. Non-goal: what a
feature is worth, which votes teach.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

import numpy as np

from blender_ui.evidence.agreement import GROUP_FEATURES, Group, group_features
from blender_ui.evidence.grounding import obedient_places
from blender_ui.evidence.prose import PROSE_FEATURES, prose_features
from blender_ui.evidence.running import EXECUTION_FEATURES, RanNote, RunWithin, execute
from blender_ui.evidence.topic import log_chances_on_topic
from blender_ui.evidence.weighing import read_groups
from blender_ui.values import FloatArray, IntArray, RankingPrompt

TEXT_NAMES = ("concludes", "obeys_order", *GROUP_FEATURES, *PROSE_FEATURES)
EVIDENCE_NAMES = (*TEXT_NAMES, *EXECUTION_FEATURES, "log_chance_on_topic")
"""Those after the text's came later; versions that learnt before them weigh the text's alone."""
N_KEPT = 20_000
"""Prompts whose evidence is kept, the latest ones."""


class AnswerEvidence(NamedTuple):
    """What is known of n answers.

    Attributes:
        features: Columns as ``EVIDENCE_NAMES`` has them, (n, width), finite.
        supporters: Of each answer, who concludes the same, its own member among them; empty where it
            concludes nothing short.
    """

    features: FloatArray
    supporters: tuple[tuple[str, ...], ...]

    def select(self, places: Sequence[int] | IntArray) -> AnswerEvidence:
        """The evidence about the answers at these places."""
        return AnswerEvidence(self.features[places], tuple(self.supporters[place] for place in places))


class Findings(NamedTuple):
    """What the texts of one prompt's n answers say; see ``AnswerEvidence``."""

    features: FloatArray
    groups: tuple[Group, ...]
    notes: tuple[RanNote, ...]


def let_code_run(run: RunWithin | None) -> None:
    """Say what runs code from now on in this process; None, as at the start, where nothing may."""
    _KEPT.set_runner(run)


def find_notes(prompt: RankingPrompt, answers: Sequence[str]) -> tuple[RanNote, ...]:
    """What running code showed of one prompt's answers; empty where nothing ran."""
    return _KEPT.find(prompt, answers).notes


def gather(prompt: RankingPrompt, answers: Sequence[str], members: Sequence[str]) -> AnswerEvidence:
    """Gather the evidence about one prompt's answers; what was gathered before is not read again.

    Args:
        prompt: What is answered.
        answers: n texts.
        members: n names; "" where unknown.
    """
    supporters: list[tuple[str, ...]] = [()] * len(answers)
    found = _KEPT.find(prompt, answers, number_writers(members))
    for group in found.groups:
        for place in group.answers:
            supporters[place] = tuple(members[other] for other in group.answers)
    return AnswerEvidence(found.features, tuple(supporters))


def number_writers(members: Sequence[str]) -> tuple[int, ...]:
    """Of each answer, where its member's first one stands; an unknown member wrote nothing else."""
    return tuple(members.index(name) if name else place for place, name in enumerate(members))


def find_groups(prompt: RankingPrompt, answers: Sequence[str]) -> tuple[Group, ...]:
    """The groups of one prompt's answers that conclude the same, largest first; see ``read_groups``."""
    return _KEPT.find(prompt, answers).groups


def join(parts: Sequence[AnswerEvidence]) -> AnswerEvidence:
    """The evidence about several prompts' answers, one after the other."""
    none = np.zeros((0, len(EVIDENCE_NAMES)))
    features = np.vstack([none, *(part.features for part in parts)])
    return AnswerEvidence(features, tuple(names for part in parts for names in part.supporters))


class _Kept:
    """Findings of the latest prompts, by their texts."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._findings: OrderedDict[bytes, Findings] = OrderedDict()
        self._run: RunWithin | None = None

    def set_runner(self, run: RunWithin | None) -> None:
        with self._lock:
            if run is not self._run:
                self._findings.clear()  # what was found with another one may differ
            self._run = run

    def find(self, prompt: RankingPrompt, answers: Sequence[str], writers: Sequence[int] = ()) -> Findings:
        said_before = (part for message in prompt.history for part in (message.content, message.input))
        repeats = tuple(writers) if len(set(writers)) < len(writers) else ()
        asked = (prompt.instruction, prompt.input, str(len(answers)), *said_before)
        key = _digest((*asked, *answers, *map(str, repeats)))
        with self._lock:
            run = self._run
            if key in self._findings:
                self._findings.move_to_end(key)
                return self._findings[key]
        # Whoever wrote them, the same code is run once.
        found = _hear(self.find(prompt, answers), prompt, answers, repeats) if repeats else None
        found = found or _find(prompt, answers, run)
        with self._lock:
            if run is self._run:
                self._findings[key] = found
            while len(self._findings) > N_KEPT:
                self._findings.popitem(last=False)
        return found


_KEPT = _Kept()


def _digest(texts: Sequence[str]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.digest()


def _find(prompt: RankingPrompt, answers: Sequence[str], run: RunWithin | None) -> Findings:
    groups = read_groups(prompt.instruction, prompt.input, answers)
    features = np.zeros((len(answers), len(EVIDENCE_NAMES)))
    obedient = obedient_places(prompt.instruction, prompt.input, answers)
    features[list(obedient), 1] = 1
    executed = execute(prompt, answers, groups, run)
    features[:, len(TEXT_NAMES) : -1] = executed.features
    return _hear(Findings(features, groups, executed.notes), prompt, answers, range(len(answers)))


def _hear(found: Findings, prompt: RankingPrompt, answers: Sequence[str], writers: Sequence[int]) -> Findings:
    """The findings with what the texts say for each other, where these wrote them."""
    asked = f"{prompt.instruction}\n{prompt.input}".strip()
    n_group, n_prose = len(GROUP_FEATURES), len(PROSE_FEATURES)
    features = found.features.copy()
    voices = np.array([1 / writers.count(writer) for writer in writers])
    features[:, -1] = log_chances_on_topic(prompt, answers, writers)
    if found.groups:
        rows = group_features(asked, answers, found.groups, voices)
        for group, row in zip(found.groups, rows, strict=True):
            features[list(group.answers), 0] = 1
            features[list(group.answers), 2 : 2 + n_group] = row
    elif answers:
        features[:, 2 + n_group : 2 + n_group + n_prose] = prose_features(
            prompt.input or prompt.instruction, answers, voices
        )
    features.setflags(write=False)
    return found._replace(features=features)
