"""The dark colours: a page without Gradio has those of the pages with it."""

from __future__ import annotations

import re

from blender_ui.ui.shell import ASSETS_PATH


def read_colours(selector: str, style: str) -> dict[str, str]:
    """The variables that the first rule of a selector sets."""
    rule = re.search(rf"{re.escape(selector)} \{{([^}}]*)\}}", style)
    assert rule is not None
    return dict(re.findall(r"(--bu-[\w-]+): ([^;]+);", rule.group(1)))


def test_a_page_by_itself_has_the_dark_colours_of_the_others() -> None:
    style = (ASSETS_PATH / "theme.css").read_text(encoding="utf-8")
    dark = read_colours("\n.dark", style)
    assert len(dark) > 20
    assert read_colours("\n  .bu-by-itself", style) == dark
