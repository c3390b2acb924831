from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blender_ui.errors import WeightsUnavailable
from blender_ui.tasks import sorting
from blender_ui.tasks.sorting import ALL_ALIKE, TaskSorter, learn_sorter
from blender_ui.values import RankingPrompt
from tests.tasks.prompts import make_encoder, make_tasks


@pytest.fixture
def sorter(tmp_path: Path) -> TaskSorter:
    return learn_sorter(make_encoder(tmp_path), make_tasks(120)[0])


def ask(n: int, *, seed: int) -> tuple[list[RankingPrompt], np.ndarray]:
    tasks, kinds = make_tasks(n, seed=seed)
    return [RankingPrompt(instruction=task.instruction) for task in tasks], kinds


def test_prompts_never_seen_are_sorted_as_they_belong(sorter: TaskSorter) -> None:
    prompts, kinds = ask(60, seed=3)
    found = sorter.sort(prompts)
    assert len(sorter.names) >= 2
    same = sum(max((kinds[found == kind] == one).sum() for one in (0, 1)) for kind in np.unique(found))
    assert same / len(prompts) > 0.8


def test_a_saved_sorter_needs_no_other_folder(sorter: TaskSorter, tmp_path: Path) -> None:
    sorter.save(tmp_path / "saved")
    for name in ("table.npy", "tokenizer.json"):
        (tmp_path / name).unlink()
    loaded = TaskSorter.load(tmp_path / "saved")
    prompts, _ = ask(40, seed=4)
    np.testing.assert_array_equal(loaded.sort(prompts), sorter.sort(prompts))
    assert loaded.kinds.fingerprint == sorter.kinds.fingerprint


def test_a_prompt_is_read_once(sorter: TaskSorter, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts, _ = ask(10, seed=5)
    first = sorter.sort(prompts)
    monkeypatch.setattr(sorting, "read_tasks", None)
    np.testing.assert_array_equal(sorter.sort(prompts[::-1]), first[::-1])


def test_many_prompts_are_remembered_in_a_file(
    sorter: TaskSorter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "WORTH_WRITING", 10)
    sorter.save(tmp_path / "saved")
    sorter.remember_in(tmp_path / "known.npz")
    prompts, _ = ask(30, seed=6)
    found = sorter.sort(prompts)
    again = TaskSorter.load(tmp_path / "saved")
    again.remember_in(tmp_path / "known.npz")
    monkeypatch.setattr(sorting, "read_tasks", None)
    np.testing.assert_array_equal(again.sort(prompts), found)


def test_a_cut_off_memory_is_no_memory(sorter: TaskSorter, tmp_path: Path) -> None:
    (tmp_path / "known.npz").write_bytes(b"PK")
    sorter.remember_in(tmp_path / "known.npz")
    assert len(sorter.sort(ask(5, seed=7)[0])) == 5


def test_a_damaged_folder_is_refused(sorter: TaskSorter, tmp_path: Path) -> None:
    sorter.save(tmp_path / "saved")
    (tmp_path / "saved" / sorting.ARRAYS).write_bytes(b"PK")
    with pytest.raises(WeightsUnavailable, match="expected kinds of task"):
        TaskSorter.load(tmp_path / "saved")


def test_without_kinds_all_prompts_are_alike() -> None:
    assert not ALL_ALIKE.sort(ask(5, seed=0)[0]).any()
