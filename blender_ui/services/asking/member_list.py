"""The members of members.toml: how each is doing, tried, added and disabled while the app runs.

Invariant: file and app agree: a change goes into the file first, and a file that somebody else changed is
read before anything is shown. A key is only ever named by its environment variable. Non-goal: asking prompts.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from blender_ui.errors import BlenderError, MalformedInput, MemberError, SettingsError
from blender_ui.language import tr
from blender_ui.members.address import tidied
from blender_ui.members.configuration import Backend, MemberConfig
from blender_ui.members.file import MembersFile
from blender_ui.members.protocol import Message, Sampling
from blender_ui.members.registry import Load, Members
from blender_ui.services.asking.standing import MemberStanding, MemberStandings
from blender_ui.services.people.auditing import Change, record_change
from db.engine import transaction

N_SPARE = 4
"""Members that can be added before the app is started again: the Blend page has so many columns to spare."""
DAYS = 30
TEST_QUESTION = (Message("user", "Answer with one short sentence: what is tea?"),)
TEST_TOKENS = 256
_KEY_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*_API_KEY")


@dataclass(frozen=True, kw_only=True)
class ListedMember:
    """A member of the file, enabled or not."""

    config: MemberConfig
    status: str
    """Whether it can be asked now, in a word; empty where it is not enabled."""
    reason: str
    """Why not, and what to do."""
    load: Load | None
    """Of an enabled one."""
    standing: MemberStanding | None
    """Over the last ``DAYS`` days; None for one that was not asked."""


@dataclass(frozen=True, kw_only=True)
class NewMember:
    """An endpoint that somebody adds."""

    name: str
    model: str
    base_url: str
    key_env: str = ""
    input_price: float | None = None
    output_price: float | None = None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one question to a member came to."""

    name: str
    text: str
    first_token_seconds: float | None
    seconds: float
    failure: str
    """Empty where it answered."""


