"""docs/schema.md names every table, column and choice, and nothing else."""

import re
from pathlib import Path

from sqlalchemy import Enum
from sqlmodel import SQLModel

from db import models

DOC = (Path(__file__).parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")


def documented() -> dict[str, list[str]]:
    """Columns by table as the page has them, with a question mark where they may be NULL."""
    sections = re.split(r"^### `(\w+)`$", DOC, flags=re.MULTILINE)[1:]
    return {
        table: [name + mark for name, mark in re.findall(r"^\| `(\w+)`(\??) \|", body, flags=re.MULTILINE)]
        for table, body in zip(sections[::2], sections[1::2], strict=True)
    }


def test_the_page_has_every_table_and_column() -> None:
    assert models.Prompt.__tablename__ in documented()
    assert documented() == {
        table.name: [column.name + ("?" if column.nullable else "") for column in table.columns]
        for table in SQLModel.metadata.sorted_tables
    }


def test_the_page_has_every_choice() -> None:
    for table in SQLModel.metadata.sorted_tables:
        section = DOC.split(f"### `{table.name}`\n")[1].split("\n### ")[0]
        for column in table.columns:
            if isinstance(column.type, Enum):
                missing = [word for word in column.type.enums if f"`{word}`" not in section]
                assert not missing, f"{table.name}.{column.name} can be {missing}"
