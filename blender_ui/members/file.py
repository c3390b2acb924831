"""members.toml as a page changes it: a member added, enabled or disabled, all else as it was written.

Invariant: what is written can be read, and a file that somebody changed meanwhile is never written over: each
change is made to the file as it is now, whole or not at all. Non-goal: who may change it.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument

from blender_ui.errors import NotFound, SettingsError
from blender_ui.faults import describe_os_error
from blender_ui.members.configuration import MemberConfig, parse_members
from blender_ui.settings import DEFAULT_MEMBERS_PATH, Settings
from blender_ui.shipped import find_shipped


def place_of_members(settings: Settings) -> Path:
    """Where members.toml is or will be: where the setting says, else in the working folder, else at home."""
    if settings.members_path != DEFAULT_MEMBERS_PATH or settings.members_path.exists():
        return settings.members_path
    return settings.home_path / DEFAULT_MEMBERS_PATH


def find_members_file(settings: Settings) -> Path:
    """The members.toml that counts; at home, the shipped one is copied where there is none.

    Raises:
        SettingsError: If it cannot be written.
    """
    path = place_of_members(settings)
    if path.parent == settings.home_path and not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(find_shipped("members.toml"), path)
        except OSError as error:
            raise SettingsError(f"members.toml cannot be made: {describe_os_error(error, path)}") from error
    return path


class MembersFile:
    """One members.toml. Safe to use from any thread.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def stamp(self) -> tuple[int, int]:
        """Changes with the file; equal for a file that nobody has written since."""
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0)
        return found.st_mtime_ns, found.st_size

    def read(self) -> tuple[MemberConfig, ...]:
        """See ``configuration.load_members``."""
        return parse_members(self._text(), source=str(self.path))

    def add(self, table: Mapping[str, Any]) -> tuple[MemberConfig, ...]:
        """Add a [[member]] table at the end; gives every member.

        Raises:
            SettingsError: If the table has a mistake, or the file cannot be written.
        """

        def change(document: TOMLDocument) -> None:
            made = tomlkit.table()
            for key, value in table.items():
                made.add(key, value)
            tables: Any = document["member"]
            tables.append(made)

        return self._change(change)

    def set_enabled(self, name: str, is_enabled: bool) -> tuple[MemberConfig, ...]:
        """Have a member asked, or not; gives every member.

        Raises:
            NotFound: If the file has none of this name.
            SettingsError: If the file cannot be read or written.
        """

        return self._set(name, "enabled", is_enabled)

    def set_address(self, name: str, address: str) -> tuple[MemberConfig, ...]:
        """Ask a member somewhere else; gives every member.

        Raises:
            NotFound: If the file has none of this name.
            SettingsError: If the address has a mistake, or the file cannot be read or written.
        """
        return self._set(name, "base_url", address)

    def set_samples(self, name: str, samples: int) -> tuple[MemberConfig, ...]:
        """Ask a member for so many answers to each prompt; gives every member.

        Raises:
            NotFound: If the file has none of this name.
            SettingsError: If the number has a mistake, or the file cannot be read or written.
        """
        return self._set(name, "samples", samples)

    def _set(self, name: str, key: str, value: object) -> tuple[MemberConfig, ...]:
        def change(document: TOMLDocument) -> None:
            tables: Any = document["member"]
            table = next((one for one in tables if one.get("name") == name), None)
            if table is None:
                raise NotFound(f"{self.path} has no member called {name!r}")
            table[key] = value

        return self._change(change)

    def _change(self, change: Callable[[TOMLDocument], None]) -> tuple[MemberConfig, ...]:
        with self._lock:
            text = self._text()
            parse_members(text, source=str(self.path))
            document = tomlkit.parse(text)
            change(document)
            changed = tomlkit.dumps(document)
            configs = parse_members(changed, source=str(self.path))
            self._write(changed)
            return configs

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"cannot read {self.path}: {error}; expected a members.toml in UTF-8"
            ) from error

    def _write(self, text: str) -> None:
        target = self.path.resolve()
        try:
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=".members-")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(name, target.stat().st_mode)
                _put(Path(name), target)
            except BaseException:
                os.unlink(name)
                raise
        except OSError as error:
            raise SettingsError(
                f"members.toml cannot be written: {describe_os_error(error, target)}. Change the file by hand"
            ) from error


def _put(draft: Path, target: Path) -> None:
    """Give the draft the target's name at once; where the name cannot change hands, write into the file.

    A file that is mounted by itself, as into a container, is such a one. A crash half-way would cut it short.
    """
    try:
        os.replace(draft, target)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        target.write_bytes(draft.read_bytes())
        draft.unlink()
