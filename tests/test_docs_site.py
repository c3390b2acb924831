"""The documents make a site, and every link and anchor within them leads somewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def build(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Build as ``make docs`` does: a warning is an error."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-c", "docs"]
    return subprocess.run([*command, ".", str(out)], cwd=source, capture_output=True, text=True)


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    built = build(ROOT, tmp_path)
    assert built.returncode == 0, built.stderr
    documents = {path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")} | {Path("README.md")}
    missing = [path for path in documents if not (tmp_path / path.with_suffix(".html")).is_file()]
    assert not missing


def test_a_link_that_leads_nowhere_fails_it(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("pyproject.toml", "docs/conf.py"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (docs / "index.md").write_text("# Here\n\n[gone](members.md#nowhere)\n")
    built = build(tmp_path, tmp_path / "out")
    assert built.returncode != 0
    assert "members.md" in built.stderr
