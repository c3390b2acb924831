"""What every use case stands on: the store, the members, and the processes that hold models.

Invariant: what a test brings takes the place of what the settings would choose, and nothing is started here.
Non-goal: the use cases, which ``bootstrap`` makes of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypedDict

from argon2 import PasswordHasher
from sqlalchemy import Engine

from blender_ui.engine.process import JOINT, READER, READER_WITH_LIKELIHOODS, EngineProcess
from blender_ui.fusion.protocol import Fuser
from blender_ui.fusion.remote import FUSER, load_fuser_server
from blender_ui.installation import read_secret
from blender_ui.loaders import (
    BERTSCORE,
    load_joint,
    load_joint_explainer,
    load_reader,
    load_reading_explainer,
    load_scorer,
)
from blender_ui.members.file import MembersFile, find_members_file
from blender_ui.members.registry import Members
from blender_ui.services.ranking.opening import EXPLAIN_JOINT, EXPLAIN_READING
from blender_ui.services.ranking.ranks import RankingService
from blender_ui.services.versions.start import keep_start_version
from blender_ui.settings import Settings
from blender_ui.store import open_home_store
from blender_ui.weights.resolver import find_reader, find_weights, is_reader_prepared

Clock = Callable[[], datetime]


class Substitutes(TypedDict, total=False):
    """What a test brings in place of what the settings would choose."""

    engine: Engine
    """A store whose schema is up to date."""
    secret: int
    """In place of the installation's."""
    members: Members
    process: EngineProcess
    """Holds the ranker's and the fuser's models."""
    explainers: EngineProcess
    """Holds what explains a decision."""
    hasher: PasswordHasher
    fuser: Fuser
    ranking: RankingService


class Foundation:
    """What ``Services`` is built on.

    Args:
        settings: Where things lie, and what is chosen.
        clock: Gives the present time, with its zone.
        substitutes: By name, what is used in place of what the settings would choose.
    """

    def __init__(self, settings: Settings, clock: Clock, substitutes: Substitutes) -> None:
        self.settings = settings
        self.clock = clock
        self.started_at = clock()
        self.engine = substitutes.get("engine") or _open_store(settings)
        self._secret = substitutes.get("secret") or read_secret(settings.home_path)
        self.members_file = MembersFile(find_members_file(settings))
        self.members = substitutes.get("members") or Members(
            self.members_file.read(),
            find_weights=partial(find_weights, cache_path=settings.weights_path),
            environ=os.environ,
        )
        reader_path = find_reader(settings.reader, cache_path=settings.weights_path)
        self.process = substitutes.get("process") or EngineProcess(
            {
                READER: partial(load_reader, reader_path),
                READER_WITH_LIKELIHOODS: partial(load_reader, reader_path, with_likelihoods=True),
                JOINT: load_joint,
                FUSER: load_fuser_server,
                BERTSCORE: load_scorer,
            }
        )
        self._explainers = substitutes.get("explainers") or EngineProcess(
            {
                EXPLAIN_READING: partial(load_reading_explainer, reader_path),
                EXPLAIN_JOINT: load_joint_explainer,
            }
        )


def _open_store(settings: Settings) -> Engine:
    """The home's store, with the start ranker among its versions where its reader is here."""
    engine = open_home_store(settings)
    if is_reader_prepared(settings.reader, cache_path=settings.weights_path):
        keep_start_version(engine, rankers_path=settings.rankers_path, reader=settings.reader)
    return engine
