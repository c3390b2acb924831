"""``blender-ui versions``: the rankers, and where each stands beside the baselines."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from blender_ui.services.versions.model_versions import list_versions
from blender_ui.services.versions.standing import describe_standing
from blender_ui.settings import Settings
from blender_ui.store import open_home_store
from db.engine import transaction


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Print one line a version, the newest first."""
    engine = open_home_store(settings)
    try:
        with transaction(engine) as session:
            found = [(version, describe_standing(version)) for version in list_versions(session)]
    finally:
        engine.dispose()
    if options.json:
        told = [asdict(version) | {"standing": asdict(standing)} for version, standing in found]
        print(json.dumps(told, default=str))
    for version, standing in () if options.json else found:
        active = "  (active)" if version.is_active else ""
        print(f"{version.id}  {version.kind.value}  {standing.badge}{active}\n   {standing.sentence}")
    if not found and not options.json:
        print("No ranker was trained yet; train one with: blender-ui train")
    return 0
