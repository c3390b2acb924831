"""A data set by its name, from a hub on loopback that speaks what its client asks for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.scripted_hub import running_hub
from blender_ui.errors import MalformedInput
from blender_ui.exchange import read_file
from blender_ui.hub.datasets import fetch_dataset, is_dataset_name


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with running_hub() as running:
        yield running.address


def test_a_data_set_is_read_by_its_name_and_so_is_a_part_of_it(hub: str) -> None:
    assert {record.prompt for record in read_file(fetch_dataset("a/set", endpoint=hub))} == {"Why?", "How?"}
    (record,) = read_file(fetch_dataset("a/set/extra", endpoint=hub))
    assert record.prompt == "How?"


def test_a_name_that_the_hub_does_not_know_is_a_sentence(hub: str) -> None:
    with pytest.raises(MalformedInput, match="there is no file b/none, and no data set of that name"):
        fetch_dataset("b/none", endpoint=hub)


def test_no_hub_at_all_is_a_sentence(hub: str) -> None:
    with pytest.raises(MalformedInput, match="if no hub can be reached, download its files"):
        fetch_dataset("a/set", endpoint="http://127.0.0.1:9")


def test_only_a_name_that_is_no_file_is_a_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "set").write_text("")
    assert not is_dataset_name(Path("a/set"))
    assert not is_dataset_name(tmp_path / "b" / "set")
    assert not is_dataset_name(Path("missing.jsonl"))
    assert not is_dataset_name(Path("folder/missing.jsonl"))
    assert is_dataset_name(Path("owner/a-set.v1"))
