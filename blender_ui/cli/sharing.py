"""``blender-ui push`` and ``pull``: a version or the preferences to a hub, and a version from one."""

from __future__ import annotations

import argparse
from dataclasses import replace

from blender_ui.bootstrap import build_services
from blender_ui.hub.repository import Repository
from blender_ui.settings import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Put something into a repository, or take a version out, and say which."""
    repository = Repository(name=options.name, kind="model")
    services = build_services(settings)
    try:
        if options.command == "push" and options.preferences:
            published = services.publishing.push(
                replace(repository, kind="dataset"), project_id=options.project, private=not options.public
            )
            report = published.report
            print(f"{report.n_lines} prompts, {report.n_bytes} bytes, are in the data set {options.name}.")
            return 0
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
