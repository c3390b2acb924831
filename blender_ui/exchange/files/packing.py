"""The bytes of a file, unpacked where it is compressed, and its lines.

Compression is recognised by content: names can lie, and browsers unpack downloads. Invariant: neither the
whole nor a line grows past ``exchange.limits``, however small the file is. Non-goal: zips, which hold files.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar

from blender_ui.errors import MalformedInput
from blender_ui.exchange.limits import MOST_LINE_BYTES, MOST_UNPACKED_BYTES

PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst")


def _open_zstandard(raw: BinaryIO) -> Any:
    import pyarrow as pa  # Python 3.11 itself has no Zstandard

    return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")


_MAGIC = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
    (b"\x28\xb5\x2f\xfd", _open_zstandard),
)
_BUFFER = 1 << 20
Text = TypeVar("Text", str, bytes)


class _Bounded(io.RawIOBase):
    """What a compressed stream holds, up to a number of bytes."""

    def __init__(self, inner: Any, path: Path) -> None:
        self._inner, self._path, self._n_bytes = inner, path, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read more, as ``io`` asks for it.

        Raises:
            MalformedInput: If there is more than may be.
        """
        n = int(self._inner.readinto(buffer))
        self._n_bytes += n
        if self._n_bytes > MOST_UNPACKED_BYTES:
            raise MalformedInput(tell_unpacked(self._path.name, MOST_UNPACKED_BYTES))
        return n


def tell_unpacked(name: str, most: int) -> str:
    """The sentence for what unpacks to more than may be."""
    return f"{name} unpacks to more than {most / 1e9:.3g} GB; unpack it, split it, and import the parts"


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, through gzip, bzip2, xz or Zstandard where its first bytes say so.

    Raises:
        MalformedInput: If it is not there, breaks off, or unpacks to more than it may.
    """
    try:
        with path.open("rb") as raw:
            head = raw.read(8)
            raw.seek(0)
            unpack = next((opener for magic, opener in _MAGIC if head.startswith(magic)), None)
            if unpack is None:
                yield raw
                return
            with unpack(raw) as inner, io.BufferedReader(_Bounded(inner, path), _BUFFER) as stream:
                yield stream
    except FileNotFoundError as error:
        raise MalformedInput(f"there is no file {path}") from error
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise MalformedInput(f"{path.name} cannot be read to its end: {error}") from error


def bounded_lines(stream: IO[Text], path: Path, *, most: int | None = None) -> Iterator[Text]:
    """The lines of a stream; raises MalformedInput at one that has no end within bounds."""
    number, most = 0, most or MOST_LINE_BYTES
    while line := stream.readline(most + 1):
        number += 1
        if len(line) > most:
            raise MalformedInput(
                f"{path.name}, line {number}: longer than {most / 1e6:.0f} MB; expected one row a line"
            )
        yield line


def plain_name(path: Path) -> Path:
    """A file's name as if it were not compressed."""
    return path.with_suffix("") if path.suffix.casefold() in PACKED_SUFFIXES else path
