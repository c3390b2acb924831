"""Do best-ranked and fused answers beat every member, on recorded answers whose outcome is known?

Items are split in five, several times; for each fold the learnt vote, the plain weighted vote and the choice
of the best member see the other four alone. ``best_ranked`` is the answer that the learnt vote puts first,
with what running code says where this machine may run it; ``without_running`` is the same without that.
``fused`` states the conclusion that the evidence supports: what the prompt's own code gives, else that of
the best group. Longer texts are joined from pieces (``fusion.pieces``) where the learnt vote prefers that;
nobody has rated such a text, so it counts what the best source that stands in it whole does, the least that
it holds. It is null where nothing can be joined without a model. ``shown`` is fused, else best-ranked.
Nothing is chosen on the items that are reported on. ``--live`` adds what the app's own ranker puts first,
with evidence (``live``) and without (``live_without_evidence``); see ``benchmarks.recorded_live``.

    python -m benchmarks.recorded_ensemble --data FILE [--pool NAME] [--items N] [--quick] [--no-running]
        [--live]

FILE holds JSON lines, gzipped or not: ``id, prompt, instruction_input?, references?, task, category?,
candidates: [{model, text, score, answer?}]``. ``pools.json`` beside it names the pools. What programs gave is
kept in the cache, so that a run can be continued. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import recorded_live
from benchmarks.recorded_programs import RunCache
from blender_ui.evidence.conclusions import Conclusion, ConclusionKind, canonical
from blender_ui.evidence.prose import read_words
from blender_ui.evidence.vote import LearntVote
from blender_ui.evidence.weighing import Basis, Evidence, spell, weigh
from blender_ui.fusion.pieces import propose
from blender_ui.statistics.bootstrap import Estimate, bootstrap_mean
from blender_ui.values import FloatArray, IntArray, RankingPrompt

N_FOLDS = 5
DIVISIONS, QUICK_DIVISIONS = 5, 1
QUICK_ITEMS = 300
TOP_K = 3
"""Sources of a fused answer, as in the app."""
QUICK_SECONDS = 20.0
"""For running code."""
SURE = 0.02
"""A member's accuracy is held this far from 0 and 1 before it becomes a vote's weight."""
ALTERNATIVES = 9
"""Wrong answers that a wrong member is thought to spread over: weight log(9 p / (1 - p))."""


@dataclass(frozen=True)
class Item:
    """One prompt with everybody's answers."""

    cluster: str
    prompt: str
    given: str
    scores: FloatArray
    references: tuple[str, ...]
    texts: tuple[str, ...]
    evidence: Evidence
    """With what running said."""

    @property
    def outcomes(self) -> FloatArray:
        """Mean score of each group, (n_groups,)."""
        return np.array([self.scores[list(places)].mean() for places in self.evidence.choice.groups])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, fit by fold, choose, and print means with intervals."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a file of recorded answers")
    parser.add_argument("--pool", help="of pools.json; by default all members")
    parser.add_argument("--items", type=int, help="as many items, drawn by the seed")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ITEMS} items and one division")
    parser.add_argument("--no-running", action="store_true", help="run no code")
    parser.add_argument("--live", action="store_true", help="add the app's fast ranker")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/blender-ui/programs").expanduser())
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    rows = read_rows(options.data, options.pool)
    n_wanted = options.items or (QUICK_ITEMS if options.quick else len(rows))
    if n_wanted < len(rows):
        drawn = np.random.default_rng(options.seed).permutation(len(rows))[:n_wanted]
        rows = [rows[index] for index in sorted(drawn)]
    name = hashlib.sha256(options.data.read_bytes()).hexdigest()[:16]
    runs = RunCache(
        options.cache / f"{name}.jsonl",
        is_allowed=not options.no_running,
        seconds=QUICK_SECONDS if options.quick else float("inf"),
    )
    items = weigh_rows(rows, runs)
    divisions = QUICK_DIVISIONS if options.quick else DIVISIONS
    report = compare(items, rows, divisions=divisions, seed=options.seed)
    if options.live:
        report |= compare_live(items, rows, divisions=divisions, seed=options.seed)
    print(json.dumps(report))


