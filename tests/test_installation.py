from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from blender_ui.errors import MalformedInput
from blender_ui.installation import read_secret


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    secret = read_secret(tmp_path)
    assert read_secret(tmp_path) == secret
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_no_two_installations_have_the_same_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert read_secret(tmp_path / "a") != read_secret(tmp_path / "b")


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from blender_ui.installation import read_secret; "
        "sys.stdin.readline(); print(read_secret(Path(sys.argv[1])))"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    assert len({child.communicate()[0] for child in children}) == 1


@pytest.mark.parametrize("text", ["", "abc", "g" * 64])
def test_a_damaged_secret_is_named_and_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text(text)
    with pytest.raises(MalformedInput, match="64 hexadecimal digits"):
        read_secret(tmp_path)
    assert (tmp_path / "secret").read_text() == text
