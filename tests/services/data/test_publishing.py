"""Preferences go to a hub with a card, and a stranger's import of them exports as the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine

from benchmarks.scripted_hub import ScriptedHub
from blender_ui.errors import Refused
from blender_ui.hub.cards import write_dataset_head
from blender_ui.hub.datasets import fetch_dataset
from blender_ui.hub.repository import Repository
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.data.publishing import CARD, FILE, Publishing
from tests.builders.hubs import signed_in_hub
from tests.builders.stores import Clock, make_store
from tests.test_cli import write_preferences

REPOSITORY = Repository(name="me/votes", kind="dataset")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ScriptedHub]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with signed_in_hub(monkeypatch) as running:
        yield running


def make_importing(engine: Engine) -> Importing:
    return Importing(engine, clock=Clock(), seed=7, overlap=1)


def test_what_is_imported_from_there_exports_as_the_same_bytes(hub: ScriptedHub, tmp_path: Path) -> None:
    first = make_store(tmp_path / "first")
    make_importing(first).import_file(write_preferences(tmp_path / "in.jsonl"))
    published = Publishing(Exporting(first)).push(REPOSITORY, project_id=None, private=True)
    kept = hub.repositories["dataset", "me/votes"]
    assert kept.is_private
    assert set(kept.files) == {FILE, CARD}
    assert published.report.n_lines == 12

    second = make_store(tmp_path / "second")
    folder = fetch_dataset("me/votes", endpoint=hub.address)
    make_importing(second).import_file(folder / FILE)
    out = tmp_path / "out.jsonl"
    Exporting(second).export(out, format="jsonl")
    assert out.read_bytes() == kept.files[FILE]


def test_the_card_counts_what_is_in_the_file_and_the_hub_can_read_its_head(
    hub: ScriptedHub, tmp_path: Path
) -> None:
    engine = make_store(tmp_path)
    make_importing(engine).import_file(write_preferences(tmp_path / "in.jsonl"))
    Publishing(Exporting(engine)).push(REPOSITORY, project_id=None, private=False)
    _, head, card = hub.repositories["dataset", "me/votes"].files[CARD].decode().split("---\n", 2)
    front = yaml.safe_load(head)
    assert front["configs"] == [{"config_name": "default", "data_files": FILE}]
    assert front["size_categories"] == ["n<1K"]
    assert "- preferences: 36" in card
    assert "CC0-1.0: 12 prompts" in card


def test_nothing_is_not_put(hub: ScriptedHub, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no prompt"):
        Publishing(Exporting(make_store(tmp_path))).push(REPOSITORY, project_id=None, private=True)
    assert ("dataset", "me/votes") not in hub.repositories


@pytest.mark.parametrize(("n_rows", "size"), [(999, "n<1K"), (1000, "1K<n<10K"), (10**8, "100M<n<1B")])
def test_sizes_are_the_hub_s_words(n_rows: int, size: str) -> None:
    assert yaml.safe_load(write_dataset_head(file=FILE, n_rows=n_rows).split("---")[1])[
        "size_categories"
    ] == [size]