def read_rows(path: Path, pool: str | None) -> list[dict[str, Any]]:
    """Read a file's items, with the pool's members alone where one is named."""
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    # Not splitlines: texts may hold other ends of lines.
    rows = [json.loads(line) for line in content.decode().split("\n") if line.strip()]
    for row in rows:
        for candidate in row["candidates"]:
            candidate["text"] = candidate.get("text") or ""
    if pool is None or not rows:
        return rows
    pools = json.loads((path.parent / "pools.json").read_text(encoding="utf-8"))
    known = pools.get(path.name.split(".")[0], {})
    if pool not in known:
        raise SystemExit(f"expected a pool of {path.name}: {', '.join(known)}; came {pool}")
    for row in rows:
        by_name = {candidate["model"]: candidate for candidate in row["candidates"]}
        row["candidates"] = [by_name[member] for member in known[pool]]
    return rows


def weigh_rows(rows: Sequence[dict[str, Any]], runs: RunCache) -> list[Item]:
    """Gather the evidence about every item."""
    asked_runs = runs.run_prompts(rows, [_read(row) for row in rows])
    items = []
    for row, ran in zip(rows, asked_runs, strict=True):
        given, candidates = row.get("instruction_input") or "", row["candidates"]
        evidence = weigh(
            row["prompt"],
            given,
            [candidate["text"] for candidate in candidates],
            [candidate["model"] for candidate in candidates],
            kind="/".join(filter(None, (row.get("task"), row.get("category")))),
            read=_read(row),
            ran=ran,
            observed=runs.observe_answers(row),
        )
        items.append(
            Item(
                _cluster(row),
                row["prompt"],
                given,
                np.array([candidate["score"] for candidate in candidates], dtype=float),
                tuple(row.get("references") or ()),
                tuple(candidate["text"] for candidate in candidates),
                evidence,
            )
        )
    return items


def compare(
    items: Sequence[Item], rows: Sequence[dict[str, Any]], *, divisions: int, seed: int
) -> dict[str, object]:
    """What each way to answer is worth, with intervals, averaged over divisions into folds."""
    ways: dict[str, list[FloatArray]] = {}
    for division in range(divisions):
        folds = _folds([item.cluster for item in items], seed=seed + division)
        for way, values in _choose(items, folds).items():
            ways.setdefault(way, []).append(values)
    worth = {way: np.mean(values, axis=0) for way, values in ways.items()}
    n_concluding = sum(item.evidence.basis is Basis.CONCLUSIONS for item in items)
    if 2 * n_concluding < len(items):
        # Without short conclusions there is no vote, and nothing is fused where no texts were joined.
        hidden = {"vote"} if worth["joined"].any() else {"vote", "fused", "shown"}
        worth = {way: values for way, values in worth.items() if way not in hidden}
    clusters = [item.cluster for item in items]
    report: dict[str, object] = {
        "n": len(items),
        "members": [candidate["model"] for candidate in rows[0]["candidates"]] if rows else [],
        "basis": dict(Counter(item.evidence.basis.value for item in items)),
    }
    for way in ("best_single", "vote", "oracle", "best_ranked", "fused", "shown", "without_running"):
        report[way] = round(float(worth[way].mean()), 4) if way in worth else None
    for way in ("best_ranked", "fused", "shown", "without_running"):
        for base in ("best_single", "vote"):
            both = way in worth and base in worth
            report[f"{way}_less_{base}"] = (
                _interval(worth[way] - worth[base], clusters, seed) if both else None
            )
    report["share_joined"] = round(float(worth["joined"].mean()), 4)
    report["words_of_reference"] = {
        way: round(float(worth[f"{way}_words"].mean()), 4) for way in ("best_ranked", "fused")
    }
    report["from_running"] = _interval(worth["best_ranked"] - worth["without_running"], clusters, seed)
    report["n_run"] = sum(bool(item.evidence.choice.run.any()) for item in items)
    _print(report)
    return report


