"""Writes many rows of one table at once, for the stores that benchmarks measure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from sqlalchemy import Engine, insert
from sqlmodel import SQLModel

ROWS_AT_ONCE = 20_000


def write_rows(engine: Engine, model: type[SQLModel], rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows in one transaction; what is not given has the model's default."""
    fields = model.model_fields.items()
    given = {
        name: field.get_default(call_default_factory=True)
        for name, field in fields
        if not field.is_required()
    }
    defaults = {name: value for name, value in given.items() if value is not None}
    left = iter(rows)
    with engine.begin() as connection:
        while portion := [defaults | row for row in islice(left, ROWS_AT_ONCE)]:
            connection.execute(insert(model), portion)
