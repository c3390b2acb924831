"""Does choosing whom to ask by the prompt beat always asking the best member?

    python -m benchmarks.member_choice --data FILE [--pool NAME] [--labels N] [--quick]

FILE has JSON lines, one prompt a line, gzipped or not: candidates with a ``score`` each, or with ``labels``
on pairs of them (people's votes; judges' are left out where there are people's). ``--pool`` takes some
members only, by the name that ``pools.json`` beside the file gives them. Prompts are split in five; for each
fold the chooser sees the outcomes of the other four alone, and never the name of a task. It explores nothing
here. All gains are over the member that is best on those four folds, with 95 % bootstrap intervals over
prompts. ``--labels N`` lets the chooser see the outcomes of N prompts only. The last line is one JSON object:

    n, members      prompts and members
    best_single     always the best member of the other folds
    random, oracle  a member at random; the best member of each prompt
    chosen          one member a prompt, chosen by the prompt; gain, low, high: over best_single
    gain_at_100     with the outcomes of 100 prompts, over the member that is best on these 100;
                    gain_at_100_over_known_best: over the one that is best on all of the four folds
    k3_share        of what asking all gains over best_single, what three gain: their vote where there are
                    final answers; else their best answer, where there are texts or votes; else null
    curve           k members asked, chosen by the prompt, the k best, k at random: quality of the best answer
    by_task         gain in each task that the file names
    ms_per_choice   milliseconds from prompt to three members, 95th percentile
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.recorded import Recorded, read_recorded
from benchmarks.voting import choose_voters, vote, weigh_votes
from blender_ui.choosing.choice import order_members
from blender_ui.choosing.chooser import Chooser, ChooserOptions, fit_chooser
from blender_ui.choosing.distilling import prepare_encoder
from blender_ui.settings import load_settings
from blender_ui.statistics.bootstrap import bootstrap_mean
from blender_ui.tasks.kinds import one_kind
from blender_ui.tasks.reading import ReadTasks, read_tasks
from blender_ui.values import FloatArray, IntArray
from blender_ui.weights.resolver import find_weights

N_FOLDS = 5
FEW_LABELS = 100
DRAWS, QUICK_DRAWS = 4, 2
"""Times that few labelled prompts are drawn in each fold."""
QUICK_TREES = 25
K = 3
TIMED = 200
N_DRAWN = 128
"""Past prompts that the curve's sets are valued by."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, fit by fold, choose, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="JSON lines, gzipped or not")
    parser.add_argument("--pool", help="members, by the name of their pool")
    parser.add_argument("--labels", type=int, help="prompts whose outcomes are known; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer trees, within 50 seconds")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    settings = load_settings(os.environ)
    encoder = prepare_encoder(
        find_weights("all-minilm-l6-v2", cache_path=settings.weights_path),
        settings.prompt_encoder_path,
    )
    recorded = read_recorded(options.data, pool=options.pool)
    read = read_tasks(encoder, recorded.tasks)
    fitting = ChooserOptions(seed=options.seed, **({"n_trees": QUICK_TREES} if options.quick else {}))
    run = Run(recorded, read, encoder, fitting)
    found = run.measure(options.labels, draws=QUICK_DRAWS if options.quick else DRAWS)
    for name, value in found.items():
        print(f"{name}: {value}")
    print(json.dumps(found))


class Fold(NamedTuple):
    """Prompts that the chooser saw, and those that it is judged on."""

    known: IntArray
    judged: IntArray
    best: int
    """The member that is best on the known ones."""


