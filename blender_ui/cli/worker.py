"""``blender-ui worker``: the background worker by itself, for another machine or a service manager."""

from __future__ import annotations

import argparse

from blender_ui.settings import Settings
from blender_ui.worker.__main__ import main


def run(_settings: Settings, _options: argparse.Namespace) -> int:
    """Work until told to end."""
    return main([])
