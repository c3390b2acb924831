"""Files in, files out: whole or not at all, once, and the same again."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import col

from blender_ui.errors import MalformedInput
from blender_ui.exchange import read_records, to_dataset
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import PAIRS_PER_PROMPT, Importing
from blender_ui.services.projects.projects import Projects, ProjectTerms
from blender_ui.services.ranking.datasets import load_dataset
from db.engine import transaction
from db.models import Annotator, Comparison, Origin, Outcome, Preference, Prompt
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store

SHARED_DATA = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"needs the shared preferences at {SHARED_DATA}"
)


def label(a: int, b: int, winner: str, **more: Any) -> dict[str, Any]:
    return {"annotator": "ada", "a": a, "b": b, "winner": winner, "kind": "human", **more}


def record(number: int, *labels: dict[str, Any], n_candidates: int = 3) -> dict[str, Any]:
    candidates = [
        {"model": f"m{index}", "text": f"answer {index} to {number}"} for index in range(n_candidates)
    ]
    return {
        "id": str(number),
        "source": "test",
        "prompt": f"Question {number}?",
        "candidates": candidates,
        "labels": list(labels),
    }


def write(path: Path, *records: Any) -> Path:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in records))
    return path


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_store(tmp_path)


def importing(engine: Engine, *, overlap: int = 2) -> Importing:
    return Importing(engine, clock=Clock(), seed=5, overlap=overlap)


def count(engine: Engine, table: type) -> int:
    with transaction(engine) as session:
        n: int = session.execute(select(func.count()).select_from(table)).scalar_one()
        return n


def test_a_file_with_one_bad_line_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.jsonl", record(1, label(0, 1, "a")), "{", record(3))
    with pytest.raises(MalformedInput) as caught:
        importing(engine).import_file(path)
    assert [line for line, _ in caught.value.faults] == [2]
    assert count(engine, Prompt) == 0


def test_an_import_that_is_broken_off_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    path = write(tmp_path / "file.jsonl", record(1, label(0, 1, "a")))
    with pytest.raises(KeyboardInterrupt):
        importing(engine).import_file(path, on_progress=stop)
    assert count(engine, Prompt) == count(engine, Annotator) == 0


def test_importing_again_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "file.jsonl", record(1, label(0, 1, "a")), record(2))
    first = importing(engine).import_file(path)
    assert (first.n_prompts, first.n_candidates, first.n_preferences, first.n_already_there) == (2, 6, 1, 0)
    again = importing(engine).import_file(path)
    assert (again.n_prompts, again.n_preferences, again.n_already_there, again.n_differing) == (0, 0, 2, 0)
    assert count(engine, Preference) == 1


def test_a_prompt_with_another_question_is_told_and_left_as_it_was(engine: Engine, tmp_path: Path) -> None:
    importing(engine).import_file(write(tmp_path / "file.jsonl", record(1, label(0, 1, "a")), record(2)))
    other = record(1, label(0, 1, "b")) | {"prompt": "Another question?"}
    report = importing(engine).import_file(write(tmp_path / "more.jsonl", other, record(2), record(3)))
    assert (report.n_prompts, report.n_already_there, report.n_differing) == (1, 1, 1)
    assert report.differing == ("test: 1",)
    assert count(engine, Preference) == 1


def test_pairs_that_nobody_has_compared_are_queued(engine: Engine, tmp_path: Path) -> None:
    judged = label(0, 2, "a", kind="judge")
    path = write(tmp_path / "file.jsonl", record(1, label(0, 1, "a"), label(1, 0, "b"), judged))
    report = importing(engine).import_file(path)
    # 0 and 1 are done, in both orders; 0 and 2 only by a judge; 1 and 2 by nobody.
    assert report.n_queued == 2
    with transaction(engine) as session:
        queued = session.scalars(select(Comparison).where(col(Comparison.is_open).is_(True))).all()
        assert {frozenset((row.left_id, row.right_id)) for row in queued} == {
            frozenset((1, 3)),
            frozenset((2, 3)),
        }
        assert all(row.overlap == 2 and row.side_seed is not None for row in queued)
        imported = session.scalars(select(Comparison).where(col(Comparison.is_open).is_(False))).all()
        assert all(row.overlap == 0 and row.origin is Origin.IMPORT for row in imported)


def test_labelled_pairs_are_asked_on_request_once_a_pair(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "file.jsonl", record(1, label(0, 1, "a"), label(1, 0, "b"), n_candidates=2))
    assert importing(engine).import_file(path, ask_labelled=True).n_queued == 1


def test_no_prompt_floods_the_queue(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "file.jsonl", record(1, n_candidates=10))
    assert importing(engine).import_file(path).n_queued == PAIRS_PER_PROMPT


def test_an_answer_given_anew_retracts_the_one_before(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "file.jsonl", record(1, label(0, 1, "a"), label(0, 1, "b")))
    importing(engine).import_file(path)
    with transaction(engine) as session:
        rows = session.scalars(select(Preference).order_by(col(Preference.id))).all()
        assert [(row.outcome, row.retracted_at is None) for row in rows] == [
            (Outcome.LEFT, False),
            (Outcome.RIGHT, True),
        ]


def test_progress_is_told(engine: Engine, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = write(tmp_path / "file.jsonl", *[record(number, n_candidates=2) for number in range(501)])
    importing(engine).import_file(path, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(500, 501), (501, 501)]


def test_an_export_imports_again_to_the_same_export(engine: Engine, tmp_path: Path) -> None:
    """Imported and own prompts, a person's votes, an undone one, a judge, a tie, both bad."""
    clock = Clock()
    labels = (
        label(0, 1, "a", strength="slight", reason="why", seconds=1.5),
        label(1, 0, "tie", accept_a=False, accept_b=False),
        label(0, 1, "b", kind="judge", annotator="gpt"),
    )
    importing(engine).import_file(write(tmp_path / "file.jsonl", record(1, *labels), record(2)))
    labeling = make_labeling(engine, clock)
    for prompt_id in add_prompts(engine, n_prompts=2):
        labeling.queue_prompt(prompt_id=prompt_id)
    me = labeling.sign_in(key=key_of(1), name="Ada Lovelace").id
    for number in range(4):
        pair = labeling.next_pair(annotator_id=me)
        assert pair is not None
        clock.pass_by(1)
        labeling.submit(
            annotator_id=me,
            lease_id=pair.lease_id,
            outcome=list(Outcome)[number],
            idempotency_key=str(number),
        )
    labeling.undo(annotator_id=me)

    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert Exporting(engine).export(first, format="jsonl").n_lines == 4
    (tmp_path / "other").mkdir()
    other = make_store(tmp_path / "other")
    report = importing(other).import_file(first)
    assert (report.n_prompts, report.n_preferences) == (4, 6)
    Exporting(other).export(second, format="jsonl")
    assert second.read_bytes() == first.read_bytes()

    assert "Lovelace" not in first.read_text()
    there = importing(engine).import_file(first)
    # Nothing comes in twice, not even the votes of people here on the prompt that was imported.
    assert (there.n_prompts, there.n_preferences, there.n_already_there) == (0, 0, 4)
    assert there.n_known == 6


