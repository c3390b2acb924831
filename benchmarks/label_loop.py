"""The label loop under many annotators: how fast, and whether anything is lost or asked twice.

Two measurements on stores of made-up pairs. "service": the label loop's own two transactions, by
threads of one process, as the app runs them. "http": the real app in a process of its own, asked
over HTTP as its page asks it, with accounts, roles and a project for members: each client signs in
with a password, holds the pair on its screen and the one after it, and a vote brings the next one. A
client's time is from asking to having that pair. ``duplicates`` are votes of a person on a pair they had
voted on, or on one that enough people had; ``lost`` are votes that were acknowledged and are not in the
store; ``cpu_ms_per_label`` is this process's processor time, over HTTP the clients' alone.

Three more by their flags. ``--stored N``: how long ``next_pair`` takes (``next_pair_p95_ms``) in a store
with N preferences, written in bulk. ``--browser``: from a key press to the next pair drawn, in Chromium
(``key_p95_ms``). ``--peer``: the same over HTTP in Label Studio, see ``benchmarks.label_peer``.

    python -m benchmarks.label_loop [--items N] [--clients N] [--seconds S] [--only service|http] [--quick]
                                    [--stored N] [--browser] [--peer]

The last line is JSON: the figures over HTTP, the service's under "service", the peer's under "label_studio".
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from benchmarks import loopback
from benchmarks.import_export import make_records
from benchmarks.label_peer import measure_peer
from benchmarks.label_store import make_stored
from benchmarks.label_tally import Tally, count_duplicates, measure, percentile_ms
from blender_ui.exchange import PromptRecord, write_records
from blender_ui.services.data.importing import Importing
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.people.accounts import Accounts
from blender_ui.services.projects.projects import Projects
from db.engine import create_store, transaction
from db.migrations import migrate
from db.models import DEFAULT_PROJECT_ID, Audience, Outcome, ProjectMember, Role, utc_now

START_SECONDS = 180
PASSWORD = "a benchmark's password"
_OUTCOMES = tuple(Outcome)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a measurement and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=10_000, help="pairs to label")
    parser.add_argument("--clients", type=int, default=8, help="annotators at once")
    parser.add_argument("--seconds", type=float, default=60.0, help="at most so long a measurement")
    parser.add_argument("--only", choices=("service", "http"), help="one of the two measurements")
    parser.add_argument("--stored", type=int, default=0, help="preferences in the store of a third one")
    parser.add_argument("--browser", action="store_true", help="time key presses in Chromium, too")
    parser.add_argument("--peer", action="store_true", help="measure Label Studio, too")
    parser.add_argument("--quick", action="store_true", help="300 pairs, at most 10 s each")
    options = parser.parse_args(arguments)
    if options.quick:
        options.items, options.seconds = 300, min(options.seconds, 10.0)
        options.stored = min(options.stored, 20_000)
    figures: dict[str, Any] = {"items": options.items, "clients": options.clients}
    for kind, measurement in (("service", measure_service), ("http", measure_http)):
        if options.only in (None, kind):
            with tempfile.TemporaryDirectory() as folder:
                found = measurement(Path(folder), options)
            print(f"{kind}: {json.dumps(found)}", flush=True)
            figures |= {"service": found} if kind == "service" and options.only is None else found
    more = [("stored", measure_stored)] if options.stored else []
    more += [("browser", measure_browser)] if options.browser else []
    more += [("peer", measure_peer)] if options.peer else []
    for kind, measurement in more:
        with tempfile.TemporaryDirectory() as folder:
            found = measurement(Path(folder), options)
        print(f"{kind}: {json.dumps(found)}", flush=True)
        figures |= found
    if options.peer and options.only != "service":
        figures |= compare(figures)
    print(json.dumps(figures))


def compare(figures: dict[str, Any]) -> dict[str, float]:
    """How many times as many labels a second, and as long a wait at p95, as Label Studio; none without it."""
    peer = figures["label_studio"]
    if "reason" in peer:
        return {}
    return {
        "times_label_studios_labels_per_s": round(figures["labels_per_s"] / peer["labels_per_s"], 1),
        "share_of_label_studios_p95": round(figures["p95_ms"] / peer["p95_ms"], 3),
    }


def measure_stored(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Time ``next_pair``, with its vote in between, where many preferences are stored already."""
    engine = make_stored(folder, options.stored)
    labeling = Labeling(engine, clock=utc_now, seed=3, lease_seconds=600, overlap=1)
    seconds = []
    for number in range(4):
        me = labeling.sign_in(key=f"benchmark-annotator-{number}").id
        for _ in range(50):
            start = time.perf_counter()
            pair = labeling.next_pair(annotator_id=me)
            seconds.append(time.perf_counter() - start)
            assert pair is not None
            labeling.submit(
                annotator_id=me,
                lease_id=pair.lease_id,
                outcome=Outcome.TIE,
                idempotency_key=str(pair.lease_id),
            )
    start = time.perf_counter()
    labeling.progress(annotator_id=me)
    progress_seconds = time.perf_counter() - start
    engine.dispose()
    return {
        "stored": options.stored,
        "next_pair_p50_ms": percentile_ms(seconds, 50),
        "next_pair_p95_ms": percentile_ms(seconds, 95),
        "progress_ms": round(1000 * progress_seconds, 1),
    }


