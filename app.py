"""Opens Blender UI, as Hugging Face Spaces runs it: settings, services, pages, launch.

The same as ``blender-ui serve``; every setting is an environment variable, see ``blender_ui.settings``.
"""

import sys

from blender_ui.cli.serve import serve
from blender_ui.faults import run_command
from blender_ui.settings import Settings


def main() -> int:
    """Serve until told to end; a failed step is one sentence and exit status 1."""
    return run_command("Blender UI could not start", start)


def start(settings: Settings) -> int:
    """Serve, as a command."""
    serve(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
