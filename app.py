"""Opens Blender UI, as Hugging Face Spaces runs it: settings, services, pages, launch.

The same as ``blender-ui serve``; every setting is an environment variable, see ``blender_ui.settings``.
"""

import os
import sys

from blender_ui.cli.serve import serve
from blender_ui.errors import BlenderError
from blender_ui.settings import load_settings


def main() -> int:
    """Serve until told to end; a failed step is one sentence and exit status 1."""
    try:
        serve(load_settings(os.environ))
    except BlenderError as error:
        print(f"Blender UI could not start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
