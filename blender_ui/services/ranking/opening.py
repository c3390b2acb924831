"""A ranker's version, opened: the one place that knows how each kind compares texts.

Invariant: every kind answers the same questions in the same shapes. Non-goal: what the active version
has learnt since it was trained (``live_head``), and rows (``rows``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol, assert_never

import numpy as np

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import NotFound, RankerError
from blender_ui.evidence.answers import gather, join
from blender_ui.language import tr
from blender_ui.ranking.attribution import PairAttribution
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.services.ranking.readings import read_answers
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.values import FloatArray, RankingPrompt
from db.models import ModelKind

EXPLAIN_READING, EXPLAIN_JOINT = "explain reading", "explain joint"
"""What an engine process calls the loaders that explain."""
EXPLAIN_SECONDS = 1800.0


class PairReadings(NamedTuple):
    """What a version says of m pairs of texts.

    Attributes:
        logits: Log-odds that the first text, shown first, is better, (m,).
        swapped: The same with the second text shown first, (m,).
        deviations: Standard deviations, (m,); None where the kind knows none.
        by_group: What each group of features adds, (m, n_groups); None where the kind has none.
    """

    logits: FloatArray
    swapped: FloatArray
    deviations: FloatArray | None
    by_group: FloatArray | None


class OpenRanker(Protocol):
    """A version that can be asked."""

    def compare(self, prompt: RankingPrompt, texts: Sequence[str], members: Sequence[str]) -> FloatArray:
        """Logits of every ordered pair of n texts, shape (n, n), as ``Ranker.pairwise_logits``."""
        ...

    def read_pairs(
        self, prompt: RankingPrompt, pairs: Sequence[tuple[str, str]], members: tuple[str, str]
    ) -> PairReadings:
        """Read m pairs, each by itself: no text counts as another answer beside a pair of others."""
        ...

    def explain(
        self, prompt: RankingPrompt, pair: tuple[str, str], members: tuple[str, str]
    ) -> PairAttribution:
        """Integrated gradients of the logit that the first text, shown first, is better."""
        ...


def open_version(version: VersionView, *, process: EngineProcess, rankers_path: Path) -> OpenRanker:
    """Open a version of a ranker as it was trained; nothing is loaded before it is asked.

    Raises:
        NotFound: If the version is no ranker.
    """
    folder = rankers_path / version.path
    match version.kind:
        case ModelKind.FAST:
            return OpenFast(version, folder, process)
        case ModelKind.JOINT | ModelKind.POINTWISE:
            return OpenJoint(folder, process)
        case ModelKind.FUSER | ModelKind.CHOOSER:
            raise NotFound(
                tr(
                    "expected a version that ranks; version {version_id} is a {role}",
                    version_id=version.id,
                    role=version.role,
                )
            )
        case _:
            assert_never(version.kind)


def load_fast(version: VersionView, folder: Path) -> FastRanker:
    """The head of a fast version.

    Raises:
        RankerError: If the checkpoint is missing or not the one that was registered.
    """
    ranker = FastRanker.load(folder)
    if ranker.fingerprint != version.fingerprint:
        raise RankerError(
            tr(
                "expected the weights {fingerprint} of version {version_id} in {path}, came "
                "{fingerprint_2}; activate another version or train a new one",
                fingerprint=version.fingerprint[:12],
                version_id=version.id,
                path=version.path,
                fingerprint_2=ranker.fingerprint[:12],
            )
        )
    return ranker


class OpenFast:
    """A head over what a frozen reader reads."""

    def __init__(self, version: VersionView, folder: Path, process: EngineProcess) -> None:
        self._version = version
        self._folder = folder
        self._process = process

    @cached_property
    def _ranker(self) -> FastRanker:
        return load_fast(self._version, self._folder)

    def _read(self, prompt: RankingPrompt, texts: Sequence[str]) -> FloatArray:
        return read_answers(self._process, prompt, texts, fingerprint=self._version.base_fingerprint)

    def compare(self, prompt: RankingPrompt, texts: Sequence[str], members: Sequence[str]) -> FloatArray:
        evidence = gather(prompt, texts, members)
        return self._ranker.pairwise_logits(self._read(prompt, texts), members, prompt, evidence=evidence)

    def read_pairs(
        self, prompt: RankingPrompt, pairs: Sequence[tuple[str, str]], members: tuple[str, str]
    ) -> PairReadings:
        texts, places = _number_texts(pairs)
        vectors = self._read(prompt, texts)
        rows = np.array(places).ravel()
        read = self._ranker.read_pairs(
            vectors[rows],
            list(members) * len(pairs),
            [prompt] * len(rows),
            first=np.arange(0, len(rows), 2),
            second=np.arange(1, len(rows), 2),
            prompt_of=np.arange(len(rows)) // 2,
            evidence=join([gather(prompt, pair, members) for pair in pairs]),
        )
        return PairReadings(read.logits, read.logits, read.deviations, read.by_group)

    def explain(
        self, prompt: RankingPrompt, pair: tuple[str, str], members: tuple[str, str]
    ) -> PairAttribution:
        found: PairAttribution = self._process.call(
            EXPLAIN_READING,
            "attribute",
            self._folder,
            prompt,
            pair,
            members=members,
            timeout_seconds=EXPLAIN_SECONDS,
        )
        return found


class OpenJoint:
    """An encoder that reads the texts itself, whether both at once or one at a time."""

    def __init__(self, folder: Path, process: EngineProcess) -> None:
        self._folder = folder
        self._process = process

    def compare(self, prompt: RankingPrompt, texts: Sequence[str], members: Sequence[str]) -> FloatArray:
        return self._process.pairwise_logits(self._folder, prompt, texts)

    def read_pairs(
        self, prompt: RankingPrompt, pairs: Sequence[tuple[str, str]], members: tuple[str, str]
    ) -> PairReadings:
        texts, places = _number_texts(pairs)
        turned = [(second, first) for first, second in places]
        logits = self._process.read_pairs(self._folder, prompt, texts, places + turned)
        return PairReadings(logits[: len(pairs)], -logits[len(pairs) :], None, None)

    def explain(
        self, prompt: RankingPrompt, pair: tuple[str, str], members: tuple[str, str]
    ) -> PairAttribution:
        found: PairAttribution = self._process.call(
            EXPLAIN_JOINT, "attribute", prompt, pair, key=(self._folder,), timeout_seconds=EXPLAIN_SECONDS
        )
        return found


def _number_texts(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[tuple[int, int]]]:
    """Each text of a side once, and each pair's places among them; a pair of equal texts has two."""
    first = {text: number for number, text in enumerate(dict.fromkeys(pair[0] for pair in pairs))}
    second = {
        text: len(first) + number for number, text in enumerate(dict.fromkeys(pair[1] for pair in pairs))
    }
    return [*first, *second], [(first[one], second[other]) for one, other in pairs]
