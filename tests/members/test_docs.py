"""docs/members.md says everything that members.toml may hold, and every kind of failure."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from blender_ui.members.configuration import Backend, Limits, MemberConfig, Price, parse_members
from blender_ui.members.openai.request import Extra
from blender_ui.members.protocol import Sampling
from db.models import FailureKind

DOCS = (Path(__file__).parents[2] / "docs" / "members.md").read_text(encoding="utf-8")
ROWS = set(re.findall(r"^\| `([\w.]+)` \|", DOCS, flags=re.MULTILINE))


def test_every_key_and_every_kind_has_its_row_and_nothing_else_has() -> None:
    keys = {field.name for field in fields(MemberConfig)} - {"sampling", "limits", "extra", "price"}
    keys |= {f"price.{field.name}" for field in fields(Price)}
    keys |= {f"extra.{field.name}" for field in fields(Extra)}
    keys |= {f"sampling.{field.name}" for field in fields(Sampling)}
    keys |= {f"limits.{field.name}" for field in fields(Limits)}
    assert keys | set(FailureKind) | set(Backend) == ROWS


def test_the_defaults_are_the_written_ones() -> None:
    defaults = {f"sampling.{key}": value for key, value in vars(Sampling()).items()}
    defaults |= {f"limits.{key}": value for key, value in vars(Limits()).items()}
    for key, value in defaults.items():
        (written,) = re.findall(rf"^\| `{re.escape(key)}` \| ([^|]*) \|", DOCS, flags=re.MULTILINE)
        assert written == (f"{value:g}" if value not in (None, ()) else "none")


def test_the_examples_are_valid() -> None:
    examples = re.findall(r"```toml\n(.*?)```", DOCS, flags=re.DOTALL)
    assert len(parse_members("\n".join(examples))) == 4
