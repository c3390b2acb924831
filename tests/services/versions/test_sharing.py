"""A trained version goes to a hub and comes back with the same bytes; what was changed there is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from benchmarks.scripted_hub import ScriptedHub
from blender_ui.errors import HubError, MalformedInput, NotFound, Refused
from blender_ui.hub.repository import Repository
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.ranking.start import START_PATH
from blender_ui.services.versions.model_versions import find_active_version
from blender_ui.services.versions.sharing import CARD, MANIFEST, Sharing
from blender_ui.services.versions.start import keep_start_version
from db.engine import transaction
from db.models import ModelKind, ModelRole, ModelVersion
from tests.builders.hubs import signed_in_hub
from tests.builders.rows import save
from tests.builders.stores import make_store

REPOSITORY = Repository(name="me/ranker", kind="model")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedHub]:
    with signed_in_hub(monkeypatch) as running:
        yield running


class Home:
    """A store and its folders of versions."""

    def __init__(self, folder: Path) -> None:
        self.engine: Engine = make_store(folder)
        self.rankers = folder / "rankers"
        self.sharing = Sharing(self.engine, folders={role: folder / f"{role.value}s" for role in ModelRole})

    def add_version(self, name: str = "job-7-abc", **columns: Any) -> int:
        ranker = FastRanker.load(START_PATH)
        ranker.save(self.rankers / name)
        with transaction(self.engine, immediate=True) as session:
            (row,) = save(
                session,
                [
                    ModelVersion(
                        **{
                            "role": ModelRole.RANKER,
                            "kind": ModelKind.FAST,
                            "base_model": "smollm2-135m",
                            "base_fingerprint": "b" * 64,
                            "fingerprint": ranker.fingerprint,
                            "path": name,
                            "cut_off_preference_id": 99,
                            "n_train": 321,
                            "n_held_out": 45,
                            "hyper_parameters": {"n_components": 32},
                            "metrics": {"new": {"accuracy": 0.7512, "n": 45}},
                            "code_version": "0.1.0",
                        }
                        | columns
                    )
                ],
            )
            assert row.id is not None
            return row.id


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "first")


def test_a_version_comes_back_with_the_same_bytes_and_serves_nobody(
    hub: ScriptedHub, home: Home, tmp_path: Path
) -> None:
    home.sharing.push(home.add_version(), REPOSITORY, private=True)
    other = Home(tmp_path / "second")
    version = other.sharing.pull(REPOSITORY)
    files = sorted((home.rankers / "job-7-abc").iterdir())
    assert len(files) == 2
    for file in files:
        assert (other.rankers / version.path / file.name).read_bytes() == file.read_bytes()
    assert FastRanker.load(other.rankers / version.path).fingerprint == version.fingerprint
    assert (version.n_train, version.cut_off_preference_id, version.job_id) == (321, 0, None)
    assert version.hyper_parameters == {"n_components": 32, "hub": "me/ranker"}
    assert version.metrics == {"new": {"accuracy": 0.7512, "n": 45}}
    with transaction(other.engine) as session:
        assert find_active_version(session) is None
    assert other.sharing.pull(REPOSITORY).id == version.id


def test_a_fuser_comes_back_with_the_same_bytes_and_loads_with_transformers(
    hub: ScriptedHub, home: Home, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    from transformers import AutoModelForSeq2SeqLM

    from tests.fusion.tiny_t5 import build_tiny_t5

    sent = build_tiny_t5(tmp_path / "first" / "fusers" / "job-8-def")
    version_id = home.add_version(role=ModelRole.FUSER, kind=ModelKind.FUSER, path="job-8-def")
    home.sharing.push(version_id, REPOSITORY, private=True)
    other = Home(tmp_path / "second")
    version = other.sharing.pull(REPOSITORY)
    came = tmp_path / "second" / "fusers" / version.path
    assert {file.name: file.read_bytes() for file in came.iterdir()} == {
        file.name: file.read_bytes() for file in sent.iterdir()
    }
    assert AutoModelForSeq2SeqLM.from_pretrained(came).config.model_type == "t5"


def test_the_card_has_the_figures_and_says_how_to_load_it(hub: ScriptedHub, home: Home) -> None:
    home.sharing.push(home.add_version(), REPOSITORY, private=False)
    kept = hub.repositories["model", "me/ranker"]
    assert not kept.is_private
    card = kept.files[CARD].decode()
    assert "| new accuracy | 0.7512 |" in card
    assert "learnt from 321 and was judged on 45" in card
    assert "blender-ui pull me/ranker" in card


def test_a_second_version_takes_the_place_of_the_first(hub: ScriptedHub, home: Home) -> None:
    version_id = home.add_version()
    (home.rankers / "job-7-abc" / "more.json").write_text("{}")
    home.sharing.push(version_id, REPOSITORY, private=True)
    kept = hub.repositories["model", "me/ranker"].files
    kept["notes.md"] = b"somebody's own"
    assert "more.json" in kept
    home.sharing.push(home.add_version("job-8-abc"), REPOSITORY, private=True)
    kept = hub.repositories["model", "me/ranker"].files
    assert "more.json" not in kept
    assert kept["notes.md"] == b"somebody's own"


def test_bytes_that_were_changed_are_refused(hub: ScriptedHub, home: Home, tmp_path: Path) -> None:
    home.sharing.push(home.add_version(), REPOSITORY, private=True)
    hub.repositories["model", "me/ranker"].files["head.safetensors"] += b"x"
    other = Home(tmp_path / "second")
    with pytest.raises(MalformedInput, match=r"head.safetensors of me/ranker with SHA-256"):
        other.sharing.pull(REPOSITORY)
    assert not other.rankers.exists()


@pytest.mark.parametrize(
    "file",
    [
        "../outside.json",
        "/etc/outside.json",
        "a/../../b.json",
        "run.py",
        "weights.bin",
        "a\\b.json",
        ".hidden.json",
    ],
)
def test_a_file_that_goes_elsewhere_or_runs_code_is_refused(
    hub: ScriptedHub, home: Home, tmp_path: Path, file: str
) -> None:
    home.sharing.push(home.add_version(), REPOSITORY, private=True)
    kept = hub.repositories["model", "me/ranker"].files
    told = json.loads(kept[MANIFEST])
    told["files"][file] = "0" * 64
    kept[MANIFEST] = json.dumps(told).encode()
    with pytest.raises(MalformedInput, match=r"blender_version.json"):
        Home(tmp_path / "second").sharing.pull(REPOSITORY)


def test_what_is_no_version_of_ours_is_told(hub: ScriptedHub, home: Home) -> None:
    Repository(name="me/other", kind="model").ensure(private=True)
    with pytest.raises(HubError, match=r"blender_version.json of me/other"):
        home.sharing.pull(Repository(name="me/other", kind="model"))


def test_no_version_no_files_and_the_start_ranker_are_not_put(hub: ScriptedHub, home: Home) -> None:
    with pytest.raises(NotFound, match="there is no version 5"):
        home.sharing.push(5, REPOSITORY, private=True)
    version_id = home.add_version()
    for file in (home.rankers / "job-7-abc").iterdir():
        file.unlink()
    with pytest.raises(NotFound, match="restore them from a backup"):
        home.sharing.push(version_id, REPOSITORY, private=True)
    keep_start_version(home.engine, rankers_path=home.rankers, reader="smollm2-135m")
    with transaction(home.engine) as session:
        start = find_active_version(session)
    assert start is not None
    with pytest.raises(Refused, match="comes with the package"):
        home.sharing.push(start.id, REPOSITORY, private=True)
    assert ("model", "me/ranker") not in hub.repositories
