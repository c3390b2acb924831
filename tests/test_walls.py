"""Walls that import-linter cannot hold, because it sees modules and not the names in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import blender_ui

PACKAGE = Path(blender_ui.__file__).parent
ALLOWED = {"Engine", "Session", "URL", "make_url", "event", "ExceptionContext"}
"""What a module outside ``db`` needs to open a store, pass its session on, and translate its errors."""

MOST_MODULES = 12
"""In a room of services; beyond that a name no longer says where a line belongs."""


def _find_statements(path: Path) -> Iterator[str]:
    """Names from SQLAlchemy and SQLModel that build statements, as a module imports them."""
    text = path.read_text(encoding="utf-8")
    if "sqlalchemy" not in text and "sqlmodel" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            package = node.module.split(".")[0]
            if package in {"sqlalchemy", "sqlmodel"} and not node.module.startswith("sqlalchemy.exc"):
                yield from (name.name for name in node.names if name.name not in ALLOWED)
        elif isinstance(node, ast.Import):
            yield from (
                name.name for name in node.names if name.name.split(".")[0] in {"sqlalchemy", "sqlmodel"}
            )


def _statements_by_module() -> dict[str, list[str]]:
    found = {
        path.relative_to(PACKAGE).as_posix(): [*_find_statements(path)] for path in PACKAGE.rglob("*.py")
    }
    return {module: names for module, names in found.items() if names}


def test_statements_are_written_in_db_queries_only():
    outside = _statements_by_module()
    assert not outside, f"expected queries in db/queries only, came {outside}; move them there"


def test_a_room_of_services_has_a_dozen_modules_at_most():
    rooms = [folder for folder in (PACKAGE / "services").iterdir() if (folder / "__init__.py").exists()]
    crowded = {
        room.name: n
        for room in rooms
        if (n := sum(path.name != "__init__.py" for path in room.glob("*.py"))) > MOST_MODULES
    }
    assert rooms
    assert not crowded, f"expected at most {MOST_MODULES} modules a room, came {crowded}; split by use case"


def test_the_architecture_names_every_room_and_no_module_that_there_is_not():
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    paths = "".join(_read_section(text, title) for title in ("The path of a prompt", "The path of a vote"))
    named = re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", paths)
    assert len(named) > 20
    assert [name for name in named if not _is_module(name)] == []
    described = re.findall(r"^\| `([a-z_]+)`", _read_section(text, "Rooms of services"), re.MULTILINE)
    there = {path.stem for path in (PACKAGE / "services").iterdir()} - {"__init__", "__pycache__"}
    assert sorted(described) == sorted(there)


def _read_section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _is_module(name: str) -> bool:
    """Of the package, or of ``db``."""
    place = name.replace(".", "/")
    return any((root / f"{place}.py").exists() for root in (PACKAGE, PACKAGE.parent))
