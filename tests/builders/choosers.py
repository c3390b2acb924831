"""An active chooser that was really fitted, on prompts of two kinds."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from benchmarks.recorded import from_scores
from blender_ui.choosing.chooser import Chooser, ChooserOptions, fit_chooser
from blender_ui.engine.folders import write_folder
from blender_ui.tasks.reading import read_tasks
from db.engine import transaction
from db.models import ModelKind, ModelRole, ModelVersion
from tests.tasks.prompts import make_encoder, make_tasks


def activate_chooser(engine: Engine, *, choosers_path: Path, encoder_path: Path) -> None:
    """One for which "first" is better on one kind of prompt, "second" on the other, "third" on none."""
    make_encoder(encoder_path)
    chooser = _fit_one()
    write_folder(choosers_path / "one", chooser.save)
    with transaction(engine, immediate=True) as session:
        session.add(
            ModelVersion(
                role=ModelRole.CHOOSER,
                kind=ModelKind.CHOOSER,
                base_model="words",
                base_fingerprint="w",
                fingerprint=chooser.fingerprint,
                path="one",
                cut_off_preference_id=0,
                n_train=150,
                n_held_out=0,
                code_version="0",
                is_active=True,
            )
        )


@functools.cache
def _fit_one() -> Chooser:
    """Fitted once for all tests of a run: every encoder that is made has the same numbers."""
    with tempfile.TemporaryDirectory() as folder:
        encoder = make_encoder(Path(folder))
    tasks, kinds = make_tasks(150)
    likely = np.where(kinds[:, None] == 0, [0.9, 0.2, 0.4], [0.2, 0.9, 0.4])
    scores = (np.random.default_rng(0).random(likely.shape) < likely).astype(float)
    outcomes = from_scores(("first", "second", "third"), scores)
    return fit_chooser(encoder, read_tasks(encoder, tasks), outcomes, ChooserOptions(n_trees=20))
