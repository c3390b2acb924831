"""In which encoding a text file is, and its bytes as UTF-8.

UTF-8, -16 and -32 are told by their mark, or by where their zero bytes stand. A file with a line outside
ASCII that is UTF-8 is UTF-8, whatever else is wrong with it. In any other, the encoding is guessed from the
bytes, and the import says so. Invariant: a guess is never made where a line proves UTF-8. Non-goal: sheets
of Excel, which know their own.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from charset_normalizer import from_bytes

from blender_ui.errors import MalformedInput
from blender_ui.exchange.files.packing import bounded_lines, open_unpacked

UTF_8 = "utf-8"
_MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZEROS = (
    ((0, 1, 1, 1), "utf-32-le"),
    ((1, 1, 1, 0), "utf-32-be"),
    ((0, 1, 0, 1), "utf-16-le"),
    ((1, 0, 1, 0), "utf-16-be"),
)
"""Which of the first four bytes are zero, where the text begins in ASCII."""
_SAMPLE_BYTES = 1 << 16
_CHUNK = 1 << 16
_WESTERN = re.compile(
    r"[ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽž€“”„‚‘’–—…«»¿¡°§·\xa0]+"
)
_MOST_WESTERN_RUN = 2


def find_encoding(path: Path) -> str:
    """The encoding of a file, which may be compressed.

    Raises:
        MalformedInput: If it is not UTF-8 and none can be guessed.
    """
    with open_unpacked(path) as stream:
        head = stream.read(4)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if len(head) == 4:
        for zeros, encoding in _ZEROS:
            if tuple(int(not byte) for byte in head) == zeros:
                return encoding
    sample = _lines_that_are_not_utf_8(path)
    return _guess(sample, path) if sample else UTF_8


@contextmanager
def open_utf8(path: Path, encoding: str | None = None) -> Iterator[BinaryIO]:
    """Open a text file, which may be compressed, as UTF-8.

    Args:
        path: The file.
        encoding: What it is in; None to find out.
    """
    encoding = encoding or find_encoding(path)
    with open_unpacked(path) as stream:
        if encoding == UTF_8:
            yield stream
        else:
            yield cast("BinaryIO", io.BufferedReader(_Recoded(stream, encoding, path), _CHUNK))


class _Recoded(io.RawIOBase):
    """A stream of another encoding, as UTF-8."""

    def __init__(self, inner: BinaryIO, encoding: str, path: Path) -> None:
        self._inner, self._path, self._encoding = inner, path, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = b""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read more, as ``io`` asks for it.

        Raises:
            MalformedInput: If a byte is none of the encoding.
        """
        while not self._ready:
            chunk = self._inner.read(_CHUNK)
            try:
                self._ready = self._decoder.decode(chunk, final=not chunk).encode()
            except UnicodeError as error:
                raise MalformedInput(
                    f"{self._path.name} is not {self._encoding} throughout: {error}"
                ) from error
            if not chunk:
                break
        n = min(len(buffer), len(self._ready))
        buffer[:n], self._ready = self._ready[:n], self._ready[n:]
        return n


def numbered_lines(path: Path, encoding: str | None = None) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, in UTF-8, counted from 1, without a byte order mark."""
    with open_utf8(path, encoding) as stream:
        for number, line in enumerate(bounded_lines(stream, path), start=1):
            if line.strip():
                yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _lines_that_are_not_utf_8(path: Path) -> bytes:
    """What stands in lines outside ASCII, if none of them is UTF-8; else nothing."""
    sample = b""
    with open_unpacked(path) as stream:
        while (line := _look_at_line(stream)) is not None:
            if line.is_utf_8 and line.foreign:
                return b""
            sample += line.foreign[: _SAMPLE_BYTES - len(sample)]
    return sample


class _Line(NamedTuple):
    """What a line says of its encoding.

    Attributes:
        foreign: Pieces of it outside ASCII, as many as a sample holds.
        is_utf_8: Whether all of it is.
    """

    foreign: bytes
    is_utf_8: bool


def _look_at_line(stream: BinaryIO) -> _Line | None:
    """Read the next line in pieces, None at the end: a JSON array may be one line, as long as its file."""
    foreign, is_utf_8, decoder = b"", True, codecs.getincrementaldecoder(UTF_8)()
    piece = stream.readline(_CHUNK)
    if not piece:
        return None
    while piece:
        is_last = piece.endswith(b"\n")
        if not piece.isascii():
            foreign += piece[: _SAMPLE_BYTES - len(foreign)]
        try:
            decoder.decode(piece, final=is_last)
        except UnicodeDecodeError:
            is_utf_8 = False
            decoder.reset()
        piece = b"" if is_last else stream.readline(_CHUNK)
    return _Line(foreign, is_utf_8 and not decoder.getstate()[0])


def _guess(sample: bytes, path: Path) -> str:
    try:
        western = sample.decode("cp1252")
    except UnicodeDecodeError:
        western = ""
    foreign = re.findall(r"[^\x00-\x7f]+", western)
    if foreign and all(_WESTERN.fullmatch(run) and len(run) <= _MOST_WESTERN_RUN for run in foreign):
        return "cp1252"
    best = from_bytes(sample).best()
    if best is None:
        raise MalformedInput(f"{path.name} is not UTF-8, and its encoding cannot be told; save it as UTF-8")
    return best.encoding
