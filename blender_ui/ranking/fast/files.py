"""A fast ranker's files: its arrays, its settings, and the kinds of task that it knows.

Invariant: what is written and read again gives the same bytes, and files of older formats are read. Non-goal:
what the numbers mean (``fast_state``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from blender_ui.errors import RankerError, WeightsUnavailable
from blender_ui.ranking.fast.basis import LIKELIHOOD_NAMES, Basis
from blender_ui.ranking.fast.head import Head
from blender_ui.ranking.fast.state import (
    GROUPS,
    N_GROUPS_WITHOUT_EVIDENCE,
    N_TEXT_COLUMNS,
    USUAL_PRECISIONS,
    FastOptions,
    State,
    state_features,
)
from blender_ui.tasks.sorting import ALL_ALIKE, TaskSorter
from blender_ui.values import FloatArray

FORMAT = 7
FORMAT_WITH_LIKELIHOODS = 6
"""Its readings, and those of formats before it, begin with likelihood numbers."""
FORMATS_OF_FIVE_KINDS = (4, 5)
"""Their kinds of task were written down in the program and are not any more; 4 knew no evidence."""
ARRAYS_FILE = "head.safetensors"
SETTINGS_FILE = "fast_ranker.json"
KINDS_FOLDER = "kinds"


def save_state(state: State, folder: Path) -> None:
    """Write the files into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    if len(state.kinds.names) > 1:
        state.kinds.save(folder / KINDS_FOLDER)
    (folder / ARRAYS_FILE).write_bytes(save(arrays_of(state)))
    (folder / SETTINGS_FILE).write_text(settings_of(state))


def load_state(folder: Path) -> tuple[State, str | None]:
    """Read what ``save_state`` wrote; with it the fingerprint of files of an older format.

    Raises:
        RankerError: If a file is missing, damaged, or of another format.
    """
    try:
        arrays = load_file(folder / ARRAYS_FILE)
        written = (folder / SETTINGS_FILE).read_text()
        settings = json.loads(written)
        saved = hashlib.sha256(written.encode() + (folder / ARRAYS_FILE).read_bytes()).hexdigest()
        if settings["format"] in FORMATS_OF_FIVE_KINDS:
            return state_of_five_kinds(settings, arrays), saved
        if settings["format"] not in (FORMAT, FORMAT_WITH_LIKELIHOODS):
            raise RankerError(
                f"expected a fast ranker of format {FORMAT} in {folder}, "
                f"came {settings['format']}; train a new one"
            )
        has_kinds = len(settings["task_kinds"]) > 1
        kinds = TaskSorter.load(folder / KINDS_FOLDER) if has_kinds else ALL_ALIKE
        return state_of(settings, arrays, kinds), None if settings["format"] == FORMAT else saved
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, WeightsUnavailable) as error:
        raise RankerError(f"expected a fast ranker in {folder}, came {error!r}; train one") from error


def settings_of(state: State) -> str:
    """What of a state is not an array, as JSON."""
    settings = {
        "format": FORMAT,
        "options": asdict(state.options),
        "members": state.members,
        "task_kinds": state.kinds.names,
        "task_kinds_fingerprint": state.kinds.kinds.fingerprint,
        "temperature": state.temperature,
        "consensus_scale": state.consensus_scale,
        "n_likelihoods": state.basis.n_likelihoods,
    }
    return json.dumps(settings, indent=1, sort_keys=True)


def arrays_of(state: State) -> dict[str, FloatArray]:
    """The state's arrays by name."""
    arrays = {
        "basis.centre": state.basis.centre,
        "basis.scale": state.basis.scale,
        "basis.length_slopes": state.basis.length_slopes,
        "basis.components": state.basis.components,
        "inherited": state.inherited,
        "negatives": state.negatives,
        "precisions": state.precisions,
        "head.mean": state.head.mean,
        "head.covariance": state.head.covariance,
    }
    # A version from before a group of features is written as it came, so that its fingerprint stays.
    if len(state.evidence_scale):
        arrays["evidence_scale"] = state.evidence_scale
        if len(state.evidence_scale) <= N_TEXT_COLUMNS:
            arrays["precisions"] = state.precisions[: GROUPS.index("execution")]
    else:
        arrays["precisions"] = state.precisions[:N_GROUPS_WITHOUT_EVIDENCE]
    return {name: np.ascontiguousarray(array, dtype=np.float64) for name, array in arrays.items()}


def state_of(settings: dict[str, Any], arrays: dict[str, FloatArray], kinds: TaskSorter) -> State:
    """The state that ``settings_of`` and ``arrays_of`` were made of."""
    usual = np.array(tuple(USUAL_PRECISIONS.values()))
    precisions = arrays["precisions"]
    return State(
        options=FastOptions(**settings["options"]),
        basis=Basis(
            centre=arrays["basis.centre"],
            scale=arrays["basis.scale"],
            length_slopes=arrays["basis.length_slopes"],
            components=arrays["basis.components"],
            n_likelihoods=int(settings.get("n_likelihoods", len(LIKELIHOOD_NAMES))),
        ),
        consensus_scale=float(settings["consensus_scale"]),
        inherited=arrays["inherited"],
        negatives=arrays["negatives"],
        members=tuple(settings["members"]),
        kinds=kinds,
        precisions=np.concatenate([precisions, usual[len(precisions) :]]),
        head=Head(arrays["head.mean"], arrays["head.covariance"]),
        temperature=float(settings["temperature"]),
        evidence_scale=arrays.get("evidence_scale", np.zeros(0)),
    )


def state_of_five_kinds(settings: dict[str, Any], arrays: dict[str, FloatArray]) -> State:
    """A state that was saved with the program's own kinds, without what members deviated in them.

    The weights that stay are the posterior's own, its margin. A refit learns with one kind.
    """
    state = state_of(settings, arrays, ALL_ALIKE)
    if not state.options.uses_members:
        return state
    _, sizes = state_features(
        state,
        np.zeros((1, len(state.basis.centre))),
        [""],
        np.zeros(1, dtype=int),
        np.zeros(1, dtype=int),
        None,
    )
    begins = sum(sizes[: GROUPS.index("member_by_kind")])
    dropped = np.arange(begins, begins + len(state.members) * len(settings["task_kinds"]))
    mean, covariance = state.head
    covariance = np.delete(np.delete(covariance, dropped, axis=0), dropped, axis=1)
    return state._replace(head=Head(np.delete(mean, dropped), covariance))