def compare_live(
    items: Sequence[Item], rows: Sequence[dict[str, Any]], *, divisions: int, seed: int
) -> dict[str, object]:
    """What the app's ranker puts first, with evidence and without, averaged over divisions into folds."""
    dataset = recorded_live.make_dataset(rows, seed=seed)
    readings, evidence = recorded_live.read_surface(dataset), recorded_live.gather_evidence(dataset)
    scores, clusters = np.concatenate([item.scores for item in items]), [item.cluster for item in items]
    ways: dict[str, list[FloatArray]] = {}
    for division in range(divisions):
        folds = _folds(clusters, seed=seed + division)
        for way, known in (("live", evidence), ("live_without_evidence", None)):
            chosen = recorded_live.choose_live(dataset, readings, folds, known)
            ways.setdefault(way, []).append(scores[chosen])
    worth = {way: np.mean(values, axis=0) for way, values in ways.items()}
    report: dict[str, object] = {way: round(float(values.mean()), 4) for way, values in worth.items()}
    gain = worth["live"] - worth["live_without_evidence"]
    report["live_from_evidence"] = _interval(gain, clusters, seed)
    _print(report)
    return report


def _choose(items: Sequence[Item], folds: IntArray) -> dict[str, FloatArray]:
    scores = np.array([item.scores for item in items])
    ways = ("best_single", "vote", "best_ranked", "without_running", *_Fused._fields)
    found = {way: np.zeros(len(items)) for way in ways}
    for fold in np.unique(folds):
        known, asked = folds != fold, np.flatnonzero(folds == fold)
        found["best_single"][asked] = scores[asked, int(scores[known].mean(axis=0).argmax())]
        weights = _vote_weights(scores[known])
        learnt = {runs: _learn(items, known, runs=runs) for runs in (True, False)}
        for place in asked:
            item = items[place]
            found["vote"][place] = _vote(item, weights)
            for way, runs in (("best_ranked", True), ("without_running", False)):
                evidence = item.evidence if runs else _without_runs(item.evidence)
                ranked = learnt[runs][evidence.basis].rank_answers(evidence.choice)
                found[way][place] = item.scores[int(ranked.argmax())]
                if runs:
                    fused = _fuse(item, ranked, learnt[runs][evidence.basis])
                    for name, value in fused._asdict().items():
                        found[name][place] = value
    found["oracle"] = scores.max(axis=1)
    return {**found, "shown": found["fused"]}


def _learn(items: Sequence[Item], known: IntArray, *, runs: bool) -> dict[Basis, LearntVote]:
    """A learnt vote for each basis that answers are compared by, from the known items alone."""
    learnt = {}
    for basis in {item.evidence.basis for item in items}:
        used = [item for item, is_known in zip(items, known, strict=True) if is_known]
        used = [item for item in used if item.evidence.basis is basis]
        evidence = [item.evidence if runs else _without_runs(item.evidence) for item in used]
        learnt[basis] = LearntVote.fit([one.choice for one in evidence], [item.outcomes for item in used])
    return learnt


def _without_runs(evidence: Evidence) -> Evidence:
    choice = replace(evidence.choice, run=np.zeros_like(evidence.choice.run))
    return replace(evidence, choice=choice, computed=None)


class _Fused(NamedTuple):
    """What a fused answer is worth, whether it was joined, and how many of a reference's words it has."""

    fused: float
    joined: float
    fused_words: float
    best_ranked_words: float