def test_a_file_that_several_projects_imported_leaves_under_distinct_ids(
    engine: Engine, tmp_path: Path
) -> None:
    long = record(3) | {"id": "9" * 256}
    path = write(tmp_path / "file.jsonl", record(1, label(0, 1, "a")), record(2), long)
    importing(engine).import_file(path)
    projects = Projects(engine, clock=Clock())
    me = make_labeling(engine, Clock()).sign_in(key=key_of(1)).id
    for name in ("second", "third"):
        project = projects.create(ProjectTerms(name=name), by=me)
        importing(engine).import_file(path, project_id=project.id)
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert Exporting(engine).export(first, format="jsonl").n_lines == 9
    ids = [json.loads(line)["id"] for line in first.read_text().splitlines()]
    assert ids[:2] + ids[3:5] + ids[6:8] == ["1", "2", "1~2", "2~2", "1~3", "2~3"]
    (tmp_path / "other").mkdir()
    other = make_store(tmp_path / "other")
    assert importing(other).import_file(first).n_prompts == 9
    Exporting(other).export(second, format="jsonl")
    assert second.read_bytes() == first.read_bytes()


def test_an_unknown_format_is_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(
        MalformedInput, match="jsonl, csv, parquet, sft, kto, dpo, best_of_n, rejection_sampled, archive"
    ):
        Exporting(engine).export(tmp_path / "x", format="xml")


@pytest.mark.slow
@needs_shared_data
@pytest.mark.parametrize("name", ["tulu1", "pandalm"])
def test_a_real_file_comes_out_as_it_went_in(engine: Engine, tmp_path: Path, name: str) -> None:
    path = SHARED_DATA / f"{name}.jsonl.gz"
    importing(engine).import_file(path)
    wanted, stored = to_dataset(read_records(path)), load_dataset(engine).dataset
    assert len(stored) == len(wanted)
    for side in ("left", "right"):
        assert [stored.texts[index] for index in getattr(stored, side)] == [
            wanted.texts[index] for index in getattr(wanted, side)
        ]
    assert stored.target.tolist() == wanted.target.tolist()
    assert stored.both_bad.tolist() == wanted.both_bad.tolist()

    first, second = tmp_path / "first.jsonl.gz", tmp_path / "second.jsonl.gz"
    Exporting(engine).export(first, format="jsonl")
    (tmp_path / "other").mkdir()
    other = make_store(tmp_path / "other")
    importing(other).import_file(first)
    Exporting(other).export(second, format="jsonl")
    assert second.read_bytes() == first.read_bytes()
