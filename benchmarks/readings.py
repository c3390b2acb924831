"""Readings of a file's answers by the frozen reader, kept in a cache, for the benchmarks of rankers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import numpy as np

from blender_ui.choosing.distilling import prepare_encoder
from blender_ui.exchange.jsonl import read_records
from blender_ui.exchange.records import to_dataset
from blender_ui.ranking.fast.negatives import ReadNegatives, choose_negatives, count_negatives
from blender_ui.ranking.fast.ranker import FastOptions, FastRanker
from blender_ui.settings import load_settings
from blender_ui.tasks.reading import Task
from blender_ui.tasks.sorting import ALL_ALIKE, TaskSorter, learn_sorter
from blender_ui.values import BoolArray, FloatArray, IntArray, PreferenceDataset, RankingPrompt
from blender_ui.weights.resolver import find_weights

SECONDS_BETWEEN_SAVES = 60.0


@dataclass(frozen=True)
class Labelled:
    """A file's preferences, readings of its candidates, (n_candidates, width), one negative sample a prompt.

    A negative sample is an answer to another prompt, read after this one; None where none were asked for.
    Fits learn from some of them, as the app's do, unless ``has_negatives`` is off.
    """

    dataset: PreferenceDataset
    readings: FloatArray
    negatives: ReadNegatives | None = None
    has_negatives: bool = True
    kinds: TaskSorter = ALL_ALIKE

    def fit(self, known: BoolArray, options: FastOptions, start: FastRanker | None = None) -> FastRanker:
        """Learn from the preferences of this mask, with as many negative samples as the app has."""
        learnt = self.dataset.select(known)
        if self.negatives is None or not self.has_negatives:
            return FastRanker.fit(learnt, self.readings, options=options, start=start, kinds=self.kinds)
        prompts = np.unique(learnt.prompt_of[learnt.left])
        usable = np.flatnonzero(np.isin(self.dataset.prompt_of[self.negatives.winner], prompts))
        negatives = self.negatives.select(usable[: count_negatives(learnt)])
        return FastRanker.fit(
            learnt, self.readings, options=options, start=start, negatives=negatives, kinds=self.kinds
        )


def find_kinds(dataset: PreferenceDataset) -> TaskSorter:
    """The kinds of task of a file's prompts, as the app learns them: without any label."""
    settings = load_settings(os.environ)
    source = find_weights("all-minilm-l6-v2", cache_path=settings.weights_path)
    encoder = prepare_encoder(source, settings.prompt_encoder_path)
    return learn_sorter(encoder, [Task(prompt.instruction, prompt.input) for prompt in dataset.prompts])


