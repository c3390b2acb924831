"""``blender-ui fuse``: fuse candidates of the command line into one answer."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

import numpy as np

from blender_ui.bootstrap import Services, build_services
from blender_ui.cli.candidates import question, rank_texts, read_candidates
from blender_ui.errors import NoRanker
from blender_ui.evidence.grounding import obedient_places, obeyed_orders
from blender_ui.fusion.shown import Shown, choose_shown, usable_sources
from blender_ui.settings import Settings
from blender_ui.values import RankingPrompt


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Print the fused answer, or its best source where the ranker puts that above it.

    Before a ranker exists the candidates are fused in the order given.
    """
    texts, asked = read_candidates(options.candidates), question(options)
    services = build_services(settings)
    try:
        try:
            ranked = rank_texts(services, asked, texts)
            order = [int(index) for index in np.argsort(ranked.ranks, kind="stable")]
        except NoRanker:
            order = list(range(len(texts)))
            print("no ranker yet: fused in the order given", file=sys.stderr)
        obedient = obedient_places(asked.instruction, asked.input, texts)
        order = usable_sources(order, obedient)
        best_first = [texts[index] for index in order]
        answer = services.fusing.fuse_texts(
            instruction=asked.instruction,
            input=asked.input,
            history=asked.history,
            candidates=best_first,
            rounds=options.rounds,
        )
        shown = _choose(services, asked, best_first[: settings.top_k], answer.text)
    finally:
        services.close()
    if not shown.is_fused:
        why = _why_not_fused(asked, best_first[: settings.top_k], answer.text, order[shown.best] + 1)
        print(why, file=sys.stderr)
    text = answer.text if shown.is_fused else best_first[shown.best]
    if options.json:
        told = {"text": text, "is_fused": shown.is_fused, "fused_text": answer.text}
        print(json.dumps(told | {"fuser": services.fusing.fuser_name, "order": order}))
    else:
        print(text)
    return 0


def _why_not_fused(prompt: RankingPrompt, sources: Sequence[str], fused: str, number: int) -> str:
    """Why a candidate is shown in the fused answer's place."""
    obeyed = obeyed_orders(prompt.instruction, prompt.input, [*sources, fused]).get(len(sources))
    if obeyed is None:
        return f"the ranker puts candidate {number} above the fused answer, so that one is shown"
    return f"the fused answer obeys an order in the input ({obeyed.sentence}); candidate {number} is shown"


def _choose(services: Services, prompt: RankingPrompt, sources: Sequence[str], fused: str) -> Shown[int]:
    """Choose as the page does; the fused answer's place is behind its sources."""
    places = range(len(sources))
    try:
        scores = dict(enumerate(rank_texts(services, prompt, [*sources, fused]).scores.tolist()))
    except NoRanker:
        scores = {}
    obedient = obedient_places(prompt.instruction, prompt.input, [*sources, fused])
    return choose_shown(scores, fused=len(sources), sources=places, obedient=obedient)
