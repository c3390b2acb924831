"""What the columns of every table are made of: names of constraints, times, enums.

Invariant: times are stored in UTC and come back with their zone; an enum's column refuses any other
word, by raw SQL too. Non-goal: tables.
"""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import Column, DateTime, Dialect, MetaData, TypeDecorator
from sqlalchemy import Enum as SqlEnum
from sqlmodel import SQLModel

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention


def utc_now() -> datetime:
    """The present time, in UTC."""
    return datetime.now(UTC)


class UtcTime(TypeDecorator[datetime]):
    """A time kept in UTC without its zone and given back with it, on every database alike."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware time into the UTC time that is stored."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"expected a time with a zone, came {value.isoformat()}; pass datetime.now(UTC)")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn the stored time into an aware one."""
        return None if value is None else value.replace(tzinfo=UTC)


def enum_column(kind: type[enum.StrEnum], *, nullable: bool = False, **options: Any) -> Column[Any]:
    """A VARCHAR with a CHECK on the enum's values, so a wrong word cannot enter by raw SQL."""
    return Column(
        SqlEnum(
            kind,
            values_callable=lambda members: [member.value for member in members],
            native_enum=False,
            create_constraint=True,
            name=kind.__name__.lower(),
            length=32,
        ),
        nullable=nullable,
        **options,
    )


class HasId(Protocol):
    """A row with a number of its own."""

    id: int | None


def row_id(row: HasId) -> int:
    """The id of a row that has been flushed.

    Raises:
        RuntimeError: If it has not.
    """
    if row.id is None:
        raise RuntimeError(f"{type(row).__name__} was not flushed before its id was read")
    return row.id
