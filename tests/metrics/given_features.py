"""Sets of features whose distances torch-fidelity has given; see frechet_distance_test.py."""

import numpy as np

SETS = ("more_images_than_features", "fewer_images_than_features", "2048_features")
_SIZES = {
    "more_images_than_features": (500, 400, 64),
    "fewer_images_than_features": (60, 80, 200),
    "2048_features": (300, 300, 2048),
}


def given_features(name, dtype="float64"):
    """Features like those of a network: not negative, correlated, of uneven scale."""
    real, generated, width = _SIZES[name]
    rng = np.random.default_rng(len(name))
    mixing = rng.standard_normal((width, width)) / np.sqrt(width)
    scale = rng.gamma(1.0, 0.5, width)
    sets = []
    for count, shift in ((real, 0.0), (generated, 0.3)):
        hidden = rng.standard_normal((count, width)) @ mixing + shift
        sets.append((np.maximum(hidden, 0) * scale).astype(dtype))
    return sets
