import numpy as np
import pytest

from keras_asym.metrics import KernelDistance
from tests.metrics.given_features import given_features

# torch-fidelity 0.4.0 on `given_features`, 20 subsets of 50: mean and standard deviation.
TORCH_FIDELITY = {
    "more_images_than_features": (0.07315831758454727, 0.024772426139548134),
    "fewer_images_than_features": (0.04916579477643899, 0.006329332475889699),
}


def figures(real, generated, **kwargs):
    distance = KernelDistance(**kwargs)
    distance.update(real, generated)
    return distance.result()


@pytest.mark.parametrize("name", TORCH_FIDELITY)
def test_figures_of_torch_fidelity(name):
    distance = KernelDistance(subsets=20, subset_size=50)
    real, generated = given_features(name)
    distance.update(real[:7], generated[:30])
    distance.update(real[7:], generated[30:])
    result = distance.result()
    mean, deviation = TORCH_FIDELITY[name]
    assert result["mean"] == pytest.approx(mean, rel=1e-6)
    assert result["standard_deviation"] == pytest.approx(deviation, rel=1e-6)
    assert result["standard_error"] == pytest.approx(deviation / np.sqrt(20), rel=1e-6)


def test_unbiased_estimate_pair_by_pair():
    """One subset that is the whole set: means over pairs, no image with itself."""
    x, y = (x[:6, :5] for x in given_features("fewer_images_than_features"))

    def mean(a, b, same):
        pairs = [(i, j) for i in range(6) for j in range(6) if not (same and i == j)]
        return np.mean([(a[i] @ b[j] / 5 + 1) ** 3 for i, j in pairs])

    expected = mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)
    result = figures(x, y, subsets=3, subset_size=6)
    assert result["mean"] == pytest.approx(expected, rel=1e-12)
    assert result["standard_deviation"] < 1e-12 and np.isnan(result["standard_error"])


def test_is_unbiased():
    """Of two samples of one distribution the mean over many subsets is within its error of 0."""
    rng = np.random.default_rng(0)
    values = [
        figures(*rng.standard_normal((2, 20, 3)), subsets=1, subset_size=20)["mean"]
        for _ in range(300)
    ]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(300)
    assert np.min(values) < 0 < np.max(values)


def test_seed_decides_the_subsets():
    x, y = given_features("fewer_images_than_features", "float32")
    first, again, other = (
        figures(x, y, subsets=5, subset_size=10, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again and first["mean"] != other["mean"]
    # 32-bit features are computed with in 64 bits.
    wide = figures(x.astype("float64"), y.astype("float64"), subsets=5, subset_size=10, seed=1)
    assert wide == first


def test_fewer_images_than_a_subset():
    distance = KernelDistance(subset_size=5)
    distance.update(np.ones((6, 2)), np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"subset_size=5 with 6 real and 4 generated .* smaller"):
        distance.result()
    distance.update(np.ones((0, 2)), np.ones((1, 2)))
    assert distance.result()["mean"] == 0
    with pytest.raises(ValueError, match="subset_size=1000 with 0 real"):
        KernelDistance().result()


@pytest.mark.parametrize(
    "argument", [{"subsets": 0}, {"subset_size": 1}, {"subset_size": 50.0}, {"subsets": None}]
)
def test_bad_arguments(argument):
    ((name, value),) = argument.items()
    with pytest.raises(ValueError, match=f"`{name}` must .* Received: {name}={value}"):
        KernelDistance(**argument)


def test_bad_features():
    distance = KernelDistance()
    with pytest.raises(ValueError, match="`generated` must have 3 features"):
        distance.update(np.ones((2, 3)), np.ones((2, 4)))
    distance.update(np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="`real` must have 3 features"):
        distance.update(np.ones((2, 4)), np.ones((2, 4)))
