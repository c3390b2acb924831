"""``blender-ui push`` and ``blender-ui pull``: a trained version to a hub, and from one."""

from __future__ import annotations

import argparse

from blender_ui.bootstrap import build_services
from blender_ui.hub.repository import Repository
from blender_ui.settings import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Put a version into a repository, or take it out, and say which."""
    repository = Repository(name=options.name, kind="model")
    services = build_services(settings)
    try:
        if options.command == "push":
            commit = services.sharing.push(options.version, repository, private=not options.public)
            print(f"Version {options.version} is in {options.name}, commit {commit[:12]}.")
            return 0
        version = services.sharing.pull(repository)
    finally:
        services.close()
    print(f"{options.name} is version {version.id}, a {version.kind} {version.role}.")
    print(
        "It serves nobody yet: compare it with yours on the Inspect page, and activate it on the Train page."
    )
    return 0
