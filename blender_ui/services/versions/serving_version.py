"""Which version of the ranker serves: the active one, or the last good one where its checkpoint is damaged.

Invariant: no version is promoted here; once the active one can be loaded again, it serves. Non-goal: loading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Engine

from blender_ui.errors import RankerError
from blender_ui.language import tr
from blender_ui.services.versions.model_versions import (
    VersionView,
    find_active_version,
    list_served_before,
)
from db.engine import transaction


class Serving(NamedTuple):
    """A version that serves.

    Attributes:
        notice: Why it is not the active one; empty where it is.
    """

    version: VersionView
    notice: str = ""


def find_serving(engine: Engine, load: Callable[[VersionView], object]) -> Serving | None:
    """The version that serves now; None before the first was promoted.

    Where no version is good, it is the active one, and whoever loads it hears what is wrong.

    Args:
        engine: The store.
        load: Loads a version, or raises ``RankerError``.
    """
    with transaction(engine) as session:
        active = find_active_version(session)
    if active is None:
        return None
    try:
        load(active)
    except RankerError as error:
        with transaction(engine) as session:
            earlier = list_served_before(session, active)
        for version in earlier:
            if _is_good(version, load):
                return Serving(version, _say(active, version, error))
    return Serving(active)


def _is_good(version: VersionView, load: Callable[[VersionView], object]) -> bool:
    try:
        load(version)
    except RankerError:
        return False
    return True


def _say(active: VersionView, version: VersionView, error: RankerError) -> str:
    return tr(
        "The checkpoint of {active} cannot be used, so {version} ranks, which served before it. "
        "What is wrong: {error}.",
        active=active.name,
        version=version.name,
        error=str(error).rstrip("."),
    )
