"""Intervals of ratings from orders of four answers, beside those of six independent votes.

Members of known strength are rated from simulated ballots: each puts four answers in an order by strength
and Gumbel noise, the Plackett-Luce model, of whose every pair Bradley-Terry is the truth. Printed are how
often the 95 % interval of a member holds its true strength, and how wide half of it is, by
``votes.ratings.rate_members`` where the six pairs of an order carry their ballot, by the same where they are
passed off as six votes, and of as many votes that are independent indeed.

Run: ``python -m benchmarks.ballots``
"""

from __future__ import annotations

import argparse
from itertools import combinations
from typing import NamedTuple

import numpy as np

from blender_ui.pairing.ballots import pairs_of
from blender_ui.values import IntArray
from blender_ui.votes.arrays import PreferenceArrays, PromptArrays
from blender_ui.votes.ratings import rate_members

N_MEMBERS = 6
STRENGTHS = np.linspace(-0.7, 0.7, N_MEMBERS)
N_PROMPTS = 3
"""Few, so that clusters of prompts do not do what those of ballots are to do."""


class Coverage(NamedTuple):
    """How often intervals held the truth, and the mean of half their widths in log-odds."""

    share: float
    half_width: float


def draw_ballots(
    rng: np.random.Generator, *, n_ballots: int, n_answers: int, asked: str = "order"
) -> PreferenceArrays:
    """Ballots of answers by random members, as preferences that carry their ballot."""
    rows: list[tuple[int, int, int]] = []
    for ballot in range(1, n_ballots + 1):
        who = rng.choice(N_MEMBERS, n_answers, replace=False)
        utility = STRENGTHS[who] + rng.gumbel(size=n_answers)
        rank = np.argsort(np.argsort(-utility)) + 1
        places = rank if asked == "order" else np.minimum(rank, 2)
        rows += [(ballot, who[one.better], who[one.worse]) for one in pairs_of(places.tolist(), asked=asked)]
    table = np.array(rows, dtype=np.int64)
    return make_preferences(rng, winner=table[:, 1], loser=table[:, 2], ballot=table[:, 0])


def draw_votes(rng: np.random.Generator, *, n_votes: int) -> PreferenceArrays:
    """Independent votes on pairs of random members."""
    pairs = np.array(list(combinations(range(N_MEMBERS), 2)))[rng.integers(15, size=n_votes)]
    first_wins = rng.logistic(size=n_votes) < STRENGTHS[pairs[:, 0]] - STRENGTHS[pairs[:, 1]]
    winner, loser = (np.where(first_wins, pairs[:, side], pairs[:, 1 - side]) for side in (0, 1))
    return make_preferences(rng, winner=winner, loser=loser, ballot=np.zeros(n_votes, dtype=np.int64))


def make_preferences(
    rng: np.random.Generator, *, winner: IntArray, loser: IntArray, ballot: IntArray
) -> PreferenceArrays:
    """Preferences of people between members, the winner left; those of a ballot on one prompt."""
    n = len(winner)
    prompt = np.where(ballot > 0, ballot, rng.integers(1 << 30, size=n)) % N_PROMPTS
    ids = np.arange(1, n + 1)
    return PreferenceArrays(
        version=0,
        preference_id=ids,
        comparison_id=ids,
        annotator_id=ids,
        ballot_id=ballot,
        target=np.ones(n),
        is_decided=np.ones(n, dtype=bool),
        is_human=np.ones(n, dtype=bool),
        prompt_id=prompt,
        left_id=ids,
        right_id=ids + n,
        left=winner,
        right=loser,
        members=tuple(f"member {number}" for number in range(N_MEMBERS)),
        member_ids=tuple((number,) for number in range(N_MEMBERS)),
    )


def measure(preferences: list[PreferenceArrays]) -> Coverage:
    """Rate the members from each draw, and compare with the truth."""
    none = np.zeros(N_PROMPTS, dtype=np.int64)
    prompts = PromptArrays(np.arange(N_PROMPTS), none.astype(bool), none, ("any",), none, ("",))
    holds: list[bool] = []
    widths: list[float] = []
    for told in preferences:
        for one in rate_members(told, prompts).members:
            truth = float(STRENGTHS[int(one.member.split()[1])])
            holds.append(one.low <= truth <= one.high)
            widths.append((one.high - one.low) / 2)
    return Coverage(float(np.mean(holds)), float(np.mean(widths)))


def without_ballots(told: PreferenceArrays) -> PreferenceArrays:
    """The same preferences, passed off as votes of their own on prompts of their own."""
    parts = {**vars(told), "ballot_id": np.zeros(len(told), dtype=np.int64)}
    return PreferenceArrays(**parts)


def compare(*, n_ballots: int, n_draws: int, seed: int = 0, asked: str = "order") -> dict[str, Coverage]:
    """Coverage of the three, from as many pairs each."""
    rng = np.random.default_rng(seed)
    ballots = [draw_ballots(rng, n_ballots=n_ballots, n_answers=4, asked=asked) for _ in range(n_draws)]
    votes = [draw_votes(rng, n_votes=len(ballots[0])) for _ in range(n_draws)]
    return {
        f"{asked} of 4, by ballot": measure(ballots),
        f"{asked} of 4, passed off as votes": measure([without_ballots(told) for told in ballots]),
        "as many independent votes": measure(votes),
    }


def main() -> None:
    """Print a table for few and many ballots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=300)
    n_draws: int = parser.parse_args().draws
    for asked in ("order", "best"):
        for n_ballots in (10, 30, 100, 300):
            for name, coverage in compare(n_ballots=n_ballots, n_draws=n_draws, asked=asked).items():
                print(f"{n_ballots:4} ballots  {name:32} {coverage.share:6.1%}  ±{coverage.half_width:.3f}")


if __name__ == "__main__":
    main()