class Run:
    """One file, measured.

    Args:
        recorded: What members scored.
        read: Its prompts, read.
        encoder: That read them.
        options: Of every fit.
    """

    def __init__(self, recorded: Recorded, read: ReadTasks, encoder: Any, options: ChooserOptions) -> None:
        self._recorded, self._read, self._encoder, self._options = recorded, read, encoder, options
        self._rng = np.random.default_rng(options.seed)
        self._folds = [self._make_fold(fold) for fold in self._split()]

    def measure(self, labels: int | None, *, draws: int) -> dict[str, object]:
        """Everything that the last line holds."""
        recorded = self._recorded
        n, m = recorded.quality.shape
        single = np.zeros(n)
        one, best = np.zeros(n), np.nanmax(recorded.quality, axis=1)
        sets = {way: np.zeros((n, m)) for way in ("chosen", "best_k", "random")}
        voted = np.full((n, 2), np.nan)
        milliseconds: list[float] = []
        for fold in self._folds:
            chooser = self._fit(self._draw(fold.known, labels))
            judged = fold.judged
            single[judged] = self._worth_of(judged, np.full(len(judged), fold.best))
            expected = chooser.expect(self._read.select(judged)).mean
            one[judged] = self._worth_of(judged, self._best_of(judged, expected))
            self._fill_curve(sets, fold, chooser, expected)
            if recorded.answers is not None:
                voted[judged] = self._vote(fold, chooser, expected)
            milliseconds += self._time(chooser, judged)
        gain = bootstrap_mean(one - single, np.arange(n), seed=self._options.seed)
        return {
            "n": n,
            "members": m,
            "best_single": float(single.mean()),
            "oracle": float(best.mean()),
            "chosen": float(one.mean()),
            "gain": gain.value,
            "low": gain.low,
            "high": gain.high,
            **self._gain_with_few(single, draws=draws),
            **self._share_of_three(single, voted, sets["chosen"]),
            "random": float(np.nanmean(recorded.quality, axis=1).mean()),
            "curve": [
                {"k": k + 1, **{way: round(float(worth[:, k].mean()), 4) for way, worth in sets.items()}}
                for k in range(m)
            ],
            "by_task": {
                str(task): float((one - single)[recorded.tasks_named == task].mean())
                for task in np.unique(recorded.tasks_named)
                if task
            },
            "ms_per_choice": float(np.percentile(milliseconds, 95)),
        }

    def _split(self) -> list[IntArray]:
        """Prompts of each fold; equal prompts come together."""
        number = {text: place for place, text in enumerate(sorted(set(self._read.texts)))}
        group = np.array([number[text] for text in self._read.texts])
        fold_of = (self._rng.permutation(len(number)) % N_FOLDS)[group]
        return [rows for fold in range(N_FOLDS) if len(rows := np.flatnonzero(fold_of == fold))]

    def _make_fold(self, judged: IntArray) -> Fold:
        known = np.setdiff1d(np.arange(len(self._read.texts)), judged)
        return Fold(known, judged, self._find_best(known))

    def _find_best(self, known: IntArray) -> int:
        """The member with the highest mean on some prompts."""
        quality = self._recorded.quality[known]
        means = np.nansum(quality, axis=0) / np.maximum((~np.isnan(quality)).sum(axis=0), 1)
        return int(means.argmax())

    def _draw(self, known: IntArray, labels: int | None) -> IntArray:
        few = labels is None or labels >= len(known)
        return known if few else self._rng.choice(known, labels, replace=False)

    def _fit(self, known: IntArray) -> Chooser:
        outcomes = self._recorded.outcomes_of(known)
        # Kinds of task are for people to look at; no choice follows from them.
        return fit_chooser(self._encoder, self._read.select(known), outcomes, self._options, kinds=one_kind())

    def _best_of(self, rows: IntArray, expected: FloatArray) -> IntArray:
        """The member of the highest expectation among those that answered; it can be no other here."""
        answered = ~np.isnan(self._recorded.quality[rows])
        best: IntArray = np.where(answered, expected, -np.inf).argmax(axis=1)
        return best

    def _worth_of(self, rows: IntArray, members: IntArray) -> FloatArray:
        """What the members' answers were worth; where one has not answered, a random other's."""
        worth = self._recorded.quality[rows, members]
        return np.where(np.isnan(worth), np.nanmean(self._recorded.quality[rows], axis=1), worth)

    def _fill_curve(
        self, sets: dict[str, FloatArray], fold: Fold, chooser: Chooser, expected: FloatArray
    ) -> None:
        """The worth of the best answer of ever larger sets, on the judged prompts."""
        quality = np.nan_to_num(self._recorded.quality, nan=-1.0)
        means = np.nan_to_num(np.nanmean(self._recorded.quality[fold.known], axis=0), nan=-1.0)
        free = np.zeros(quality.shape[1])
        for row, own in zip(fold.judged, expected, strict=True):
            answered = np.flatnonzero(quality[row] >= 0)
            picked = order_members(
                len(answered),
                expected=own,
                errors=chooser.errors[:N_DRAWN],
                costs=free,
                allowed=quality[row] >= 0,
            )
            ways = {
                "chosen": np.array(picked),
                "best_k": answered[np.argsort(-means[answered], kind="stable")],
                "random": self._rng.permutation(answered),
            }
            for way, order in ways.items():
                best = np.maximum.accumulate(quality[row][order])
                sets[way][row] = np.append(best, np.full(len(free) - len(best), best[-1]))

    def _vote(self, fold: Fold, chooser: Chooser, expected: FloatArray) -> FloatArray:
        """What the votes of three and of all were worth, (n_judged, 2)."""
        answers, quality = self._recorded.answers, self._recorded.quality
        assert answers is not None
        m = quality.shape[1]
        past = np.tile(chooser.forest.overall, (len(fold.known), 1))
        three = choose_voters(
            min(K, m), answers=answers[fold.known], weights=weigh_votes(past), values=quality[fold.known]
        )
        weights = weigh_votes(expected)
        winners = [vote(answers[fold.judged], weights, members) for members in (three, tuple(range(m)))]
        return np.stack([quality[fold.judged, winner] for winner in winners], axis=1)

    def _share_of_three(self, single: FloatArray, voted: FloatArray, best: FloatArray) -> dict[str, object]:
        """The share, by what it is measured, and the two gains."""
        if self._recorded.answers is not None:
            by, three, everyone = "vote", voted[:, 0], voted[:, 1]
        elif self._recorded.has_texts:
            by, three, everyone = "best answer", best[:, min(K, best.shape[1]) - 1], best[:, -1]
        else:
            return {"k3_share": None, "k3_by": None, "k3_gain": None, "all_gain": None}
        gain, most = float((three - single).mean()), float((everyone - single).mean())
        return {"k3_share": gain / most if most > 0 else None, "k3_by": by, "k3_gain": gain, "all_gain": most}

    def _gain_with_few(self, single: FloatArray, *, draws: int) -> dict[str, float]:
        """Over the best member as few prompts show it, and over the one that all known prompts show."""
        over_own = over_known = 0.0
        for fold in self._folds:
            for _ in range(draws):
                few = self._draw(fold.known, FEW_LABELS)
                expected = self._fit(few).expect(self._read.select(fold.judged)).mean
                chosen = self._worth_of(fold.judged, self._best_of(fold.judged, expected))
                own = self._worth_of(fold.judged, np.full(len(chosen), self._find_best(few)))
                over_own += float((chosen - own).sum()) / draws
                over_known += float((chosen - single[fold.judged]).sum()) / draws
        return {
            "gain_at_100": over_own / len(single),
            "gain_at_100_over_known_best": over_known / len(single),
        }

    def _time(self, chooser: Chooser, judged: IntArray) -> list[float]:
        rng = np.random.default_rng(0)
        found = []
        for row in judged[: TIMED // N_FOLDS]:
            began = time.perf_counter()
            chooser.choose(self._recorded.tasks[row], min(K, len(chooser.members)), rng=rng)
            found.append((time.perf_counter() - began) * 1e3)
        return found


if __name__ == "__main__":
    main()
