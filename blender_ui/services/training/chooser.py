"""Training a chooser of members for a job.

What it learns from: ``chooser_outcomes``. Whether it may choose: ``chooser_judging``. Non-goal: the model
itself, see ``blender_ui.choosing``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from blender_ui.choosing.chooser import Chooser, ChooserOptions, fit_chooser, load_chooser
from blender_ui.choosing.report import make_report
from blender_ui.engine.folders import write_folder
from blender_ui.errors import ChooserError
from blender_ui.services.jobs.progress import JobProgress
from blender_ui.services.jobs.states import PROJECT
from blender_ui.services.jobs.views import JobView
from blender_ui.services.training.chooser_judging import decide, judge, name_best
from blender_ui.services.training.chooser_outcomes import load_voted
from blender_ui.services.training.trainer import keep_project
from blender_ui.services.versions.model_versions import VersionView, find_active_version
from blender_ui.services.versions.registration import FittedVersion
from blender_ui.tasks.encoder import StaticEncoder
from blender_ui.tasks.reading import read_tasks
from blender_ui.tasks.sorting import ALL_ALIKE, TaskSorter
from db.engine import transaction
from db.models import ModelRole


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
        voted = load_voted(
            self.engine,
            cut_off_preference_id=job.cut_off_preference_id,
            project_id=job.options.get(PROJECT),
        )
        progress.report("reading the prompts", 0.1)
        read = read_tasks(encoder, voted.tasks)
        learnt, held_out = (np.flatnonzero(voted.is_held_out == flag) for flag in (0, 1))
        progress.report("learning who is good at what", 0.3)
        options = ChooserOptions()
        kinds = self.find_kinds().kinds
        chooser = fit_chooser(encoder, read.select(learnt), voted.outcomes_of(learnt), options, kinds=kinds)
        path = f"job-{job.id}-{chooser.fingerprint[:12]}"
        progress.report("comparing with always the best member", 0.9)
        report = make_report(
            chooser, read, voted.votes, held_out=read.select(held_out), outcomes=voted.outcomes_of(held_out)
        )

        def save(folder: Path) -> None:
            chooser.save(folder)
            report.save(folder)

        write_folder(self.choosers_path / path, save)
        active = self._find_active()
        rival = self._load_active(active, encoder)
        judged = judge(chooser, rival, read.select(held_out), voted, held_out)
        promoted, reason = decide(chooser, judged, active)
        return FittedVersion(
            path=path,
            fingerprint=chooser.fingerprint,
            base_model=self.encoder_name,
            base_fingerprint=encoder.fingerprint,
            n_train=len(learnt),
            n_held_out=len(held_out),
            hyper_parameters=keep_project(job, asdict(options)),
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
