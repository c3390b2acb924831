"""The label loop in Label Studio, for ``benchmarks.label_loop --peer``.

A pinned Label Studio in a virtual environment of its own under the benchmarks' cache, made once. Its own
server on loopback with its own SQLite, a project of pairwise tasks for one annotation each, accounts
that signed in: each client asks for its next task and submits an annotation, as its labelling page does.
A client's time is from submitting to having the next task. ``duplicates`` are annotations of a task
beyond one; ``lost`` are annotations that were acknowledged and are not in its store. Where it cannot be
installed or started, ``label_studio`` holds the ``reason``.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import loopback
from benchmarks.import_export import make_records
from benchmarks.label_tally import Tally, count_duplicates, measure
from benchmarks.reference import find_cache

PACKAGE = "label-studio==1.23.2"
START_SECONDS = 600
"""Its first start makes its database, in a minute of a processor."""
PASSWORD = "a benchmark's password"
CONFIG = """<View><Text name="prompt" value="$prompt"/><Pairwise name="choice" toName="left,right"/>
<Text name="left" value="$left"/><Text name="right" value="$right"/></View>"""
_QUIETLY = {
    "COLLECT_ANALYTICS": "0",
    "LATEST_VERSION_CHECK": "0",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
}
_AT_ONCE = 1000


class PeerFailed(Exception):
    """Label Studio did something else than was asked; says what."""


class Visitor:
    """Somebody who signed up, and stays signed in by their session's cookie."""

    def __init__(self, port: int, email: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._cookies: dict[str, str] = {}
        self._send("GET", "/user/signup/")
        form = {
            "email": email,
            "password": PASSWORD,
            "csrfmiddlewaretoken": self._cookies["csrftoken"],
            "allow_newsletters": "false",
        }
        status, content = self._send(
            "POST", "/user/signup/", urlencode(form), "application/x-www-form-urlencoded"
        )
        if status != 302:
            raise PeerFailed(f"signing up answered {status}: {content[-300:]!r}")

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call its API; None where there is nothing (404)."""
        sent = None if body is None else json.dumps(body)
        status, content = self._send(method, path, sent, "application/json")
        if status == 404:
            return None
        if status not in (200, 201):
            raise PeerFailed(f"{method} {path} answered {status}: {content[:300]!r}")
        return json.loads(content)

    def _send(
        self, method: str, path: str, body: str | None = None, kind: str = "text/html"
    ) -> tuple[int, bytes]:
        headers = {
            "Content-Type": kind,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
            "X-CSRFToken": self._cookies.get("csrftoken", ""),
        }
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        for line in response.headers.get_all("Set-Cookie", []):
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return response.status, response.read()


def measure_peer(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The loop's figures in Label Studio, under ``label_studio``; the reason where there are none."""
    try:
        environment = ensure_environment()
        shutil.copytree(environment / "data", folder, dirs_exist_ok=True)
        with _serving(folder, environment) as port:
            return {"label_studio": _measure(folder, port, options)}
    except (PeerFailed, loopback.NotServing, OSError, subprocess.CalledProcessError) as error:
        return {"label_studio": {"reason": f"{PACKAGE} could not be measured: {error}"}}


def ensure_environment() -> Path:
    """Make its virtual environment and an empty store where they are missing; returns their folder."""
    folder = find_cache() / "label-studio"
    if not (folder / "complete").exists():
        print(f"making Label Studio's environment in {folder}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, PACKAGE], check=True)
        (folder / "data").mkdir(exist_ok=True)
        with _serving(folder / "data", folder):
            (folder / "complete").touch()
    return folder


def _measure(folder: Path, port: int, options: argparse.Namespace) -> dict[str, Any]:
    visitors = [Visitor(port, f"annotator-{number}@example.com") for number in range(options.clients)]
    project = _make_project(visitors[0], options.items)

    def client(number: int, tally: Tally, until: float) -> None:
        me = visitors[number]
        task = me.ask("GET", f"/api/projects/{project}/next")
        while task is not None and time.monotonic() < until:
            side = "left" if task["id"] % 2 else "right"
            said = {"from_name": "choice", "to_name": "left", "type": "pairwise", "value": {"selected": side}}
            start = time.perf_counter()
            me.ask("POST", f"/api/tasks/{task['id']}/annotations", {"result": [said], "lead_time": 1.0})
            tally.acknowledged += 1
            task = me.ask("GET", f"/api/projects/{project}/next")
            tally.seconds.append(time.perf_counter() - start)

    return {"version": PACKAGE.split("==")[1]} | measure(client, lambda: _count(folder, project), options)


def _make_project(visitor: Visitor, n_items: int) -> int:
    """A project with so many pairs to compare, each by one annotator; gives its id."""
    wanted = {"title": "pairs", "label_config": CONFIG, "maximum_annotations": 1}
    project: int = visitor.ask("POST", "/api/projects", wanted)["id"]
    tasks = [
        {
            "prompt": record.prompt,
            "left": record.candidates[0].text,
            "right": record.candidates[1].text,
        }
        for record in make_records(5 * n_items)
    ]
    for start in range(0, len(tasks), _AT_ONCE):
        visitor.ask("POST", f"/api/projects/{project}/import", tasks[start : start + _AT_ONCE])
    return project


def _count(folder: Path, project: int) -> tuple[int, int]:
    """Annotations in its store, and how many of them are beyond one a task."""
    with closing(sqlite3.connect(folder / "label_studio.sqlite3")) as connection:
        rows = connection.execute(
            "SELECT task_id FROM task_completion WHERE project_id = ? AND NOT was_cancelled", (project,)
        ).fetchall()
    return len(rows), count_duplicates(task_id for (task_id,) in rows)


@contextmanager
def _serving(folder: Path, environment: Path) -> Iterator[int]:
    """Serve it on a folder of its own; give its port once it answers."""
    port = loopback.find_free_port()
    command = [str(environment / "bin" / "label-studio"), "start", "--no-browser", "--data-dir", str(folder)]
    with loopback.serving(
        [*command, "--internal-host", "127.0.0.1", "--port", str(port)],
        port=port,
        path="/user/signup/",
        env=os.environ | _QUIETLY,
        log=folder / "label-studio.log",
        seconds=START_SECONDS,
    ):
        yield port
