"""What one visitor of a demo who asks without end costs the others: their times to a first word.

For ``benchmarks.load --flood``. The app is served as a demo, with two members that stream at a steady pace.
Visitors, each from an address and with a browser of their own, ask on the Blend page one question after
another with a pause between them: first alone, then while one more asks from eight tabs at once.
"""

from __future__ import annotations

import json
import random
import secrets
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks import loopback
from benchmarks.fault_tally import kill, make_environment
from benchmarks.fault_votes import Web
from benchmarks.label_tally import percentile_ms

N_OTHERS, N_TABS = 2, 8
PAUSE_SECONDS = 4.0
"""Between an answer and the same visitor's next question, half to one and a half times that."""
FIRST_WORD = "sky "
"""Of every answer of the member; no question has it."""
MEMBER = """
[[member]]
name = "{name}"
backend = "openai"
model = "m"
base_url = "http://127.0.0.1:{port}/v1"
limits = {{ n_parallel = 64 }}
"""
# The quota of an hour would end the flood after 20 questions; here only the turns stand against it.
LIMITS = {"VISITOR_ASKS": "100000", "ADDRESS_ASKS": "100000", "TRUSTED_PROXIES": "1"}


@dataclass
class Asked:
    """What became of questions."""

    first_words: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    """Seconds until the app had stored the question, or refused it."""
    refused: int = 0
    errors: list[str] = field(default_factory=list)


class Tab:
    """The Blend page open in one tab, by the requests that a browser sends."""

    def __init__(self, base: str, *, key: str, address: str, listeners: dict[str, dict[str, Any]]) -> None:
        self._client = httpx.Client(
            base_url=base, timeout=120, headers={"x-blender-key": key, "x-forwarded-for": address}
        )
        self._session, self._memory = secrets.token_hex(8), {"annotator": key}
        self._listeners = listeners
        self._call("blend_open", [self._memory])

    def ask(self, text: str, asked: Asked) -> None:
        """Ask and read the answers to their end."""
        began = time.perf_counter()
        answer = self._call("blend_ask", [None, self._memory, text, "", "all", [], None])
        asked.taken.append(time.perf_counter() - began)
        columns = [name for name in self._listeners if name.startswith("blend_stream_")]
        columns = [name for name in columns if name.removeprefix("blend_stream_").isdigit()]
        if "Ask again" in answer:
            asked.refused += 1
            return
        events = {self._join(name) for name in columns}
        first = None
        with self._client.stream(
            "GET", "gradio_api/queue/data", params={"session_hash": self._session}
        ) as told:
            for line in told.iter_lines():
                if not line.startswith("data: "):
                    continue
                if FIRST_WORD in line:
                    first = first or time.perf_counter() - began
                message = json.loads(line[6:])
                if message["msg"] == "process_completed":
                    events.discard(message.get("event_id"))
                    if not events:
                        break
        for name in columns:
            self._call(f"{name}_settle", [None])
        if first is None:
            asked.errors.append(f"an answer without a word: {answer[-300:]}")
        else:
            asked.first_words.append(first)

    def _call(self, name: str, data: list[Any]) -> str:
        body = {"data": data, "session_hash": self._session}
        response = self._client.post(f"gradio_api/run/{name}", json=body)
        if response.status_code != 200:
            raise RuntimeError(f"{name} answered {response.status_code}: {response.text[:300]}")
        return response.text

    def _join(self, name: str) -> str:
        listener = self._listeners[name]
        body = {"data": [None] * len(listener["inputs"]), "fn_index": listener["id"]}
        response = self._client.post("gradio_api/queue/join", json=body | {"session_hash": self._session})
        if response.status_code != 200:
            raise RuntimeError(f"{name} answered {response.status_code}: {response.text[:300]}")
        event: str = response.json()["event_id"]
        return event


def measure(folder: Path, *, seconds: float) -> dict[str, Any]:
    """Run both, each for so many seconds, and give the figures."""
    home, member = folder / "home", loopback.find_free_port()
    env = make_environment(home, WORKER="none", ACCESS="demo", **LIMITS)
    written = "".join(MEMBER.format(name=name, port=member) for name in ("Ann", "Bob"))
    (home / "members.toml").write_text(written, encoding="utf-8")
    web = Web(env, folder / "log")
    command = [sys.executable, "-m", "benchmarks.serving_child", "member", str(member)]
    with ExitStack() as stack:
        log = folder / "member.log"
        stack.enter_context(
            loopback.serving(command, port=member, path="/v1/models", env=env, log=log, seconds=120)
        )
        web.start()
        assert web.process is not None
        stack.callback(kill, web.process)
        base = f"http://127.0.0.1:{web.port}"
        listeners = {
            one["api_name"]: one for one in httpx.get(f"{base}/config", timeout=60).json()["dependencies"]
        }
        _ask_for_a_while(base, listeners, seconds=5, floods=False)  # the first questions take longer
        alone, _ = _ask_for_a_while(base, listeners, seconds=seconds, floods=False)
        beside, flood = _ask_for_a_while(base, listeners, seconds=seconds, floods=True)
    errors = alone.errors + beside.errors + flood.errors
    for error in sorted(set(errors))[:5]:
        print(f"error: {error}", flush=True)
    figures = {name: _sum_up(asked) for name, asked in (("alone", alone), ("beside_a_flood", beside))}
    ratios = {
        f"ratio_{name}": round(figures["beside_a_flood"][name] / figures["alone"][name], 2)
        for name in ("p50_ms", "mean_ms")
    }
    told = {"answered": len(flood.first_words), "refused": flood.refused}
    return {"others": N_OTHERS, **figures, **ratios, "flood": told, "errors": len(errors)}


def _sum_up(asked: Asked) -> dict[str, float]:
    times = asked.first_words or [float("nan")]
    return {
        "questions": len(asked.first_words),
        "refused": asked.refused,
        "taken_p50_ms": percentile_ms(asked.taken or [float("nan")], 50),
        "p50_ms": percentile_ms(times, 50),
        "p95_ms": percentile_ms(times, 95),
        "mean_ms": round(1000 * sum(times) / len(times), 1),
    }


def _ask_for_a_while(
    base: str, listeners: dict[str, dict[str, Any]], *, seconds: float, floods: bool
) -> tuple[Asked, Asked]:
    """What became of the others' questions, and of the flood's."""
    others, flood, end = Asked(), Asked(), time.monotonic() + seconds
    key = secrets.token_urlsafe(24)
    visitors = [(secrets.token_urlsafe(24), f"198.51.100.{n + 1}", others) for n in range(N_OTHERS)]
    visitors += [(key, "203.0.113.1", flood)] * (N_TABS if floods else 0)

    def visit(number: int, key: str, address: str, asked: Asked) -> None:
        draw = random.Random(number)
        try:
            tab = Tab(base, key=key, address=address, listeners=listeners)
            while time.monotonic() < end:
                tab.ask(f"Question {secrets.token_hex(4)}?", asked)
                if asked is others:
                    time.sleep(draw.uniform(0.5, 1.5) * PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever stops a visitor is one of the figures
            asked.errors.append(repr(error))

    threads = [threading.Thread(target=visit, args=(number, *one)) for number, one in enumerate(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=seconds + 120)
    return others, flood
