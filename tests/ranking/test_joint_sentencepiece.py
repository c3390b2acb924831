"""spm.model is read field by field; the parity benchmark compares ids on a real one."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from blender_ui.errors import RankerError
from blender_ui.ranking.joint.checkpoint import load_tokenizer

PIECES = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "▁the", "▁", "c", "a", "t", "▁cat"]


def _field(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def _write_model(path: Path, pieces: list[str]) -> None:
    """The wire format by hand: pieces of text (1), score (2, a float) and kind (3, an integer)."""
    content = b""
    for number, piece in enumerate(pieces):
        score = bytes([2 << 3 | 5]) + struct.pack("<f", -float(number))
        content += _field(1, _field(1, piece.encode()) + score + bytes([3 << 3, 1]))
    path.write_bytes(content + _field(2, b"\x08\x01") + _field(3, _field(1, b"identity")))


def test_pieces_become_ids_in_the_files_order(tmp_path: Path) -> None:
    _write_model(tmp_path / "spm.model", PIECES)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer("the  cat")["input_ids"] == [1, 4, 9, 2]
    assert tokenizer("dog")["input_ids"] == [1, 5, 3, 2]
    assert (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id) == (1, 2, 0)
    assert tokenizer.mask_token_id == len(PIECES)


def test_lower_casing_follows_the_tokenizers_settings(tmp_path: Path) -> None:
    _write_model(tmp_path / "spm.model", PIECES)
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    assert load_tokenizer(tmp_path)("THE Cat")["input_ids"] == [1, 4, 9, 2]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"\x0a\xff", "damaged"), (b"\x0b", "damaged"), (b"", "special tokens")]
)
def test_a_file_that_is_no_model_of_deberta_says_so(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "spm.model").write_bytes(content)
    with pytest.raises(RankerError, match=reason):
        load_tokenizer(tmp_path)
