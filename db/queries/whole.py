"""Every row of every table, as it is, out of a store and into one.

Invariant: tables come parents first. Non-goal: what the rows mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlmodel import AutoString, Session, SQLModel

from db.models import UtcTime

Kind = Literal["int", "float", "text", "bool", "time", "json", "bytes"]
_KINDS: tuple[tuple[type, Kind], ...] = (
    (UtcTime, "time"),
    (JSON, "json"),
    (Boolean, "bool"),
    (Integer, "int"),
    (Float, "float"),
    (LargeBinary, "bytes"),
    (String, "text"),  # enums
    (AutoString, "text"),
)
_AT_ONCE = 5_000


def list_tables() -> list[Table]:
    """Every table, parents before those that refer to them."""
    return list(SQLModel.metadata.sorted_tables)


def table_of(name: str, kinds: Mapping[str, Kind]) -> Table:
    """A table of another revision, by the kinds of its columns; enough to write rows into it."""
    types = {kind: type_ for type_, kind in reversed(_KINDS)} | {"json": JSON(none_as_null=True)}
    return Table(name, MetaData(), *(Column(column, types[kind]) for column, kind in kinds.items()))


def columns_of(table: Table) -> dict[str, Kind]:
    """The kind of each column."""
    return {column.name: _kind(column.type) for column in table.columns}


def freeze(session: Session) -> None:
    """See the store as it is at one moment; call it before the first query of a transaction."""
    if session.connection().dialect.name == "postgresql":
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def iterate_rows(session: Session, table: Table) -> Iterator[dict[str, Any]]:
    """All rows of a table by primary key, a batch at a time."""
    query = select(table).order_by(*table.primary_key.columns)
    result = session.connection().execution_options(yield_per=_AT_ONCE).execute(query)
    for row in result:
        yield dict(row._mapping)


def count_rows(session: Session, table: Table) -> int:
    """How many rows a table has."""
    n_rows: int = session.execute(select(func.count()).select_from(table)).scalar_one()
    return n_rows


def delete_all(session: Session, *, table: Table) -> None:
    """Remove every row of a table, as making room for an archive does."""
    session.execute(delete(table))


def insert_all(session: Session, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows with the keys they have, and let new rows be numbered after them; say how many."""
    connection, n_rows, remaining = session.connection(), 0, iter(rows)
    # A row may refer to a later one of its own table, so these references follow once all rows are there.
    own = [
        column.name for column in table.columns if any(key.references(table) for key in column.foreign_keys)
    ]
    references: dict[str, list[dict[str, Any]]] = {name: [] for name in own}
    while batch := [dict(row) for row in islice(remaining, _AT_ONCE)]:
        for name in own:
            references[name] += [
                {"row_id": row["id"], "referred": row[name]} for row in batch if row[name] is not None
            ]
            batch = [row | {name: None} for row in batch]
        connection.execute(insert(table), batch)
        n_rows += len(batch)
    for name, values in references.items():
        if values:
            chosen = update(table).where(table.c.id == bindparam("row_id"))
            connection.execute(chosen.values({name: bindparam("referred")}), values)
    if connection.dialect.name == "postgresql" and "id" in table.columns and n_rows:
        connection.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}")
        )
    return n_rows


def _kind(column_type: Any) -> Kind:
    for type_, kind in _KINDS:
        if isinstance(column_type, type_):
            return kind
    raise TypeError(f"{column_type!r} has no place in an archive; give it one in {__name__}")
