"""What benchmarks import from the project is there: nothing else would notice, since no check reads them."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import benchmarks

FOLDER = Path(benchmarks.__file__).parent
OWN = {"benchmarks", "blender_ui", "db"}


def _find_imports(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in OWN:
            yield from ((node.module, name.name) for name in node.names)


def _find_top_names(path: Path) -> set[str]:
    """What a module of the benchmarks defines; read and not run, since some need packages of their own."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {
                name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
            }
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {name.asname or name.name for name in node.names}
    return names


def _is_there(module: str, name: str) -> bool:
    if module == "benchmarks":
        return (FOLDER / f"{name}.py").exists()
    if module.startswith("benchmarks."):
        return name in _find_top_names(FOLDER.parent / f"{module.replace('.', '/')}.py")
    return hasattr(importlib.import_module(module), name) or _is_module(f"{module}.{name}")


def _is_module(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_benchmark_imports_what_is_there(path: Path) -> None:
    lacking = [f"{module}.{name}" for module, name in _find_imports(path) if not _is_there(module, name)]
    assert not lacking, f"{path.name} imports what is gone: {lacking}; it moved, or its last user did"
