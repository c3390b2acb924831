"""A store of many preferences for ``benchmarks.inspector``, made by bulk insert.

Answers of 50 members of known strength; votes follow strength and length. Two fast versions are
trained on readings that know a little of both, so that every view has something to show.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Engine
from sqlmodel import SQLModel

from benchmarks.bulk_rows import write_rows
from blender_ui.ranking.fast.ranker import FastOptions, FastRanker
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.values import PreferenceDataset, RankingPrompt, is_held_out
from db.engine import create_store
from db.migrations import migrate
from db.models import (
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Member,
    ModelKind,
    ModelRole,
    ModelVersion,
    Origin,
    Outcome,
    Preference,
    Prompt,
    Reading,
    Role,
)

N_MEMBERS, N_ANNOTATORS, N_CANDIDATES, N_HIDDEN = 50, 200, 5, 576
N_FITTED = 400
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
WORDS = ("the", "answer", "is", "long", "and", "short", "**bold**", "\n- item", "\n# head", "because", "of")
CATEGORIES = ("code", "mathematics", "write", "ask", None)
READER = "bench-reader"


def make_store(folder: Path, *, n_preferences: int) -> Engine:
    """Fill a new SQLite store; one vote on each pair of five answers to each prompt."""
    path = folder / "store.sqlite"
    engine = create_store(f"sqlite:///{path}")
    migrate(engine)
    _fill(engine, folder, n_prompts=n_preferences // 10)
    return engine


def _fill(engine: Engine, folder: Path, *, n_prompts: int) -> None:
    rng = np.random.default_rng(0)
    strengths = rng.normal(size=N_MEMBERS)
    _insert(engine, Annotator, "id key name kind role created_at", (
        (n, f"k{n}", f"Person {n}", AnnotatorKind.HUMAN, Role.ANNOTATOR, NOW)
        for n in range(1, N_ANNOTATORS + 1)
    ))  # fmt: skip
    _insert(engine, Member, "id name backend model options fingerprint created_at", (
        (n, f"member-{n:02}", "import", "m", {}, "f", NOW) for n in range(1, N_MEMBERS + 1)
    ))  # fmt: skip
    prompts = [RankingPrompt(instruction=f"Question {n}: what of it?") for n in range(1, n_prompts + 1)]
    prints = [prompt.fingerprint for prompt in prompts]
    fields = "id instruction input fingerprint source external_id category created_at"
    _insert(engine, Prompt, fields, (
        (n, prompts[n - 1].instruction, "", prints[n - 1], "bench", str(n), CATEGORIES[n % 5], NOW)
        for n in range(1, n_prompts + 1)
    ))  # fmt: skip
    authors = np.argsort(rng.random((n_prompts, N_MEMBERS)), axis=1)[:, :N_CANDIDATES].ravel()
    lengths = rng.integers(15, 90, len(authors))
    texts = [" ".join(WORDS[(n * 7 + k * k) % 11] for k in range(size)) for n, size in enumerate(lengths)]
    _insert(engine, Candidate, "id prompt_id member_id text created_at", (
        (n + 1, n // N_CANDIDATES + 1, int(author) + 1, text, NOW)
        for n, (author, text) in enumerate(zip(authors, texts, strict=True))
    ))  # fmt: skip
    utility = strengths[authors] + 0.02 * lengths
    left, right = _add_comparisons(engine, n_prompts, rng)
    chance = 1 / (1 + np.exp(utility[right] - utility[left]))
    drawn = rng.random(len(left))
    outcomes = np.where(rng.random(len(left)) < 0.1, 2, (drawn < chance).astype(int))
    names = (Outcome.RIGHT, Outcome.LEFT, Outcome.TIE)
    people = rng.integers(1, N_ANNOTATORS + 1, len(left))
    fields = "id comparison_id annotator_id outcome idempotency_key created_at"
    _insert(engine, Preference, fields, (
        (n, n, person, names[outcome], str(n), NOW)
        for n, (person, outcome) in enumerate(zip(people.tolist(), outcomes.tolist(), strict=True), start=1)
    ))  # fmt: skip
    _add_versions(engine, folder, rng, _World(prompts, authors, utility, left, right, outcomes))


def _add_comparisons(
    engine: Engine, n_prompts: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.triu_indices(N_CANDIDATES, 1)
    base = np.arange(n_prompts)[:, None] * N_CANDIDATES
    left, right = (base + first).ravel(), (base + second).ravel()
    swapped = rng.random(len(left)) < 0.5
    left, right = np.where(swapped, right, left), np.where(swapped, left, right)
    fields = "id prompt_id left_id right_id origin priority overlap n_taken is_open created_at"
    _insert(engine, Comparison, fields, (
        (n, a // N_CANDIDATES + 1, a + 1, b + 1, Origin.IMPORT, 0.5, 1, 1, False, NOW)
        for n, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True), start=1)
    ))  # fmt: skip
    return left, right


class _World(NamedTuple):
    """What was made up: prompts, who wrote each answer and how good it is, and the votes."""

    prompts: list[RankingPrompt]
    authors: np.ndarray
    utility: np.ndarray
    left: np.ndarray
    right: np.ndarray
    outcomes: np.ndarray


def _add_versions(engine: Engine, folder: Path, rng: np.random.Generator, world: _World) -> None:
    """Two versions, the second of which was fitted on more; readings of what they are judged on."""
    prompts, authors, utility, left, right, outcomes = world
    held_out = np.array([is_held_out(one.fingerprint, share=HELD_OUT_SHARE) for one in prompts])
    width = 20 + N_HIDDEN

    def read(candidates: np.ndarray) -> np.ndarray:
        vectors = rng.normal(size=(len(candidates), width)).astype("<f4")
        vectors[:, 0] += utility[candidates]
        return vectors

    training = np.flatnonzero(~held_out[left // N_CANDIDATES])[:N_FITTED]
    used = np.unique([left[training], right[training]])
    readings = read(used)
    dataset = PreferenceDataset(
        prompts=tuple(prompts[n] for n in np.unique(used // N_CANDIDATES)),
        texts=("",) * len(used),
        members=tuple(f"member-{author + 1:02}" for author in authors[used]),
        prompt_of=np.unique(used // N_CANDIDATES, return_inverse=True)[1],
        left=np.searchsorted(used, left[training]),
        right=np.searchsorted(used, right[training]),
        target=np.array([0.0, 1.0, 0.5])[outcomes[training]],
        both_bad=np.zeros(len(training), dtype=bool),
        strength=np.full(len(training), np.nan),
        annotators=("",) * len(training),
    )
    for number, n_fitted in ((1, N_FITTED // 8), (2, N_FITTED)):
        part = dataset.select(np.arange(len(training)) < n_fitted)
        ranker = FastRanker.fit(part, readings, options=FastOptions())
        ranker.save(folder / "rankers" / f"v{number}")
        fields = (
            "id parent_id role kind base_model base_fingerprint fingerprint path cut_off_preference_id "
            "n_train n_held_out hyper_parameters metrics code_version is_active created_at"
        )
        parent = number - 1 or None
        made = ("bench", READER, ranker.fingerprint, f"v{number}", 0, n_fitted, 0, {}, {}, "bench")
        row = (number, parent, ModelRole.RANKER, ModelKind.FAST, *made, number == 2, NOW)
        _insert(engine, ModelVersion, fields, [row])
    judged = np.flatnonzero(held_out[np.arange(len(authors)) // N_CANDIDATES])
    for start in range(0, len(judged), 10_000):
        part_of = judged[start : start + 10_000]
        vectors = read(part_of)
        rows = ((int(n) + 1, READER, one.tobytes(), NOW) for n, one in zip(part_of, vectors, strict=True))
        _insert(engine, Reading, "candidate_id reader_fingerprint vector created_at", rows)


def _insert(engine: Engine, table: type[SQLModel], fields: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add rows of these fields; what is not given has the table's default."""
    names = fields.split()
    write_rows(engine, table, (dict(zip(names, map(_plain, row), strict=True)) for row in rows))


def _plain(value: Any) -> Any:
    """numpy's numbers are not the driver's."""
    return value.item() if isinstance(value, np.generic) else value
