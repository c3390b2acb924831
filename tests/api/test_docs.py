"""docs/api.md does what it says: its code is run, block by block, against a real server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from db.models import Role
from tests.api.house import Shop, build_trained_services
from tests.builders.scripted_members import ScriptedMember, saying

DOC = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def test_every_example_of_the_page_runs(tmp_path: Path) -> None:
    members = [
        ScriptedMember("Bad", saying("an answer.")),
        ScriptedMember("Good", saying("good good good answer.")),
    ]
    shop = Shop(tmp_path, services=build_trained_services(tmp_path, *members))
    blocks = re.findall(r"^```python\n(.*?)^```$", DOC, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 7
    names: dict[str, Any] = {"url": shop.url, "key": shop.keys[Role.RESEARCHER]}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"api.md, example {number}", "exec"), names)
    assert names["rewards"][1] > 0
    names["client"].close()
    names["api"].close()
    shop.close()
