from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.recorded import from_scores
from blender_ui.choosing.chooser import RECORD, Chooser, ChooserOptions, fit_chooser, load_chooser
from blender_ui.errors import ChooserError
from blender_ui.tasks.reading import Task, read_tasks
from tests.tasks.prompts import make_encoder, make_tasks

MEMBERS = ("first", "second", "third")


@pytest.fixture
def chooser(tmp_path: Path) -> Chooser:
    tasks, kinds = make_tasks(120)
    likely = np.where(kinds[:, None] == 0, [0.9, 0.3, 0.5], [0.3, 0.9, 0.5])
    scores = (np.random.default_rng(1).random((120, 3)) < likely).astype(float)
    encoder = make_encoder(tmp_path)
    read = read_tasks(encoder, tasks)
    return fit_chooser(encoder, read, from_scores(MEMBERS, scores), ChooserOptions(n_trees=20))


def test_prompts_never_seen_go_to_the_member_that_is_better_at_their_kind(chooser: Chooser) -> None:
    tasks, kinds = make_tasks(60, seed=7)
    chosen = chooser.expect(read_tasks(chooser.encoder, tasks)).mean.argmax(axis=1)
    assert (chosen == kinds).mean() > 0.9


def test_kinds_are_named_by_their_own_words(chooser: Chooser) -> None:
    one, other = (chooser.find_kind(Task(f"word{n} word{n + 1} word{n + 2}")) for n in (1000, 1020))
    assert one != other


def test_a_loaded_chooser_chooses_as_the_saved_one(chooser: Chooser, tmp_path: Path) -> None:
    chooser.save(tmp_path)
    loaded = load_chooser(tmp_path, chooser.encoder)
    assert loaded.fingerprint == chooser.fingerprint
    task = make_tasks(1, seed=9)[0][0]
    one, other = (each.choose(task, 2, rng=np.random.default_rng(3)) for each in (chooser, loaded))
    assert one.asked == other.asked
    assert one.value == other.value


def test_a_chooser_of_another_encoder_is_refused(chooser: Chooser, tmp_path: Path) -> None:
    chooser.save(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(ChooserError, match="train it again"):
        load_chooser(tmp_path, make_encoder(other, seed=5))


def test_a_damaged_chooser_is_refused(chooser: Chooser, tmp_path: Path) -> None:
    chooser.save(tmp_path)
    (tmp_path / RECORD).write_text("{", encoding="utf-8")
    with pytest.raises(ChooserError, match="expected a chooser"):
        load_chooser(tmp_path, chooser.encoder)


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    encoder = make_encoder(tmp_path)
    with pytest.raises(ChooserError, match="came 0 prompts"):
        fit_chooser(encoder, read_tasks(encoder, []), from_scores(MEMBERS, np.zeros((0, 3))))
