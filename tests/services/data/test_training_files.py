"""Files for trainers, each read back by the library that trainers read it with."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from blender_ui.errors import MalformedInput, NoRanker
from blender_ui.exchange.lessons.files import FORMS, SYNTAXES, Syntax, schema_of
from blender_ui.exchange.lessons.forms import RANKED, Form, Terms
from blender_ui.services.data.exporting import Exporting, ForTraining
from blender_ui.services.data.taking import Selection
from db.engine import transaction
from db.models import Outcome, Preference
from tests.builders.stores import Clock, add_prompts, key_of, make_store
from tests.ui.scripted_services import build_scripted_services


class Lab:
    """A store whose prompts were answered, voted on and ranked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.services = build_scripted_services(folder / "home")
        self.exporting: Exporting = self.services.exporting
        self.ids = self._fill()

    def _fill(self) -> list[int]:
        ids = add_prompts(self.services.engine, n_prompts=4, n_candidates=2)
        for prompt_id in ids:
            self.services.labeling.queue_prompt(prompt_id=prompt_id)
        annotator = self.services.labeling.sign_in(key=key_of(1))
        for number in range(3):
            lease = self.services.labeling.next_pair(annotator_id=annotator.id)
            self.services.labeling.submit(
                annotator_id=annotator.id,
                lease_id=lease.lease_id,
                outcome=(Outcome.LEFT, Outcome.RIGHT, Outcome.BOTH_BAD)[number],
                idempotency_key=f"k{number}",
            )
        with transaction(self.services.engine, immediate=True) as session:
            session.execute(text("UPDATE candidate SET text = text || ', at length' WHERE id % 2 = 0"))
            marked = session.get_one(Preference, 1)
            marked.spans = [{"side": "left", "start": 0, "end": 3, "text": "abc", "label": "good"}]
            marked.criteria, marked.strength = {"correct": "left"}, 0.75
        return ids

    def rank(self, n: int) -> None:
        self.services.ranking.train()
        for prompt_id in self.ids[:n]:
            self.services.ranking.rank(prompt_id=prompt_id)

    def export(self, form: str, syntax: Syntax = "jsonl", **options: Any) -> Path:
        path = self.folder / f"{form}.{syntax}"
        self.report = self.exporting.export(path, format=form, training=ForTraining(syntax=syntax, **options))
        return path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.rank(4)
    yield lab
    lab.services.engine.dispose()


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The library, with its caches in a folder of the test's."""
    folder = tmp_path_factory.mktemp("datasets")
    os.environ |= {"HF_DATASETS_CACHE": str(folder), "HF_HUB_OFFLINE": "1"}
    return pytest.importorskip("datasets")


def load(datasets: Any, path: Path, cache: Path) -> Any:
    kind = {".jsonl": "json", ".csv": "csv", ".parquet": "parquet"}[path.suffix]
    read = datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=str(cache))
    return read


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("form", FORMS)
def test_datasets_reads_every_form_in_every_syntax(
    lab: Lab, datasets: Any, tmp_path: Path, form: Form, syntax: Syntax
) -> None:
    read = load(datasets, lab.export(form, syntax), tmp_path)
    assert read.column_names == schema_of(form).names
    assert len(read) == lab.report.n_lines > 0
    lines = [json.loads(line) for line in lab.export(form).read_text().splitlines()]
    for row, line in zip(read, lines, strict=True):
        for name, value in line.items():
            came = json.loads(row[name]) if syntax == "csv" and isinstance(value, list) else row[name]
            assert came == value or (value is None and not came), name


@pytest.mark.slow
def test_trls_trainers_take_two_steps_on_every_form(lab: Lab, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    n_rows: dict[str, int] = {}
    for form in FORMS:
        for syntax in ("jsonl", "parquet"):  # in CSV the lists are texts
            path = lab.export(form, syntax)
            n_rows[path.name] = lab.report.n_lines
    command = [sys.executable, "-m", "tests.services.data.trl_steps", str(tmp_path)]
    ran = subprocess.run(
        [*command, *(str(lab.folder / name) for name in n_rows)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    told = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith('{"file"')]
    assert {one["file"]: one["n_rows"] for one in told} == n_rows
    for one in told:
        assert one["n_steps"] == len(one["losses"]) == 2, one
        assert all(math.isfinite(loss) for loss in one["losses"]), one


def test_a_row_has_the_policy_the_marks_and_the_criteria_of_its_vote(lab: Lab) -> None:
    rows = [json.loads(line) for line in lab.export("dpo").read_text().splitlines()]
    assert len(rows) == 2  # two were decided, one was bad on both sides
    (marked,) = [row for row in rows if row["spans"]]
    assert marked["spans"] == [{"of": "chosen", "start": 0, "end": 3, "text": "abc", "label": "good"}]
    assert marked["criteria"] == [{"criterion": "correct", "share": 1.0}]
    assert (marked["strength"], marked["weight"]) == (0.75, 0.75)
    assert all(0 < row["propensity"] <= 1 and row["policy"] for row in rows)


def test_scores_are_the_stored_rankings_own(lab: Lab) -> None:
    lab.export("best_of_n")
    rows = [json.loads(line) for line in (lab.folder / "best_of_n.jsonl").read_text().splitlines()]
    for row, prompt_id in zip(rows, lab.ids, strict=True):
        ranking = lab.services.ranking.rank(prompt_id=prompt_id)
        best, second = ranking.entries[:2]
        texts = {
            one.candidate_id: one.text
            for one in lab.services.blending.answers(prompt_id=prompt_id).candidates
        }
        assert row["messages"][-1] == {"role": "assistant", "content": texts[best.candidate_id]}
        assert row["margin"] == pytest.approx((best.score - second.score) / 2)
        assert row["ranker_version"] == ranking.version.id
        assert 0.5 <= row["score"] <= 1


def test_what_was_not_ranked_is_counted_and_can_be_ranked_first(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    with pytest.raises(NoRanker):
        lab.export("best_of_n")
    assert not list(tmp_path.glob("*best_of_n*"))
    lab.rank(1)
    lab.export("best_of_n")
    assert lab.report.n_lines == 1
    assert "3 prompts with two answers or more are left out" in lab.report.notes[0]
    lab.export("best_of_n", ranks_first=True)
    assert (lab.report.n_lines, lab.report.notes) == (4, ())
    lab.services.engine.dispose()


@pytest.mark.parametrize("terms", [Terms(threshold=1.5), Terms(threshold=float("nan")), Terms(margin=-1)])
def test_terms_that_are_none_are_refused(lab: Lab, terms: Terms) -> None:
    with pytest.raises(MalformedInput, match="threshold from 0 to 1"):
        lab.export("best_of_n", terms=terms)


def test_an_empty_store_gives_files_with_all_columns(tmp_path: Path) -> None:
    exporting = Exporting(make_store(tmp_path), clock=Clock())
    path = tmp_path / "x.parquet"
    for form in FORMS:
        if form not in RANKED:
            exporting.export(path, format=form, training=ForTraining(syntax="parquet"))
            assert pq.read_schema(path) == schema_of(form)


def test_only_votes_that_agree_are_taken_if_asked(lab: Lab, tmp_path: Path) -> None:
    report = lab.exporting.export(tmp_path / "x.jsonl", format="dpo", selection=Selection(agreement=0.5))
    assert report.n_lines == 0  # each pair was judged once, and nobody agrees with nobody
