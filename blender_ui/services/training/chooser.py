"""Training a chooser of members for a job, and deciding whether it may choose.

Invariant: a version is promoted only if, on held-out prompts, the member that it chooses is clearly better
than always the best member, than any member, and not worse than the active version's choice. Non-goal: the
model itself, see ``blender_ui.choosing``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine

from blender_ui.choosing.chooser import Chooser, ChooserOptions, fit_chooser, load_chooser
from blender_ui.choosing.outcomes import Outcomes, Votes, from_votes
from blender_ui.engine.folders import write_folder
from blender_ui.errors import ChooserError
from blender_ui.services.jobs.progress import JobProgress
from blender_ui.services.jobs.views import JobView
from blender_ui.services.ranking.datasets import load_dataset
from blender_ui.services.versions.model_versions import VersionView, find_active_version
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.services.versions.registration import FittedVersion
from blender_ui.statistics.bootstrap import Estimate, bootstrap_mean
from blender_ui.tasks.encoder import StaticEncoder
from blender_ui.tasks.reading import ReadTasks, Task, read_tasks
from blender_ui.tasks.sorting import ALL_ALIKE, TaskSorter
from blender_ui.values import FloatArray, IntArray, PreferenceDataset
from db.engine import transaction
from db.models import ModelRole

N_JUDGED_ENOUGH = 20
"""Held-out prompts with votes on two members at least; fewer cannot tell choosing from luck."""


class VotedPrompts(NamedTuple):
    """n prompts and the votes on m members' answers to them."""

    tasks: tuple[Task, ...]
    members: tuple[str, ...]
    votes: Votes
    is_held_out: IntArray
    """(n,), 0 or 1."""

    def outcomes_of(self, rows: IntArray) -> Outcomes:
        """Of some prompts, from their votes alone."""
        place = np.full(len(self.tasks), -1)
        place[rows] = np.arange(len(rows))
        own = self.votes.select(place[self.votes.prompt] >= 0)
        moved = Votes(prompt=place[own.prompt], first=own.first, second=own.second, target=own.target)
        return from_votes(self.members, moved, n_prompts=len(rows))


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Mean quality on the judged prompts, of the answers of whom each way asks."""

    n: int
    chosen: float
    best_single: float
    random: float
    gain: Estimate
    """Of the chosen over the best member."""
    over_active: Estimate | None
    """Of the chosen over the active version's choice; None where there is none that can be read."""


@dataclass(frozen=True, kw_only=True)
class ChooserTrainer:
    """Fits a chooser of members on people's votes; see ``Trainer``.

    Args:
        engine: The store.
        choosers_path: Folder of the checkpoints.
        open_encoder: Gives the encoder of prompts, made first where it is not there yet.
        encoder_name: What versions give as their base model.
        find_kinds: Gives the kinds of task.
    """

    engine: Engine
    choosers_path: Path
    open_encoder: Callable[[], StaticEncoder]
    encoder_name: str
    find_kinds: Callable[[], TaskSorter] = lambda: ALL_ALIKE

    def read_chunk(self, job: JobView, progress: JobProgress) -> int:
        """See ``Trainer``; prompts are read in milliseconds, so the fit reads them."""
        return 0

    def forget(self, job_id: int) -> None:
        """See ``Trainer``; nothing is kept between steps."""

    def fit(self, job: JobView, progress: JobProgress) -> FittedVersion:
        """Fit on the prompts that are not held out, judge on those that are, and write the checkpoint.

        Raises:
            JobCancelled: If someone asked for the job's end.
            ChooserError: If there is nothing to learn from.
            WeightsUnavailable: If the encoder's weights are not here.
        """
        progress.report("loading the prompt encoder", 0.0)
        encoder = self.open_encoder()
        voted = load_voted(self.engine, cut_off_preference_id=job.cut_off_preference_id)
        progress.report("reading the prompts", 0.1)
        read = read_tasks(encoder, voted.tasks)
        learnt, held_out = (np.flatnonzero(voted.is_held_out == flag) for flag in (0, 1))
        progress.report("learning who is good at what", 0.3)
        options = ChooserOptions()
        kinds = self.find_kinds().kinds
        chooser = fit_chooser(encoder, read.select(learnt), voted.outcomes_of(learnt), options, kinds=kinds)
        path = f"job-{job.id}-{chooser.fingerprint[:12]}"
        write_folder(self.choosers_path / path, chooser.save)
        progress.report("comparing with always the best member", 0.9)
        active = self._find_active()
        rival = self._load_active(active, encoder)
        judged = judge(chooser, rival, read.select(held_out), voted.outcomes_of(held_out), voted.members)
        promoted, reason = decide(chooser, judged, active)
        return FittedVersion(
            path=path,
            fingerprint=chooser.fingerprint,
            base_model=self.encoder_name,
            base_fingerprint=encoder.fingerprint,
            n_train=len(learnt),
            n_held_out=len(held_out),
            hyper_parameters=asdict(options),
            metrics={
                "judged": None if judged is None else asdict(judged),
                "best_single": name_best(chooser),
                "explained": chooser.forest.explained,
                "kinds": list(chooser.kinds.names),
            },
            compared_with_id=None if active is None else active.id,
            promoted=promoted,
            reason=reason,
        )

    def _find_active(self) -> VersionView | None:
        with transaction(self.engine) as session:
            return find_active_version(session, role=ModelRole.CHOOSER)

    def _load_active(self, active: VersionView | None, encoder: StaticEncoder) -> Chooser | None:
        if active is None:
            return None
        try:
            return load_chooser(self.choosers_path / active.path, encoder)
        except ChooserError:
            # One that cannot choose any more must not keep its successor from being made.
            return None