class CachedReading:
    """Reads files with the frozen reader, and keeps what was read."""

    def __init__(self, folder: Path, cache: Path, *, with_negatives: bool = False) -> None:
        from blender_ui.ranking.reading import Reader

        self._reader = Reader(folder)
        self._cache = cache / self._reader.fingerprint[:16]
        self._with_negatives = with_negatives

    @property
    def fingerprint(self) -> str:
        """Of the reader."""
        return self._reader.fingerprint

    def read(self, path: Path, *, seconds: float | None, seed: int) -> Labelled:
        """Read the labelled prompts of a file: all of them, or as many as ``seconds`` allow.

        What was read is kept every minute, because a file takes half an hour on two cores.
        """
        dataset = to_dataset(read_records(path))
        name = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        labelled = np.random.default_rng(seed).permutation(np.unique(dataset.prompt_of[dataset.left]))

        def read_prompt(number: int) -> tuple[IntArray, FloatArray]:
            used = np.flatnonzero(dataset.prompt_of == number)
            return used, self._reader.read(dataset.prompts[number], [dataset.texts[index] for index in used])

        readings, is_read = self._read_some(
            self._cache / f"{name}.npz",
            read_prompt,
            labelled,
            (len(dataset.texts), len(dataset.prompts)),
            seconds,
        )
        print(f"{path.name}: {is_read.sum()} of {len(labelled)} prompts read")
        file = _keep(dataset, readings, is_read)
        return self._add_negatives(file, name, seconds) if self._with_negatives else file

    def read_texts(
        self, asked: Sequence[tuple[RankingPrompt, Sequence[str]]], *, seconds: float | None
    ) -> tuple[FloatArray, BoolArray]:
        """Read texts after prompts: what came out, in their order, and which of them were read."""
        pairs = [(prompt, text) for prompt, texts in asked for text in texts]
        first = np.cumsum([0, *(len(texts) for _, texts in asked)])
        written = "".join(f"{prompt.fingerprint}{text}\0" for prompt, text in pairs)

        def read_prompt(number: int) -> tuple[IntArray, FloatArray]:
            prompt, texts = asked[number]
            return np.arange(first[number], first[number + 1]), self._reader.read(prompt, texts)

        readings, is_read = self._read_some(
            self._cache / f"texts-{hashlib.sha256(written.encode()).hexdigest()[:16]}.npz",
            read_prompt,
            np.arange(len(asked)),
            (len(pairs), len(asked)),
            seconds,
        )
        return readings, np.repeat(is_read, np.diff(first))

    def _add_negatives(self, file: Labelled, name: str, seconds: float | None) -> Labelled:
        """One negative sample a prompt, as far as ``seconds`` allow; they follow from what was read."""
        dataset = file.dataset
        chosen = choose_negatives(dataset, len(dataset.prompts))
        n_negatives = len(chosen.winner)

        def read_negative(number: int) -> tuple[IntArray, FloatArray]:
            prompt = dataset.prompts[int(dataset.prompt_of[chosen.winner[number]])]
            text = dataset.texts[int(chosen.donor[number])]
            return np.array([number]), self._reader.read(prompt, [text])

        readings, is_read = self._read_some(
            self._cache / f"{name}.negatives-of-{len(dataset.prompts)}.npz",
            read_negative,
            np.arange(n_negatives),
            (n_negatives, n_negatives),
            seconds,
        )
        return replace(file, negatives=ReadNegatives(*chosen, readings).select(np.flatnonzero(is_read)))

    def _read_some(
        self,
        cached: Path,
        read: Callable[[int], tuple[IntArray, FloatArray]],
        numbers: IntArray,
        shape: tuple[int, int],
        seconds: float | None,
    ) -> tuple[FloatArray, BoolArray]:
        """Read what the cache lacks: readings, (shape[0], width), and which are read, (shape[1],)."""
        readings = np.zeros((shape[0], self._reader.width), dtype=np.float32)
        is_read = np.zeros(shape[1], dtype=bool)
        if cached.is_file():
            arrays = np.load(cached)
            readings, is_read = arrays["readings"], arrays["is_read"]
        started = saved = monotonic()
        for number in numbers:
            if is_read[number]:
                continue
            if seconds is not None and monotonic() - started > seconds:
                break
            used, vectors = read(int(number))
            readings[used], is_read[number] = vectors, True
            if monotonic() - saved > SECONDS_BETWEEN_SAVES:
                _save(cached, readings, is_read)
                saved = monotonic()
        if saved != started or seconds is None:
            _save(cached, readings, is_read)
        return readings, is_read


def _save(path: Path, readings: FloatArray, is_read: BoolArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".partial.npz")
    np.savez(unfinished, readings=readings, is_read=is_read)
    unfinished.replace(path)


def _keep(dataset: PreferenceDataset, readings: FloatArray, is_read: BoolArray) -> Labelled:
    """Drop the prompts that were not read, with their candidates and preferences."""
    prompt, candidate = np.cumsum(is_read) - 1, is_read[dataset.prompt_of]
    place, label = np.cumsum(candidate) - 1, is_read[dataset.prompt_of[dataset.left]]
    kept = dataset.select(label)
    return Labelled(
        PreferenceDataset(
            prompts=tuple(np.array(dataset.prompts, dtype=object)[is_read]),
            texts=tuple(np.array(dataset.texts, dtype=object)[candidate]),
            members=tuple(np.array(dataset.members, dtype=object)[candidate]),
            prompt_of=prompt[dataset.prompt_of[candidate]],
            left=place[kept.left],
            right=place[kept.right],
            target=kept.target,
            both_bad=kept.both_bad,
            strength=kept.strength,
            annotators=kept.annotators,
        ),
        readings[candidate],
    )
