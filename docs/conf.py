"""The documentation as a site, from the files that the repository shows: ``make docs``.

Sources are all of the repository's documents, so the source folder is its root and this file names them.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

_ROOT = Path(__file__).parents[1]

project = "Blender UI"
release = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/**.md",
]
myst_heading_anchors = 4
myst_links_external_new_tab = True
# A link to a file of code is a download; the pages show them as the repository does.
suppress_warnings = ["myst.header", "misc.highlighting_failure"]
html_theme = "furo"
html_title = f"Blender UI {release}"
html_favicon = "../assets/logo.svg"
