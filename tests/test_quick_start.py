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
import ast, json
from contextlib import nullcontext
from blender_ui.cli.quick_start import without_stubs

parse, parsed = ast.parse, []

def count(source, *args, **options):
    parsed.append("EVENTS" in str(source))
    return parse(source, *args, **options)

ast.parse = count
with {context}:
    import gradio as gr
button = gr.Button("Go")
print(json.dumps({{"parsed": sum(parsed), "id": button.component_class_id, "events": gr.Button.EVENTS}}))
"""


def look(context: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", LOOKS_AT_GRADIO.format(context=context)],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_gradio_is_the_same_and_parses_none_of_its_components() -> None:
    lean, usual = look("without_stubs()"), look("nullcontext()")
    assert lean.pop("parsed") == 0
    assert int(str(usual.pop("parsed"))) > 20
    assert lean == usual


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
