"""The largest sizes of files, texts and lines that an import accepts.

Invariant: readers of files name what was too large and where. Non-goal: how large a page's own texts
may be.
"""

from __future__ import annotations

import hashlib

MOST_CHARACTERS = 1_000_000
"""Of one text: a prompt, an input, an answer, a reason. The longest contexts of models are about as long."""
MOST_OF_A_MODEL = 128
"""Characters of a model's name, as the store keeps it."""
MOST_LINE_BYTES = 64 << 20
"""Of one line of JSON or CSV; a row holds several texts, and a chat many."""
MOST_UNPACKED_BYTES = 1 << 30
"""Of one compressed file, since a gzip of 1 MB can hold as much, and records are gathered in memory."""
MOST_UNZIPPED_BYTES = 8 << 30
"""Of a zip with all its entries, which lie on the disk meanwhile."""
MOST_BATCH_BYTES = 256 << 20
"""Of rows that are decoded together, as far as the file says what it holds."""


def shorten(name: str, most: int) -> str:
    """A name of at most so many characters: a longer one ends in a digest, so that two stay two."""
    if len(name) <= most:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: most - len(digest) - 1]}~{digest}"