class MemberList:
    """Shows and changes the members. Safe to share between threads.

    Args:
        engine: The store.
        file: members.toml.
        members: The registry, which follows the file.
        clock: Gives the present time, with its zone.
    """

    def __init__(
        self, engine: Engine, *, file: MembersFile, members: Members, clock: Callable[[], datetime]
    ) -> None:
        self._engine, self._file, self._members, self._clock = engine, file, members, clock
        self._standings = MemberStandings(engine, members=members)
        self._stamp = file.stamp()
        self._lock = threading.Lock()
        self.n_places = _count_seats(members.configs) + N_SPARE
        """Answers of a round that pages have room for until the app is started again."""

    def follow_file(self) -> str:
        """Read the file again where somebody changed it; gives what is wrong with it, or nothing.

        A file with a mistake changes nothing: the members stay as they were.
        """
        with self._lock:
            if self._file.stamp() == self._stamp:
                return ""
            stamp = self._file.stamp()
            try:
                self._adopt(self._file.read(), stamp)
            except BlenderError as error:
                return f"The file was changed and is not read: {error}"
            return ""

    def list_members(self) -> tuple[ListedMember, ...]:
        """Every member of the file, in its order. May take seconds for remote ones."""
        configs = self._file.read()
        health = {entry.name: entry for entry in self._members.health()}
        standings = self._standings.read(since=self._clock() - timedelta(days=DAYS))
        return tuple(
            ListedMember(
                config=config,
                status=health[config.name].status.value if config.name in health else "",
                reason=health[config.name].reason if config.name in health else "",
                load=self._members.load(config.name) if config.name in health else None,
                standing=standings.get(config.name),
            )
            for config in configs
        )

    def test(self, name: str) -> Trial:
        """Ask a member one small question now, also one that counts as down.

        Raises:
            NotFound: If no enabled member has this name.
        """
        member = self._members.get(name)
        self._members.forgive(name)
        began, first, text = time.monotonic(), None, ""
        failure = ""
        try:
            asked = member.stream(TEST_QUESTION, options=Sampling(temperature=0, max_tokens=TEST_TOKENS))
            with closing(asked) as chunks:
                for chunk in chunks:
                    text = chunk.onto(text)
                    if first is None and (text or chunk.thinking):
                        first = time.monotonic() - began
        except MemberError as error:
            text, failure = error.partial_text or text, str(error)
        return Trial(
            name=name,
            text=text,
            first_token_seconds=first,
            seconds=time.monotonic() - began,
            failure=failure,
        )

    def test_added(self, name: str) -> Trial:
        """Ask a member that was just added its first question; the address where it answers is kept.

        Raises:
            NotFound: If no enabled member has this name.
            SettingsError: If the file cannot be written.
        """
        trial = self.test(name)
        address = self._members.find_address(name)
        with self._lock:
            config = next(one for one in self._members.configs if one.name == name)
            if address and address != config.base_url:
                self._adopt(self._file.set_address(name, address), self._file.stamp())
        return trial

    def add(self, new: NewMember, *, by: int | None) -> MemberConfig:
        """Add an endpoint to the file, and ask it from now on.

        Raises:
            MalformedInput: If it names no variable of a key where it should, or there is no place left.
            SettingsError: If something of it is wrong, or the file cannot be written.
        """
        if new.key_env and not _KEY_VARIABLE.fullmatch(new.key_env):
            # Any variable's value would go to the address: of the machine's other secrets, too.
            raise MalformedInput(
                "expected the name of an environment variable ending in _API_KEY, such as OPENAI_API_KEY; "
                "the key itself is never entered here. Another name can be written into members.toml"
            )
        prices = {"input": new.input_price, "output": new.output_price}
        price = {key: float(value) for key, value in prices.items() if value is not None}
        table = {
            "name": new.name.strip(),
            "backend": Backend.OPENAI.value,
            "model": new.model.strip(),
            "base_url": tidied(new.base_url.strip()),
        } | ({"key_env": new.key_env} if new.key_env else {})
        with self._lock:
            self._check_place([*self._members.configs], 1)
            configs = self._file.add({**table, **({"price": price} if price else {})})
            self._adopt(configs, self._file.stamp())
        self._record(Change(by=by, action="member.add", object_id=new.name, after=table))
        return next(config for config in configs if config.name == table["name"])

    def set_enabled(self, name: str, is_enabled: bool, *, by: int | None) -> None:
        """Have a member asked, or not, from now on; its answers stay.

        Raises:
            NotFound: If the file has none of this name.
            MalformedInput: If there is no place left.
            SettingsError: If it is the last enabled one, or the file cannot be written.
        """
        with self._lock:
            others = self._others(name)
            if not is_enabled and not others:
                raise SettingsError(f"{name} is the last member that is enabled; enable another one first")
            if is_enabled:
                self._check_place(others, _count_seats(one for one in self._file.read() if one.name == name))
            self._adopt(self._file.set_enabled(name, is_enabled), self._file.stamp())
        after = {"enabled": is_enabled}
        self._record(Change(by=by, action="member.enable", object_id=name, after=after))

    def set_samples(self, name: str, samples: int, *, by: int | None) -> None:
        """Ask a member for so many answers to each question from now on.

        Raises:
            NotFound: If the file has none of this name.
            MalformedInput: If there is no place left.
            SettingsError: If the number has a mistake, or the file cannot be written.
        """
        with self._lock:
            others = self._others(name)
            if len(others) < len(self._members.configs):
                self._check_place(others, samples)
            self._adopt(self._file.set_samples(name, samples), self._file.stamp())
        self._record(Change(by=by, action="member.samples", object_id=name, after={"samples": samples}))

    def _others(self, name: str) -> list[MemberConfig]:
        """The members that are asked, without the one of this name."""
        return [config for config in self._members.configs if config.name != name]

    def _check_place(self, beside: Sequence[MemberConfig], n_answers: int) -> None:
        if _count_seats(beside) + n_answers > self.n_places:
            raise MalformedInput(
                tr(
                    "the pages have room for {n_places} answers until the app is started again",
                    n_places=self.n_places,
                )
            )

    def _adopt(self, configs: Sequence[MemberConfig], stamp: tuple[int, int]) -> None:
        n_enabled = _count_seats(config for config in configs if config.enabled)
        if n_enabled > self.n_places:
            raise MalformedInput(
                tr(
                    "the enabled members are asked for {n_enabled} answers, and the pages have room for "
                    "{n_places} until the app is started again",
                    n_enabled=n_enabled,
                    n_places=self.n_places,
                )
            )
        self._members.reload(configs)
        self._stamp = stamp

    def _record(self, change: Change) -> None:
        with transaction(self._engine, immediate=True) as session:
            record_change(session, change, now=self._clock())


def _count_seats(configs: Iterable[MemberConfig]) -> int:
    """Answers that these members are asked for, all together."""
    return sum(config.samples for config in configs)
