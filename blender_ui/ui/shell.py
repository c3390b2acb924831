"""What every page shares: header and navigation, theme, options, the browser's memory.

Invariant: nothing is loaded from another host. Fonts, styles and scripts are served by the app,
and a content security policy makes the browser refuse the rest, so that an image in a member's
answer cannot call home. Non-goal: what a page does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from blender_ui.shipped import find_shipped
from blender_ui.ui import markup

ASSETS_PATH = find_shipped("assets")

MOST_FILE_BYTES = 4 * 2**30
"""Of one file that the data page takes; `blender-ui import` takes any."""

FILE_TYPES = [".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".arrow"]
FILE_TYPES += [".gz", ".bz2", ".xz", ".zst", ".zip"]
"""Of files that the data and the projects page take."""

WITH_ADDRESS = """(token) => token === "" ? "" :
    new URL(`${window.blenderUi.root()}/?invite=${encodeURIComponent(token)}`, location.href).href"""
"""Only the browser knows under which address people reach the app."""

WITH_RESET_ADDRESS = """(token) => token === "" ? "" :
    new URL(`${window.blenderUi.root()}/account?reset=${encodeURIComponent(token)}`, location.href).href"""

STORAGE_KEY = "blender-ui"
STORAGE_SECRET = "blender-ui-browser"
"""Gradio scrambles what a browser keeps with this; fixed, or a restart would lose everybody."""

NOT_PRESSED = gr.EventData(None, None)
"""What a listener of a table takes where a direct request brings no event: Gradio calls it without one, and
``rows.read_act`` says what is missing."""


class Page(NamedTuple):
    """A page of the app."""

    title: str
    path: str
    """Below the app's root, without slashes; empty for the first page."""


PAGES = (
    Page("Blend", ""),
    Page("Label", "label"),
    Page("Leaderboard", "leaderboard"),
    Page("Train", "train"),
    Page("Inspect", "inspect"),
    Page("Quality", "quality"),
    Page("Data", "data"),
    Page("Projects", "projects"),
    Page("Members", "ensemble"),
    Page("People", "people"),
)
ACCOUNT = Page("Account", "account")
"""Reached from the header's corner, which says who one is."""


SCRIPTS = (
    "storage.js",
    "language.js",
    "identity.js",
    "tour.js",
    "page.js",
    "prose.js",
    "figures.js",
    "fused.js",
)
"""Run on every page, in this order."""


def draw_header(current: Page) -> None:
    """Draw the brand, the links to the pages and the light switch, inside the page's Blocks."""
    links = [(page.title, f"./{page.path}", page == current) for page in PAGES]
    gr.HTML(markup.header(links, account=f"./{ACCOUNT.path}"), elem_id="header", padding=False)


def draw_rows(elem_id: str, *, script: str = "") -> gr.HTML:
    """The component of a table from ``rows``; its ``select`` event is given to ``rows.read_act``.

    Args:
        elem_id: Of the component.
        script: A file of ``assets`` that works on the component as well.
    """
    scripts = ["rows.js", *([script] if script else [])]
    return gr.HTML(
        "",
        js_on_load="\n".join((ASSETS_PATH / name).read_text(encoding="utf-8") for name in scripts),
        padding=False,
        elem_id=elem_id,
    )


def browser_memory() -> gr.BrowserState:
    """What the browser keeps between visits: ``{"annotator": secret key, "prompt_id": last one}``.

    Every page gets the same one. Treat what comes from it as input from outside.
    """
    return gr.BrowserState(
        {"annotator": "", "prompt_id": None}, storage_key=STORAGE_KEY, secret=STORAGE_SECRET
    )


def read_scripts() -> list[str]:
    """The texts of ``SCRIPTS``, which every page adds to itself."""
    return [(ASSETS_PATH / name).read_text(encoding="utf-8") for name in SCRIPTS]


def page_options() -> dict[str, Any]:
    """The arguments of ``gr.mount_gradio_app`` that this app needs."""
    scripts = "".join(f"<script>{script}</script>" for script in read_scripts())
    return {
        "theme": build_theme(),
        "css_paths": [ASSETS_PATH / "theme.css", ASSETS_PATH / "round.css"],
        "head": _katex() + scripts,
        "favicon_path": str(ASSETS_PATH / "logo.svg"),
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": MOST_FILE_BYTES,
        "footer_links": [],
        "show_error": True,
        "ssr_mode": False,
    }


def _katex() -> str:
    """Where ``prose.js`` finds the KaTeX that Gradio serves for its own Markdown; names have a hash."""
    folder = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    names = (min(path.name for path in folder.glob(f"katex-*.{ending}")) for ending in ("js", "css"))
    return f'<meta name="blender-ui-katex" content="{" ".join(names)}">'


def build_theme() -> gr.themes.Base:
    """Warm paper by day, slate by night; teal for what can be done.

    Gradio's own semi-bold cut of IBM Plex Sans lacks most letters, hence the bold one.
    """
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_lg,
        font=[
            gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)),
            "ui-sans-serif",
            "system-ui",
            "sans-serif",
        ],
        font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"],
    ).set(
        body_background_fill="#faf8f5",
        body_background_fill_dark="#15181b",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#1c2024",
        background_fill_secondary="#f4f1ec",
        background_fill_secondary_dark="#23282d",
        body_text_color="#22201c",
        body_text_color_dark="#e9e6e0",
        body_text_color_subdued="#6a645b",
        body_text_color_subdued_dark="#a39d93",
        border_color_primary="#e4dfd6",
        border_color_primary_dark="#343b42",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1c2024",
        block_border_color="#e4dfd6",
        block_border_color_dark="#343b42",
        block_shadow="none",
        input_background_fill="#ffffff",
        input_background_fill_dark="#15181b",
        input_border_color="#cfc8bc",
        input_border_color_dark="#434b53",
        button_primary_background_fill="#0f766e",
        button_primary_background_fill_hover="#0b5f58",
        button_primary_background_fill_dark="#2dd4bf",
        button_primary_background_fill_hover_dark="#5eead4",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#06302b",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_hover="#f4f1ec",
        button_secondary_background_fill_dark="#23282d",
        button_secondary_background_fill_hover_dark="#2d343a",
        button_secondary_border_color="#cfc8bc",
        button_secondary_border_color_dark="#434b53",
        button_border_width="1px",
    )
