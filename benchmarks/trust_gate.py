"""How often the trust gate is wrong: versions no better than a baseline that pass, better ones that wait.

``python -m benchmarks.trust_gate`` draws votes on pairs, on a share of which a version and its rival differ.
It prints the share of versions that pass by prompts, votes a prompt and true lead: first over the baselines,
then over an active version that is below a baseline. Last, by new questions, the share of promotions that are
taken back by bets in shadow, over all looks until then. Decisions 0014 and 0017 quote them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from blender_ui.ranking.promotion import ACTIVE, Judgement, Rival
from blender_ui.ranking.shadow import look
from blender_ui.ranking.standing import BASELINES, Verdict, measure_standing

DIFFERING = 0.36
"""Share of votes on which ranker and baseline differ: at an accuracy of .7 and .65 with little in common."""
TILT = 0.08
"""Standard deviation over prompts of the lead's half: votes on one prompt go together."""
LEADS = (-0.05, 0.0, 0.05, 0.1, 0.15, 0.2)
N_PROMPTS = (10, 20, 30, 100, 300)
N_LOOKS = (10, 20, 40, 80, 160, 320)


ABOVE = 0.1
"""How much more often a baseline is right than the active version, where the second rule is looked at."""
NO_FIGURES = Judgement(0, 0.5, 0.0, 1.0, 0.0)
Passes = Callable[[int, int, float, np.random.Generator], bool]


def draw(
    n_prompts: int, n_votes: int, lead: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw where a version and its rival were right, and the prompt of each vote."""
    prompts = np.repeat(np.arange(n_prompts), n_votes)
    tilt = rng.normal(0, TILT, n_prompts) if n_votes > 1 else np.zeros(n_prompts)
    room = DIFFERING / 2
    ahead = (room + np.clip(lead / 2 + tilt, -room, room))[prompts]
    drawn = rng.random(len(prompts))
    version = np.where(drawn < ahead, 1.0, np.where(drawn < DIFFERING, 0.0, 1.0))
    return version, np.where(drawn < ahead, 0.0, 1.0), prompts


def passes(n_prompts: int, n_votes: int, lead: float, rng: np.random.Generator) -> bool:
    """Draw one version's votes; whether it is shown to be better than the one baseline that matters."""
    version, baseline, prompts = draw(n_prompts, n_votes, lead, rng)
    found = measure_standing(version, dict.fromkeys(BASELINES, baseline), prompts, judged_on="votes")
    return found.verdict is Verdict.BETTER


def replaces(n_prompts: int, n_votes: int, lead: float, rng: np.random.Generator) -> bool:
    """Draw one version's votes beside a weak active version; whether it takes its place unproven."""
    version, active, prompts = draw(n_prompts, n_votes, lead, rng)
    right = (rng.random(len(prompts)) < 1 - DIFFERING / 2 - lead / 2 + ABOVE).astype(float)
    baselines = dict.fromkeys(BASELINES, right)
    unbeaten = measure_standing(version, baselines, prompts, judged_on="votes").find_unbeaten()
    rival = Rival(
        "active",
        NO_FIGURES,
        measure_standing(active, baselines, prompts, judged_on="votes"),
        measure_standing(version, {ACTIVE: active}, prompts, judged_on="votes"),
    )
    return not unbeaten or rival.is_beaten(unbeaten)


def is_taken_back(n_prompts: int, n_votes: int, lead: float, rng: np.random.Generator) -> bool:
    """Draw a stream of new votes; whether any look calls the version before surely better."""
    before, active, prompts = draw(n_prompts, n_votes, lead, rng)
    looks = (n for n in N_LOOKS if n <= n_prompts)
    found = (look(before[: n * n_votes], active[: n * n_votes], prompts[: n * n_votes]) for n in looks)
    return any(one is not None and one.lead.low > 0 for one in found)


def print_table(name: str, measure: Passes, n: int, numbers: tuple[int, ...] = N_PROMPTS) -> None:
    """Print the share of versions that pass, in each cell."""
    print(f"{name}\nvotes a prompt, prompts:", *(f"{lead:+.2f}" for lead in LEADS))
    for n_votes in (1, 3):
        for n_prompts in numbers:
            rng = np.random.default_rng(0)
            shares = [sum(measure(n_prompts, n_votes, lead, rng) for _ in range(n)) / n for lead in LEADS]
            print(f"{n_votes}, {n_prompts:>4}:", *(f"{share:5.3f}" for share in shares))


def main() -> None:
    """Print both tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--n", type=int, default=2000, help="versions a cell")
    n = options.parse_args().n
    print_table("by true lead over the stronger baseline", passes, n)
    print_table("by true lead over an active version that is below a baseline", replaces, n)
    print_table("taken back by new votes, by true lead of the version before", is_taken_back, n, N_LOOKS)


if __name__ == "__main__":
    main()
