from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Iterator
from functools import partial
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import Engine

from benchmarks.scripted_hub import running_hub
from blender_ui.errors import MalformedInput, NotPermitted
from blender_ui.hub.datasets import fetch_dataset
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.inspecting.decisions import Inspection
from blender_ui.ui.data import drawing, handlers
from blender_ui.ui.data.handlers import (
    MAP_BELOW,
    NO_COLUMN,
    DataHandlers,
    ImportOutcome,
    Some,
    Wish,
    find_card,
)
from tests.builders.stores import Clock, key_of, make_labeling, make_store

RECORD = {
    "id": "q1",
    "prompt": "Why?",
    "source": "a-set",
    "candidates": [{"model": "A", "text": "Because."}, {"model": "B", "text": "So."}],
    "labels": [{"annotator": "x", "a": 0, "b": 1, "winner": "a", "kind": "human"}],
}


class DataPage:
    """The handlers over a real store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine: Engine = make_store(folder)
        self.is_admin = True
        self.person = make_labeling(self.engine, Clock()).sign_in(key=key_of(1)).id
        self.handlers = DataHandlers(
            Importing(self.engine, clock=Clock(), seed=1, overlap=1),
            Exporting(self.engine),
            Inspection(self.engine),
            require_admin=self._require_admin,
            find_person=lambda: self.person,
            clock=Clock(),
        )

    def _require_admin(self) -> None:
        if not self.is_admin:
            raise NotPermitted("this needs an admin")

    def bring_in(self, *lines: str) -> ImportOutcome:
        path = self.folder / "upload.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.handlers.import_file(str(path), ask_labelled=False, on_progress=lambda done, total: None)


@pytest.fixture
def data_page(tmp_path: Path) -> Iterator[DataPage]:
    data_page = DataPage(tmp_path)
    yield data_page
    data_page.engine.dispose()


def test_an_import_is_reported_and_in_the_store(data_page: DataPage) -> None:
    outcome = data_page.bring_in(json.dumps(RECORD))
    assert outcome.report is not None
    assert (outcome.report.n_prompts, outcome.report.n_preferences) == (1, 1)
    (source,) = data_page.handlers.list_sources()
    assert (source.name, source.n_candidates, source.n_preferences) == ("a-set", 2, 1)
    assert "upload.jsonl is in the store" in drawing.draw_outcome(outcome)
    assert "a-set" in drawing.draw_sources([source])


def test_one_malformed_line_keeps_all_out_and_is_named(data_page: DataPage) -> None:
    outcome = data_page.bring_in(
        json.dumps(RECORD), "{not json", json.dumps({**RECORD, "id": "q2", "prompt": 3})
    )
    assert [line for line, _ in outcome.faults] == [2, 3]
    assert data_page.handlers.list_sources() == ()
    drawn = drawing.draw_outcome(outcome)
    assert outcome.problem in unescape(drawn)
    assert "<td>3</td>" in drawn


def test_a_file_is_shown_before_it_is_taken(data_page: DataPage) -> None:
    path = data_page.folder / "x.jsonl"
    path.write_text(json.dumps(RECORD))
    look = data_page.handlers.preview(str(path), Wish())
    drawn = unescape(drawing.draw_preview(look))
    assert "x.jsonl: read as this app's records: 1 vote, 1 prompt." in drawn
    assert "A (1) over B (2)" in drawn
    assert data_page.handlers.list_sources() == ()


def test_an_unknown_file_gives_its_columns_and_is_read_once_they_are_mapped(data_page: DataPage) -> None:
    path = data_page.folder / "x.jsonl"
    path.write_text(json.dumps({"q": "Why?", "one": "A.", "two": "B.", "vote": 0, "score": 3}))
    assert data_page.handlers.preview(str(path), Wish()).columns == ("q", "one", "two", "vote", "score")
    columns = {"prompt": "q", "text_a": "one", "text_b": "two", "winner": "vote", "model_a": None}
    wish = Wish(columns=columns, words="0=a, 1=b")
    preview = data_page.handlers.preview(str(path), wish).preview
    assert preview is not None
    assert (preview.n_votes, preview.unused) == (1, ("score",))
    no_vote = data_page.handlers.preview(str(path), Wish(columns=columns | {"winner": NO_COLUMN})).preview
    assert no_vote is not None
    assert (no_vote.n_votes, no_vote.n_prompts) == (0, 1)
    assert "came '1'" in data_page.handlers.preview(str(path), Wish(columns=columns, words="0=a, 1")).problem


def test_a_known_file_whose_vote_is_in_doubt_gives_its_columns_too(data_page: DataPage) -> None:
    path = data_page.folder / "x.jsonl"
    rows = [{"prompt": "Why?", "text_a": "A.", "text_b": "B.", "winner": number} for number in (1, 0)]
    path.write_text("\n".join(map(json.dumps, rows)))
    look = data_page.handlers.preview(str(path), Wish())
    assert look.columns == ("prompt", "text_a", "text_b", "winner")
    assert "say what each means" in look.problem
    assert look.problem.endswith(MAP_BELOW)
    preview = data_page.handlers.preview(str(path), Wish(words="0=a, 1=b")).preview
    assert preview is not None
    assert preview.shown[0].votes == ("unknown (2) over unknown (1)", "unknown (1) over unknown (2)")


def test_columns_of_the_better_and_the_worse_answer_may_lie_within_others(data_page: DataPage) -> None:
    path = data_page.folder / "x.jsonl"
    path.write_text(json.dumps({"frage": "Why?", "antworten": [{"t": "A."}, {"t": "B."}]}))
    look = data_page.handlers.preview(str(path), Wish())
    inside = ("antworten.0", "antworten.0.t", "antworten.1", "antworten.1.t")
    assert look.columns == ("frage", "antworten", *inside)
    columns = {"prompt": "frage", "chosen": "antworten.1.t", "rejected": "antworten.0.t"}
    preview = data_page.handlers.preview(str(path), Wish(columns=columns)).preview
    assert preview is not None
    assert preview.shapes == ("TRL preference",)
    assert preview.n_votes == 1


def test_rows_that_are_left_out_are_written_where_there_are_any(data_page: DataPage) -> None:
    path = data_page.folder / "x.jsonl"
    path.write_text(json.dumps(RECORD) + "\n7\n")

    def bring_in(skip_faulty: bool) -> ImportOutcome:
        return data_page.handlers.import_file(
            str(path),
            ask_labelled=False,
            wish=Wish(skip_faulty=skip_faulty),
            left_folder=data_page.folder,
            on_progress=lambda done, total: None,
        )

    assert bring_in(False).report is None
    outcome = bring_in(True)
    assert outcome.left_rows is not None
    assert json.loads(outcome.left_rows.read_text())["left_out_at"] == "line 2"
    assert "line 2: expected an object, came int" in unescape(drawing.draw_outcome(outcome))


def test_importing_again_says_that_it_was_there(data_page: DataPage) -> None:
    data_page.bring_in(json.dumps(RECORD))
    again = data_page.bring_in(json.dumps(RECORD))
    assert again.report is not None
    assert (again.report.n_prompts, again.report.n_already_there) == (0, 1)


def test_a_changed_record_is_named_and_left(data_page: DataPage) -> None:
    data_page.bring_in(json.dumps(RECORD))
    changed = data_page.bring_in(json.dumps({**RECORD, "prompt": "How?"}))
    assert "a-set: q1" in drawing.draw_outcome(changed)


@pytest.mark.parametrize("path", [None, "", 3])
def test_no_file_is_a_sentence(data_page: DataPage, path: object) -> None:
    outcome = data_page.handlers.import_file(path, ask_labelled=False, on_progress=lambda done, total: None)
    assert outcome.problem.startswith("Choose a file")


def test_names_in_a_file_are_drawn_as_text(data_page: DataPage) -> None:
    outcome = data_page.bring_in(json.dumps({**RECORD, "source": "<img src=x>"}))
    assert outcome.report is not None
    assert "<img" not in drawing.draw_sources(data_page.handlers.list_sources())


@pytest.mark.parametrize("format", ["jsonl", "csv", "dpo"])
def test_an_export_holds_what_was_imported(data_page: DataPage, tmp_path: Path, format: str) -> None:
    data_page.bring_in(json.dumps(RECORD))
    report = data_page.handlers.export(format, folder=tmp_path / "out")
    assert report.path.name.startswith("blender-ui-20260102-120000.")
    raw = report.path.read_bytes()
    assert b"Because." in (gzip.decompress(raw) if report.path.suffix == ".gz" else raw)
    assert report.path.name in drawing.draw_export(report)


def test_an_archive_is_for_admins_and_holds_every_table(data_page: DataPage, tmp_path: Path) -> None:
    data_page.bring_in(json.dumps(RECORD))
    report = data_page.handlers.export("archive", folder=tmp_path / "out")
    assert zipfile.ZipFile(report.path).testzip() is None
    data_page.is_admin = False
    with pytest.raises(NotPermitted):
        data_page.handlers.export("archive", folder=tmp_path / "out")
    assert data_page.handlers.export("parquet", folder=tmp_path / "out").n_lines == 1


@pytest.mark.parametrize("format", [None, "xlsx", "../x", ["csv"]])
def test_a_format_that_is_none_is_refused(data_page: DataPage, tmp_path: Path, format: object) -> None:
    with pytest.raises(MalformedInput, match="format"):
        data_page.handlers.export(format, folder=tmp_path / "out")


def test_a_data_set_of_the_hub_is_shown_and_imported_by_its_name(
    data_page: DataPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(data_page.folder / "cache"))
    with running_hub() as hub:
        monkeypatch.setattr(handlers, "fetch_dataset", partial(fetch_dataset, endpoint=hub.address))
        seen = data_page.handlers.preview(None, Wish(hub=" a/set "))
        assert seen.preview is not None
        assert (seen.name, seen.preview.n_votes, seen.preview.source) == ("a/set", 2, "a/set")
        bring_in = data_page.handlers.import_file
        outcome = bring_in(
            None, ask_labelled=False, on_progress=lambda done, total: None, wish=Wish(hub="a/set")
        )
        assert outcome.report is not None
        assert outcome.report.n_preferences == 2
        unknown = data_page.handlers.preview(None, Wish(hub="a/nothing"))
    assert "no data set of that name" in unknown.problem
    for path in ("../x", "a/set/../../..", "/etc/ssl"):
        assert "expected the name of a data set" in data_page.handlers.preview(None, Wish(hub=path)).problem
    assert data_page.handlers.preview(None, Wish(hub="  ")).name == ""


def test_an_export_of_some_preferences_lies_beside_its_card(data_page: DataPage, tmp_path: Path) -> None:
    data_page.bring_in(json.dumps(RECORD))
    (name, annotator_id) = data_page.handlers.list_people()[0]
    assert name
    report = data_page.handlers.export(
        "csv", folder=tmp_path, some=Some(since="2020-01-01", people=[annotator_id], agreement=0)
    )
    assert report.n_lines == 1
    assert "since 2020-01-01" in find_card(report).read_text(encoding="utf-8")
    assert "The card of this file" in drawing.draw_export(report)
    none = data_page.handlers.export("csv", folder=tmp_path, some=Some(until="2020-01-01"))
    assert none.n_lines == 0


@pytest.mark.parametrize(
    ("some", "expected"),
    [
        (Some(since="yesterday"), "a day such as"),
        (Some(until="2026-02-30"), "a day such as"),
        (Some(agreement=101), "from 0 to 100"),
        (Some(agreement="much"), "from 0 to 100"),
        (Some(people=["x"]), "the number of a person"),
    ],
)
def test_what_cannot_be_selected_by_is_said(
    data_page: DataPage, tmp_path: Path, some: Some, expected: str
) -> None:
    with pytest.raises(MalformedInput, match=expected):
        data_page.handlers.export("csv", folder=tmp_path, some=some)
