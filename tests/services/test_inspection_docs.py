"""docs/inspection.md: its example runs, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from blender_ui import inspection
from blender_ui.settings import Settings
from db.engine import create_store
from db.migrations import migrate
from tests.services.trained import add_two_versions

DOCS = Path(__file__).parents[2] / "docs" / "inspection.md"
EXAMPLES = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def test_the_example_prints_what_it_says(tmp_path: Path) -> None:
    engine = create_store(Settings(home_path=tmp_path).store_url)
    migrate(engine)
    add_two_versions(engine, tmp_path)
    engine.dispose()
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
