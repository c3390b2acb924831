"""The headings of a sheet, where people put a title above them or merge cells over two rows.

Invariant: a row is taken for the second one of headings only if no cell below a single heading is filled, so
no row of data is. Non-goal: what headings mean (``exchange.columns``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from blender_ui.errors import MalformedInput

NumberedCells = tuple[int, Sequence[str]]


def read_headings(rows: Iterator[NumberedCells], path: Path) -> tuple[list[str], Iterator[NumberedCells]]:
    """The names of a sheet's columns, empty where one has none, and the rows of data below.

    Args:
        rows: The sheet's, with their numbers.
        path: For the error.

    Raises:
        MalformedInput: If a heading comes twice.
    """
    filled = (row for row in rows if any(cell.strip() for cell in row[1]))
    title = first = next(filled, (0, ()))
    while _n_filled(first[1]) == 1:
        first = next(filled, (0, ()))
    if not first[1]:
        return _without_twins(title[1], path), iter(())
    second = next(filled, None)
    if second is None:
        return _without_twins(first[1], path), iter(())
    names = _merged(first[1], second[1])
    if names is None:
        return _without_twins(first[1], path), chain([second], filled)
    return _without_twins(names, path), filled


def _n_filled(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _merged(above: Sequence[str], below: Sequence[str]) -> list[str] | None:
    """The names of two rows of headings; None where the second is no such row.

    A heading that was merged over several columns stands in the first of them, and the others are empty.
    """
    names, group, has_group = [], "", False
    for place, under in enumerate(below):
        over = above[place].strip() if place < len(above) else ""
        if over:
            is_merged = place + 1 < len(above) and not above[place + 1].strip()
            is_merged = (
                is_merged and bool(under.strip()) and bool("".join(below[place + 1 : place + 2]).strip())
            )
            if under.strip() and not is_merged:
                return None
            group, has_group = over if is_merged else "", has_group or is_merged
        names.append(" ".join(part for part in (over or group, under.strip()) if part))
    return names if has_group else None


def _without_twins(cells: Sequence[str], path: Path) -> list[str]:
    names = [cell.strip() for cell in cells]
    twice = [name for name, n in Counter(names).items() if name and n > 1]
    if twice:
        raise MalformedInput(f"{path.name} has the heading {twice[0]!r} twice; expected each once")
    return names
