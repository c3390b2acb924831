"""Install the wheel into clean environments of several Pythons, open the app from an empty folder, click.

    python -m benchmarks.wheel [--python PATH ...] [--newest]
    python -m benchmarks.wheel --with pipx uvx  by the one-liners instead, in a home of their own
    python -m benchmarks.wheel --quick          this Python alone, with the packages that it has

Without ``--python`` each Python of 3.11, 3.12 and 3.13 that is on the path or that pyenv has. Packages come
from the index that pip is set up for, as ``constraints.txt`` pins them; with ``--newest`` as pip chooses.
Of each: seconds of the installation and megabytes of what it made, seconds from the command to the open
port, until the page can be used in a new browser, and from a click on a recorded round to its answers. A
one-liner installs when it runs, so its ``open_s`` holds that; ``again_s`` is its second run. Last line: one
JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.browsing import chromium, clean_environ, click_recorded, serving

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13")
PIP = ("-m", "pip", "--disable-pip-version-check", "-q")
ONE_LINERS = {
    "pipx": ("pipx", "run", "--python", "{python}", "--spec", "{wheel}", "blender-ui", "serve"),
    "uvx": ("uvx", "--python", "{python}", "--from", "{wheel}", "blender-ui", "serve"),
}
"""As the README has them, with the Python named."""


def main(arguments: list[str] | None = None) -> None:
    """Build once, then one environment after the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--newest", action="store_true", help="packages as pip chooses, without constraints")
    parser.add_argument("--with", nargs="+", choices=ONE_LINERS, dest="tools", default=[])
    parser.add_argument("--weights", type=Path, default=Path("~/.cache/blender-ui/weights").expanduser())
    parser.add_argument("--quick", action="store_true", help="install no packages: take this Python's")
    options = parser.parse_args(arguments)
    pythons = [Path(sys.executable)] if options.quick else options.python or find_pythons()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, *PIP, "wheel", "--no-deps", "-w", name, str(ROOT)], check=True)
        (wheel,) = folder.glob("*.whl")
        figures: dict[str, Any] = {"wheel_kb": round(wheel.stat().st_size / 1e3), "pythons": {}}
        for python in pythons:
            environ = clean_environ() | {"BLENDER_UI_WEIGHTS": str(options.weights)}
            told: dict[str, Any] = {}
            if options.tools:
                for tool in options.tools:
                    told[tool] = try_one_liner(tool, python, wheel, environ)
            else:
                pins = [] if options.newest else ["--constraint", str(ROOT / "constraints.txt")]
                told = try_pip(python, wheel, environ, pins=pins, quick=options.quick)
            figures["pythons"][read_version(python)] = told
            print(read_version(python), json.dumps(told), flush=True)
    print(json.dumps({"benchmark": "wheel", **figures}))


def find_pythons() -> list[Path]:
    """One of each version that is supported, where there is one."""
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    found = []
    for version in VERSIONS:
        on_path = shutil.which(f"python{version}")
        candidates = [Path(on_path)] if on_path else []
        candidates += sorted(root.glob(f"versions/{version}.*/bin/python"))
        found += [python for python in candidates if read_version(python)][:1]
    return found


def read_version(python: Path) -> str:
    """Such as ``3.12.1``; empty where it does not run, as pyenv's stand-ins for a version not chosen."""
    told = subprocess.run([python, "--version"], capture_output=True, text=True)
    return told.stdout.split()[1] if told.returncode == 0 else ""


def try_pip(
    python: Path, wheel: Path, environ: Mapping[str, str], *, pins: Sequence[str], quick: bool
) -> dict[str, float]:
    """Install into a clean environment, open, click.

    Args:
        python: Makes the environment.
        wheel: Installed there.
        environ: Of the app, without settings of ours.
        pins: Options of pip that hold packages at a version.
        quick: Leave packages out and take the Python's own.
    """
    with tempfile.TemporaryDirectory() as name:
        place, began = Path(name), time.perf_counter()
        if quick:
            subprocess.run([python, *PIP, "install", "--no-deps", "--target", place, wheel], check=True)
            environ = {**environ, "PYTHONPATH": str(place)}
        else:
            subprocess.run([python, "-m", "venv", place], check=True)
            python = place / "bin" / "python"
            subprocess.run([python, *PIP, "install", *pins, str(wheel)], check=True)
        installed = {"install_s": round(time.perf_counter() - began, 1), "mb": _megabytes(place)}
        return installed | open_and_click([str(python), "-P", "-m", "blender_ui.cli", "serve"], environ)


def try_one_liner(tool: str, python: Path, wheel: Path, environ: Mapping[str, str]) -> dict[str, float]:
    """Run without installing, twice, in a home folder that has nothing."""
    with tempfile.TemporaryDirectory() as home:
        own = {
            name: value for name, value in environ.items() if not name.startswith(("PIPX_", "UV_", "XDG_"))
        }
        own["HOME"] = home
        command = [word.format(python=python, wheel=wheel) for word in ONE_LINERS[tool]]
        told = open_and_click(command, own)
        again = open_and_click(command, own)
        return told | {"again_s": again["open_s"], "mb": _megabytes(Path(home))}


def open_and_click(command: Sequence[str], environ: Mapping[str, str]) -> dict[str, float]:
    """Serve from an empty folder; open the page in a new browser; click a recorded round."""
    with serving(command, environ) as (url, seconds), chromium() as browser:
        began = time.perf_counter()
        page = browser.new_page()
        page.goto(url)
        drawn, shown = click_recorded(page)
        for path in ("label", "inspect"):
            answer = page.request.get(url + path)
            if not answer.ok:
                raise SystemExit(f"/{path} answered {answer.status}")
    return {
        "open_s": seconds,
        "page_s": round(drawn - began, 1),
        "click_s": round(shown - drawn, 1),
    }


def _megabytes(folder: Path) -> int:
    """uv links a file of its cache into an environment; it takes its place once."""
    told = (file.lstat() for file in folder.rglob("*") if file.is_file())
    return round(sum({one.st_ino: one.st_size for one in told}.values()) / 1e6)


if __name__ == "__main__":
    main()
