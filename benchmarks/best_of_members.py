"""Is the answer that a ranker picks for each prompt better than always asking the best member?

Recorded answers of stronger members than the embedded ones, with people's votes. Prompts are split in
five; for each fold the fast ranker and the choice of the best member see the other four alone. An
answer's score is the share of people's votes it won against the other answers to its prompt, ties
counting half. Also given: a member at random, each member, and the best answer of each prompt, which no
choice can beat. Of several files each has its own rankers; prompts that stand in several are one cluster of
the bootstrap over all.

    python -m benchmarks.best_of_members FILE ... [--quick]

Readings are cached as ``benchmarks.ranker_accuracy`` caches them; ``--quick`` reads prompts for half a
minute. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.readings import CachedReading, Labelled
from blender_ui.ranking.aggregation import score_candidates
from blender_ui.ranking.evaluation import assign_folds
from blender_ui.ranking.fast.ranker import FastOptions, FastRanker
from blender_ui.settings import load_settings
from blender_ui.statistics.bootstrap import Estimate, bootstrap_mean
from blender_ui.values import FloatArray, IntArray, PreferenceDataset
from blender_ui.weights.resolver import reader_path

QUICK_SECONDS = 30.0
BEST_MEMBER = "always the best member"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, fit by fold, pick, and print shares with intervals."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, nargs="+", help="JSON lines with answers and people's votes")
    parser.add_argument("--quick", action="store_true", help="a sample, within a minute")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/blender-ui/readings").expanduser())
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    settings = load_settings(os.environ)
    folder = reader_path(settings.reader, cache_path=settings.weights_path)
    reading = CachedReading(folder, options.cache, with_negatives=True)
    seconds = QUICK_SECONDS / len(options.file) if options.quick else None
    found: dict[str, object] = {}
    all_rows: list[Row] = []
    for path in options.file:
        rows, best = choose_answers(reading.read(path, seconds=seconds, seed=options.seed), seed=options.seed)
        print(path.name)
        found[path.name] = {**summarise(rows, seed=options.seed), "best_member_by_fold": best}
        all_rows += rows
    if len(options.file) > 1:
        print("all files")
        found["all files"] = summarise(all_rows, seed=options.seed)
    print(json.dumps(found))


class Row(NamedTuple):
    """What each way to choose an answer won on one prompt."""

    prompt: str
    """Its fingerprint."""
    won: dict[str, float]


def choose_answers(file: Labelled, *, seed: int) -> tuple[list[Row], list[str]]:
    """A row per prompt with two answers that people voted on, and the best member of each fold."""
    dataset = file.dataset
    won = share_won(dataset)
    folds = assign_folds(dataset, seed=seed)
    rows: list[Row] = []
    best_members: list[str] = []
    for fold in np.unique(folds):
        known = folds[dataset.prompt_of[dataset.left]] != fold
        rankers = {
            "picked by the ranker": file.fit(known, FastOptions()),
            "picked by the text alone": file.fit(known, FastOptions(uses_members=False)),
        }
        best = _best_member(dataset, won, folds != fold)
        best_members.append(best)
        for prompt in np.flatnonzero(folds == fold):
            used = np.flatnonzero((dataset.prompt_of == prompt) & ~np.isnan(won))
            if len(used) < 2:
                continue
            rows.append(
                Row(dataset.prompts[prompt].fingerprint, _choose(file, prompt, used, won, rankers, best))
            )
    return rows, best_members


def summarise(rows: Sequence[Row], *, seed: int) -> dict[str, object]:
    """Mean share of votes won by each way to choose, and the gains, with 95 % intervals over prompts."""

    def mean(rows: Sequence[Row], value: Callable[[dict[str, float]], float]) -> Estimate:
        return bootstrap_mean([value(row.won) for row in rows], [row.prompt for row in rows], seed=seed)

    ways = dict.fromkeys(way for row in rows for way in row.won)
    shares = {}
    for way in ways:
        shares[way] = mean([row for row in rows if way in row.won], itemgetter(way))
        print(f"{shares[way].value:.3f} ({shares[way].low:.3f} to {shares[way].high:.3f})  {way}")
    gains = {}
    for way in ("picked by the ranker", "picked by the text alone"):
        gains[way] = mean(rows, lambda won, way=way: won[way] - won[BEST_MEMBER])  # type: ignore[misc]
        print(f"{gains[way].value:+.3f} ({gains[way].low:+.3f} to {gains[way].high:+.3f})  gain of {way}")
    return {
        "n_prompts": len(rows),
        "shares": {name: list(share) for name, share in shares.items()},
        "gain_over_best_member": {name: list(gain) for name, gain in gains.items()},
    }


def share_won(dataset: PreferenceDataset) -> FloatArray:
    """Share of the votes about each candidate that it won, ties half, (n_candidates,); NaN without votes."""
    n = len(dataset.texts)
    points = np.bincount(dataset.left, dataset.target, n) + np.bincount(dataset.right, 1 - dataset.target, n)
    votes = np.bincount(dataset.left, minlength=n) + np.bincount(dataset.right, minlength=n)
    shares: FloatArray = np.divide(points, votes, out=np.full(n, np.nan), where=votes > 0)
    return shares


def _best_member(dataset: PreferenceDataset, won: FloatArray, is_known: IntArray) -> str:
    """The member with the highest mean share on the prompts that may be known."""
    usable = is_known[dataset.prompt_of] & ~np.isnan(won)
    members = np.array(dataset.members)
    names = sorted({str(name) for name in members[usable]})
    return max(names, key=lambda name: float(won[usable & (members == name)].mean()))


def _choose(
    file: Labelled, prompt: int, used: IntArray, won: FloatArray, rankers: dict[str, FastRanker], best: str
) -> dict[str, float]:
    """The share won by what each way to choose takes for one prompt."""
    dataset = file.dataset
    names = [dataset.members[index] for index in used]
    found = {
        "a member at random": float(won[used].mean()),
        "the best answer of each prompt": float(won[used].max()),
        "the longest answer": float(won[max(used, key=lambda index: len(dataset.texts[index]))]),
    }
    # Where the best member has not answered, somebody has to be asked: any of the others.
    own = [index for index, name in zip(used, names, strict=True) if name == best]
    found[BEST_MEMBER] = float(won[own].mean()) if own else found["a member at random"]
    for name, index in zip(names, used, strict=True):
        found[f"always {name}"] = float(won[index])
    for way, ranker in rankers.items():
        logits = ranker.pairwise_logits(file.readings[used], names, dataset.prompts[prompt])
        found[way] = float(won[used[int(score_candidates(logits).argmax())]])
    return found


if __name__ == "__main__":
    main()
