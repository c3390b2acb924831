"""What our API adds to a member: time to the first token and throughput, beside calling the member directly.

A scripted member streams at a language model's pace, in a process of its own; our API asks it, in another.
The same clients ask both in turn, in one run: each asks again when it was answered, and they begin one after
the other. Then 8 answers of 300 tokens are put in order by ``/v1/rerank``, with the ranker that a new
installation has: while nobody else asks, and while 8 people vote in the same process. The machine's load at
the start is told, because other work on it slows everything here.

    python -m benchmarks.serving [--quick] [--clients N] [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np

from benchmarks.loopback import find_free_port, serving

N_DOCUMENTS, N_TOKENS = 8, 300
N_EACH = 2
"""Requests of each client in a round."""
N_PEOPLE, N_PAIRS = 8, 400
SPREAD_SECONDS = 1.4
"""Over which the clients begin: about as long as an answer takes."""
WORDS = [
    "light",
    "air",
    "blue",
    "red",
    "wave",
    "small",
    "long",
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
]
"""One token of the usual reader each, with the space before it."""
MEMBERS = """
[[member]]
name = "Paced"
backend = "openai"
model = "m"
base_url = "http://127.0.0.1:{port}/v1"
limits = {{ n_parallel = 64 }}
"""


class Answer(NamedTuple):
    """How one request went."""

    first_token_seconds: float
    seconds: float
    n_tokens: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="two rounds in place of six, one rerank of twenty"
    )
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int)
    options = parser.parse_args(arguments)
    n_rounds = options.rounds or (2 if options.quick else 6)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        member, api = _start(Path(folder), stack)
        load = os.getloadavg()[0]
        loading = _warm_up(member, api)
        figures = {"load": round(load, 1)}
        figures |= _compare(member, api, n_clients=options.clients, n_rounds=n_rounds)
        figures["rerank"] = _rerank_beside_people(api, loading, n_times=1 if options.quick else 20)
    for name, value in figures.items():
        print(f"{name}: {value}")
    print(json.dumps(figures))


def _start(folder: Path, stack: ExitStack) -> tuple[str, str]:
    """Start the member and the API; gives their addresses."""
    member, api = find_free_port(), find_free_port()
    (folder / "members.toml").write_text(MEMBERS.format(port=member))
    env = {name: value for name, value in os.environ.items() if not name.startswith("BLENDER_UI_")} | {
        "BLENDER_UI_HOME": str(folder / "home"),
        "BLENDER_UI_MEMBERS": str(folder / "members.toml"),
    }

    def start(what: str, port: int, path: str) -> None:
        command = [sys.executable, "-m", "benchmarks.serving_child", what, str(port)]
        log = folder / f"{what}.log"
        stack.enter_context(serving(command, port=port, path=path, env=env, log=log, seconds=120))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(start, ("member", "api"), (member, api), ("/v1/models", "/healthz")))
    return f"http://127.0.0.1:{member}/v1", f"http://127.0.0.1:{api}/v1"


def _targets(member: str, api: str) -> dict[str, tuple[str, str]]:
    return {"direct": (member, "m"), "ours": (api, "blender/Paced")}


def _warm_up(member: str, api: str) -> dict[str, float] | None:
    """Ask everything once, side by side; gives the seconds in which the reader was loaded."""

    def ask(url: str, model: str) -> None:
        with httpx.Client(timeout=120) as client:
            _ask(client, url, model, 0)

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask, *target) for target in _targets(member, api).values()]
        loading = _rerank(api, np.random.default_rng(1), n_times=1, n_tokens=1)
        for one in asking:
            one.result()
    return loading


def _compare(member: str, api: str, *, n_clients: int, n_rounds: int) -> dict[str, object]:
    """Ask both in turn, first the one and then the other first."""
    targets = _targets(member, api)
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in targets}
    for number in range(n_rounds):
        for name in sorted(targets, reverse=number % 2 == 1):
            answers, seconds = _ask_all(*targets[name], n_clients=n_clients)
            first = statistics.median(answer.first_token_seconds for answer in answers)
            rounds[name].append((first, sum(answer.n_tokens for answer in answers) / seconds))
    firsts = {name: statistics.median(one[0] for one in values) for name, values in rounds.items()}
    speeds = {name: statistics.median(one[1] for one in values) for name, values in rounds.items()}
    return {
        "n_clients": n_clients,
        "n_rounds": n_rounds,
        "n_answers_each": n_rounds * n_clients * N_EACH,
        "first_token_ms": {name: round(1000 * value, 1) for name, value in firsts.items()},
        "tokens_per_second": {name: round(value, 1) for name, value in speeds.items()},
        "first_token_ratio": round(firsts["ours"] / firsts["direct"], 3),
        "throughput_ratio": round(speeds["ours"] / speeds["direct"], 3),
    }


def _ask_all(url: str, model: str, *, n_clients: int) -> tuple[list[Answer], float]:
    """``N_EACH`` requests of each client; gives the answers and the seconds until the last ended."""
    barrier = threading.Barrier(n_clients + 1)

    def ask(number: int) -> list[Answer]:
        with httpx.Client(timeout=120) as client:
            barrier.wait()
            time.sleep(SPREAD_SECONDS * number / n_clients)
            return [_ask(client, url, model, number) for _ in range(N_EACH)]

    with ThreadPoolExecutor(n_clients) as pool:
        waiting = [pool.submit(ask, number) for number in range(n_clients)]
        barrier.wait()
        began = time.monotonic()
        answers = [answer for one in waiting for answer in one.result()]
        return answers, time.monotonic() - began


def _ask(client: httpx.Client, url: str, model: str, number: int) -> Answer:
    messages = [{"role": "user", "content": f"Why is the sky blue? ({number})"}]
    body = {"model": model, "messages": messages, "stream": True}
    began, first, n_tokens = time.monotonic(), None, 0
    with client.stream("POST", f"{url}/chat/completions", json=body) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if not line.startswith("data: {"):
                continue
            choices = json.loads(line[6:])["choices"]
            if choices and choices[0]["delta"].get("content"):
                first = first or time.monotonic() - began
                n_tokens += 1
    assert first is not None, "a stream without a word"
    return Answer(first, time.monotonic() - began, n_tokens)


def _rerank_beside_people(
    api: str, loading: dict[str, float] | None, *, n_times: int
) -> dict[str, object] | None:
    """Seconds of ``/v1/rerank`` by itself and while people vote; None where no ranker is there."""
    draw = np.random.default_rng(0)
    alone = None if loading is None else _rerank(api, draw, n_times=n_times)
    if loading is None or alone is None:
        return None
    with httpx.Client(timeout=300) as client:
        rows = [
            {
                "id": str(number),
                "source": "benchmark",
                "prompt": f"Question {number}?",
                "candidates": [{"model": name, "text": f"{name} says {number}."} for name in "ab"],
                "labels": [],
            }
            for number in range(N_PAIRS)
        ]
        lines = "\n".join(json.dumps(row) for row in rows)
        client.post(f"{api}/imports?name=pairs.jsonl", content=lines).raise_for_status()
        n_before = _count_votes(client, api)
        asked = {"n": N_PEOPLE, "seconds": 300}
        client.post(f"{api.removesuffix('/v1')}/people", json=asked).raise_for_status()
        began = time.monotonic()
        beside = _rerank(api, draw, n_times=n_times)
        n_votes = _count_votes(client, api) - n_before
        votes_per_second = round(n_votes / (time.monotonic() - began), 2)
    assert beside is not None
    return {
        "n_documents": N_DOCUMENTS,
        "n_tokens": N_TOKENS,
        "loading_seconds": loading["p50_seconds"],
        "alone": alone,
        "while_people_label": beside,
        "votes_per_second": votes_per_second,
        "ratio_while_people_label": round(beside["p50_seconds"] / alone["p50_seconds"], 2),
    }


def _count_votes(client: httpx.Client, api: str) -> int:
    lines = client.get(f"{api.removesuffix('/v1')}/metrics").text.splitlines()
    (value,) = [line.split()[1] for line in lines if line.startswith("blender_preferences ")]
    return int(float(value))


def _rerank(
    api: str, draw: np.random.Generator, *, n_times: int, n_tokens: int = N_TOKENS
) -> dict[str, float] | None:
    words = np.array(WORDS)
    seconds = []
    with httpx.Client(timeout=300) as client:
        for _ in range(n_times):
            documents = [" ".join(draw.choice(words, n_tokens)) for _ in range(N_DOCUMENTS)]
            began = time.monotonic()
            response = client.post(f"{api}/rerank", json={"query": "Why?", "documents": documents})
            if response.status_code == 503:
                print(response.json()["error"]["message"], file=sys.stderr)
                return None
            response.raise_for_status()
            seconds.append(time.monotonic() - began)
    return {
        "n": n_times,
        "p50_seconds": round(float(np.percentile(seconds, 50)), 3),
        "p95_seconds": round(float(np.percentile(seconds, 95)), 3),
    }


if __name__ == "__main__":
    main()
