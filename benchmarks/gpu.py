"""The code paths for a GPU, run and measured, on a machine with torch and without a hub.

    python -m benchmarks.gpu [--quick] [--device cpu] [--only PART ...]

It makes its checkpoints itself, of random weights in the usual ones' shape; ``--quick`` makes tiny ones.

- reading: how fast the frozen reader reads, and how far its readings are from the CPU's in float32.
- joint, fuser: a training step in bfloat16 and the most memory that it took.
- memory: what a job shows whose reading or training ran out of memory.
- member: the transformers server, as the app starts it, streaming to 16 clients.

A part that fails has its ``error`` in place of its figures; the others still run, and the exit status is 1.
Without a GPU it says so, exits with 0, and ``device`` is null. ``--device cpu`` runs the same on the CPU, to
test this code. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

PARTS = ("reading", "joint", "fuser", "memory", "member")
MOST_SECONDS = 450
N_CLIENTS = 16
N_LAST_CHARACTERS = 1500
"""Of what a part that failed has said."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was measured and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="tiny checkpoints")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    options = parser.parse_args(arguments)
    report: dict[str, Any] = {"benchmark": "gpu", "device": _find_device(options.device)}
    if report["device"] is None:
        print(
            "No GPU that torch can use is here; nothing was measured. --device cpu runs the same on the CPU."
        )
        print(json.dumps(report))
        return 0
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    size = "quick" if options.quick else "full"
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for part, figures in run_parts(options.only, Path(folder), device=options.device, size=size):
            report[part] = figures
            print(f"{part}: {figures}", flush=True)
    report["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(report))
    return int(any("error" in report[part] for part in options.only))


def _find_device(wanted: str) -> dict[str, Any] | None:
    """What the figures are of; None without a GPU."""
    versions = {name: version(name) for name in ("torch", "transformers")}
    if wanted == "cpu":
        return {"kind": "cpu", "name": platform.machine()} | versions
    import torch

    if not torch.cuda.is_available():
        return None
    found = torch.cuda.get_device_properties(0)
    return {"kind": "cuda", "name": found.name, "memory_mib": found.total_memory >> 20} | versions


def run_parts(
    parts: Sequence[str], folder: Path, *, device: str, size: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each part with its figures or its error."""
    end = time.monotonic() + MOST_SECONDS
    waiting = [part for part in parts if part != "member"]
    while waiting:
        # A device that failed a process may fail whatever comes after in it, so the next has a new one.
        done, error = _run_child(waiting, folder, device=device, size=size, seconds=end - time.monotonic())
        yield from zip(waiting, done, strict=False)
        waiting = waiting[len(done) :]
        if waiting:
            yield waiting.pop(0), {"error": error}
    if "member" in parts:
        try:
            yield "member", _measure_member(folder, size=size, seconds=max(end - time.monotonic(), 1))
        except Exception as problem:  # noqa: BLE001 - the other parts' figures are not to be lost
            yield "member", {"error": f"{type(problem).__name__}: {problem}"}


def _run_child(
    parts: Sequence[str], folder: Path, *, device: str, size: str, seconds: float
) -> tuple[list[dict[str, Any]], str]:
    """The figures of the parts that were done, and what ended the next one."""
    command = [sys.executable, "-m", "benchmarks.gpu_parts", str(folder), device, size, *parts]
    log = folder / "log"
    with log.open("w") as said:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
        try:
            lines = child.communicate(timeout=max(seconds, 1))[0].splitlines()
            error = f"exit status {child.returncode}: {log.read_text()[-N_LAST_CHARACTERS:].strip()}"
        except subprocess.TimeoutExpired:
            child.kill()
            lines = child.communicate()[0].splitlines()
            error = f"not done within the {seconds:.0f} s that were left"
    return [json.loads(line) for line in lines if line.startswith("{")], error


def _measure_member(folder: Path, *, size: str, seconds: float) -> dict[str, Any]:
    """Ask the app's transformers server from 16 threads at once, by the app's client."""
    from blender_ui.members.configuration import Backend, Limits, MemberConfig
    from blender_ui.members.local.commands import transformers_command
    from blender_ui.members.local.servers import LocalServer
    from blender_ui.members.openai.client import stream_answer
    from blender_ui.members.openai.endpoint import Endpoint
    from blender_ui.members.protocol import Message, Sampling

    model = str(folder / "reader")
    if not Path(model).is_dir():
        _make_member(Path(model), size)
    limits = Limits(timeout_seconds=seconds, first_token_seconds=seconds, n_context=1024)
    config = MemberConfig(name="Member", backend=Backend.TRANSFORMERS, model=model, limits=limits)
    server = LocalServer(config.name, lambda: transformers_command(config))
    sampling = Sampling(temperature=0, max_tokens=8 if size == "quick" else 64)
    gate = threading.Barrier(N_CLIENTS)
    try:
        began = time.perf_counter()
        address = server.address(timeout_seconds=seconds)
        ready = time.perf_counter() - began
        endpoint = Endpoint(
            name=config.name, base_url=address.base_url, model=model, key=address.key,
            timeout_seconds=limits.timeout_seconds, first_token_seconds=limits.first_token_seconds,
        )  # fmt: skip
        list(stream_answer(endpoint, [Message("user", "w1 w2")], sampling=sampling))

        def ask(number: int) -> tuple[float, int, int]:
            gate.wait()
            started, first, n_pieces = time.perf_counter(), 0.0, 0
            for piece in stream_answer(endpoint, [Message("user", f"w{number} w7")], sampling=sampling):
                if piece.text:
                    first, n_pieces = first or time.perf_counter() - started, n_pieces + 1
            assert piece.usage is not None
            return first, n_pieces, piece.usage.n_tokens

        began = time.perf_counter()
        with ThreadPoolExecutor(N_CLIENTS) as pool:
            answers = list(pool.map(ask, range(N_CLIENTS)))
        whole = time.perf_counter() - began
    finally:
        server.close()
    firsts = sorted(first for first, _, _ in answers)
    return {
        "clients": N_CLIENTS,
        "ready_seconds": round(ready, 2),
        "first_word_seconds": [
            round(value, 3) for value in (firsts[0], firsts[len(firsts) // 2], firsts[-1])
        ],
        "pieces_least": min(n_pieces for _, n_pieces, _ in answers),
        "tokens": sum(n_tokens for _, _, n_tokens in answers),
        "tokens_per_second": round(sum(n_tokens for _, _, n_tokens in answers) / whole, 1),
    }


def _make_member(folder: Path, size: str) -> None:
    from benchmarks.gpu_models import FULL, QUICK, make_reader

    make_reader(folder, QUICK if size == "quick" else FULL)


if __name__ == "__main__":
    sys.exit(main())
