"""What kills did, as ``benchmarks.faults`` counts it, and the processes that it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

APP = str(Path(__file__).parents[1] / "app.py")
NOBODY = """
[[member]]
name = "nobody"
backend = "openai"
model = "m"
base_url = "http://127.0.0.1:9/v1"
enabled = false
"""


@dataclass(frozen=True)
class Damage:
    """Counts; see ``benchmarks.faults`` for what each means."""

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    refused: int = 0
    jobs: int = 0
    jobs_failed: int = 0
    jobs_unfinished: int = 0

    def and_(self, other: Damage) -> Damage:
        """Both together."""
        names = [field.name for field in fields(self)]
        return Damage(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def make_environment(home: Path, **settings: str) -> dict[str, str]:
    """Of a process whose installation is in a folder, with no member and no examples."""
    home.mkdir(exist_ok=True)
    members = home / "members.toml"
    members.write_text(NOBODY, encoding="utf-8")
    given = {"HOME": str(home), "MEMBERS": str(members), "TRAIN_EVERY": "0", "EXAMPLES": "no"} | settings
    root = str(Path(APP).parent)
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    named = {f"BLENDER_UI_{name}": value for name, value in given.items()}
    return os.environ | named | {"PYTHONPATH": paths}


def start(arguments: list[str], *, env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start Python with arguments in a session of its own; what it says goes to a file."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def kill(process: subprocess.Popen[bytes]) -> bool:
    """``kill -9``; whether there was a process left to kill."""
    lived = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return lived
