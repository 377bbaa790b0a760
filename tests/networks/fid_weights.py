"""The FID literature's Inception: its parameter names, and weights made from the names."""

import re

import numpy as np

from tests.weights.published import generator

_WEIGHTS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def published_name(layer):
    """`Mixed_5b_branch5x5_1_conv` -> `Mixed_5b.branch5x5_1.conv`."""
    return re.sub(r"_(conv|bn|relu)$", r".\1", layer.replace("_branch", ".branch"))


def shapes(network):
    """`{published name: shape in PyTorch's layout}` of a `FIDInception`."""
    axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}
    return {
        f"{published_name(layer.name)}.{_WEIGHTS[weight.name]}": tuple(
            weight.shape[axis] for axis in axes[len(weight.shape)]
        )
        for layer in network.layers
        for weight in layer.weights
    }


def state_dict(shapes):
    """Weights under which no layer's output grows or dies out."""
    return {name: _values(name, shape) for name, shape in shapes.items()}


def _values(name, shape):
    rng = generator(name)
    if len(shape) > 1:
        values = rng.standard_normal(shape, "float32") * np.sqrt(2 / np.prod(shape[1:]))
    elif name.endswith(("running_var", "bn.weight")):
        values = rng.uniform(0.5, 1.5, shape)
    else:
        values = rng.normal(0.0, 0.1, shape)
    return values.astype("float32")


def image():
    """One photograph-like image `(1, 61, 83, 3)`, uint8: smooth, with noise."""
    rng = np.random.default_rng(0)
    y, x, c = np.mgrid[:61, :83, :3]
    waves = 100 * np.sin(y / 9 + c) * np.cos(x / 7 - c) + 128
    return np.clip(waves + rng.normal(0, 20, waves.shape), 0, 255).astype("uint8")[None]


def sample(values, count=48):
    """About `count` values from all over an array, borders and channels alike."""
    flat = np.asarray(values).reshape(-1)
    step = max(len(flat) // count, 1)
    return flat[:: step + (step % 2 == 0)]
