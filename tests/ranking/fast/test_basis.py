import numpy as np
import pytest

from blender_ui.ranking.fast.basis import LIKELIHOOD_NAMES, N_SURFACE_WITH_LIKELIHOODS, make_basis
from blender_ui.ranking.surface import SURFACE_NAMES

N_READ = len(SURFACE_NAMES)


def make_readings(n: int = 200, width: int = N_READ + 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width)) * np.linspace(1, 50, width) + 7


def test_each_group_has_mean_zero_and_total_variance_one():
    readings = make_readings()
    basis = make_basis(readings, n_components=30)
    features = basis.features(readings)
    assert basis.group_sizes == (0, len(SURFACE_NAMES), 30)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=0.01)
    for group in np.split(features, np.cumsum(basis.group_sizes)[1:-1], axis=1):
        assert group.var(axis=0).sum() == pytest.approx(1, rel=0.01)


def test_a_text_unlike_all_others_is_cut_at_five_deviations():
    readings = make_readings()
    basis = make_basis(readings)
    strange = readings[:1].copy()
    strange[0, 0] = 1e9
    assert basis.features(strange)[0, 0] == pytest.approx(5 / np.sqrt(len(SURFACE_NAMES)))


def test_controlled_features_say_nothing_of_length():
    readings = make_readings(n=500)
    length = np.random.default_rng(1).normal(size=500)
    readings[:, 0] = length
    readings[:, [2, 3, -1, -2]] += 40 * length[:, None]
    controlled = make_basis(readings, controls_length=True).features(readings)
    free = make_basis(readings).features(readings)
    assert np.abs(length @ controlled / 500).max() < 0.02
    assert np.abs(length @ free / 500).max() > 0.2


@pytest.mark.parametrize("width", [1, 5, 9, 12, N_READ, N_READ + 2])
def test_narrow_constant_and_single_readings_have_finite_features(width: int):
    for readings in (make_readings(n=6, width=width), np.ones((4, width)), np.ones((1, width))):
        for controls_length in (False, True):
            basis = make_basis(readings, controls_length=controls_length)
            features = basis.features(readings)
            assert features.shape == (len(readings), sum(basis.group_sizes))
            assert np.isfinite(features).all()


def test_readings_from_before_begin_with_likelihoods_and_have_fewer_surface_features():
    readings = make_readings()
    basis = make_basis(readings, n_components=30, n_likelihoods=len(LIKELIHOOD_NAMES))
    assert basis.group_sizes == (len(LIKELIHOOD_NAMES), N_SURFACE_WITH_LIKELIHOODS, 26)
    features = basis.features(readings)
    for group in np.split(features, np.cumsum(basis.group_sizes)[:-1], axis=1):
        assert group.var(axis=0).sum() == pytest.approx(1, rel=0.01)
    length = readings[:, len(LIKELIHOOD_NAMES)] - readings[:, len(LIKELIHOOD_NAMES)].mean()
    controlled = make_basis(readings, controls_length=True, n_likelihoods=len(LIKELIHOOD_NAMES))
    assert np.abs(length @ controlled.features(readings)).max() < 1e-6
