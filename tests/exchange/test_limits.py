"""What a small file may unpack to, and how long a text may be: a bound, and a sentence that names the row."""

import bz2
import gzip
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blender_ui.errors import MalformedInput
from blender_ui.exchange import read_file, read_records
from blender_ui.exchange.files import arrow, packing, rows
from blender_ui.exchange.limits import MOST_CHARACTERS

GOOD = {"prompt": "Good?", "chosen": "Yes.", "rejected": "No."}
LONG = {"prompt": "x" * (MOST_CHARACTERS + 1), "chosen": "Yes.", "rejected": "No."}


def read(path: Path) -> list[str]:
    return [record.prompt for record in read_file(path)]


def in_lines(*rows: dict[str, str]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def in_csv(*rows: dict[str, str]) -> bytes:
    return "\n".join(["prompt,chosen,rejected", *(",".join(row.values()) for row in rows)]).encode()


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize(("name", "write"), [("x.jsonl", in_lines), ("x.csv", in_csv)])
def test_a_text_that_is_too_long_is_told_by_its_row(
    tmp_path: Path, pack: Callable[[bytes], bytes], name: str, write: Callable[..., bytes]
) -> None:
    path = tmp_path / name
    path.write_bytes(pack(write(GOOD, LONG)))
    with pytest.raises(
        MalformedInput, match=r"x\.\w+, line [23]: 'prompt' has 1,000,001 characters, the most"
    ):
        read(path)


def test_a_text_that_is_too_long_is_told_in_parquet_in_a_zip_and_in_own_records(tmp_path: Path) -> None:
    parquet, zipped, own = tmp_path / "x.parquet", tmp_path / "x.zip", tmp_path / "own.jsonl.gz"
    pq.write_table(pa.Table.from_pylist([GOOD, LONG]), parquet, compression="zstd")
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.jsonl", in_lines(GOOD, LONG))
    candidate = {"model": "m", "text": LONG["prompt"]}
    record = {"id": "1", "source": "s", "prompt": "Q?", "candidates": [candidate], "labels": []}
    own.write_bytes(gzip.compress(json.dumps(record).encode()))
    for path, place in ((parquet, "row 2"), (zipped, "line 2"), (own, "line 1")):
        with pytest.raises(MalformedInput, match=rf"{place}: .* has 1,000,001 characters"):
            read(path)
    with pytest.raises(MalformedInput, match=r"line 1: .* has 1,000,001 characters"):
        list(read_records(own))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["x.jsonl", "x.csv", "x.json"])
def test_a_small_file_that_unpacks_to_too_much_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes], name: str
) -> None:
    monkeypatch.setattr(packing, "MOST_UNPACKED_BYTES", 100_000)
    many = [GOOD | {"prompt": f"Q{number}"} for number in range(10_000)]
    text = {"x.csv": in_csv(*many), "x.json": json.dumps(many).encode()}.get(name, in_lines(*many))
    path = tmp_path / name
    path.write_bytes(pack(text))
    assert path.stat().st_size < 100_000 < len(text)
    with pytest.raises(MalformedInput, match=r"x\.\w+ unpacks to more than 0\.0001 GB"):
        read(path)


def test_text_in_a_zip_is_bounded_as_a_compressed_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_UNPACKED_BYTES", 1_000)
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/x.jsonl", in_lines(*[GOOD] * 100))
    with pytest.raises(MalformedInput, match=r"data/x\.jsonl in x\.zip unpacks to more than"):
        read(path)


def test_a_line_without_an_end_is_not_read_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MOST_LINE_BYTES", 50_000)
    for name in ("x.jsonl", "x.csv"):
        path = tmp_path / f"{name}.gz"
        path.write_bytes(gzip.compress(b'prompt,"chosen' + b"x" * 60_000))
        with pytest.raises(MalformedInput, match=rf"{name}\.gz, line 1: longer than"):
            read(path)


def test_few_rows_of_parquet_are_decoded_at_once_where_a_column_is_heavy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrow, "MOST_BATCH_BYTES", 1_000_000)
    path = tmp_path / "x.parquet"
    # One text of 400 KB, kept once for 50 rows: 20 MB as rows.
    pq.write_table(pa.Table.from_pylist([GOOD | {"prompt": "x" * 400_000}] * 50), path)
    sizes = []
    whole = pq.ParquetFile.iter_batches

    def listen(file: pq.ParquetFile, batch_size: int) -> object:
        sizes.append(batch_size)
        return whole(file, batch_size=batch_size)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", listen)
    assert sum(1 for _ in arrow.read_parquet(path)) == 50
    assert max(sizes) <= 2