def load_voted(engine: Engine, *, cut_off_preference_id: int | None = None) -> VotedPrompts:
    """The prompts that people voted on, and the votes on answers of known members.

    Raises:
        ChooserError: If no two known members were compared.
    """
    dataset = load_dataset(engine, cut_off_preference_id=cut_off_preference_id).dataset
    members = tuple(sorted({member for member in dataset.members if member}))
    place = {member: index for index, member in enumerate(members)}
    who = np.array([place.get(member, -1) for member in dataset.members], dtype=int)
    first, second = who[dataset.left], who[dataset.right]
    useful = (first >= 0) & (second >= 0) & (first != second)
    if not useful.any():
        raise ChooserError(
            "expected votes on answers of different members, came none; label pairs of several members"
        )
    prompts, prompt = np.unique(dataset.prompt_of[dataset.left[useful]], return_inverse=True)
    return VotedPrompts(
        tasks=tuple(
            Task(dataset.prompts[index].instruction, dataset.prompts[index].input) for index in prompts
        ),
        members=members,
        votes=Votes(prompt=prompt, first=first[useful], second=second[useful], target=dataset.target[useful]),
        is_held_out=_find_held_out(dataset, prompts),
    )


def judge(
    chooser: Chooser, active: Chooser | None, read: ReadTasks, outcomes: Outcomes, members: tuple[str, ...]
) -> Judged | None:
    """Compare who is asked on prompts that the chooser has not learnt from; None where too few can be judged.

    A member can be chosen on a prompt only where people voted on an answer of its.
    """
    known = outcomes.weights > 0
    rows = np.flatnonzero(known.sum(axis=1) >= 2)
    if len(rows) < N_JUDGED_ENOUGH:
        return None
    known, values, read = known[rows], outcomes.values[rows], read.select(rows)

    def worth(expected: FloatArray) -> FloatArray:
        best = np.where(known, expected, -np.inf).argmax(axis=1)
        found: FloatArray = values[np.arange(len(rows)), best]
        return found

    chosen = worth(chooser.expect(read).mean)
    single = worth(np.tile(chooser.forest.overall, (len(rows), 1)))
    random = (values * known).sum(axis=1) / known.sum(axis=1)
    prompts = np.arange(len(rows))
    over_active = None
    if active is not None:
        place = {member: index for index, member in enumerate(active.members)}
        expected = active.expect(read).mean
        columns = [
            expected[:, place[member]] if member in place else np.zeros(len(rows)) for member in members
        ]
        over_active = bootstrap_mean(chosen - worth(np.stack(columns, axis=1)), prompts, seed=0)
    return Judged(
        n=len(rows),
        chosen=float(chosen.mean()),
        best_single=float(single.mean()),
        random=float(random.mean()),
        gain=bootstrap_mean(chosen - single, prompts, seed=0),
        over_active=over_active,
    )


def decide(chooser: Chooser, judged: Judged | None, active: VersionView | None) -> tuple[bool, str]:
    """Whether the version may choose, and why, in a sentence."""
    best = name_best(chooser)
    if judged is None:
        return False, (
            f"Refused: expected {N_JUDGED_ENOUGH} held-out prompts with votes on two members, came fewer. "
            "Label pairs of more prompts."
        )
    figures = (
        f"on {judged.n} held-out prompts, {judged.chosen:.3f} for {judged.best_single:.3f} of always {best} "
        f"({judged.gain.value:+.3f}, 95 %: {judged.gain.low:+.3f} to {judged.gain.high:+.3f}), "
        f"any member {judged.random:.3f}"
    )
    if not chooser.forest.explained:
        return False, f"Refused: the prompt does not tell who is better; ask {best}. {figures}."
    if judged.gain.low <= 0 or judged.chosen <= judged.random:
        return False, f"Refused: choosing is not clearly better than always {best}: {figures}."
    if active is not None and judged.over_active is not None and judged.over_active.value < 0:
        return False, f"Refused: version {active.id} chooses better on the same prompts; {figures}."
    return True, f"Promoted: {figures}."


def name_best(chooser: Chooser) -> str:
    """The member that is best over all prompts."""
    return chooser.members[int(chooser.forest.overall.argmax())]


def _find_held_out(dataset: PreferenceDataset, prompts: IntArray) -> IntArray:
    """1 where a prompt is held out, as for every other kind of version."""
    flags = np.zeros(len(dataset.prompts), dtype=int)
    held_out = dataset.held_out(share=HELD_OUT_SHARE)
    flags[dataset.prompt_of[dataset.left[held_out]]] = 1
    return flags[prompts]
