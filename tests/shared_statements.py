"""What SQLAlchemy compiled for one test's store serves the next one's.

Every engine compiles its statements anew, which was a third of the time of many tests: each has a store of
its own, and each store an engine. The dialect here is SQLite's; engines differ in nothing that a compiled
statement depends on, so they count as equal and share one cache.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

_COMPILED: LRUCache[Any, Any] = LRUCache(2000)


class SharedStatements(SQLiteDialect_pysqlite):
    """SQLite's dialect, one for every engine as far as its statements go."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SharedStatements)

    def __hash__(self) -> int:
        return hash(SharedStatements)

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=_COMPILED)


def share_statements() -> None:
    """Let every SQLite engine of this process be made with it."""
    for name in ("sqlite", "sqlite.pysqlite"):
        registry.register(name, __name__, "SharedStatements")
