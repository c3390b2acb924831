"""A real PostgreSQL server, started for tests on a socket of its own, and databases on it."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db.engine import create_store

PROGRAMS = [Path(found).parent for found in [shutil.which("initdb")] if found] + sorted(
    path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")
)
"""Folders with the server's programs; none where it is not installed."""

ON_EITHER = [
    "sqlite",
    pytest.param(
        "postgresql",
        marks=[
            pytest.mark.postgresql,
            pytest.mark.skipif(not PROGRAMS, reason="needs PostgreSQL's server programs"),
        ],
    ),
]
"""Parameters of a fixture whose tests hold on either database; see ``either_store`` in services' conftest."""


@contextmanager
def running_server() -> Iterator[Path]:
    """The socket folder of a running server."""
    programs, user = PROGRAMS[-1], _find_user()
    # A socket's path has at most 107 characters, fewer than pytest's folders may take.
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True, user=user).strip())
    run: dict[str, Any] = {"user": user, "check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    subprocess.run([programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "blender"], **run)
    options = f"-k {folder} -c listen_addresses= -c fsync=off"
    control = [programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log"]
    subprocess.run([*control, "-o", options, "start"], **run)
    try:
        yield folder
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **run)
        shutil.rmtree(folder)


@contextmanager
def an_empty_database(server: Path, name: str) -> Iterator[Engine]:
    """A database without a table; its name is unique on the server."""
    address = "postgresql+psycopg://blender@/{}?host=" + str(server)
    name = name[:60]
    maintenance = create_store(address.format("postgres")).execution_options(isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    maintenance.dispose()
    engine = create_store(address.format(name))
    try:
        yield engine
    finally:
        engine.dispose()


def _find_user() -> str | None:
    """Whom to run the server as; it refuses root, and anybody but root runs it as themselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
