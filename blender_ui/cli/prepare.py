"""Getting the default models before something needs them; quick when they are there.

The work runs in processes of its own, because preparing the reader loads torch. Non-goal: what the
app does without them; a member without weights says so on the page.
"""

from __future__ import annotations

import subprocess
import sys

from blender_ui.settings import Settings
from blender_ui.weights.catalogue import default_models
from blender_ui.weights.resolver import is_cached, is_reader_prepared


def prepare_weights(settings: Settings) -> bool:
    """Fetch the default models and prepare the reader, with a progress line each on standard output.

    Returns:
        Whether everything that the app needs is there.
    """
    cache = settings.weights_path
    if not all(is_cached(model.name, cache_path=cache) for model in default_models()):
        subprocess.run([sys.executable, "-m", "blender_ui.weights", "fetch", "--default"], check=False)
    needed = [model for model in default_models() if not model.is_optional]
    if not all(is_cached(model.name, cache_path=cache) for model in needed):
        return False
    if is_reader_prepared(settings.reader, cache_path=cache):
        return True
    command = [sys.executable, "-m", "blender_ui.weights", "reader", settings.reader]
    return subprocess.run(command, check=False).returncode == 0
