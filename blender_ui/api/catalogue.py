"""What a program may name as a model: the three blends, and each member by itself.

Invariant: names of members are told to researchers only. Whoever knows which member answered could tell which
answer of an open pair is its. Non-goal: asking them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import BaseModel

from blender_ui.errors import NotFound, NotPermitted
from blender_ui.members.asking import Ensemble
from blender_ui.services.people.access import is_below
from blender_ui.services.people.keys import Caller
from blender_ui.services.serving.views import Blend
from db.enums import Role

PREFIX = "blender/"


class Asked(NamedTuple):
    """What a model's name stands for: a blend, or one member."""

    blend: Blend | None
    member: str | None


class Model(BaseModel):
    """One model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    """Every model that the key may ask."""

    object: Literal["list"] = "list"
    data: list[Model]


class Catalogue:
    """The models of one installation.

    Args:
        members: Who can be asked.
        since: When the app was started, which is told as every model's time.
    """

    def __init__(self, members: Ensemble, *, since: datetime) -> None:
        self._members = members
        self._created = int(since.timestamp())

    def list_models(self, caller: Caller) -> ModelList:
        """The blends; and the members, for researchers."""
        names = [blend.value for blend in Blend]
        if not is_below(caller.role, Role.RESEARCHER):
            names += [config.name for config in self._members.configs if config.name not in names]
        return ModelList(
            data=[Model(id=PREFIX + name, created=self._created, owned_by="blender-ui") for name in names]
        )

    def get_model(self, caller: Caller, name: str) -> Model:
        """One model.

        Raises:
            NotFound: If there is none of this name for this key.
        """
        found = [model for model in self.list_models(caller).data if model.id == name]
        if not found:
            raise NotFound(f"there is no model {name[:100]!r}; GET /v1/models lists those there are")
        return found[0]

    def read(self, caller: Caller, name: str) -> Asked:
        """What a model's name stands for.

        Raises:
            NotFound: If it stands for nothing.
            NotPermitted: If it names a member, and the key's role may not know them.
        """
        short = name.removeprefix(PREFIX)
        if short in list(Blend):
            return Asked(Blend(short), None)
        if is_below(caller.role, Role.RESEARCHER):
            raise NotPermitted(
                f"A key with the role {caller.role.value} asks blender/auto, blender/best or blender/fused: "
                "members are named to researchers only."
            )
        self.get_model(caller, PREFIX + short)
        return Asked(None, short)