def measure_browser(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Press keys on the real page and read when the next pair was painted."""
    from benchmarks.label_page import press_keys  # needs Playwright, which the others do without

    engine = make_queue(folder, options.items)
    tokens = sign_everybody_in(engine, 1)
    with serving(folder) as port:
        seconds = press_keys(f"http://127.0.0.1:{port}/label", key=tokens[0], n_presses=100)
    engine.dispose()
    return {"key_p50_ms": percentile_ms(seconds, 50), "key_p95_ms": percentile_ms(seconds, 95)}


def measure_service(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """The loop without pages: threads that share one store."""
    engine = make_queue(folder, options.items)
    labeling = Labeling(engine, clock=utc_now, seed=3, lease_seconds=600, overlap=1)

    def client(number: int, tally: Tally, until: float) -> None:
        me = labeling.sign_in(key=f"benchmark-annotator-{number}").id
        while time.monotonic() < until:
            start = time.perf_counter()
            pair = labeling.next_pair(annotator_id=me)
            if pair is None:
                return
            outcome = _OUTCOMES[pair.lease_id % len(_OUTCOMES)]
            labeling.submit(
                annotator_id=me, lease_id=pair.lease_id, outcome=outcome, idempotency_key=str(pair.lease_id)
            )
            tally.acknowledged += 1
            tally.seconds.append(time.perf_counter() - start)

    return measure(client, lambda: count_votes(engine), options)


def make_vote(
    project_id: int, lease_id: int, *, shown: dict[str, Any] | None, seconds: float = 1.0
) -> dict[str, Any]:
    """A vote as the Label page sends it; the outcome follows from the lease.

    Args:
        shown: The pair that the page shows next; None at the end of the queue.
        seconds: How long the pair was looked at.
    """
    return {
        "project_id": project_id,
        "shown": None if shown is None else shown["lease_id"],
        "lease_id": lease_id,
        "outcome": _OUTCOMES[lease_id % len(_OUTCOMES)].value,
        "token": f"{lease_id}",
        "reason": None,
        "seconds": seconds,
    }


def measure_http(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """The loop as a browser drives it, on the app as it is served."""
    engine = make_queue(folder, options.items)
    add_accounts(engine, options.clients)
    with serving(folder) as port:
        tokens = [sign_in_by_password(port, number) for number in range(options.clients)]

        def client(number: int, tally: Tally, until: float) -> None:
            key, connection = tokens[number], http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            welcome = ask(connection, "label_open", key, None)
            project_id, shown = welcome["project"]["project_id"], welcome["turn"]["pair"]
            if shown is None:
                return
            ahead = ask(connection, "label_ahead", key, project_id, shown["lease_id"])["pair"]
            while shown is not None and time.monotonic() < until:
                lease_id, shown = shown["lease_id"], ahead
                vote = make_vote(project_id, lease_id, shown=shown)
                start = time.perf_counter()
                turn = ask(connection, "label_vote", key, vote)
                ahead = turn["pair"]
                tally.seconds.append(time.perf_counter() - start)
                if turn["reveal"] is None:
                    tally.errors.append(turn["notice"])
                else:
                    tally.acknowledged += 1
                if shown is None:  # nothing was ahead; others may have handed something back
                    shown, ahead = ahead, None

        return measure(client, lambda: count_votes(engine), options)


def sign_in_by_password(port: int, number: int) -> str:
    """Sign an annotator in over a connection of their own; give the token."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with closing(connection):
        token: str = ask(connection, "account_sign_in", f"annotator-{number}", PASSWORD)["token"]
        return token


def add_accounts(engine: Engine, n_accounts: int) -> None:
    """Make the queue's project one for members, and annotators with passwords its members."""
    accounts, projects = Accounts(engine, clock=utc_now), Projects(engine, clock=utc_now)
    admin = accounts.add(username="admin", password=PASSWORD, role=Role.ADMIN, by=None)
    terms = replace(projects.get(DEFAULT_PROJECT_ID).terms, audience=Audience.MEMBERS)
    projects.change(DEFAULT_PROJECT_ID, terms, by=admin.id)
    for number in range(n_accounts):
        person = accounts.add(
            username=f"annotator-{number}", password=PASSWORD, role=Role.ANNOTATOR, by=admin.id
        )
        with transaction(engine, immediate=True) as session:
            session.add(ProjectMember(project_id=DEFAULT_PROJECT_ID, annotator_id=person.id))


def sign_everybody_in(engine: Engine, n_accounts: int) -> list[str]:
    """Make annotators and give their sign-ins' tokens."""
    add_accounts(engine, n_accounts)
    accounts = Accounts(engine, clock=utc_now)
    return [
        accounts.sign_in(username=f"annotator-{number}", password=PASSWORD).token
        for number in range(n_accounts)
    ]


def ask(connection: http.client.HTTPConnection, endpoint: str, *data: Any) -> dict[str, Any]:
    """Call one of the label page's endpoints; raises where it refuses or fails."""
    body = json.dumps({"data": data})  # as assets/identity.js asks
    connection.request("POST", f"/gradio_api/run/{endpoint}", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise RuntimeError(f"{endpoint} answered {response.status}: {content[:200]!r}")
    reply: dict[str, Any] = json.loads(content)["data"][0]
    if "error" in reply:
        raise RuntimeError(f"{endpoint} refused: {reply['error']}")
    return reply


def count_votes(engine: Engine) -> tuple[int, int]:
    """Votes in the store, and how many of them are beyond one a person and one a pair."""
    with engine.connect() as connection:
        votes = connection.execute(
            text("SELECT comparison_id FROM preference WHERE lease_id IS NOT NULL")
        ).all()
    return len(votes), count_duplicates(comparison_id for (comparison_id,) in votes)


def make_queue(folder: Path, n_items: int) -> Engine:
    """A migrated store whose queue holds so many pairs, each for one person."""
    path = folder / "pairs.jsonl"
    write_records(path, _unlabelled(n_items))
    engine = create_store(f"sqlite:///{folder / 'blender.sqlite'}")
    migrate(engine)
    Importing(engine, clock=utc_now, seed=1, overlap=1).import_file(path)
    return engine


def _unlabelled(n_items: int) -> Iterator[PromptRecord]:
    """One prompt with two candidates for each item."""
    for record in make_records(5 * n_items):
        yield PromptRecord(
            id=record.id,
            source=record.source,
            prompt=record.prompt,
            candidates=record.candidates[:2],
            labels=(),
        )


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """Serve the app on a folder's store, without a worker; give its port once it answers."""
    port = loopback.find_free_port()
    settings = {
        "HOME": str(folder),
        "PORT": str(port),
        "WORKER": "none",
        "TRAIN_EVERY": "0",
        "ACCESS": "accounts",
    }
    with loopback.serving(
        [sys.executable, str(Path(__file__).parents[1] / "app.py")],
        port=port,
        path="/config",
        env=os.environ | {f"BLENDER_UI_{name}": value for name, value in settings.items()},
        log=folder / "app.log",
        seconds=START_SECONDS,
    ):
        yield port


if __name__ == "__main__":
    main()
