"""A Hugging Face Space on this machine: restarts on an empty disk, and a first click in a frame.

    python -m benchmarks.space [--restarts N] [--seconds S] [--only restarts|first_click]
    python -m benchmarks.space --quick          two restarts, no browser

The app runs as ``app.py`` does there: as user 1000 (in a user namespace, where the kernel lets one be made),
with a home that cannot be written, a Space's variables, a proxy with a sub-path in front, and the scripted
hub for its snapshots. ``first_click``: on an empty disk, with weights or without, a browser opens a page of
another site that has the app in a frame, and clicks a recorded round. ``restarts``: visitors vote; the app is
killed and told to end in turn; the next start has an empty disk. Each acknowledged vote is looked for
after it. ``oldest_lost_s`` is the age, at the kill, of the oldest vote that is not there. Last line: one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.browsing import chromium, click_recorded
from benchmarks.loopback import find_free_port
from benchmarks.scripted_hub import TOKEN, running_hub
from benchmarks.space_parts import FramePage, SpaceProxy, running
from blender_ui.settings import list_set

ROOT = Path(__file__).parents[1]
BELOW = "/spaces/me/blender-ui"
DATA_SET = "me/kept"
SPACE_PORT = 7860
AS_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
PATIENCE_SECONDS = 300
"""Waited for in full only when something fails; ten programs on two cores took a start two minutes."""
VOTES_A_VISITOR = 8
VOTES_A_SNAPSHOT = 15
"""Made between two snapshots. Faster, twenty restarts would use up the pairs of the sample project."""
NOBODY = '[[member]]\nname = "nobody"\nbackend = "openai"\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'


@dataclass(kw_only=True)
class Space:
    """One Space, which is started many times."""

    folder: Path
    hub: str
    proxy: SpaceProxy
    frame: str
    weights: Path
    snapshot_seconds: int
    n_starts: int = 0
    as_user: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    start_seconds: list[float] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """The disk of this start."""
        return self.folder / f"disk-{self.n_starts}"

    def start(self, **changes: str) -> None:
        """Start on an empty disk, and wait until the pages answer through the proxy."""
        self.n_starts += 1
        disk, own = self.home, self.folder / "home"
        for made in (disk, own):
            made.mkdir(exist_ok=True)
        own.chmod(0o555)
        port = _port()
        self.proxy.target = port
        began = time.perf_counter()
        with (self.folder / f"start-{self.n_starts}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [*self.as_user, sys.executable, str(ROOT / "app.py")],
                cwd=disk,
                env=self._environ(port) | changes,
                stdout=log,
                stderr=log,
            )
        while not _is_open(self.proxy.address):
            if self.process.poll() is not None or time.perf_counter() - began > PATIENCE_SECONDS:
                raise SystemExit(f"the Space did not start:\n{self.read_log()[-3000:]}")
            time.sleep(0.1)
        self.start_seconds.append(round(time.perf_counter() - began, 1))

    def end(self, number: signal.Signals) -> None:
        """End it, and take its disk away."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        """End it where a measurement stopped half-way."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=PATIENCE_SECONDS)

    def read_log(self) -> str:
        """What this start said."""
        return (self.folder / f"start-{self.n_starts}.log").read_text(errors="replace")

    def _environ(self, port: int) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in list_set(os.environ)}
        return kept | {
            "HOME": str(self.folder / "home"),
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.home),
            "HF_ENDPOINT": self.hub,
            "HF_TOKEN": TOKEN,
            "HF_HUB_DISABLE_XET": "1",
            "SPACE_ID": "me/blender-ui",
            "SPACE_HOST": "me-blender-ui.hf.space",
            "GRADIO_ROOT_PATH": BELOW,
            "GRADIO_SERVER_PORT": str(port),
            "BLENDER_UI_ACCESS": "demo",
            "BLENDER_UI_HOME": str(self.home),
            "BLENDER_UI_WEIGHTS": str(self.weights),
            "BLENDER_UI_FRAMES": self.frame,
            "BLENDER_UI_SNAPSHOTS": DATA_SET,
            "BLENDER_UI_SNAPSHOT_SECONDS": str(self.snapshot_seconds),
        }


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print one JSON object in the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument(
        "--seconds", type=int, default=5, help="between two snapshots; the setting's default: 45"
    )
    parser.add_argument("--weights", type=Path, default=Path("~/.cache/blender-ui/weights").expanduser())
    parser.add_argument("--only", choices=["first_click", "restarts"], help="of the two measurements")
    parser.add_argument(
        "--quick", action="store_true", help="two restarts, snapshots each second, no browser"
    )
    options = parser.parse_args(arguments)
    n_restarts, seconds = (2, 1) if options.quick else (options.restarts, options.seconds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        proxy = SpaceProxy(BELOW)
        frame = FramePage()
        frame.show(proxy.address)
        for server in (proxy, frame):
            stack.enter_context(running(server))
        space = Space(
            folder=folder,
            hub=stack.enter_context(running_hub()).address,
            proxy=proxy,
            frame=frame.address,
            weights=options.weights,
            snapshot_seconds=seconds,
            as_user=_find_user(),
        )
        stack.callback(space.close)
        result: dict[str, Any] = {
            "benchmark": "space",
            "python": sys.version.split()[0],
            "user": 1000 if space.as_user else os.getuid(),
        }
        if not options.quick and options.only != "restarts":
            result["first_click"] = measure_first_click(space)
            print(json.dumps(result["first_click"]), flush=True)
        if options.only != "first_click":
            result |= restart(space, n_restarts)
    print(json.dumps(result))


def measure_first_click(space: Space) -> dict[str, float]:
    """Seconds until the page is open, and from a click on a recorded round to its answers, in a frame."""
    space.start()
    with chromium(["--no-sandbox", "--disable-gpu"]) as browser:
        page = browser.new_page()
        began = time.perf_counter()
        page.goto(space.frame)
        drawn, shown = click_recorded(page.frame_locator("iframe"))
    space.end(signal.SIGKILL)
    return {
        "start_to_page_s": space.start_seconds.pop(),
        "page_in_frame_s": round(drawn - began, 1),
        "click_to_answers_s": round(shown - drawn, 1),
    }


def restart(space: Space, n_restarts: int) -> dict[str, Any]:
    """Vote, end, start again, and look for the votes."""
    members = space.folder / "members.toml"
    members.write_text(NOBODY + "enabled = false\n")
    changes = {"BLENDER_UI_MEMBERS": str(members), "BLENDER_UI_WORKER": "none"}
    known: dict[str, float] = {}
    n_votes, lost_ages, lost_when_told = 0, [0.0], 0
    space.start(**changes)
    for number in range(n_restarts):
        voted = vote_for_a_while(space)
        is_told = number % 2 == 1
        ended_at = time.monotonic()
        space.end(signal.SIGTERM if is_told else signal.SIGKILL)
        space.start(**changes)
        there = read_tokens(space.home)
        known |= voted
        lost = {token: ended_at - at for token, at in known.items() if token not in there}
        known = {token: at for token, at in known.items() if token in there}
        n_votes += len(voted)
        lost_ages += lost.values()
        lost_when_told += len(lost) if is_told else 0
        age = round(max(lost.values(), default=0.0), 1)
        print(
            f"restart {number + 1}: {len(voted)} votes, {len(lost)} lost, the oldest {age} s old", flush=True
        )
    space.end(signal.SIGTERM)
    return {
        "restarts": n_restarts,
        "snapshot_seconds": space.snapshot_seconds,
        "n_votes": n_votes,
        "n_lost": len(lost_ages) - 1,
        "n_lost_when_told_to_end": lost_when_told,
        "oldest_lost_s": round(max(lost_ages), 1),
        "n_lost_older_than_60_s": sum(age > 60 for age in lost_ages),
        "start_s": max(space.start_seconds),
    }


def vote_for_a_while(space: Space) -> dict[str, float]:
    """Vote as visitors do, for somewhat longer than a snapshot takes; when each vote was acknowledged."""
    votes: dict[str, float] = {}
    lasts = space.snapshot_seconds * (1.5 + secrets.randbelow(100) / 100)
    with httpx.Client(base_url=space.proxy.address, timeout=60) as client:
        _call(client, "label_open", secrets.token_urlsafe(24), None)  # the first takes longer
        until = time.monotonic() + lasts
        while time.monotonic() < until:
            key = secrets.token_urlsafe(24)
            opened = _call(client, "label_open", key, None)
            if "project" not in opened:
                raise SystemExit(f"a visitor was refused: {opened}")
            project, pair = opened["project"]["project_id"], opened["turn"]["pair"]
            for _ in range(VOTES_A_VISITOR):
                if pair is None or time.monotonic() > until:
                    break
                token = secrets.token_hex(8)
                sent = {
                    "lease_id": pair["lease_id"],
                    "outcome": "left",
                    "token": token,
                    "project_id": project,
                }
                told = _call(client, "label_vote", key, sent)
                votes[token] = time.monotonic()
                pair = told["pair"]
                time.sleep(space.snapshot_seconds / VOTES_A_SNAPSHOT)
    return votes


def read_tokens(home: Path) -> set[str]:
    """Of the votes in a store, which keeps them with the annotator's number before them."""
    with closing(sqlite3.connect(f"file:{home / 'blender.sqlite'}?mode=ro", uri=True)) as store:
        kept = store.execute("SELECT idempotency_key FROM preference")
        return {key.rpartition(":")[2] for (key,) in kept}


def _call(client: httpx.Client, endpoint: str, *data: object) -> dict[str, Any]:
    answer = client.post(f"gradio_api/run/{endpoint}", json={"data": data})
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()["data"][0]
    return told


def _port() -> int:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", SPACE_PORT))
        except OSError:
            return find_free_port()
        return SPACE_PORT


def _is_open(address: str) -> bool:
    try:
        return httpx.get(address, timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def _find_user() -> tuple[str, ...]:
    """How to run as user 1000; nothing where the kernel lets nobody make a user namespace."""
    try:
        subprocess.run([*AS_USER, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    return AS_USER


if __name__ == "__main__":
    main()