def _fuse(item: Item, ranked: FloatArray, learnt: LearntVote) -> _Fused:
    """The computed or joined answer; the best-ranked one where there is neither."""
    order = np.argsort(-ranked, kind="stable")
    best = item.texts[int(order[0])]
    value, text = float(item.scores[int(order[0])]), best
    if item.evidence.basis is Basis.CONCLUSIONS:
        value = _fused(item, value)
    elif item.evidence.basis is Basis.TEXT:
        text = _join(item, order, learnt)
        whole = [score for score, one in zip(item.scores, item.texts, strict=True) if one.strip() in text]
        value = value if text == best else float(max(whole, default=min(item.scores)))
    return _Fused(value, float(text != best), _recall(item, text), _recall(item, best))


def _join(item: Item, order: IntArray, learnt: LearntVote) -> str:
    """The best source, or what was joined from the best ones where the learnt vote prefers it."""
    best = item.texts[int(order[0])]
    prompt = RankingPrompt(instruction=item.prompt, input=item.given)
    proposals = propose(prompt, [item.texts[place] for place in order[:TOP_K]])
    if len(proposals) < 2:
        return best
    choice, n = item.evidence.choice, len(item.texts)
    members = [*choice.members, *[choice.members[int(order[0])]] * len(proposals)]
    beside = weigh(item.prompt, item.given, [*item.texts, *proposals], members, kind=choice.kind)
    if beside.basis is not Basis.TEXT:
        return best
    return proposals[int(learnt.utilities(beside.choice)[n:].argmax())]


def _recall(item: Item, text: str) -> float:
    wanted = read_words(item.references[0]).content if item.references else set()
    return len(wanted & read_words(text).content) / max(1, len(wanted))


def _fused(item: Item, best_ranked: float) -> float:
    """What the fused answer is worth: the computed conclusion's score, else that of the best-ranked."""
    computed = item.evidence.computed
    if computed is None:
        return best_ranked
    for conclusion, outcome in zip(item.evidence.conclusions, item.outcomes, strict=True):
        if conclusion is not None and spell(item.prompt, item.given, conclusion) == computed.key:
            return float(outcome)
    right = [canonical(item.prompt, reference, item.given) for reference in item.references]
    return float(any(one is not None and one.key == computed.key for one in right))


def _vote_weights(scores: FloatArray) -> FloatArray:
    accuracy = np.clip(scores.mean(axis=0), SURE, 1 - SURE)
    weights: FloatArray = np.log(ALTERNATIVES * accuracy / (1 - accuracy))
    return weights


def _vote(item: Item, weights: FloatArray) -> float:
    if item.evidence.basis is not Basis.CONCLUSIONS:
        return float(item.scores[int(weights.argmax())])
    support = [weights[list(places)].sum() for places in item.evidence.choice.groups]
    return float(item.outcomes[int(np.argmax(support))])


def _read(row: dict[str, Any]) -> tuple[Conclusion | None, ...] | None:
    """The final answers as the file has them; None where it has none and they are read from the texts."""
    said = [candidate.get("answer") for candidate in row["candidates"]]
    if all(one is None for one in said):
        return None
    return tuple(
        None if one is None else Conclusion(ConclusionKind.LITERAL, one or "''", one) for one in said
    )


def _cluster(row: dict[str, Any]) -> str:
    """What must not be split: a task that is there in two languages, prompts that are the same."""
    category = row.get("category")
    if category and category in str(row["id"]):
        return str(row["id"]).replace(category, "")
    return f"{row['prompt']}\n{row.get('instruction_input') or ''}"


def _folds(clusters: Sequence[str], *, seed: int) -> IntArray:
    _, cluster = np.unique(clusters, return_inverse=True)
    order = np.random.default_rng(seed).permutation(int(cluster.max(initial=-1)) + 1)
    folds: IntArray = order[cluster] % N_FOLDS
    return folds


def _interval(values: FloatArray, clusters: Sequence[str], seed: int) -> dict[str, float]:
    found: Estimate = bootstrap_mean(values, clusters, seed=seed)
    return {name: round(value, 4) for name, value in found._asdict().items()}


def _print(report: dict[str, object]) -> None:
    write: Callable[[str], None] = print
    for name, value in report.items():
        if name != "members":
            write(f"{name}: {value}")


if __name__ == "__main__":
    main()
