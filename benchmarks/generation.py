"""Asking members at scale: a generation's throughput, and many questions at once, beside calling directly.

Scripted endpoints in a process of their own, 16 answers at once each, at the pace of a small hosted model.
"Directly" is httpx alone in one event loop, with the same number of questions at once, keeping nothing.

Two measurements. ``throughput``: a generation as the worker carries it out, with every answer, count and pair
stored, in answers a second, and ``ratio`` to calling directly; the two take turns. ``asks``: 50 questions at
once over five members, of which one hangs and one answers 429, through the service that the Blend page uses:
seconds to the first token of the three others (``first_token_ratio``: p95 beside direct, where each question
also waits for its turn), the slowest first token (``starved_ratio``), the longest wait for the one that hangs
against its own limit (``hanging_ratio``), and how long a question that comes later waits for it.

    python -m benchmarks.generation [--quick]

The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np

from benchmarks import loopback
from blender_ui.bootstrap import Services, build_services
from blender_ui.settings import Settings
from blender_ui.worker.runs import build_generation_run
from db.models import DEFAULT_PROJECT_ID, JobStatus

N_ENDPOINTS = 5
N_AT_ONCE = 16
N_ASKS = 50
HANGING_SECONDS = 2.0
"""How long a question waits for the first token of the member that hangs."""
FIRST_SECONDS, TOKEN_SECONDS, N_TOKENS = 0.3, 0.05, 40
"""An answer takes 2.3 s on average."""


class Site(NamedTuple):
    """The app's services over members at scripted endpoints."""

    port: int
    services: Services
    asker_id: int

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}/v1/chat/completions"


@contextmanager
def open_site(names: Sequence[str]) -> Iterator[Site]:
    """Endpoints in a child process, and services in a new home with a member for each."""
    port = loopback.find_free_port()
    pace = [str(value) for value in (FIRST_SECONDS, TOKEN_SECONDS, N_TOKENS, N_AT_ONCE)]
    command = [sys.executable, "-m", "benchmarks.generation_child", str(port), *pace]
    with tempfile.TemporaryDirectory() as folder:
        home, log = Path(folder), Path(folder) / "child.log"
        members = "".join(_member(name, port) for name in names)
        (home / "members.toml").write_text(members)
        with loopback.serving(
            command, port=port, path="/fast0/v1/models", env=dict(os.environ), log=log, seconds=20
        ):
            services = build_services(Settings(home_path=home, members_path=home / "members.toml"))
            asker = services.labeling.sign_in(key="browser:" + "0" * 64)
            try:
                yield Site(port, services, asker.id)
            finally:
                services.close()


def _member(name: str, port: int) -> str:
    return (
        f'[[member]]\nname = "{name}"\nbackend = "openai"\nmodel = "m"\n'
        f'base_url = "http://127.0.0.1:{port}/{name}/v1"\n'
        f"[member.limits]\nn_parallel = {N_AT_ONCE}\n"
        + (f"first_token_seconds = {HANGING_SECONDS}\n" if name == "hanging" else "")
    )


def measure_throughput(*, n_rounds: int, n_turns: int) -> dict[str, float]:
    """Answers a second of a generation and of direct calls, in turn."""
    names = [f"fast{number}" for number in range(N_ENDPOINTS)]
    n_prompts = N_AT_ONCE * n_rounds
    n_answers = n_prompts * N_ENDPOINTS
    direct: list[float] = []
    ours: list[float] = []
    with open_site(names) as site:
        run = build_generation_run(site.services)
        for turn in range(n_turns):
            direct.append(_timed(lambda: asyncio.run(_call_all(site, names, n_prompts))))
            prompts = [f"Turn {turn}, question {number}?" for number in range(n_prompts)]
            site.services.project_prompts.add(DEFAULT_PROJECT_ID, instructions=prompts, by=site.asker_id)
            job = site.services.generating.request(DEFAULT_PROJECT_ID, by=site.asker_id)
            ours.append(_timed(lambda: run.work(threading.Event())))
            ended = site.services.generating.jobs.get(job.id)
            assert (ended.status, ended.n_done) == (JobStatus.COMPLETE, n_answers), ended
    return {
        "n_answers": n_answers * n_turns,
        "direct_per_second": round(n_answers / float(np.mean(direct)), 2),
        "per_second": round(n_answers / float(np.mean(ours)), 2),
        "ratio": round(float(np.mean(direct) / np.mean(ours)), 3),
    }


