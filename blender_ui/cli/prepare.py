"""Getting the default models before something needs them; quick when they are there.

The work runs in processes of its own, because preparing the reader loads torch. Non-goal: what the
app does without them; a member without weights says so on the page.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from blender_ui.errors import SettingsError
from blender_ui.members.configuration import load_members
from blender_ui.members.file import place_of_members
from blender_ui.settings import Settings
from blender_ui.shipped import find_shipped
from blender_ui.weights.catalogue import default_models
from blender_ui.weights.entries import Model
from blender_ui.weights.resolver import is_cached, is_reader_prepared

POLL_SECONDS = 0.2


def prepare_weights(settings: Settings, is_over: Callable[[], bool] = lambda: False) -> bool:
    """Fetch the models that are needed and prepare the reader, with a progress line each on standard output.

    Args:
        settings: Where they are kept.
        is_over: Whether to break off; what was fetched stays.

    Returns:
        Whether everything that the app needs is there.
    """
    cache = settings.weights_path
    models = list_needed(settings)
    if not all(is_cached(model.name, cache_path=cache) for model in models):
        _run(["fetch", *(model.name for model in models)], is_over)
    if not all(is_cached(model.name, cache_path=cache) for model in models if not model.is_optional):
        return False
    if is_reader_prepared(settings.reader, cache_path=cache):
        return True
    return _run(["reader", settings.reader], is_over) == 0


def list_needed(settings: Settings) -> list[Model]:
    """The default models without those of members that members.toml does not have, or disables."""
    path, shipped = place_of_members(settings), load_members(find_shipped("members.toml"))
    try:
        members = load_members(path) if path.exists() else shipped
    except SettingsError:
        members = shipped  # the start, or the doctor, says what is wrong with the file
    asked = {member.model for member in members if member.enabled} | {settings.reader}
    spared = {member.model for member in shipped} - asked
    return [model for model in default_models() if model.name not in spared]


def _run(arguments: Sequence[str], is_over: Callable[[], bool]) -> int:
    """Run a command of ``blender_ui.weights``; gives its exit status, also when it is broken off."""
    with subprocess.Popen([sys.executable, "-m", "blender_ui.weights", *arguments]) as process:
        while process.poll() is None:
            if is_over():
                process.terminate()
                break
            time.sleep(POLL_SECONDS)
    return process.returncode
