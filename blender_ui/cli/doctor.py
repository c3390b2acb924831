"""``blender-ui doctor``: what is here, what is missing, and the command that gets it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from blender_ui.errors import BlenderError
from blender_ui.faults import describe_os_error
from blender_ui.members.configuration import load_members
from blender_ui.members.file import place_of_members
from blender_ui.settings import Settings
from blender_ui.shipped import find_shipped
from blender_ui.store import check_store
from blender_ui.weights.resolver import describe, is_reader_prepared

PACKAGES = ("gradio", "torch", "transformers", "xllamacpp", "dbos", "sqlmodel", "peft", "accelerate")


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    is_well: bool
    detail: str
    is_needed: bool = True


def run(settings: Settings, _options: argparse.Namespace) -> int:
    """Print a line for each thing looked at; the exit status is 1 when something needed is missing."""
    findings = [finding for look in _LOOKS for finding in look(settings)]
    for finding in findings:
        mark = "ok     " if finding.is_well else "MISSING" if finding.is_needed else "absent "
        print(f"{mark}  {finding.what}: {finding.detail}")
    return 0 if all(finding.is_well or not finding.is_needed for finding in findings) else 1


def _look_at_python(_settings: Settings) -> Iterator[Finding]:
    is_right = sys.version_info[:2] == (3, 11)
    yield Finding(
        "Python", is_right, sys.version.split()[0] + ("" if is_right else "; needed is 3.11, then: make run")
    )
    for package in PACKAGES:
        try:
            yield Finding(package, True, version(package))
        except PackageNotFoundError:
            yield Finding(package, False, "not installed; run: pip install -c constraints.txt -e .")


def _look_at_weights(settings: Settings) -> Iterator[Finding]:
    for model in describe(cache_path=settings.weights_path):
        is_needed = model.is_default and not model.is_optional
        detail = str(model.path) if model.path else f"{model.n_bytes / 1e6:.0f} MB; {model.remedy}"
        yield Finding(f"{model.title} ({model.use})", model.path is not None, detail, is_needed)
    is_prepared = is_reader_prepared(settings.reader, cache_path=settings.weights_path)
    remedy = f"run: python -m blender_ui.weights reader {settings.reader}"
    yield Finding(f"reader {settings.reader}", is_prepared, "prepared" if is_prepared else remedy)


def _look_at_members(settings: Settings) -> Iterator[Finding]:
    path = place_of_members(settings)
    try:
        members = load_members(path if path.exists() else find_shipped("members.toml"))
    except BlenderError as error:
        yield Finding("members", False, str(error))
        return
    for member in members:
        is_keyless = bool(member.key_env) and not os.environ.get(member.key_env)
        detail = (
            f"set the environment variable {member.key_env}"
            if is_keyless
            else f"{member.backend}, {member.model}"
        )
        yield Finding(f"member {member.name}", not is_keyless, detail, member.enabled)


def _look_at_home(settings: Settings) -> Iterator[Finding]:
    """Whether files can be made in the home folder, or the home in the nearest folder that there is."""
    home = settings.home_path.absolute()
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".doctor-", dir=nearest))
    except OSError as error:
        yield Finding("home", False, f"{describe_os_error(error, home)}. BLENDER_UI_HOME names another")
        return
    yield Finding("home", True, str(home) if nearest == home else f"{home} will be made at the first start")


def _look_at_store(settings: Settings) -> Iterator[Finding]:
    path = settings.home_path / "blender.sqlite"
    if not settings.database_url and not path.exists():
        yield Finding("database", True, f"{path} will be made at the first start")
        return
    try:
        check_store(settings.store_url, name=settings.store_name)
        yield Finding("database", True, settings.store_name)
    except BlenderError as error:
        yield Finding("database", False, str(error))


def _look_at_tools(_settings: Settings) -> Iterator[Finding]:
    npm = shutil.which("npm")
    yield Finding(
        "npm", npm is not None, npm or "one member's weights come through it; install Node.js", False
    )
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    yield Finding(
        "Chromium",
        chromium is not None,
        chromium or "only the browser tests need it; run: .ci/browser",
        False,
    )


_LOOKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _look_at_python,
    _look_at_tools,
    _look_at_weights,
    _look_at_members,
    _look_at_home,
    _look_at_store,
)
