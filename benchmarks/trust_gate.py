"""How often the trust gate is wrong: versions no better than a baseline that pass, better ones that wait.

``python -m benchmarks.trust_gate`` draws votes on pairs, on a share of which ranker and baseline differ, and
prints the share of versions that pass by prompts, votes a prompt and true lead. Decision 0014 quotes it.
"""

from __future__ import annotations

import argparse

import numpy as np

from blender_ui.ranking.standing import BASELINES, Verdict, measure_standing

DIFFERING = 0.36
"""Share of votes on which ranker and baseline differ: at an accuracy of .7 and .65 with little in common."""
TILT = 0.08
"""Standard deviation over prompts of the lead's half: votes on one prompt go together."""
LEADS = (-0.05, 0.0, 0.05, 0.1, 0.15, 0.2)
N_PROMPTS = (10, 20, 30, 100, 300)


def passes(n_prompts: int, n_votes: int, lead: float, rng: np.random.Generator) -> bool:
    """Draw one version's votes; whether it is shown to be better than the one baseline that matters."""
    prompts = np.repeat(np.arange(n_prompts), n_votes)
    tilt = rng.normal(0, TILT, n_prompts) if n_votes > 1 else np.zeros(n_prompts)
    room = DIFFERING / 2
    ahead = (room + np.clip(lead / 2 + tilt, -room, room))[prompts]
    drawn = rng.random(len(prompts))
    ranker = np.where(drawn < ahead, 1.0, np.where(drawn < DIFFERING, 0.0, 1.0))
    baseline = np.where(drawn < ahead, 0.0, 1.0)
    found = measure_standing(ranker, dict.fromkeys(BASELINES, baseline), prompts, judged_on="votes")
    return found.verdict is Verdict.BETTER


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--n", type=int, default=2000, help="versions a cell")
    n = options.parse_args().n
    print("votes a prompt, prompts:", *(f"{lead:+.2f}" for lead in LEADS))
    for n_votes in (1, 3):
        for n_prompts in N_PROMPTS:
            rng = np.random.default_rng(0)
            shares = [sum(passes(n_prompts, n_votes, lead, rng) for _ in range(n)) / n for lead in LEADS]
            print(f"{n_votes}, {n_prompts:>4}:", *(f"{share:5.3f}" for share in shares))


if __name__ == "__main__":
    main()
