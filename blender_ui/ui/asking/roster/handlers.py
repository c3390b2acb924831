"""What the Members page does when asked, without Gradio.

Invariant: the guard has let in researchers only; what a page sent is checked here all the same. Non-goal:
how it looks.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from blender_ui.errors import BlenderError, MalformedInput, NotFound
from blender_ui.language import tr
from blender_ui.services.asking.member_list import ListedMember, MemberList, NewMember, Trial
from blender_ui.services.labeling.loop import Labeling
from blender_ui.ui.identity import presented_key, recognise
from blender_ui.ui.rows import Acted

TEST, ENABLE, DISABLE, SAMPLES = "test", "enable", "disable", "samples"
"""What can be done to a member in its row."""
LONGEST_FIELD = 512
"""Characters of a name, a model, an address or a variable."""


@dataclass(frozen=True, kw_only=True)
class RosterPage:
    """All that the page shows."""

    members: tuple[ListedMember, ...]
    notice: str
    """What is wrong with the file; empty where nothing is."""


class RosterHandlers:
    """The Members page's requests."""

    def __init__(self, labeling: Labeling, members: MemberList) -> None:
        self._labeling = labeling
        self._members = members

    def page(self) -> RosterPage:
        """What there is, as the file has it now."""
        notice = self._members.follow_file()
        try:
            return RosterPage(members=self._members.list_members(), notice=notice)
        except BlenderError as error:
            return RosterPage(members=(), notice=notice or str(error))

    def act(self, acted: Acted) -> Iterator[str]:
        """Do what was pressed in a member's row; says how far it is."""
        try:
            name = self._find(acted.row)
            if acted.name == TEST:
                yield tr("{name} is being asked a small question.", name=name)
                yield _tell(self._members.test(name))
            elif acted.name in (ENABLE, DISABLE):
                yield self._set_enabled(name, acted.name == ENABLE)
            elif acted.name == SAMPLES:
                yield self._set_samples(name, _read_number(acted.value))
            else:
                raise MalformedInput(tr("expected an act of a member, came {came!r:.40}", came=acted.name))
        except BlenderError as error:
            yield (
                str(error) if acted.name == TEST else tr("Nothing was changed: {error}", error=tr(str(error)))
            )

    def add(
        self,
        name: object,
        model: object,
        base_url: object,
        key_env: object,
        prices: tuple[object, object],
    ) -> Iterator[str]:
        """Add an endpoint, then ask it a first question; says how far it is."""
        try:
            new = NewMember(
                name=_read_text(name, tr("a name")),
                model=_read_text(model, tr("the model's name at the endpoint")),
                base_url=_read_text(base_url, tr("the endpoint's address")),
                key_env=_read_optional(key_env),
                input_price=_read_price(prices[0]),
                output_price=_read_price(prices[1]),
            )
            added = self._members.add(new, by=self._me()).name
        except BlenderError as error:
            yield tr("Nothing was changed: {error}", error=tr(str(error)))
            return
        told = tr("{added} is in members.toml and is asked from now on.", added=added)
        yield tr("{told} It is being asked a first question.", told=told)
        try:
            yield f"{told} {_tell(self._members.test_added(added))}"
        except BlenderError as error:
            yield f"{told} {error}"

    def _find(self, row: int) -> str:
        """The member of a row, also after the file has got others meanwhile."""
        found = [
            one.config.name for one in self._members.list_members() if number_member(one.config.name) == row
        ]
        if len(found) != 1:
            raise NotFound(tr("this member is not in members.toml any more; look again"))
        return found[0]

    def _set_enabled(self, name: str, is_enabled: bool) -> str:
        self._members.set_enabled(name, is_enabled, by=self._me())
        return tr(
            "{chosen} is {what} from now on; members.toml says so.",
            chosen=name,
            what=tr("asked") if is_enabled else tr("not asked"),
        )

    def _set_samples(self, name: str, number: int) -> str:
        self._members.set_samples(name, number, by=self._me())
        return tr(
            "{chosen} is asked for {number} answers to each question from now on; members.toml says so.",
            chosen=name,
            number=number,
        )

    def _me(self) -> int:
        return recognise(self._labeling, presented_key.get()).id


def number_member(name: str) -> int:
    """A number for a member's row, which stays while the file changes."""
    return zlib.crc32(name.encode())


def _tell(trial: Trial) -> str:
    if trial.failure:
        return tr("No answer after {seconds:.1f} s. {failure}", seconds=trial.seconds, failure=trial.failure)
    first = trial.first_token_seconds or trial.seconds
    return tr(
        "{trial} answered after {first:.1f} s, in {seconds:.1f} s: {text}",
        trial=trial.name,
        first=first,
        seconds=trial.seconds,
        text=trial.text.strip()[:300],
    )


def _read_text(value: object, what: str) -> str:
    text = _read_optional(value)
    if not text:
        raise MalformedInput(tr("expected {what}, came nothing", what=what))
    return text


def _read_optional(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_FIELD:
        raise MalformedInput(
            tr("expected a text of at most {longest_field} characters", longest_field=LONGEST_FIELD)
        )
    return value.strip()


def _read_number(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= 4):
        raise MalformedInput(tr("expected a whole number of answers"))
    return int(value)


def _read_price(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value.replace(",", ".")) if value.strip() else None
        except ValueError:
            raise MalformedInput(f"expected a price such as 0.25, came {value!r:.40}") from None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e6:
        raise MalformedInput("expected a price from 0 to 1,000,000 for a million tokens")
    return float(value)
