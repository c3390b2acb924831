"""Readings of negatives, kept in a file while their job lasts, so that a killed worker loses few.

Invariant: the file is whole or absent, and of one reader. Non-goal: which negatives there are;
``negatives`` chooses, and the job's end removes the folder.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from blender_ui.values import FloatArray

NAME = "negatives.npz"


class KeptNegatives:
    """Vectors by pair: the candidate whose prompt was read, and the candidate whose text was.

    Args:
        folder: Where the file lies; made when something is saved.
        fingerprint: Of the reader. What another one read is not taken up.
    """

    def __init__(self, folder: Path, *, fingerprint: str) -> None:
        self._folder = folder
        self._fingerprint = fingerprint
        self._vectors = self._load()
        self._n_saved = len(self._vectors)

    def __contains__(self, pair: tuple[int, int]) -> bool:
        return pair in self._vectors

    def __getitem__(self, pair: tuple[int, int]) -> FloatArray:
        return self._vectors[pair]

    def __setitem__(self, pair: tuple[int, int], vector: FloatArray) -> None:
        self._vectors[pair] = vector

    def save(self) -> None:
        """Write what has come since the last time."""
        if len(self._vectors) == self._n_saved:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f".unfinished-{NAME}"
        with draft.open("wb") as file:
            np.savez(
                file,
                fingerprint=self._fingerprint,
                pairs=np.array(list(self._vectors), dtype=np.int64),
                vectors=np.stack(list(self._vectors.values())),
            )
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / NAME)
        self._n_saved = len(self._vectors)

    def _load(self) -> dict[tuple[int, int], FloatArray]:
        try:
            with np.load(self._folder / NAME, allow_pickle=False) as kept:
                if str(kept["fingerprint"]) != self._fingerprint:
                    return {}
                pairs = [(int(winner), int(donor)) for winner, donor in kept["pairs"]]
                return dict(zip(pairs, kept["vectors"], strict=True))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return {}  # a damaged file costs reading again, never a wrong vector
