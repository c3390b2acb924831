"""docs/inspection.md: its example runs, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from blender_ui import inspection
from tests.builders.trained import copy_trained_store

DOCS = Path(__file__).parents[3] / "docs" / "inspection.md"
EXAMPLES = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def test_the_example_prints_what_it_says(tmp_path: Path) -> None:
    copy_trained_store(tmp_path, name="blender.sqlite")
    names: dict[str, object] = {"home": tmp_path}
    examples = EXAMPLES.findall(DOCS.read_text(encoding="utf-8"))
    assert len(examples) == 3
    for code, said in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == said


def test_every_call_of_the_table_is_there() -> None:
    calls = re.findall(r"`(\w+)\(", DOCS.read_text(encoding="utf-8"))
    known = {name for name in dir(inspection.Inspector) if not name.startswith("_")}
    assert known - {"close"} <= set(calls)
