"""Rows as CSV, for the link under each table and figure.

Invariant: no cell is a formula to a spreadsheet. Non-goal: large exports; ``services.data`` streams.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with a line of headings."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([_plain(value) for value in row] for row in rows)
    return text.getvalue()


def _plain(value: object) -> object:
    """A spreadsheet takes text that begins like this for a formula; the quote keeps it text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
