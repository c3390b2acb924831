"""Learns what tells an answer that is about another prompt, and measures it on files that it has not seen.

    python -m benchmarks.topic --data FOLDER [--write]

Takes every ``*.jsonl.gz`` with texts in the folder and in ``ensemble`` below it. Of each prompt two to eight
answers stand side by side; then one of them is replaced by an answer to another prompt. A file of short spans
is made of the given texts, because recorded answers are mostly long, and one of functions that each have a
name of their own, because recorded ones mostly share one name. Each file is judged by weights that the
others taught. ``--write`` puts the weights that all taught into the package. The last line is a JSON object:
by file ``auc``, ``found`` and ``wrong`` (shares of foreign and of own answers that the pages would name),
``named_won`` and ``others_won`` (shares of people's votes that named own answers won, and the others).
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.stats import rankdata

from blender_ui.evidence.prose import read_words, split_sentences
from blender_ui.evidence.topic import OFF_TOPIC_BELOW, TOPIC_FEATURES, WEIGHTS_PATH, Weights, topic_features
from blender_ui.values import FloatArray, RankingPrompt

NO_TEACHERS = frozenset({"llmbar"})
"""Files that only show how far the others carry: half of its answers were written to another instruction, and
would teach that such answers are about this one."""
MOST_PROMPTS = 400
MOST_ANSWERS = 8
SHARE_FOREIGN = 0.15
"""Of the answers in use that are about another prompt, as it is taken to be."""
PRECISION = 1.0
ROWS_OF_A_FILE = 1000.0
"""Each file counts as this many answers, however many it has."""


class Item(NamedTuple):
    """One prompt, its answers, and the share of votes that each won, NaN where nobody voted."""

    prompt: RankingPrompt
    answers: list[str]
    won: list[float]


class Cases(NamedTuple):
    """Features of answers, (n, width); whether each is foreign; the share that it won, NaN if unknown."""

    features: FloatArray
    is_foreign: FloatArray
    won: FloatArray


def main() -> None:
    """Learn, measure, and write where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    items = {
        path.name.partition(".")[0]: found
        for path in [*options.data.glob("*.jsonl.gz"), *options.data.glob("ensemble/*.jsonl.gz")]
        if (found := read_items(path))
    }
    items |= {f"{name}, named": named for name, found in items.items() if (named := make_named(found))}
    items["spans"] = make_spans([item for found in items.values() for item in found])
    cases = {name: make_cases(found) for name, found in sorted(items.items())}
    teachers = {name: one for name, one in cases.items() if name not in NO_TEACHERS}
    figures = {}
    for name, held_out in cases.items():
        origin = name.partition(",")[0]
        weights = fit([one for other, one in teachers.items() if other.partition(",")[0] != origin])
        figures[name] = measure(weights, held_out)
        print(name, figures[name])
    weights = fit(list(teachers.values()))
    if options.write:
        write(weights)
    print(json.dumps(figures))


def read_items(path: Path) -> list[Item]:
    """Prompts with two texts or more, at most ``MOST_PROMPTS``, always the same."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    random.Random(0).shuffle(rows)
    items = []
    for row in rows:
        won = _share_won(row)
        told = [
            (str(candidate["text"]), won.get(place, float("nan")))
            for place, candidate in enumerate(row["candidates"])
            if str(candidate.get("text") or "").strip()
        ]
        if len(told) > 1 and len(items) < MOST_PROMPTS:
            chosen = random.Random(len(items)).sample(told, min(len(told), 2 + len(items) % MOST_ANSWERS))
            prompt = RankingPrompt(instruction=row["prompt"], input=row.get("instruction_input") or "")
            items.append(Item(prompt, [text for text, _ in chosen], [share for _, share in chosen]))
    return items


def make_spans(items: list[Item]) -> list[Item]:
    """Short answers: one to four words of a given text's sentence, beside it and another span of it."""
    rng, made = random.Random(0), []
    for item in items:
        sentences = [one for one in split_sentences(item.prompt.input) if 6 <= len(one.split()) <= 40]
        if not sentences or len(made) >= MOST_PROMPTS:
            continue
        sentence = rng.choice(sentences)
        words = sentence.split()
        begin = rng.randrange(len(words) - 4)
        span = " ".join(words[begin : begin + rng.randint(1, 4)])
        near = " ".join(words[max(0, begin - 1) : begin + rng.randint(2, 8)])
        given = " ".join(sentences[max(0, sentences.index(sentence) - 2) :][:5])
        prompt = RankingPrompt(instruction="Answer the question from the text.", input=given)
        answers = [span, rng.choice([sentence, near]), f"The answer is {near}"][: rng.randint(2, 3)]
        made.append(Item(prompt, answers, [float("nan")] * len(answers)))
    return made


