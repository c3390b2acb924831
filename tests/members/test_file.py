"""A change to members.toml leaves everything else of it as it was written, or changes nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from blender_ui.errors import NotFound, SettingsError
from blender_ui.members.file import MembersFile

WRITTEN = """# Our members; ask Bo before you change them.

[[member]]
name = "Ann"   # the fast one
backend = "openai"
model = "m"
base_url = "http://host:8000/v1"

[member.sampling]
temperature = 0.2

# Ours, too.
[[member]]
name = "Bob"
backend = "llama_cpp"
model = "b.gguf"
"""
NEW = {
    "name": "Cid",
    "backend": "openai",
    "model": "c",
    "base_url": "http://host/v1",
    "price": {"input": 1.5},
}


@pytest.fixture
def file(tmp_path: Path) -> MembersFile:
    path = tmp_path / "members.toml"
    path.write_text(WRITTEN)
    return MembersFile(path)


def test_a_member_is_added_and_the_rest_stays_as_it_was_written(file: MembersFile) -> None:
    configs = file.add(NEW)
    assert [config.name for config in configs] == ["Ann", "Bob", "Cid"]
    assert configs == file.read()
    assert configs[2].price is not None
    assert configs[2].price.input == 1.5
    assert file.path.read_text().startswith(WRITTEN)


def test_a_member_is_disabled_where_it_stands_and_enabled_again(file: MembersFile) -> None:
    assert [config.enabled for config in file.set_enabled("Ann", False)] == [False, True]
    assert "# the fast one" in file.path.read_text()
    assert [config.sampling.temperature for config in file.read()] == [0.2, 0.7]
    assert [config.enabled for config in file.set_enabled("Ann", True)] == [True, True]


def test_a_mistake_changes_nothing_and_is_named(file: MembersFile) -> None:
    for table, words in (
        ({**NEW, "name": "Ann"}, "'Ann' is used twice"),
        ({**NEW, "base_url": "host"}, "base_url"),
        ({**NEW, "price": {"input": -1.0}}, "price"),
    ):
        with pytest.raises(SettingsError, match=words):
            file.add(table)
    with pytest.raises(NotFound, match="no member called 'Zed'"):
        file.set_enabled("Zed", False)
    assert file.path.read_text() == WRITTEN
    assert os.listdir(file.path.parent) == ["members.toml"]


def test_what_somebody_wrote_meanwhile_is_kept(file: MembersFile) -> None:
    file.path.write_text(WRITTEN.replace('"m"', '"other"'))
    assert file.set_enabled("Bob", False)[0].model == "other"
    file.path.write_text("[[member]\n")
    with pytest.raises(SettingsError, match="not valid TOML"):
        file.set_enabled("Bob", True)
    assert file.path.read_text() == "[[member]\n"


def test_a_file_that_is_mounted_by_itself_is_changed_where_it_is(
    file: MembersFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: str, _target: str) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")  # as of a file that a container has mounted

    monkeypatch.setattr(os, "replace", refuse)
    number = file.path.stat().st_ino
    assert [config.name for config in file.add(NEW)] == ["Ann", "Bob", "Cid"]
    assert file.path.read_text().startswith(WRITTEN)
    assert file.path.stat().st_ino == number
    assert os.listdir(file.path.parent) == ["members.toml"]
