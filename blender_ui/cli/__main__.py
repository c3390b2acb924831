"""``python -m blender_ui.cli`` is ``blender-ui``."""

import sys

from blender_ui.cli import main

sys.exit(main())
