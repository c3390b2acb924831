"""Reads damaged Parquet and Arrow files: ``python -m tests.exchange.damaged_columns SEED N``.

A process of its own, since a fault in the native reader ends it. Prints how many were read and how many were
refused with a sentence.
"""

from __future__ import annotations

import io
import random
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from blender_ui.errors import MalformedInput
from blender_ui.exchange.files.arrow import find_binary, read_arrow, read_parquet


def main() -> None:
    """Damage, read, count."""
    rng = random.Random(int(sys.argv[1]))
    whole, path = _files(), Path(tempfile.mkdtemp()) / "damaged"
    counts = {"read": 0, "refused": 0}
    for _ in range(int(sys.argv[2])):
        bytes_ = bytearray(rng.choice(whole))
        for _ in range(rng.randint(1, 6)):
            bytes_[rng.randrange(8, len(bytes_))] = rng.choice([0, 127, 255, rng.randrange(256)])
        path.write_bytes(bytes_)
        try:
            for _ in (read_parquet if find_binary(path) == "parquet" else read_arrow)(path):
                pass
            counts["read"] += 1
        except MalformedInput:
            counts["refused"] += 1
    print(counts["read"], counts["refused"])


def _files() -> list[bytes]:
    table = pa.table(
        {
            "prompt": [f"q {number}" * 3 for number in range(20)],
            "answers": [["a" * number, "b"] for number in range(20)],
            "model": pa.array(["m", "n"] * 10).dictionary_encode(),
            "meta": pa.array([{"a": 1, "b": "t"}] * 20),
            "rating": list(range(20)),
            "unknown": pa.array([None, True] * 10),
        }
    )
    made = []
    for begin in (pa.ipc.new_stream, pa.ipc.new_file):
        sink = pa.BufferOutputStream()
        with begin(sink, table.schema) as writer:
            writer.write_table(table)
        made.append(sink.getvalue().to_pybytes())
    for compression in ("none", "snappy"):
        stream = io.BytesIO()
        pq.write_table(table, stream, compression=compression)
        made.append(stream.getvalue())
    return made


if __name__ == "__main__":
    main()
