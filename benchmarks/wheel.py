"""Install the wheel into clean environments of several Pythons, and open the app from an empty folder.

    python -m benchmarks.wheel [--python PATH ...] [--weights FOLDER]
    python -m benchmarks.wheel --quick          this Python alone, with the packages that it has

Of each Python: seconds of the installation, megabytes of the environment, seconds from the command to the
open page, and whether the pages came. Packages come from the index that pip is set up for. Last line: one
JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
PIP = ("-m", "pip", "--disable-pip-version-check", "-q")


def main(arguments: list[str] | None = None) -> None:
    """Build once, then one environment after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", nargs="+", default=[sys.executable], metavar="PATH")
    parser.add_argument("--weights", type=Path, default=Path("~/.cache/blender-ui/weights").expanduser())
    parser.add_argument("--quick", action="store_true", help="install no packages: take this Python's")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, *PIP, "wheel", "--no-deps", "-w", name, str(ROOT)], check=True)
        (wheel,) = folder.glob("*.whl")
        figures: dict[str, Any] = {"wheel_kb": round(wheel.stat().st_size / 1e3), "pythons": {}}
        for python in [sys.executable] if options.quick else options.python:
            place = folder / f"environment-{len(figures['pythons'])}"
            version, told = _try(Path(python), wheel, place, weights=options.weights, quick=options.quick)
            figures["pythons"][version] = told
            print(version, told)
    print(json.dumps(figures))


def _try(
    python: Path, wheel: Path, place: Path, *, weights: Path, quick: bool
) -> tuple[str, dict[str, float | bool]]:
    began = time.perf_counter()
    path = dict(os.environ)
    if quick:
        site = place / "site"
        subprocess.run([python, *PIP, "install", "--no-deps", "--target", site, wheel], check=True)
        path["PYTHONPATH"] = str(site)
    else:
        subprocess.run([python, "-m", "venv", place], check=True)
        python = place / "bin" / "python"
        subprocess.run([python, *PIP, "install", str(wheel)], check=True)
    install_s = time.perf_counter() - began
    n_bytes = sum(file.lstat().st_size for file in place.rglob("*") if file.is_file())
    version = subprocess.run(
        [python, "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    open_s, is_open = _open(python, path, weights)
    told = {
        "install_s": round(install_s, 1),
        "mb": round(n_bytes / 1e6),
        "open_s": open_s,
        "is_open": is_open,
    }
    return version, told


def _open(python: Path, environ: dict[str, str], weights: Path) -> tuple[float, bool]:
    """Seconds from the command to the page that opens, and whether all its pages come."""
    with tempfile.TemporaryDirectory() as empty:
        began = time.perf_counter()
        served = subprocess.Popen(
            [python, "-P", "-m", "blender_ui.cli", "serve"],
            cwd=empty,
            env=environ | {"BLENDER_UI_PORT": "0", "BLENDER_UI_WEIGHTS": str(weights)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert served.stdout is not None
        try:
            opened = next(
                (found for line in served.stdout if (found := re.search(r"open at (\S+)", line))), None
            )
            seconds = round(time.perf_counter() - began, 1)
            if opened is None:
                return seconds, False
            pages = [
                httpx.get(opened[1].rstrip("/") + path, timeout=60) for path in ("/", "/label", "/inspect")
            ]
            return seconds, all(page.status_code == 200 for page in pages)
        finally:
            served.terminate()
            served.wait(timeout=60)
            served.stdout.close()


if __name__ == "__main__":
    main()
