"""``blender-ui rank``: rank candidates of the command line with the active ranker."""

from __future__ import annotations

import argparse
import json

import numpy as np

from blender_ui.bootstrap import build_services
from blender_ui.cli.candidates import question, rank_texts, read_candidates
from blender_ui.settings import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Print the candidates best first, or everything as JSON in the order given."""
    texts, asked = read_candidates(options.candidates), question(options)
    services = build_services(settings)
    try:
        ranked = rank_texts(services, asked, texts)
    finally:
        services.close()
    if options.json:
        result = {
            "ranker": ranked.version_id,
            "ranks": list(ranked.ranks),
            "scores": ranked.scores.tolist(),
            "logits": ranked.logits.tolist(),
        }
        print(json.dumps(result))
        return 0
    for index in np.argsort(ranked.ranks, kind="stable"):
        print(f"{ranked.ranks[index]}  {ranked.scores[index]:+.3f}  {_first_line(texts[index])}")
    return 0


def _first_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
