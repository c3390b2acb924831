"""What a wheel holds is enough: it is built, installed alone, and opened from an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 120

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    subprocess.run(build, check=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    return target


@pytest.fixture
def app(installed: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("BLENDER_UI", "GRADIO"))
    }
    served = subprocess.Popen(
        [sys.executable, "-P", "-m", "blender_ui.cli", "serve"],
        cwd=tmp_path,
        env=kept | {"PYTHONPATH": str(installed), "BLENDER_UI_PORT": "0", "BLENDER_UI_WORKER": "none"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    ending = threading.Timer(PATIENCE_SECONDS, served.kill)
    ending.start()
    yield served
    ending.cancel()
    served.terminate()
    served.wait(timeout=60)
    assert served.stdout is not None
    served.stdout.close()


def test_a_wheel_opens_the_app_from_an_empty_folder(
    app: subprocess.Popen[str], installed: Path, tmp_path: Path
) -> None:
    assert app.stdout is not None
    said = []
    for line in app.stdout:
        said.append(line)
        if opened := re.search(r"open at (http\S+)", line):
            break
    else:
        pytest.fail(f"the app did not open: {''.join(said)}")
    blend = httpx.get(opened[1])
    assert blend.status_code == 200
    for page in ("label", "inspect", "data"):
        assert httpx.get(f"{opened[1].rstrip('/')}/{page}").status_code == 200
    assert "bu-panel" in httpx.get(f"{opened[1].rstrip('/')}/config").text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["var"]
    members = (tmp_path / "var" / "members.toml").read_text()
    assert members == (ROOT / "members.toml").read_text()
    where = "import blender_ui.shipped, db; print(blender_ui.shipped.find_shipped('assets'), db.__file__)"
    environ = os.environ | {"PYTHONPATH": str(installed)}
    found = subprocess.run([sys.executable, "-P", "-c", where], env=environ, capture_output=True, text=True)
    assert found.stdout.count(str(installed)) == 2
