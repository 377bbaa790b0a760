import numpy as np
import pytest

from keras_asym.metrics import FrechetDistance
from tests.metrics.given_features import given_features

# torch-fidelity 0.4.0 on `given_features`; fid_inception_proof_test.py computes them anew.
TORCH_FIDELITY = {
    "more_images_than_features": 1.7713175941207737,
    "fewer_images_than_features": 21.9244333288064,
}


def distance_of(real, generated, sizes=(1000,)):
    distance = FrechetDistance()
    start = 0
    while start < max(len(real), len(generated)):
        for size in sizes:
            part = slice(start, start + size)
            distance.update(real[part], generated[part])
            start += size
    return distance.result()


@pytest.mark.parametrize("sizes", [(1000,), (1, 7, 64)])
@pytest.mark.parametrize("name", TORCH_FIDELITY)
def test_figures_of_torch_fidelity(name, sizes):
    found = distance_of(*given_features(name), sizes)
    assert isinstance(found, float)
    assert found == pytest.approx(TORCH_FIDELITY[name], rel=1e-6)


def test_normal_distributions_with_a_known_distance():
    """Diagonal covariances a and b, means m and n: sum (m - n)^2 + (sqrt a - sqrt b)^2."""
    corners = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * np.sqrt(3) / 2  # covariance 1
    real = corners * [2.0, 3.0] + [1.0, 5.0]
    generated = corners * [0.5, 4.0] + [4.0, 1.0]
    assert distance_of(real, generated) == pytest.approx(3**2 + 4**2 + 1.5**2 + 1, rel=1e-12)
    assert distance_of(real, real + np.array([3.0, 0.0])) == pytest.approx(9, rel=1e-12)


def test_fewer_images_than_features_loses_no_precision():
    """Of centred features X and Y, tr (S1 S2)^(1/2) is the nuclear norm of X Y' / (n - 1)."""
    x, y = (x[:60] for x in given_features("fewer_images_than_features"))
    u, v = x - x.mean(0), y - y.mean(0)
    shared = np.linalg.svd(u @ v.T, compute_uv=False).sum()
    expected = np.sum((x.mean(0) - y.mean(0)) ** 2)
    expected += (np.sum(u**2) + np.sum(v**2) - 2 * shared) / 59
    assert distance_of(x, y, (13,)) == pytest.approx(expected, rel=1e-9)


def test_large_mean_loses_no_precision():
    x, y = given_features("more_images_than_features")
    expected = distance_of(x, y)
    assert distance_of(x + 1e5, y + 1e5, (32,)) == pytest.approx(expected, rel=1e-7)


def test_features_of_32_bits_are_computed_with_in_64():
    x, y = (x + 100 for x in given_features("more_images_than_features", "float32"))
    expected = distance_of(x.astype("float64"), y.astype("float64"))
    assert distance_of(x, y, (64,)) == pytest.approx(expected, rel=1e-10)


def test_same_features_have_no_distance():
    x = given_features("fewer_images_than_features", "float32")[0][:, :30]
    for count in range(5, 60, 5):
        scale = np.trace(np.cov(x[:count], rowvar=False))
        assert 0 <= distance_of(x[:count], x[:count], (9,)) < 1e-10 * scale
    assert distance_of(np.ones((3, 2)), np.ones((4, 2))) == 0


def test_too_few_images():
    distance = FrechetDistance()
    with pytest.raises(ValueError, match=r"at least 2 real images.* Received: 0"):
        distance.result()
    distance.update(np.ones((2, 3)), np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"at least 2 generated images.* Received: 1"):
        distance.result()
    distance.update(np.ones((0, 3)), np.ones((1, 3)))
    assert distance.result() == 0


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.ones(3), r"shape \(images, features\)\. Received: generated of shape \(3,\)"),
        (np.ones((3, 0)), "shape"),
        (np.array([["a"]]), "dtype <U1"),
        (np.ones((3, 4)), "`generated` must have 5 features"),
        (np.array([[np.nan] * 5, [1.0] * 5]), "infinity in 1 of 2 images"),
    ],
)
def test_bad_features(features, message):
    distance = FrechetDistance()
    with pytest.raises(ValueError, match=message):
        distance.update(np.ones((2, 5)), features)
    distance.update(np.ones((2, 5)), np.ones((2, 5)))
    with pytest.raises(ValueError, match="`real` must have 5 features"):
        distance.update(np.ones((2, 4)), np.ones((2, 4)))
    assert distance.result() == 0  # what was refused has left nothing behind
