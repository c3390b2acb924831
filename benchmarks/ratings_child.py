"""Run by ``benchmarks.ratings`` in the peers' environment: fits what it is asked, one line a fit."""

import json
import sys
import time

import choix
import numpy as np
import pandas as pd
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset


def main(path, n_members):
    """Answer each name on a line of standard input with a line of JSON: ``strengths`` and ``seconds``."""
    fits = make_fits(path, n_members)
    for line in sys.stdin:
        started = time.perf_counter()
        strengths = fits[line.strip()]()
        seconds = time.perf_counter() - started
        print(json.dumps({"strengths": np.asarray(strengths).tolist(), "seconds": seconds}), flush=True)


def make_fits(path, n_members):
    """Each peer's fit by its name, from the arrays of both sides or from what it is made for."""
    data = np.load(path)
    left, right, target = data["left"], data["right"], data["target"]
    frame = pd.DataFrame({"model_a": left, "model_b": right, "winner": target})

    def count():
        # choix counts wins as [winner, loser]; a tie is half of each
        pair = left * n_members + right
        won = np.bincount(pair, target, n_members**2).reshape(n_members, n_members)
        met = np.bincount(pair, minlength=n_members**2).reshape(n_members, n_members)
        return won + (met - won).T

    ready = count()

    def arena_rank(**tolerances):
        dataset = PairDataset.from_pandas(frame, outcome_map=float)
        # scale and base make a rating one unit of log-odds
        model = BradleyTerry(n_members, scale=1.0, base=np.e, init_rating=0.0, **tolerances)
        return model.compute_ratings_and_cis(dataset)["ratings"]

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

    return {
        "arena-rank": lambda: arena_rank(ftol=1e-15, gtol=1e-10),
        "arena-rank as it comes": arena_rank,
        "choix": lambda: choix.ilsr_pairwise_dense(count(), alpha=0.0, tol=1e-10),
        "choix, matrix": lambda: choix.ilsr_pairwise_dense(ready, alpha=0.0, tol=1e-10),
        "choix from pairs": choix_from_pairs,
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
