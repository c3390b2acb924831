"""Every command of the guides, in an empty folder, in the order of somebody's first day.

    python -m benchmarks.commands [--program FOLDER/bin/blender-ui] [--only NAME ...]

``--program`` is an installed wheel's; without it this Python's. Nothing is set but where the hub is, which is
a stand-in, and a token for it: the home folder is ``./var``, weights are where a person has them. Of each
command: seconds, exit status and the last line that it said. The exit status is 1 where one ends otherwise
than it should. Last line: one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.scripted_hub import TOKEN, running_hub
from blender_ui.settings import list_set

N_PAIRS = 60
PATIENCE_SECONDS = 1800
QUESTION = "--instruction 'Why is the sky blue?'"
ANSWERS = "'Air scatters blue light more than red.' 'It is the sea, mirrored.'"
STEPS = f"""
blender-ui --version
blender-ui init --yes --embedded yes
blender-ui doctor
blender-ui doctor --mend
blender-ui import pairs.jsonl --preview
blender-ui import pairs.jsonl --source pairs
blender-ui import a/set
blender-ui serve
blender-ui worker
blender-ui train
blender-ui versions --json
blender-ui rank {QUESTION} {ANSWERS}
blender-ui rank --messages '[{{"role": "user", "content": "Why?"}}]' {ANSWERS} --json
blender-ui ask {QUESTION} --k 2
blender-ui fuse {QUESTION} {ANSWERS}
blender-ui import prompts.jsonl --source prompts
blender-ui generate --source prompts
blender-ui record rounds.json
blender-ui export all.jsonl
blender-ui evaluate --preferences all.jsonl --ranker start
blender-ui export all.csv --format csv
blender-ui export all.parquet --format parquet
blender-ui export dpo.jsonl --format dpo
blender-ui export all.archive --format archive
blender-ui backup all.backup
blender-ui backup --check all.backup
BLENDER_UI_HOME=new blender-ui restore all.backup
ACCOUNT_PASSWORD=long-enough-to-keep blender-ui account add ada --role admin
ACCOUNT_PASSWORD=long-enough-to-keep blender-ui account add bob
blender-ui account role bob --role researcher
ACCOUNT_PASSWORD=another-one-to-keep blender-ui account password bob
blender-ui account list
blender-ui key make bot --role annotator --project 1 --requests 60 --tokens 1000000
blender-ui key list
blender-ui key revoke 1
BLENDER_UI_WEBHOOK_HOSTS=127.0.0.1 blender-ui webhook make http://127.0.0.1:9/told
blender-ui webhook list
blender-ui push owner/ranker --version 2
blender-ui pull owner/ranker
blender-ui push owner/votes --preferences
python -m blender_ui.weights list
python -m blender_ui.weights verify smollm2-135m
"""
"""In this order: each finds what those before it made."""
STAYS = {"serve": "is open at", "worker": "worker: ready"}
"""Commands that run until they are told to end, and what they say when they are ready."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one command did."""

    command: str
    seconds: float
    status: int
    last_line: str


def main(arguments: list[str] | None = None) -> int:
    """Run all, and print one JSON object in the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--program", type=Path, default=Path(sys.executable).with_name("blender-ui"))
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of the commands, such as init doctor")
    options = parser.parse_args(arguments)
    told: list[Told] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hub = stack.enter_context(running_hub()).address
        kept = {name: value for name, value in os.environ.items() if name not in list_set(os.environ)}
        kept.pop("PYTHONPATH", None)
        environ = kept | {"HF_ENDPOINT": hub, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
        write_inputs(folder)
        for line in STEPS.strip().splitlines():
            if options.only and not any(f" {name}" in line for name in options.only):
                continue
            told.append(run(line, options.program, folder, environ))
            print(
                f"{told[-1].status}  {told[-1].seconds:6.1f} s  {line}\n    {told[-1].last_line}", flush=True
            )
    wrong = [one.command for one in told if one.status]
    seconds = {one.command: one.seconds for one in told}
    print(json.dumps({"benchmark": "commands", "n": len(told), "wrong": wrong, "seconds": seconds}))
    return bool(wrong)


def write_inputs(folder: Path) -> None:
    """Preferences with an obvious winner each, two prompts, and a file of one round to be recorded."""
    with (folder / "pairs.jsonl").open("w", encoding="utf-8") as file:
        for number in range(N_PAIRS):
            prompt = f"What is {number} plus {number}?"
            said = {
                "chosen": f"{number} plus {number} is {2 * number}.",
                "rejected": "A bowl of soup, perhaps",
            }
            file.write(json.dumps({"prompt": prompt, **said}) + "\n")
    with (folder / "prompts.jsonl").open("w", encoding="utf-8") as file:
        for prompt in ("Name a colour.", "Name a river."):
            record = {"id": prompt, "source": "prompts", "prompt": prompt, "candidates": [], "labels": []}
            file.write(json.dumps(record | {"licence": "CC0-1.0", "lang": "en"}) + "\n")
    asked = {"id": "tea", "instruction": "What is tea made of?"}
    rounds = {"made_with": {}, "licence": "CC0-1.0", "writers": [], "rounds": [asked]}
    (folder / "rounds.json").write_text(json.dumps(rounds))


def run(line: str, program: Path, folder: Path, environ: dict[str, str]) -> Told:
    """Run one line as a shell would, without one."""
    words = shlex.split(line)
    named = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    name, *rest = words[len(named) :]
    here = {"blender-ui": program, "python": program.with_name("python")}[name]
    began = time.perf_counter()
    process = subprocess.Popen(
        [here, *rest],
        cwd=folder,
        env=environ | {"BLENDER_UI_PORT": "0"} | named,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    sign = STAYS.get(rest[0]) if rest else None
    said = _stay(process, sign) if sign else process.communicate(timeout=PATIENCE_SECONDS)[0]
    lines = [one for one in said.splitlines() if one.strip()]
    return Told(
        command=line,
        seconds=round(time.perf_counter() - began, 1),
        status=process.returncode,
        last_line=lines[-1][:160] if lines else "",
    )


def _stay(process: subprocess.Popen[str], sign: str) -> str:
    """Wait for what is said when it is ready, look at its pages, and tell it to end."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if sign in line:
            break
    if opened := re.search(r"open at (\S+)", said):
        for page in ("", "label", "readyz"):
            httpx.get(f"{opened[1].rstrip('/')}/{page}", timeout=60).raise_for_status()
    process.send_signal(signal.SIGTERM)
    said += process.communicate(timeout=PATIENCE_SECONDS)[0]
    return said


if __name__ == "__main__":
    sys.exit(main())
