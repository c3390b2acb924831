"""``blender-ui export``: write the store's preferences to a file."""

from __future__ import annotations

import argparse

from blender_ui.bootstrap import build_services
from blender_ui.settings import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Write the file and say what is in it."""
    services = build_services(settings)
    try:
        report = services.exporting.export(options.file, format=options.format, project_id=options.project)
    finally:
        services.close()
    print(f"{report.path}: {report.n_lines} lines, {report.n_bytes} bytes")
    return 0
