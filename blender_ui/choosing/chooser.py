"""The chooser: reads a prompt, expects every member's quality on it, and chooses whom to ask.

Invariant: a saved and loaded chooser chooses as the one that was saved. Non-goal: asking the members, and
rows: outcomes come in as arrays.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from blender_ui.choosing.choice import Budget, Choice, choose_members
from blender_ui.choosing.forest import Expected, Forest, fit_forest
from blender_ui.choosing.outcomes import Outcomes
from blender_ui.choosing.partitions import Belief, Partition
from blender_ui.errors import ChooserError
from blender_ui.tasks.encoder import StaticEncoder
from blender_ui.tasks.kinds import Kinds, learn_kinds, one_kind
from blender_ui.tasks.reading import ReadTasks, Task, read_tasks
from blender_ui.tasks.shape import MEASURES
from blender_ui.tasks.sorting import cut_task
from blender_ui.values import FloatArray

FORMAT = 2
FORMAT_OF_OWN_KINDS = 1
"""Its kinds were the chooser's own; one that was saved with them takes all prompts for one kind."""
KINDS_PREFIX = "kinds."
N_AXES = 16
"""Principal axes of the embeddings that the trees see."""
N_ERRORS = 512
"""Past prompts of which the chooser keeps what the members were off by together."""
ARRAYS, RECORD = "chooser.npz", "chooser.json"


@dataclass(frozen=True, kw_only=True)
class ChooserOptions:
    """How a chooser is fitted."""

    n_trees: int = 60
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Chooser:
    """A fitted chooser. Its encoder is not part of what is saved."""

    encoder: StaticEncoder
    members: tuple[str, ...]
    centre: FloatArray
    axes: FloatArray
    forest: Forest
    kinds: Kinds
    errors: FloatArray
    """What the members were off by together on past prompts, (n_errors, m)."""
    options: ChooserOptions

    def expect(self, read: ReadTasks) -> Expected:
        """Members' expected qualities on prompts and their standard deviations, (n, m)."""
        return self.forest.expect(np.hstack([read.shapes, (read.embeddings - self.centre) @ self.axes]))

    def choose(
        self,
        task: Task,
        k: int,
        *,
        rng: np.random.Generator,
        costs: FloatArray | None = None,
        seconds: FloatArray | None = None,
        budget: Budget | None = None,
    ) -> Choice:
        """The at most k members to ask; see ``choice.choose_members``."""
        free = np.zeros(len(self.members))
        return choose_members(
            k,
            expected=self.expect(read_tasks(self.encoder, [task])).mean[0],
            errors=self.errors,
            costs=free if costs is None else costs,
            seconds=free if seconds is None else seconds,
            budget=budget or Budget(),
            rng=rng,
        )

    def find_kind(self, task: Task) -> str:
        """The name of the kind of task that a prompt is."""
        return self.kinds.names[int(self.kinds.assign(read_tasks(self.encoder, [cut_task(*task)]))[0])]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what it was fitted to."""
        digest = hashlib.sha256(json.dumps(self._record(), sort_keys=True).encode())
        for name, array in sorted(_arrays(self).items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write it into a folder that exists."""
        np.savez_compressed(folder / ARRAYS, **_arrays(self))
        (folder / RECORD).write_text(json.dumps(self._record(), indent=1) + "\n", encoding="utf-8")

    def _record(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "members": self.members,
            "kinds": self.kinds.names,
            "measures": list(MEASURES),
            "encoder": self.encoder.fingerprint,
            "stiffness": self.forest.stiffness if np.isfinite(self.forest.stiffness) else None,
            "explained": self.forest.explained,
            "difficulty_noise": self.forest.difficulty_noise,
            "options": asdict(self.options),
        }