def _timed(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


async def _call_all(site: Site, names: Sequence[str], n_each: int) -> list[float]:
    """Ask every endpoint so many questions, 16 at once each; seconds to each first token."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, timeout=None, limits=limits) as client:
        turns = {name: asyncio.Semaphore(N_AT_ONCE) for name in names}
        began = time.monotonic()

        async def call(name: str) -> float:
            async with turns[name]:
                return await _call(client, site.url(name), began)

        return list(await asyncio.gather(*(call(name) for _ in range(n_each) for name in names)))


async def _call(client: httpx.AsyncClient, url: str, began: float) -> float:
    body: dict[str, Any] = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    first = 0.0
    async with client.stream("POST", url, json=body) as response:
        async for line in response.aiter_lines():
            if not first and line.startswith("data: "):
                first = time.monotonic() - began
    return first


class Heard(NamedTuple):
    """What a question's asker got from one member."""

    member: str
    first_seconds: float | None
    seconds: float


def measure_asks() -> dict[str, float]:
    """50 questions at once, one member hanging and one full, beside the three others called directly."""
    healthy = [f"fast{number}" for number in range(N_ENDPOINTS - 2)]
    with open_site([*healthy, "hanging", "full"]) as site:
        direct = asyncio.run(_call_all(site, healthy, N_ASKS))
        heard = _ask_all(site, [*healthy, "hanging", "full"], n_asks=N_ASKS)
        (later,) = _ask_all(site, ["hanging"], n_asks=1)
    first = [one.first_seconds for one in heard if one.member in healthy and one.first_seconds is not None]
    hung = [one for one in heard if one.member == "hanging"]
    return {
        "n_asks": N_ASKS,
        "n_answered": len(first),
        "n_to_answer": N_ASKS * len(healthy),
        "direct_first_token_p95": round(float(np.percentile(direct, 95)), 3),
        "first_token_p95": round(float(np.percentile(first, 95)), 3),
        "first_token_ratio": round(float(np.percentile(first, 95) / np.percentile(direct, 95)), 3),
        "first_token_ratio_p50": round(float(np.percentile(first, 50) / np.percentile(direct, 50)), 3),
        "starved_ratio": round(max(first) / max(direct), 3),
        "hanging_ratio": round(max(one.seconds for one in hung) / HANGING_SECONDS, 3),
        "later_told_within_seconds": round(later.seconds, 3),
        "full_told_within_seconds": round(max(one.seconds for one in heard if one.member == "full"), 3),
    }


def _ask_all(site: Site, names: Sequence[str], *, n_asks: int) -> list[Heard]:
    blending = site.services.blending
    asked = [
        (blending.ask(instruction=f"Question {number}?", asked_by_id=site.asker_id).prompt_id, name)
        for number in range(n_asks)
        for name in names
    ]
    began = time.monotonic()

    def listen(prompt_id: int, name: str) -> Heard:
        first = None
        for update in blending.stream(prompt_id=prompt_id, member_name=name):
            if first is None and update.text:
                first = time.monotonic() - began
        return Heard(name, first, time.monotonic() - began)

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda one: listen(*one), asked))


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer answers, within 50 s")
    options = parser.parse_args()
    n_rounds, n_turns = (2, 2) if options.quick else (6, 3)
    throughput = measure_throughput(n_rounds=n_rounds, n_turns=n_turns)
    print(f"throughput: {throughput}", file=sys.stderr, flush=True)
    print(json.dumps({"throughput": throughput, "asks": measure_asks()}))


if __name__ == "__main__":
    main()
