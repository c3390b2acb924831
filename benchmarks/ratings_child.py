"""Run by ``benchmarks.ratings`` in the peers' environment: each peer's strengths and seconds as JSON."""

import json
import statistics
import sys
import time

import choix
import numpy as np
import pandas as pd
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset


def main(path, n_members, n_repeats):
    """Print one JSON object: by peer, ``strengths`` in log-odds and median ``seconds``."""
    data = np.load(path)
    left, right, target = data["left"], data["right"], data["target"]
    frame = pd.DataFrame({"model_a": left, "model_b": right, "winner": target})

    def arena_rank():
        dataset = PairDataset.from_pandas(frame, outcome_map=float)
        # scale and base make a rating one unit of log-odds
        model = BradleyTerry(n_members, scale=1.0, base=np.e, init_rating=0.0, ftol=1e-15, gtol=1e-10)
        return np.asarray(model.compute_ratings_and_cis(dataset)["ratings"])

    def arena_rank_as_it_comes():
        dataset = PairDataset.from_pandas(frame, outcome_map=float)
        model = BradleyTerry(n_members, scale=1.0, base=np.e, init_rating=0.0)
        return np.asarray(model.compute_ratings_and_cis(dataset)["ratings"])

    def choix_from_matrix():
        # choix counts wins as [winner, loser]; a tie is half of each
        won = np.bincount(left * n_members + right, target, n_members**2).reshape(n_members, n_members)
        met = np.bincount(left * n_members + right, minlength=n_members**2).reshape(n_members, n_members)
        return choix.ilsr_pairwise_dense(won + (met - won).T, alpha=0.0, tol=1e-10)

    def choix_from_pairs():
        # A list of pairs knows no weights: every preference counts twice, a tie once for each side.
        wins, losses, ties = target == 1, target == 0, target == 0.5
        first = np.concatenate(
            [left[wins], left[wins], right[losses], right[losses], left[ties], right[ties]]
        )
        other = np.concatenate(
            [right[wins], right[wins], left[losses], left[losses], right[ties], left[ties]]
        )
        pairs = list(zip(first.tolist(), other.tolist(), strict=True))
        return choix.ilsr_pairwise(n_members, pairs, alpha=0.0, tol=1e-10)

    found = {}
    for name, task, repeats in (
        ("arena-rank", arena_rank, n_repeats),
        ("arena-rank as it comes", arena_rank_as_it_comes, n_repeats),
        ("choix", choix_from_matrix, n_repeats),
        ("choix from pairs", choix_from_pairs, 0),
    ):
        runs = [measure(task) for _ in range(repeats + 1)]  # the first one warms up
        seconds = [taken for _, taken in runs[1:] or runs]
        found[name] = {"strengths": runs[-1][0].tolist(), "seconds": statistics.median(seconds)}
    print(json.dumps(found))


def measure(task):
    """What a task gives and the seconds that it takes."""
    started = time.perf_counter()
    given = task()
    return given, time.perf_counter() - started


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
