"""An archive from outside writes no more than it may, and is read nowhere but in itself."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from blender_ui.errors import MalformedInput
from blender_ui.exchange import archive
from blender_ui.exchange.archive import TableDump, is_archive, open_archive, write_archive
from blender_ui.exchange.files import rows

ROWS = [{"id": 1, "name": "ada"}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    table = TableDump("member", {"id": "int", "name": "text"}, ROWS)
    write_archive(tmp_path / "all.zip", [table], revision="1", created_at="2026-01-02T03:04:05+00:00")
    return tmp_path / "all.zip"


def with_entry(path: Path, **changes: Any) -> Path:
    """The archive with a manifest that tells something else of its table."""
    changed = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        manifest = json.loads(old.read(archive.MANIFEST))
        manifest["tables"][0] |= changes
        new.writestr(archive.MANIFEST, json.dumps(manifest))
        new.writestr("tables/member.parquet", old.read("tables/member.parquet"))
    return changed


def test_what_was_written_is_read(path: Path) -> None:
    assert is_archive(path)
    with open_archive(path) as opened:
        (entry,) = opened.manifest.tables
        assert list(opened.rows(entry)) == ROWS


def test_an_archive_that_unpacks_to_too_much_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("tables/zeros.parquet", bytes(1 << 20))
    monkeypatch.setattr(rows, "MOST_UNZIPPED_BYTES", 1 << 20)
    with pytest.raises(MalformedInput, match=r"all\.zip would unpack to"), open_archive(path):
        pass


def test_a_directory_that_understates_a_size_unpacks_to_no_more(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(1 << 20))
    true, told = (1 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little")
    bomb.write_bytes(bomb.read_bytes().replace(true, told))
    (tmp_path / "out").mkdir()
    with pytest.raises(MalformedInput, match="cannot be unpacked"):
        rows.unzip(bomb, tmp_path / "out")
    assert (tmp_path / "out" / "zeros").stat().st_size <= 10


def test_a_value_that_is_too_long_is_told_by_its_row(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_LINE_BYTES", 2)
    with open_archive(path) as opened:
        (entry,) = opened.manifest.tables
        with pytest.raises(MalformedInput, match=r"member\.parquet, row 1: a value has 3 characters"):
            list(opened.rows(entry))


def test_a_manifest_of_any_size_is_not_read_into_memory(path: Path) -> None:
    with zipfile.ZipFile(path.with_name("large.zip"), "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(archive.MANIFEST, b'"blender-ui archive' + bytes(archive.MOST_MANIFEST_BYTES))
    assert not is_archive(path.with_name("large.zip"))


@pytest.mark.parametrize(
    "changes",
    [
        {"file": "../../etc/hostname"},
        {"file": "/etc/hostname"},
        {"file": "tables/other.parquet"},
        {"name": "../../member", "file": "tables/../../member.parquet"},
        {"name": 3},
    ],
)
def test_a_table_is_read_from_its_own_file_only(path: Path, changes: dict[str, Any]) -> None:
    with (
        pytest.raises(MalformedInput, match=r"expected a manifest of .* came ValueError.*table "),
        open_archive(with_entry(path, **changes)),
    ):
        pass


def test_a_digest_that_is_no_text_is_a_sentence(path: Path) -> None:
    with (
        pytest.raises(MalformedInput, match=r"expected a manifest of .* came TypeError.*SHA-256"),
        open_archive(with_entry(path, sha256=3)),
    ):
        pass


def test_an_archive_without_a_manifest_is_a_sentence(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("tables/member.parquet", b"")
    with pytest.raises(MalformedInput, match="expected a manifest"), open_archive(tmp_path / "x.zip"):
        pass


def test_a_damaged_zip_is_no_archive(path: Path) -> None:
    whole = path.read_bytes()
    damaged = path.with_name("damaged.zip")
    at = whole.index(b"PK\x01\x02")  # the directory's first entry
    damaged.write_bytes(whole[:at] + b"PK\x09\x09" + whole[at + 4 :])
    assert zipfile.is_zipfile(damaged)
    assert not is_archive(damaged)
