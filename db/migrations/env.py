"""What Alembic runs to migrate, on the connection that ``db.migrations`` hands it."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import String
from sqlmodel import SQLModel

from db import models


def _render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write plain SQLAlchemy types, because a revision must not change when our own types do."""
    if kind == "type" and isinstance(item, models.UtcTime):
        return "sa.DateTime()"
    if kind == "type" and isinstance(getattr(item, "impl", None), String):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=_render_item,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
