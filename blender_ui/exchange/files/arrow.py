"""Parquet and Arrow files: rows out of them, tables into them. The only module that knows pyarrow.

Invariant: files are read and written in batches, so memory does not grow with them. Non-goal: what columns
mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from blender_ui.errors import MalformedInput
from blender_ui.exchange.files.packing import tell_unpacked
from blender_ui.exchange.limits import MOST_BATCH_BYTES, MOST_UNPACKED_BYTES

BATCH = 5_000


def find_binary(path: Path) -> Literal["parquet", "arrow"] | None:
    """Whether a file is Parquet or Arrow, by its first bytes; the name tells nothing."""
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(b"PAR1"):
        return "parquet"
    # A stream, as ``datasets`` saves one, begins with the mark of a message.
    return "arrow" if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")) else None


def read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file, NULL as None.

    Raises:
        MalformedInput: If it is none, or breaks off.
    """
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_rows_at_once(file.metadata)):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise MalformedInput(f"{path.name} cannot be read as Parquet: {error}") from error


def _rows_at_once(metadata: pq.FileMetaData) -> int:
    """So few rows that they stay in bounds.

    A column may keep one long text once for all its rows, so each row may take as much as its whole group.
    What the file says of single columns is not asked for: where that is damaged, pyarrow ends the process.
    """
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    heaviest: int = max([1, *(group.total_byte_size for group in groups)])
    return max(min(MOST_BATCH_BYTES // heaviest, BATCH), 1)


def read_arrow(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of an Arrow file, as a stream (what ``datasets.save_to_disk`` writes) or with a footer.

    Raises:
        MalformedInput: If it is none, or breaks off.
    """
    try:
        with pa.memory_map(str(path)) as source:
            for batch in _arrow_batches(source):
                # Offsets of a damaged file may point anywhere; reading along them would end the process.
                batch.validate(full=True)
                if batch.nbytes > MOST_UNPACKED_BYTES:
                    raise MalformedInput(tell_unpacked(f"a batch of {path.name}", MOST_UNPACKED_BYTES))
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise MalformedInput(f"{path.name} cannot be read as Arrow: {error}") from error


def write_parquet(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> int:
    """Write rows under a schema, compressed; say how many. The same rows give the same bytes."""
    n_rows, remaining = 0, iter(rows)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(remaining, BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            n_rows += len(batch)
    return n_rows


def _arrow_batches(source: Any) -> Iterator[pa.RecordBatch]:
    try:
        stream = pa.ipc.open_stream(source)
    except pa.ArrowInvalid:
        source.seek(0)
        file = pa.ipc.open_file(source)
        return (file.get_batch(number) for number in range(file.num_record_batches))
    return iter(stream)
