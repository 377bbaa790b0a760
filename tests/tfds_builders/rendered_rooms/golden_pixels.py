"""Writes the pixels that the present version of the renderer gives.

    python -m tests.tfds_builders.rendered_rooms.golden_pixels

Do this when `Builder.VERSION` of `rendered_rooms` was raised, and only then: under one version a
data set that was built before and one that is built after must be equal.
"""

import pathlib

import numpy as np

from tfds_builders.rendered_rooms import CLASS_NAMES, render
from tfds_builders.rendered_rooms.rendered_rooms_dataset_builder import Builder

PATH = pathlib.Path(__file__).with_name("golden_pixels.npz")
SEEDS, WIDTH, HEIGHT = range(24), 80, 60
_NUMBER = 80  # of pixels of a kind


def kinds(frame):
    """Kinds of pixels, so that a change of any is seen: `{name: (height, width) bool}`.

    Pixels of a class are taken from within it, where last bits of floats do not move its edge.
    """
    label = frame["label"][..., 0]
    inside = np.zeros(label.shape, bool)
    inside[1:-1, 1:-1] = True
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        inside &= label == np.roll(label, step, axis)
    masks = {name: inside & (label == i) for i, name in enumerate(CLASS_NAMES)}
    masks["edge"] = frame["edge_occlusion"][..., 0] > 500
    masks["hole"] = frame["depth"][..., 0] == 0
    return masks


def main():
    frames = [render(seed, WIDTH, HEIGHT) for seed in SEEDS]
    masks = [kinds(frame) for frame in frames]
    rng = np.random.default_rng(0)
    places, names = [], []
    for kind in masks[0]:
        found = np.argwhere(np.stack([mask[kind] for mask in masks]))
        places.append(rng.choice(found, _NUMBER, replace=False))
        names += [kind] * _NUMBER
    places = np.concatenate(places)
    seed, y, x = places.T
    values = {
        f"domain_{name}": np.stack([f[name] for f in frames])[seed, y, x] for name in frames[0]
    }
    np.savez_compressed(
        PATH, version=str(Builder.VERSION), kind=names, places=places.astype(np.uint8), **values
    )
    print(f"{PATH}: {len(places)} pixels of version {Builder.VERSION}")


if __name__ == "__main__":
    main()