def make_named(items: list[Item]) -> list[Item]:
    """Code for a function, with the name that the prompt gives it made its own, in prompt and answers."""
    made: list[Item] = []
    for item in items:
        found = re.search(r"\bfunction (?:named |called )?`?(\w+)\(", item.prompt.instruction)
        if not found or len(made) >= MOST_PROMPTS:
            continue
        word = re.compile(rf"\b{re.escape(found.group(1))}\b")
        about = sorted(read_words(item.prompt.instruction[found.end() :]).content)
        name = "_".join(random.Random(len(made)).sample(about, min(2, len(about))))
        prompt = RankingPrompt(instruction=word.sub(name, item.prompt.instruction), input=item.prompt.input)
        made.append(Item(prompt, [word.sub(name, text) for text in item.answers], item.won))
    return made


def make_cases(items: list[Item]) -> Cases:
    """Own answers beside each other, and one foreign answer of each prompt beside the own ones."""
    rng = random.Random(1)
    features: list[FloatArray] = []
    is_foreign: list[float] = []
    won: list[float] = []
    for number, item in enumerate(items):
        features += list(topic_features(item.prompt, item.answers))
        is_foreign += [0.0] * len(item.answers)
        won += item.won
        other = items[(number + 1) % len(items)]
        if (other.prompt.instruction, other.prompt.input) == (item.prompt.instruction, item.prompt.input):
            continue
        place = rng.randrange(len(item.answers))
        answers = [*item.answers[:place], rng.choice(other.answers), *item.answers[place + 1 :]]
        features.append(topic_features(item.prompt, answers)[place])
        is_foreign.append(1.0)
        won.append(float("nan"))
    return Cases(np.array(features), np.array(is_foreign), np.array(won))


def fit(files: list[Cases]) -> Weights:
    """A logistic model in which every file counts alike and ``SHARE_FOREIGN`` of the answers are foreign."""
    features = np.vstack([one.features for one in files])
    target = np.concatenate([one.is_foreign for one in files])
    weight = np.concatenate([_weigh(one.is_foreign) for one in files])
    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    columns = np.column_stack([(features - centre) / scale, np.ones(len(features))])
    penalty = np.append(np.full(features.shape[1], PRECISION), 0.0)

    def cost(weights: FloatArray) -> tuple[float, FloatArray]:
        odds = columns @ weights
        surprise = weight @ (np.logaddexp(0, odds) - target * odds) + penalty @ np.square(weights) / 2
        slope = columns.T @ (weight * (1 / (1 + np.exp(-odds)) - target)) + penalty * weights
        return float(surprise), slope

    found = minimize(cost, np.zeros(columns.shape[1]), jac=True, method="L-BFGS-B").x
    return Weights(centre, scale, found[:-1], float(found[-1]))


def measure(weights: Weights, cases: Cases) -> dict[str, float | None]:
    """How well foreign answers are told from own ones in a file that had no say."""
    odds = weights.log_odds(cases.features)
    is_foreign = cases.is_foreign == 1
    is_named = -np.logaddexp(0, odds) < OFF_TOPIC_BELOW
    n_foreign = int(is_foreign.sum())
    ranks = rankdata(odds)[is_foreign].sum() - n_foreign * (n_foreign + 1) / 2
    voted = ~np.isnan(cases.won)
    return {
        "auc": _round(ranks / (n_foreign * (~is_foreign).sum())),
        "found": _round(is_named[is_foreign].mean()),
        "wrong": _round(is_named[~is_foreign].mean()),
        "n_named": int(is_named[voted].sum()),
        "named_won": _round(cases.won[voted & is_named].mean()) if (voted & is_named).any() else None,
        "others_won": _round(cases.won[voted & ~is_named].mean()) if voted.any() else None,
    }


def write(weights: Weights) -> None:
    """Put the weights into the package."""
    parts = {
        part: dict(zip(TOPIC_FEATURES, np.round(getattr(weights, part), 5).tolist(), strict=True))
        for part in Weights._fields[:3]
    }
    WEIGHTS_PATH.write_text(json.dumps({**parts, "bias": round(weights.bias, 5)}, indent=1) + "\n")


def _share_won(row: dict[str, Any]) -> dict[int, float]:
    shares: dict[int, list[float]] = {}
    for label in row.get("labels") or ():
        if label.get("kind") == "human":
            first = {"a": 1.0, "b": 0.0, "tie": 0.5}[label["winner"]]
            shares.setdefault(label["a"], []).append(first)
            shares.setdefault(label["b"], []).append(1 - first)
    return {place: float(np.mean(values)) for place, values in shares.items()}


def _weigh(is_foreign: FloatArray) -> FloatArray:
    n_foreign = max(1.0, float(is_foreign.sum()))
    n_own = max(1.0, len(is_foreign) - n_foreign)
    share = np.where(is_foreign == 1, SHARE_FOREIGN / n_foreign, (1 - SHARE_FOREIGN) / n_own)
    return np.asarray(ROWS_OF_A_FILE * share)


def _round(value: float) -> float:
    return round(float(value), 4)


if __name__ == "__main__":
    main()
