"""DeBERTa's tokenizer from ``spm.model``, the only tokenizer file of its published base models.

transformers 5 converts that file without its table of character normalisation, so that text which is
not in NFKC form gets other ids than the checkpoints were trained with; and it needs two packages for
it. This reads the file itself and builds what transformers 4 built.

Invariant: the same ids as transformers 4's DebertaV2TokenizerFast. Non-goal: other models' files.
The file's fields are those of sentencepiece's ``sentencepiece_model.proto``, in protobuf's wire format.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from blender_ui.errors import RankerError

_PIECES, _NORMALIZER = 1, 3
_PIECE_TEXT, _PIECE_SCORE = 1, 2
_CHARACTER_MAP = 2
_NAMES = {
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "unk_token": "[UNK]",
    "mask_token": "[MASK]",
    "bos_token": "[CLS]",
    "eos_token": "[SEP]",
}


def load_deberta_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Build a DeBERTa-v2/v3 tokenizer from a folder's ``spm.model``.

    Raises:
        RankerError: If the file is damaged or not DeBERTa's.
    """
    path = folder / "spm.model"
    try:
        pieces, character_map = _read_model(path.read_bytes())
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise RankerError(
            f"expected a sentencepiece model in {path}; the file is damaged: {error}"
        ) from error
    texts = [text for text, _ in pieces]
    if "[UNK]" not in texts:
        raise RankerError(f"expected DeBERTa's special tokens in {path}, came pieces like {texts[:4]}")
    settings = folder / "tokenizer_config.json"
    options = json.loads(settings.read_text()) if settings.exists() else {}
    backend = Tokenizer(models.Unigram(pieces, unk_id=texts.index("[UNK]"), byte_fallback=False))
    backend.normalizer = normalizers.Sequence(_list_normalizers(character_map, options))
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            *([pre_tokenizers.Punctuation("isolated")] if options.get("split_by_punct") else []),
            pre_tokenizers.Metaspace(prepend_scheme="always"),
        ]
    )
    backend.decoder = decoders.Metaspace(prepend_scheme="always")
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        special_tokens=[(token, texts.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, **_NAMES)  # type: ignore[no-untyped-call]


def _list_normalizers(character_map: bytes, options: dict[str, Any]) -> list[Any]:
    steps: list[Any] = [normalizers.Lowercase()] if options.get("do_lower_case") else []
    steps.append(normalizers.Strip())
    if character_map:
        steps.append(normalizers.Precompiled(character_map))
    return [*steps, normalizers.Replace(Regex(" {2,}"), " ")]


def _read_model(content: bytes) -> tuple[list[tuple[str, float]], bytes]:
    """The vocabulary with its scores, and the table of character normalisation."""
    pieces: list[tuple[str, float]] = []
    character_map = b""
    for field, value in _read_fields(content):
        if field == _PIECES:
            piece = dict(_read_fields(value))
            score = struct.unpack("<f", piece[_PIECE_SCORE])[0] if _PIECE_SCORE in piece else 0.0
            pieces.append((piece[_PIECE_TEXT].decode(), score))
        elif field == _NORMALIZER:
            character_map = dict(_read_fields(value)).get(_CHARACTER_MAP, b"")
    return pieces, character_map


def _read_fields(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and raw values of a message's fields; those of variable-length integers are left out."""
    position = 0
    while position < len(content):
        key, position = _read_integer(content, position)
        field, kind = key >> 3, key & 7
        if kind == 0:
            _, position = _read_integer(content, position)
            continue
        if kind not in (1, 2, 5):
            raise struct.error(f"unknown wire type {kind} at byte {position}")
        size = {1: 8, 5: 4}.get(kind, 0)
        if kind == 2:
            size, position = _read_integer(content, position)
        yield field, content[position : position + size]
        position += size


def _read_integer(content: bytes, position: int) -> tuple[int, int]:
    """A base-128 integer and the position after it."""
    value = shift = 0
    while True:
        byte = content[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position
