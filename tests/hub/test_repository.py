"""A repository of a hub, over HTTP and the hub's own client."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.scripted_hub import MOST_REGULAR_BYTES, ScriptedHub
from blender_ui.errors import HubError
from blender_ui.hub.repository import Repository
from tests.builders.hubs import signed_in_hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedHub]:
    with signed_in_hub(monkeypatch) as running:
        yield running


def test_what_is_put_is_listed_and_taken_byte_for_byte(hub: ScriptedHub, tmp_path: Path) -> None:
    repository = Repository(name="me/kept", kind="dataset", endpoint=hub.address)
    repository.ensure(private=True)
    repository.ensure(private=True)  # there already
    large = bytes(range(256)) * (MOST_REGULAR_BYTES // 200)
    source = tmp_path / "large.bin"
    source.write_bytes(large)
    repository.put({"a/large.bin": source, "small.txt": b"a few words"}, message="first")
    repository.put({"b.txt": b"b"}, message="second", without=["small.txt"])
    assert repository.list_files() == ("a/large.bin", "b.txt")
    assert repository.take("a/large.bin", tmp_path / "taken").read_bytes() == large
    kept = hub.repositories["dataset", "me/kept"]
    assert kept.is_private
    assert kept.messages == ["first", "second"]


def test_nothing_of_a_refused_commit_is_there(hub: ScriptedHub) -> None:
    repository = Repository(name="me/kept", kind="model", endpoint=hub.address)
    repository.ensure(private=False)
    with pytest.raises(HubError, match="nothing was written to me/kept on the hub"):
        repository.put({"a.txt": b"a"}, message="m", without=["none.txt"])
    assert repository.list_files() == ()


def test_without_a_token_the_remedy_is_told(hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(HubError, match="HF_TOKEN"):
        Repository(name="me/kept", kind="model", endpoint=hub.address).ensure(private=True)


def test_a_hub_that_is_away_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    # The hub's client tries six times, and waits 23 seconds in between.
    clock = SimpleNamespace(sleep=lambda seconds: None, time=time.time)
    monkeypatch.setattr("huggingface_hub.utils._http.time", clock)
    away = Repository(name="me/kept", kind="model", endpoint="http://127.0.0.1:9")
    with pytest.raises(HubError, match="could not be read from the hub"):
        away.list_files()
