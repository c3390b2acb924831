"""docs/api.md does what it says: its code is run, block by block, against a real server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from blender_ui.services.notifying.posting import Poster
from db.models import Role
from tests.api.house import Shop, build_trained_services
from tests.builders.receiver import Receiver
from tests.builders.scripted_members import ScriptedMember, saying

DOC = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # an example writes a file
    members = [
        ScriptedMember("Bad", saying("an answer.")),
        ScriptedMember("Good", saying("good good good answer.")),
    ]
    shop = Shop(tmp_path, services=build_trained_services(tmp_path, *members))
    blocks = re.findall(r"^```python\n(.*?)^```$", DOC, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 7
    receiver = Receiver()
    for one in (shop.services.webhooks, shop.services.delivering):
        one._poster = Poster(frozenset({"127.0.0.1"}), timeout=5)
    names: dict[str, Any] = {
        "url": shop.url,
        "key": shop.keys[Role.RESEARCHER],
        "admin_key": shop.keys[Role.ADMIN],
        "hook": receiver.url,
        "received": receiver.came,
    }
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"api.md, example {number}", "exec"), names)
    assert names["rewards"][1] > 0
    names["client"].close()
    names["api"].close()
    receiver.close()
    shop.close()
