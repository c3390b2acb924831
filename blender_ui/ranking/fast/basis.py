"""What the columns of a reading are, and how they become features on one scale.

A reading is [surface features | hidden state]; readings from before begin with likelihood numbers, and had
fewer surface features. Invariant: each group of features has mean 0 and total variance 1 over the candidates
the basis was made of, so a prior precision p of a group's weights says that the group moves utilities by
about 1 / sqrt(p). Non-goal: labels; a basis is made of readings alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blender_ui.ranking.surface import SURFACE_NAMES
from blender_ui.values import FloatArray

LIKELIHOOD_NAMES = (
    "mean",
    "first_tokens",
    "minimum",
    "sum",
    "end_of_turn",
    "mean_entropy",
    "deviation",
)
"""Of the natural-log likelihoods of an answer's tokens; the first columns of a reading from before.

Each is the logarithm of one plus a magnitude in nats, so that a difference of two answers is a ratio:
the same fit then serves short answers and long ones.
"""

N_SURFACE_WITH_LIKELIHOODS = 13
"""Surface features beside likelihoods: the first of SURFACE_NAMES."""
N_COMPONENTS = 64
N_LENGTH_COLUMNS = 2
MAX_DEVIATIONS = 5.0
MIN_SCALE = 1e-6


class Basis(NamedTuple):
    """Maps readings to features.

    Attributes:
        centre: Mean of each column, (width,).
        scale: Standard deviation of each column, 1 where it is constant, same shape.
        length_slopes: How each standardised column changes with the two of an answer's length; zero
            unless length is controlled, (n_length_columns, width).
        components: Principal directions of the standardised hidden columns, divided by the square
            root of their total variance, (n_hidden, n_components).
        n_likelihoods: How many of the columns are likelihood numbers, the first ones.
    """

    centre: FloatArray
    scale: FloatArray
    length_slopes: FloatArray
    components: FloatArray
    n_likelihoods: int = 0

    @property
    def group_sizes(self) -> tuple[int, int, int]:
        """How many features come from likelihoods, surface and hidden state, in this order."""
        n_likelihoods, n_surface = _split(len(self.centre), self.n_likelihoods)
        return n_likelihoods, n_surface, self.components.shape[1]

    def features(self, readings: FloatArray) -> FloatArray:
        """Turn readings (n, width) into features (n, sum(group_sizes)).

        Columns beyond five deviations are cut there: a text unlike all others must not rule.
        """
        standard = (np.asarray(readings, dtype=float) - self.centre) / self.scale
        standard = np.clip(standard, -MAX_DEVIATIONS, MAX_DEVIATIONS)
        length = _length_columns(len(self.centre), self.n_likelihoods)
        standard = standard - standard[:, length] @ self.length_slopes
        n_likelihoods, n_surface = _split(len(self.centre), self.n_likelihoods)
        likelihoods, surface, hidden = np.split(standard, [n_likelihoods, n_likelihoods + n_surface], axis=1)
        return np.hstack(
            [
                likelihoods / np.sqrt(max(n_likelihoods, 1)),
                surface / np.sqrt(max(n_surface, 1)),
                hidden @ self.components,
            ]
        )


def make_basis(
    readings: FloatArray,
    *,
    n_components: int = N_COMPONENTS,
    controls_length: bool = False,
    n_likelihoods: int = 0,
) -> Basis:
    """Standardise columns and find the hidden state's principal directions.

    Args:
        readings: Of all candidates at hand, labelled or not, (n, width), n > 0.
        n_components: At most how many directions are kept.
        controls_length: Take out of every column what follows, linearly, from the answer's length.
        n_likelihoods: How many of the columns are likelihood numbers, the first ones.
    """
    numbers = np.asarray(readings, dtype=float)
    centre, scale = numbers.mean(axis=0), numbers.std(axis=0)
    scale = np.where(scale > MIN_SCALE, scale, 1.0)
    standard = (numbers - centre) / scale
    length = standard[:, _length_columns(standard.shape[1], n_likelihoods)]
    slopes = np.zeros((length.shape[1], standard.shape[1]))
    if controls_length:
        slopes = np.linalg.lstsq(length, standard, rcond=None)[0]
        standard = standard - length @ slopes
    hidden = standard[:, sum(_split(standard.shape[1], n_likelihoods)) :]
    values, vectors = np.linalg.eigh(hidden.T @ hidden / len(hidden))
    n_kept = min(n_components, hidden.shape[1], len(hidden))
    components = vectors[:, ::-1][:, :n_kept] / np.sqrt(max(values.sum(), MIN_SCALE))
    return Basis(centre, scale, slopes, components, n_likelihoods)


def _split(width: int, n_likelihoods: int) -> tuple[int, int]:
    first = min(width, n_likelihoods)
    n_surface = N_SURFACE_WITH_LIKELIHOODS if n_likelihoods else len(SURFACE_NAMES)
    return first, min(width - first, n_surface)


def _length_columns(width: int, n_likelihoods: int) -> slice:
    """Characters and words, the first two surface features; none where readings are narrower."""
    first, n_surface = _split(width, n_likelihoods)
    return slice(first, first + min(n_surface, N_LENGTH_COLUMNS))
