"""``blender-ui doctor``: what is here, what is missing, the command that gets it, and getting it.

Without ``--mend`` it changes nothing. Non-goal: how a fault is mended (``cli.mending``).
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from blender_ui.cli.mending import Mend, try_to_mend
from blender_ui.cli.prepare import list_needed
from blender_ui.errors import BlenderError
from blender_ui.faults import describe_os_error
from blender_ui.installation import SECRET_NAME
from blender_ui.members.configuration import Backend, MemberConfig, load_members
from blender_ui.members.file import place_of_members
from blender_ui.members.openai.client import check_endpoint
from blender_ui.members.openai.endpoint import Endpoint
from blender_ui.settings import Settings
from blender_ui.shipped import find_shipped
from blender_ui.store import check_store
from blender_ui.weights.resolver import describe, is_reader_prepared
from db.migrations import SchemaVersionError

PACKAGES = ("gradio", "torch", "transformers", "xllamacpp", "dbos", "sqlmodel", "peft", "accelerate")
FIRST_PYTHON, LAST_PYTHON = (3, 11), (3, 13)
LEAST_FREE_BYTES = 2 * 10**9


class Finding(NamedTuple):
    """One thing that was looked at; ``mend`` is what could be done about it, empty for nothing."""

    what: str
    is_well: bool
    detail: str
    is_needed: bool = True
    mend: Mend | None = None


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Print a line for each thing looked at; the exit status is 1 when something needed is missing."""
    findings = _look(settings)
    # Once each: several models are fetched by one mend.
    mends = dict.fromkeys(one.mend for one in findings if not one.is_well and one.mend is not None)
    if options.mend and mends:
        for mend in mends:
            print(f"mending  {mend}: {try_to_mend(mend, settings)}", flush=True)
        findings = _look(settings)
    for finding in findings:
        mark = "ok     " if finding.is_well else "MISSING" if finding.is_needed else "absent "
        print(f"{mark}  {finding.what}: {finding.detail}")
    if mends and not options.mend:
        print(f"`blender-ui doctor --mend` sees to: {', '.join(mends)}")
    return 0 if all(finding.is_well or not finding.is_needed for finding in findings) else 1


def _look(settings: Settings) -> list[Finding]:
    return [finding for look in _LOOKS for finding in look(settings)]


def _look_at_python(_settings: Settings) -> Iterator[Finding]:
    is_right = FIRST_PYTHON <= sys.version_info[:2] <= LAST_PYTHON
    needed = f"; needed is {'.'.join(map(str, FIRST_PYTHON))} to {'.'.join(map(str, LAST_PYTHON))}"
    yield Finding("Python", is_right, sys.version.split()[0] + ("" if is_right else needed))
    for package in PACKAGES:
        try:
            yield Finding(package, True, version(package))
        except PackageNotFoundError:
            yield Finding(
                package, False, "not installed; install the wheel again, or in a checkout: make run"
            )


def _look_at_weights(settings: Settings) -> Iterator[Finding]:
    needed = {model.name for model in list_needed(settings)}
    for model in describe(cache_path=settings.weights_path):
        is_needed = model.name in needed and not model.is_optional
        detail = str(model.path) if model.path else f"{model.n_bytes / 1e6:.0f} MB; {model.remedy}"
        is_here, mend = model.path is not None, Mend.WEIGHTS if model.name in needed else None
        yield Finding(f"{model.title} ({model.use})", is_here, detail, is_needed, mend)
    is_prepared = is_reader_prepared(settings.reader, cache_path=settings.weights_path)
    remedy = f"run: python -m blender_ui.weights reader {settings.reader}"
    told = "prepared" if is_prepared else remedy
    yield Finding(f"reader {settings.reader}", is_prepared, told, mend=Mend.WEIGHTS)


def _look_at_members(settings: Settings) -> Iterator[Finding]:
    path = place_of_members(settings)
    is_made_at_start = path.parent == settings.home_path
    if not path.exists() and not is_made_at_start:
        yield Finding(
            "members", False, f"{path} is not there; write it, or: blender-ui init", mend=Mend.MEMBERS
        )
        return
    try:
        members = load_members(path if path.exists() else find_shipped("members.toml"))
    except BlenderError as error:
        yield Finding("members", False, str(error))
        return
    for member in members:
        fault = _find_fault(member) if member.enabled else ""
        told = fault or f"{member.backend}, {member.model}{'' if member.enabled else ', disabled'}"
        yield Finding(f"member {member.name}", not fault, told)


def _find_fault(member: MemberConfig) -> str:
    """Why an endpoint cannot be asked; empty where it can, and of what runs here: its weights have a line."""
    key = os.environ.get(member.key_env, "") if member.key_env else ""
    if member.key_env and not key:
        return f"set the environment variable {member.key_env}"
    if member.backend is not Backend.OPENAI or member.extra.headers:
        return ""
    return check_endpoint(
        Endpoint(name=member.name, base_url=member.base_url, model=member.model, key=key, extra=member.extra)
    ).reason


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
    free = shutil.disk_usage(nearest).free
    enough = free >= LEAST_FREE_BYTES
    told = f"{free / 1e9:.1f} GB" + (
        "" if enough else f"; a training may need {LEAST_FREE_BYTES / 1e9:.0f} GB"
    )
    yield Finding("free on its disk", enough, told, False)
    secret = home / SECRET_NAME
    if secret.is_file():
        is_own = not secret.stat().st_mode & 0o077
        told = (
            "only this user may read it" if is_own else f"others may read {secret}; run: chmod 600 {secret}"
        )
        yield Finding("secret of the blind draws", is_own, told, mend=Mend.SECRET)


def _look_at_port(settings: Settings) -> Iterator[Finding]:
    if settings.port == 0:
        return
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host.strip("[]"), settings.port))
            told = ""
        except OSError as error:
            told = f"{os.strerror(error.errno or 0)}: a Blender UI that runs, or another program; "
    free = f"port {settings.port}"
    yield Finding(free, not told, told + "BLENDER_UI_PORT names another" if told else "free", False)


def _look_at_store(settings: Settings) -> Iterator[Finding]:
    path = settings.home_path / "blender.sqlite"
    if not settings.database_url and not path.exists():
        yield Finding("database", True, f"{path} will be made at the first start")
        return
    try:
        check_store(settings.store_url, name=settings.store_name)
        yield Finding("database", True, settings.store_name)
    except BlenderError as error:
        is_older = isinstance(error.__cause__, SchemaVersionError) and error.__cause__.can_migrate
        yield Finding("database", False, str(error), mend=Mend.DATABASE if is_older else None)


def _look_at_tools(_settings: Settings) -> Iterator[Finding]:
    npm = shutil.which("npm")
    yield Finding(
        "npm", npm is not None, npm or "no default model needs it; TinyLlama's weights come through it", False
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
    _look_at_port,
)
