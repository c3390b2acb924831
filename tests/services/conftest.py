"""A store on either database, for tests of what both must do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.migrations import migrate
from tests.builders.postgresql import ON_EITHER, an_empty_database, running_server
from tests.builders.stores import make_store

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Path]:
    """The socket folder of a running server."""
    with running_server() as folder:
        yield folder


@pytest.fixture(params=ON_EITHER)
def either_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated store without rows."""
    if request.param == "sqlite":
        engine = make_store(tmp_path)
        yield engine
        engine.dispose()
        return
    server = request.getfixturevalue("postgresql_server")
    with an_empty_database(server, f"either_{next(_NUMBERS)}") as engine:
        migrate(engine)
        yield engine