def fit_chooser(
    encoder: StaticEncoder,
    read: ReadTasks,
    outcomes: Outcomes,
    options: ChooserOptions | None = None,
    *,
    kinds: Kinds | None = None,
) -> Chooser:
    """Learn whom to ask from the outcomes of past prompts.

    Args:
        encoder: That read the prompts.
        read: n prompts.
        outcomes: Of these n prompts.
        options: The defaults where none are given.
        kinds: Of task, by which the report shows members; learnt from these prompts where none are given.

    Raises:
        ChooserError: If there is no prompt or no member.
    """
    options = options or ChooserOptions()
    if not read.texts or not outcomes.members:
        raise ChooserError(
            f"expected prompts and members with outcomes, came {len(read.texts)} prompts and "
            f"{len(outcomes.members)} members"
        )
    centre = read.embeddings.mean(axis=0)
    centred = read.embeddings - centre
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :N_AXES]
    features = np.hstack([read.shapes, centred @ axes])
    forest = fit_forest(outcomes, features, n_trees=options.n_trees, seed=options.seed)
    return Chooser(
        encoder=encoder,
        members=outcomes.members,
        centre=centre,
        axes=axes,
        forest=forest,
        kinds=kinds or learn_kinds(read, rarity=encoder.rarity, seed=options.seed),
        errors=_draw_errors(outcomes, forest.expect(features).mean, seed=options.seed),
        options=options,
    )


def load_chooser(folder: Path, encoder: StaticEncoder) -> Chooser:
    """Read a saved chooser.

    Raises:
        ChooserError: If the folder holds none, one of another format, or one of another encoder.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        with np.load(folder / ARRAYS) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise ChooserError(f"expected a chooser in {folder}, came {error}; train it again") from error
    found = record.get("measures"), record.get("encoder")
    is_known = record.get("format") in (FORMAT, FORMAT_OF_OWN_KINDS)
    if not is_known or found != (list(MEASURES), encoder.fingerprint):
        raise ChooserError(
            f"the chooser in {folder} was made for another encoder or another version of Blender UI; "
            "train it again"
        )
    return _assemble(encoder, record, arrays)


def _assemble(encoder: StaticEncoder, record: dict[str, Any], arrays: dict[str, Any]) -> Chooser:
    forest = Forest(
        overall=arrays["overall"],
        overall_variance=arrays["overall_variance"],
        noise=arrays["noise"],
        difficulty_noise=record["difficulty_noise"],
        trees=Partition(
            roots=arrays["roots"],
            left=arrays["left"],
            right=arrays["right"],
            feature=arrays["feature"],
            threshold=arrays["threshold"],
        ),
        belief=Belief(mean=arrays["mean"], variance=arrays["variance"]),
        stiffness=record["stiffness"] if record["stiffness"] is not None else np.inf,
        explained=record["explained"],
    )
    return Chooser(
        encoder=encoder,
        members=tuple(record["members"]),
        centre=arrays["centre"],
        axes=arrays["axes"],
        forest=forest,
        kinds=_read_kinds(record, arrays),
        errors=arrays["errors"],
        options=ChooserOptions(**record["options"]),
    )


def _read_kinds(record: dict[str, Any], arrays: dict[str, Any]) -> Kinds:
    if record["format"] == FORMAT_OF_OWN_KINDS:
        return one_kind()
    own = {
        name.removeprefix(KINDS_PREFIX): array
        for name, array in arrays.items()
        if name.startswith(KINDS_PREFIX)
    }
    return Kinds(names=tuple(record["kinds"]), **own)


def _arrays(chooser: Chooser) -> dict[str, Any]:
    forest = chooser.forest
    return {
        "centre": chooser.centre,
        "axes": chooser.axes,
        **{KINDS_PREFIX + name: array for name, array in chooser.kinds.arrays().items()},
        "errors": chooser.errors,
        "overall": forest.overall,
        "overall_variance": forest.overall_variance,
        "noise": forest.noise,
        "roots": forest.trees.roots,
        "left": forest.trees.left,
        "right": forest.trees.right,
        "feature": forest.trees.feature,
        "threshold": forest.trees.threshold,
        "mean": forest.belief.mean,
        "variance": forest.belief.variance,
    }


def _draw_errors(outcomes: Outcomes, expected: FloatArray, *, seed: int) -> FloatArray:
    """What members were off by, some past prompts by rows; a member without outcome there was off by
    what it was off by on another prompt, since nothing is known of how it goes with the others."""
    rng = np.random.default_rng(seed)
    known = outcomes.weights > 0
    errors = outcomes.values - expected
    kept = rng.permutation(np.flatnonzero(known.any(axis=1)))[:N_ERRORS]
    drawn = errors[kept]
    for member in range(len(outcomes.members)):
        own = errors[known[:, member], member]
        lacking = ~known[kept, member]
        drawn[lacking, member] = rng.choice(own, lacking.sum()) if len(own) else 0.0
    return drawn if len(drawn) else np.zeros((1, len(outcomes.members)))
