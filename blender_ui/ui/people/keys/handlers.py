"""What the panel of keys does when asked, without Gradio.

Invariant: the guard has let in admins only; what a page sent is checked here all the same. Non-goal:
how it looks.
"""

from __future__ import annotations

from typing import NamedTuple

from blender_ui.errors import BlenderError, MalformedInput
from blender_ui.language import tr
from blender_ui.outside import read_id
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.people.keys import ApiKeys, KeyTerms, KeyView
from blender_ui.services.projects.projects import Projects
from blender_ui.ui.identity import presented_key, recognise
from blender_ui.ui.people.accounts.handlers import read_role


class KeysPanel(NamedTuple):
    """All that the panel shows."""

    keys: tuple[KeyView, ...]
    projects: tuple[tuple[str, int], ...]
    """Name and number of those that a key may be for."""


class Made(NamedTuple):
    """A new key, or the empty text, and what to say."""

    secret: str
    said: str


class KeyHandlers:
    """The panel's requests."""

    def __init__(self, labeling: Labeling, keys: ApiKeys, projects: Projects) -> None:
        self._labeling = labeling
        self._keys = keys
        self._projects = projects

    def panel(self) -> KeysPanel:
        """What there is."""
        projects = tuple((one.terms.name, one.id) for one in self._projects.list_projects())
        return KeysPanel(keys=tuple(self._keys.list_keys()), projects=projects)

    def make(
        self, name: object, role: object, project_id: object, requests_a_minute: object, tokens_a_day: object
    ) -> Made:
        """Make a key."""
        try:
            terms = KeyTerms(
                name=str(name or ""),
                role=read_role(role),
                project_id=None if project_id is None else read_id(project_id, "project"),
                requests_a_minute=_read_limit(requests_a_minute, tr("requests a minute")),
                tokens_a_day=_read_limit(tokens_a_day, tr("tokens a day")),
            )
            return Made(self._keys.make(terms, by=self._me()), "Copy this key; it is shown only now.")
        except BlenderError as error:
            return Made("", tr("No key was made: {error}", error=tr(str(error))))

    def revoke(self, key_id: object) -> str:
        """Let a key in no more."""
        try:
            self._keys.revoke(key_id=read_id(key_id, "key"), by=self._me())
        except BlenderError as error:
            return tr("Nothing was changed: {error}", error=tr(str(error)))
        return tr("The key lets nobody in any more.")

    def _me(self) -> int:
        return recognise(self._labeling, presented_key.get()).id


def _read_limit(value: object, what: str) -> int:
    if not isinstance(value, int | float) or isinstance(value, bool) or value != int(value):
        raise MalformedInput(tr("expected a whole number of {what}, came {value!r}", what=what, value=value))
    return int(value)
