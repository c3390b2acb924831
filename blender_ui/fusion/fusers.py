"""The fusers: a member by prompt, or a checkpoint in the engine process.

Invariant: whatever a fuser is made of, it fails with a ``FusionError``. Non-goal: which candidates
are worth fusing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import FusionError, MemberError, SettingsError
from blender_ui.fusion.chat import WORDING, chat_prompt, clean_answer
from blender_ui.fusion.protocol import Checkpoint, FusedPiece, Fuser
from blender_ui.fusion.remote import EngineFuser
from blender_ui.members.asking import Ensemble
from blender_ui.members.configuration import MemberConfig
from blender_ui.members.protocol import Member, Message
from blender_ui.values import RankingPrompt

TEMPERATURE = 0.3
"""Less than for answering, because a fusion keeps to its sources; greedy small models go in circles."""
CHARACTERS_PER_TOKEN = 3
"""Low for English prose, about right for code; what still does not fit is the member's error."""


class MemberFuser:
    """An instruct member as fuser, by a prompt.

    Args:
        member: Who is asked.
        config: Its limits and sampling.
    """

    def __init__(self, member: Member, config: MemberConfig) -> None:
        self.name = config.name
        self._member = member
        self._sampling = replace(config.sampling, temperature=min(TEMPERATURE, config.sampling.temperature))
        self._max_characters = readable_characters(config)

    @property
    def options(self) -> dict[str, object]:
        """See ``Fuser``."""
        return asdict(self._sampling) | {"stop": list(self._sampling.stop), "wording": WORDING}

    def stream(
        self,
        prompt: RankingPrompt,
        candidates: Sequence[str],
        *,
        stop: threading.Event | None = None,
    ) -> Generator[FusedPiece]:
        """See ``Fuser``."""
        asked = chat_prompt(prompt, candidates, max_characters=self._max_characters)
        messages = (Message("system", asked.system), Message("user", asked.user))
        written, piece = "", FusedPiece("", 0)
        try:
            with closing(self._member.stream(messages, options=self._sampling, stop=stop)) as chunks:
                for chunk in chunks:
                    written = chunk.onto(written)
                    is_done = chunk.usage is not None
                    piece = FusedPiece(
                        clean_answer(written, is_done=is_done),
                        chunk.usage.n_tokens if chunk.usage else chunk.n_tokens,
                        chunk.usage.finish_reason if chunk.usage else None,
                    )
                    if piece.text:
                        yield piece
        except MemberError as error:
            raise FusionError(str(error).rstrip(".")) from error
        if not piece.text:
            raise FusionError(f"{self.name} wrote nothing that can be shown")


def readable_characters(config: MemberConfig) -> int:
    """Characters that a member can read, beside what it is to write."""
    room = config.limits.n_context - config.sampling.max_tokens
    return max(room, config.limits.n_context // 2) * CHARACTERS_PER_TOKEN


class NoFuser:
    """Stands where no member may fuse: each fusion fails with the reason, and the app goes on."""

    name = "nobody"

    def __init__(self, reason: str) -> None:
        self._reason = reason

    @property
    def options(self) -> dict[str, object]:
        """See ``Fuser``."""
        return {}

    def stream(
        self,
        prompt: RankingPrompt,
        candidates: Sequence[str],
        *,
        stop: threading.Event | None = None,
    ) -> Generator[FusedPiece]:
        """See ``Fuser``."""
        raise FusionError(self._reason)
        yield  # makes it a generator, which fails when it is begun and not when it is made


@runtime_checkable
class ChangingFuser(Protocol):
    """A fuser that stands for another one, and for which one may change from call to call."""

    def now(self) -> Fuser:
        """The one that it stands for at the moment, which stays the same."""


def settle(fuser: Fuser) -> Fuser:
    """The fuser to keep for the whole of one answer, so that who writes it is who is credited."""
    return fuser.now() if isinstance(fuser, ChangingFuser) else fuser


class TrainedFuser:
    """The trained version that is active at the moment, and another fuser while there is none.

    Args:
        process: Holds the checkpoint.
        find_trained: Gives the active version's checkpoint.
        otherwise: Fuses while there is no active version.
    """

    def __init__(
        self, process: EngineProcess, *, find_trained: Callable[[], Checkpoint | None], otherwise: Fuser
    ) -> None:
        self._process = process
        self._find_trained = find_trained
        self._otherwise = otherwise

    @property
    def name(self) -> str:
        """See ``Fuser``."""
        return self.now().name

    @property
    def options(self) -> dict[str, object]:
        """See ``Fuser``."""
        return self.now().options

    def stream(
        self,
        prompt: RankingPrompt,
        candidates: Sequence[str],
        *,
        stop: threading.Event | None = None,
    ) -> Generator[FusedPiece]:
        """See ``Fuser``."""
        yield from self.now().stream(prompt, candidates, stop=stop)

    def now(self) -> Fuser:
        """See ``ChangingFuser``."""
        found = self._find_trained()
        return self._otherwise if found is None else EngineFuser(self._process, found.folder, name=found.name)


def choose_fuser(
    setting: str,
    *,
    members: Ensemble,
    process: EngineProcess,
    find_trained: Callable[[], Checkpoint | None] = lambda: None,
) -> Fuser:
    """The fuser that a setting names.

    Args:
        setting: A member's name, a folder of a sequence-to-sequence checkpoint, or empty for the
            active trained version and, without one, the enabled member with ``fuses_first`` or,
            without one, the first with ``can_fuse``.
        members: The ensemble.
        process: Holds the checkpoint; its loaders have ``fusion.remote.load_fuser_server`` as ``FUSER``.
        find_trained: Gives the checkpoint of the active trained version.

    Raises:
        SettingsError: If the setting names neither.
    """
    names = ", ".join(config.name for config in members.configs)
    if not setting:
        may_fuse = [config for config in members.configs if config.can_fuse]
        able = next((config for config in may_fuse if config.fuses_first), may_fuse[0] if may_fuse else None)
        otherwise: Fuser = (
            NoFuser(f"no member may fuse; set can_fuse = true in members.toml for one of {names}")
            if able is None
            else MemberFuser(members.get(able.name), able)
        )
        return TrainedFuser(process, find_trained=find_trained, otherwise=otherwise)
    named = next((config for config in members.configs if config.name == setting), None)
    if named is not None:
        return MemberFuser(members.get(named.name), named)
    folder = Path(setting).expanduser()
    if not (folder / "config.json").is_file():
        raise SettingsError(
            f"BLENDER_UI_FUSER: {setting!r} is neither a member ({names}) nor a checkpoint's folder"
        )
    return EngineFuser(process, folder)
