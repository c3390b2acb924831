"""What a start leaves out is back once pages are open, and Gradio is the same without it."""

from __future__ import annotations

import gc
import inspect
import json
import subprocess
import sys

import pytest

from blender_ui.cli.quick_start import without_collecting, without_stubs

LOOKS_AT_GRADIO = """
import ast, inspect, json
from contextlib import nullcontext
from unittest import mock
from blender_ui.cli.quick_start import without_stubs

parse, parsed = ast.parse, []

def count(source, *args, **options):
    parsed.append("EVENTS" in str(source))
    return parse(source, *args, **options)

ast.parse = count
with {importing}:
    import gradio as gr
    from fastapi import FastAPI
    from gradio.routes import App
    from blender_ui.ui.quick_gradio import working_out_once

with mock.patch.object(App, "create_app", wraps=App.create_app) as made, {drawing}:
    with gr.Blocks(analytics_enabled=False) as pages:
        text = gr.Textbox(label="Text")
        gr.HTML("<b>drawn</b>")
        gr.Button("Go").click(str.upper, text, text, api_name="go")
    web = gr.mount_gradio_app(FastAPI(), pages, path="/")
print(json.dumps({{
    "parsed": sum(parsed), "made": made.call_count, "config": {{**pages.config, "app_id": 0}},
    "routes": [route.path for route in web.routes], "events": gr.Button.EVENTS,
    "is back": gr.blocks.inspect is inspect and gr.blocks.App is App,
}}, default=str))
"""


def look(*, importing: str, drawing: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", LOOKS_AT_GRADIO.format(importing=importing, drawing=drawing)],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_gradio_is_the_same_parses_none_of_its_components_and_makes_the_app_that_is_served() -> None:
    lean = look(importing="without_stubs()", drawing="working_out_once()")
    usual = look(importing="nullcontext()", drawing="nullcontext()")
    assert (lean.pop("parsed"), lean.pop("made")) == (0, 1)
    assert int(str(usual.pop("parsed"))) > 20
    assert int(str(usual.pop("made"))) > 1
    assert lean == usual
    assert lean["is back"]


def test_what_is_left_out_is_back_also_after_a_start_that_failed() -> None:
    find, seen = inspect.getfile, []

    def start() -> None:
        with without_collecting(), without_stubs():
            seen.append((gc.isenabled(), inspect.getfile is find))
            raise ValueError("no start")

    with pytest.raises(ValueError, match="no start"):
        start()
    gc.unfreeze()
    assert seen == [(False, False)]
    assert gc.isenabled()
    assert inspect.getfile is find
