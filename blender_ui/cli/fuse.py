"""``blender-ui fuse``: fuse candidates of the command line into one answer."""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np

from blender_ui.bootstrap import build_services
from blender_ui.cli.candidates import question, rank_texts, read_candidates
from blender_ui.errors import NoRanker
from blender_ui.settings import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Print the fused answer; before a ranker exists the candidates are fused in the order given."""
    texts = read_candidates(options.candidates)
    services = build_services(settings)
    try:
        try:
            ranked = rank_texts(services, question(options), texts)
            order = [int(index) for index in np.argsort(ranked.ranks, kind="stable")]
        except NoRanker:
            order = list(range(len(texts)))
            print("no ranker yet: fused in the order given", file=sys.stderr)
        answer = services.fusing.fuse_texts(
            instruction=options.instruction,
            input=options.input,
            candidates=[texts[index] for index in order],
            rounds=options.rounds,
        )
    finally:
        services.close()
    if options.json:
        print(json.dumps({"text": answer.text, "fuser": services.fusing.fuser_name, "order": order}))
    else:
        print(answer.text)
    return 0
