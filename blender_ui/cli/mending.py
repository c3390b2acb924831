"""What the doctor can do about what it found.

Invariant: nothing is lost by a mend: a database is copied before it is migrated, and what a person wrote is
never changed. Non-goal: finding what is wrong.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from pathlib import Path

from blender_ui.cli.prepare import prepare_weights
from blender_ui.errors import BlenderError, Refused
from blender_ui.faults import describe_os_error
from blender_ui.installation import SECRET_NAME
from blender_ui.members.file import place_of_members
from blender_ui.settings import Settings
from blender_ui.shipped import find_shipped
from blender_ui.store import open_home_store


class Mend(StrEnum):
    """Something that can be done without asking."""

    WEIGHTS = "weights"
    MEMBERS = "members"
    SECRET = "secret"
    DATABASE = "database"


def try_to_mend(mend: Mend, settings: Settings) -> str:
    """Do it, and tell what was done or why it could not be."""
    try:
        return _MENDS[mend](settings)
    except (BlenderError, sqlite3.Error) as error:
        return f"not mended: {error}"
    except OSError as error:
        return f"not mended: {describe_os_error(error)}"


def _fetch_weights(settings: Settings) -> str:
    print(flush=True)  # progress comes in lines of its own
    return "all here" if prepare_weights(settings) else "some are still missing"


def _copy_members(settings: Settings) -> str:
    path = place_of_members(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(find_shipped("members.toml"), path)
    return f"the package's own are in {path}"


def _close_secret(settings: Settings) -> str:
    (settings.home_path / SECRET_NAME).chmod(0o600)
    return "only this user may read it now"


def _migrate(settings: Settings) -> str:
    if settings.database_url:
        raise Refused("take a dump of the database (pg_dump), then start the app, which migrates it")
    path = settings.home_path / "blender.sqlite"
    kept = _free_name(path.with_name("blender.sqlite.before"))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(kept)) as target:
        source.backup(target)
    open_home_store(settings).dispose()
    return f"migrated; {kept.name} is as it was"


def _free_name(path: Path) -> Path:
    number = 1
    while (numbered := path.with_name(f"{path.name}{number}")).exists():
        number += 1
    return numbered


_MENDS: dict[Mend, Callable[[Settings], str]] = {
    Mend.WEIGHTS: _fetch_weights,
    Mend.MEMBERS: _copy_members,
    Mend.SECRET: _close_secret,
    Mend.DATABASE: _migrate,
}
