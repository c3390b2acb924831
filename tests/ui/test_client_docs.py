"""docs/client.md does what it says: its code is run, block by block, against a real server."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blender_ui.ui.app import build_app
from blender_ui.ui.serving.web import open_pages
from tests.ui.scripted_services import build_scripted_services

DOC = Path(__file__).parents[2] / "docs" / "client.md"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    services = build_scripted_services(tmp_path / "home")
    app = build_app(services)
    yield open_pages(app, replace(services.settings, port=0))
    app.close(verbose=False)
    services.engine.dispose()


@pytest.mark.slow
def test_every_example_of_the_page_runs(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", DOC.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 6
    names: dict[str, Any] = {"url": url}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"client.md, example {number}", "exec"), names)
    assert names["line"]["chosen"][0]["content"] == "Rayleigh scattering."
