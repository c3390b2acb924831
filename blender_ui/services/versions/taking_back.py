"""Gives a version its place back where new votes say that the one after it is worse.

Invariant: what the figures promoted, the figures may take back; what a person decided stays until a person
decides otherwise. Non-goal: judging the votes (``monitoring.shadow_standing``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Engine

from blender_ui.language import ENGLISH, mark, say_number, speaking, tr
from blender_ui.ranking.shadow import LOOK_LEVEL, Look
from blender_ui.services.versions.model_versions import activate_version, find_active_version
from db.engine import transaction

_log = logging.getLogger(__name__)


class Return(NamedTuple):
    """A version that ranked before and is surely better on new votes.

    Attributes:
        version_id: The version.
        active_id: The one that the figures put in its place.
        look: What the votes say.
    """

    version_id: int
    active_id: int
    look: Look


class TakingBack:
    """Takes promotions back.

    Args:
        engine: The store.
        find: Gives the version that may rank again; None where there is none.
        is_automatic: Whether anything may happen by itself.
    """

    def __init__(self, engine: Engine, *, find: Callable[[], Return | None], is_automatic: bool) -> None:
        self._engine = engine
        self._find = find
        self._is_automatic = is_automatic

    def look(self) -> bool:
        """Let the version before rank again where it should; says whether it does now."""
        found = self._find() if self._is_automatic else None
        if found is None:
            return False
        with speaking(ENGLISH):  # it is stored, for readers of any language
            said = describe_look(found.look, shadow=found.version_id, active=found.active_id)
        with transaction(self._engine, immediate=True) as session:
            active = find_active_version(session)
            if active is None or active.id != found.active_id:
                return False  # somebody decided meanwhile
            activate_version(
                session,
                version_id=found.version_id,
                reason=f"{mark('Taken back')}: {said}.",
                decided_by_id=None,
            )
        _log.warning("version %d ranks again: %s", found.version_id, said)
        return True


def describe_look(look: Look, *, shadow: int, active: int) -> str:
    """What new votes say of a version in shadow and the one that ranks, in one sentence."""
    return tr(
        "on {n} votes on {n_prompts} new questions, version {shadow} was right on {shadow_right} % and "
        "version {active} on {active_right} % (a lead of {lead} points, {level:.0f} % interval {low} to "
        "{high})",
        n=look.n,
        n_prompts=look.n_prompts,
        shadow=shadow,
        shadow_right=say_number(100 * look.shadow_right, ".0f"),
        active=active,
        active_right=say_number(100 * look.active_right, ".0f"),
        lead=say_number(100 * look.lead.value, "+.0f"),
        level=100 * LOOK_LEVEL,
        low=say_number(100 * look.lead.low, "+.0f"),
        high=say_number(100 * look.lead.high, "+.0f"),
    )
