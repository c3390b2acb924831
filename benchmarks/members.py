"""Load, first token, speed and memory of the embedded members, alone and all at once.

Every figure is taken through the client that the app uses. "alone" asks one member whose server
has just been started; "together" asks all of them at the same time. ``--transformers`` asks
SmolLM2 through the transformers server too, from the prepared reader's folder. ``--members`` measures those
of another file. ``--rounds`` asks them all these questions, one after another as a person would, and tells
the seconds until every member has answered in full, by its own sampling.

    python -m benchmarks.members [--quick] [--transformers] [--members FILE] [--rounds]
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from blender_ui.members.configuration import Backend, Limits, MemberConfig, load_members
from blender_ui.members.protocol import Message, Sampling, Usage
from blender_ui.members.registry import LocalMember, Members
from blender_ui.settings import load_settings
from blender_ui.weights.resolver import find_weights, is_cached, reader_path

QUESTION = [
    Message("user", "Explain to a ten-year-old why the sky is blue, and write a haiku about it afterwards.")
]
ROUNDS = (
    "Why do leaves turn red in autumn?",
    "What is the capital of Australia? Answer in one word.",
    "Write a Python function that tells whether a word is a palindrome.",
    "Give me three ideas for a birthday party in the rain.",
    "A train leaves at 9:40 and needs 85 minutes. When does it arrive?",
    "Write a short, friendly e-mail that moves a meeting from Monday to Tuesday.",
)
"""Of the kinds that people try first."""
N_TOKENS = 128
N_TOKENS_QUICK = 24


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line a member and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"{N_TOKENS_QUICK} tokens in place of {N_TOKENS}"
    )
    parser.add_argument("--transformers", action="store_true", help="SmolLM2 by transformers as well")
    parser.add_argument("--members", type=Path, default=Path(__file__).parents[1] / "members.toml")
    parser.add_argument("--rounds", action="store_true", help=f"{len(ROUNDS)} questions, to the last answer")
    options = parser.parse_args(arguments)
    cache_path = load_settings(os.environ).weights_path
    sampling = Sampling(temperature=0, max_tokens=N_TOKENS_QUICK if options.quick else N_TOKENS)
    configs = [
        config
        for config in load_members(options.members)
        if config.backend is Backend.LLAMA_CPP and is_cached(config.model, cache_path=cache_path)
    ]
    if options.rounds:
        print(json.dumps(measure_rounds(configs, cache_path)))
        return
    if options.transformers:
        configs.append(_by_transformers(reader_path("smollm2-135m", cache_path=cache_path)))
    alone = {config.name: measure([config], cache_path, sampling)[config.name] for config in configs}
    embedded = [config for config in configs if config.backend is Backend.LLAMA_CPP]
    together = measure(embedded, cache_path, sampling)
    for name, figures in alone.items():
        print(f"{name}, alone: {_line(figures)}")
    for name, figures in together.items():
        print(f"{name}, together: {_line(figures)}")
    print(json.dumps({"n_tokens": sampling.max_tokens, "alone": alone, "together": together}))


def measure(
    configs: Sequence[MemberConfig], cache_path: Path, sampling: Sampling
) -> dict[str, dict[str, float]]:
    """Start members at once, ask each as soon as it is ready, and again all at once.

    Returns:
        By name: ``load_seconds``; ``first_token_seconds``, ``tokens_per_second`` and
        ``cpu_ms_per_token`` (the prompt's reading included) of the second answer; and
        ``memory_mb``, resident, after it.
    """

    def find(name: str) -> Path:
        return find_weights(name, cache_path=cache_path)

    with closing(Members(configs, find_weights=find, environ={})) as members:
        began_at = time.monotonic()
        members.start()
        loads = {name: 0.0 for name in members.names}

        def wait(name: str) -> None:
            _local(members, name).server.address(timeout_seconds=300)
            loads[name] = time.monotonic() - began_at

        _all_at_once(wait, members.names)
        _all_at_once(lambda name: _ask(members, name, replace(sampling, max_tokens=4)), members.names)
        figures: dict[str, dict[str, float]] = {}

        def ask(name: str) -> None:
            process_id = cast(int, _local(members, name).server.process_id())
            cpu_at_start = _cpu_seconds(process_id)
            usage = _ask(members, name, sampling)
            cpu_seconds = _cpu_seconds(process_id) - cpu_at_start
            figures[name] = {
                "load_seconds": round(loads[name], 2),
                "first_token_seconds": round(usage.first_token_seconds, 2),
                "tokens_per_second": round(
                    (usage.n_tokens - 1) / (usage.seconds - usage.first_token_seconds), 1
                ),
                "cpu_ms_per_token": round(1000 * cpu_seconds / usage.n_tokens, 1),
                "memory_mb": _resident_mb(process_id),
            }

        _all_at_once(ask, members.names)
    return {name: figures[name] for name in members.names}


def measure_rounds(configs: Sequence[MemberConfig], cache_path: Path) -> dict[str, Any]:
    """Ask all members every question of ``ROUNDS``, all at once, the next when the last has answered.

    Returns:
        ``load_seconds`` until all are ready; ``memory_mb``, resident, of all after it; and by question
        ``seconds`` until the last has answered, and ``by_member`` a list of [seconds, tokens].
    """

    def find(name: str) -> Path:
        return find_weights(name, cache_path=cache_path)

    with closing(Members(configs, find_weights=find, environ={})) as members:
        began_at = time.monotonic()
        members.start()
        _all_at_once(lambda name: _local(members, name).server.address(timeout_seconds=300), members.names)
        load_seconds = time.monotonic() - began_at
        rounds = []
        for question in ROUNDS:
            began_at = time.monotonic()
            usages: dict[str, Usage] = {}

            def ask(name: str, question: str = question, usages: dict[str, Usage] = usages) -> None:
                *_, last = members.get(name).stream([Message("user", question)])
                usages[name] = cast(Usage, last.usage)

            _all_at_once(ask, members.names)
            seconds = round(time.monotonic() - began_at, 1)
            by_member = {name: [round(usages[name].seconds, 1), usages[name].n_tokens] for name in usages}
            rounds.append({"question": question, "seconds": seconds, "by_member": by_member})
        ids = [cast(int, _local(members, name).server.process_id()) for name in members.names]
        memory = sum(_resident_mb(process_id) for process_id in ids)
    return {"load_seconds": round(load_seconds, 2), "memory_mb": memory, "rounds": rounds}


def _by_transformers(folder: Path) -> MemberConfig:
    limits = Limits(first_token_seconds=300, timeout_seconds=600)
    return MemberConfig(
        name="SmolLM2 135M by transformers", backend=Backend.TRANSFORMERS, model=str(folder), limits=limits
    )


def _ask(members: Members, name: str, sampling: Sampling) -> Usage:
    # Another question each time, so that no cache of the last prompt makes the first token early.
    question = [Message("user", f"{len(name)}{sampling.max_tokens}. {QUESTION[0].content}")]
    *_, last = members.get(name).stream(question, options=sampling)
    return cast(Usage, last.usage)


def _local(members: Members, name: str) -> LocalMember:
    return cast(LocalMember, members.get(name))


def _all_at_once(work: Any, names: Sequence[str]) -> None:
    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _cpu_seconds(process_id: int) -> float:
    """Processor time of all its threads so far, which other busy processes do not lengthen much."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(process_id: int) -> float:
    lines = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8").splitlines()
    (resident,) = (line for line in lines if line.startswith("VmRSS"))
    return round(int(resident.split()[1]) / 1024)


def _line(figures: dict[str, float]) -> str:
    return (
        f"ready after {figures['load_seconds']} s, first token {figures['first_token_seconds']} s, "
        f"{figures['tokens_per_second']} tokens/s, {figures['cpu_ms_per_token']} ms of processor a token, "
        f"{figures['memory_mb']:.0f} MB"
    )


if __name__ == "__main__":
    main()
