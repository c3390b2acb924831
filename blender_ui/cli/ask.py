"""``blender-ui ask``: ask the members that are best for a prompt, and print their answers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import numpy as np

from blender_ui.bootstrap import Services, build_services
from blender_ui.choosing.choice import Budget
from blender_ui.errors import MalformedInput
from blender_ui.services.asking.answering import CandidateUpdate
from blender_ui.services.choosing.proposal import Proposal
from blender_ui.settings import Settings

EVERYBODY = (
    "No chooser that knows these members is active, so every one is asked. "
    "Train one: blender-ui train --kind chooser"
)


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Choose, say who and why, ask, and print; the exit status is 1 where nobody answered."""
    budget = _read_budget(options)
    services = build_services(settings)
    try:
        proposal = services.proposals.propose(
            instruction=options.instruction, input=options.input, k=options.k, budget=budget
        )
        asked = services.blending.ask(instruction=options.instruction, input=options.input)
        propensities: Mapping[str, float] = dict.fromkeys(asked.member_names, 1.0)
        if proposal is not None:
            propensities = proposal.propensities
            services.choices.keep(prompt_id=asked.prompt_id, names=proposal.names, proposal=proposal)
        print(EVERYBODY if proposal is None else proposal.describe(), file=sys.stderr, flush=True)
        ends = _ask_all(services, asked.prompt_id, propensities, is_chosen=proposal is not None)
    finally:
        services.close()
    _print(options, asked.prompt_id, proposal, ends)
    return 0 if any(end.failure is None for end in ends.values()) else 1


def _read_budget(options: argparse.Namespace) -> Budget:
    if options.k < 1:
        raise MalformedInput(f"expected --k of at least 1, came {options.k}")
    limits = {"budget": options.budget, "seconds": options.seconds}
    for name, limit in limits.items():
        if limit is not None and not limit > 0:
            raise MalformedInput(f"expected --{name} above 0, came {limit}")
    return Budget(
        cost=np.inf if options.budget is None else options.budget,
        seconds=np.inf if options.seconds is None else options.seconds,
    )


def _ask_all(
    services: Services, prompt_id: int, propensities: Mapping[str, float], *, is_chosen: bool
) -> dict[str, CandidateUpdate]:
    """Ask side by side; the last update of each answer by its label, in the order asked."""

    def ask(label: str) -> CandidateUpdate:
        seat = services.blending.seat(label)
        *_, end = services.blending.stream(
            prompt_id=prompt_id,
            member_name=seat.member,
            sample=seat.sample,
            propensity=propensities[seat.member] if is_chosen else None,
        )
        return end

    labels = services.blending.seats(propensities)
    with ThreadPoolExecutor(max_workers=max(len(labels), 1)) as pool:
        return dict(zip(labels, pool.map(ask, labels), strict=True))


def _print(
    options: argparse.Namespace,
    prompt_id: int,
    proposal: Proposal | None,
    ends: Mapping[str, CandidateUpdate],
) -> None:
    if options.json:
        answers: list[dict[str, Any]] = [
            {
                "member": name,
                "candidate_id": end.candidate_id,
                "text": end.text,
                "failure": None if end.failure is None else end.failure.message,
                "seconds": end.seconds,
            }
            for name, end in ends.items()
        ]
        chosen = None if proposal is None else asdict(proposal)
        print(json.dumps({"prompt_id": prompt_id, "proposal": chosen, "answers": answers}))
        return
    for name, end in ends.items():
        print(f"== {name}\n{end.text if end.failure is None else end.failure.message}\n")
