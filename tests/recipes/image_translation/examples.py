"""A small source of aligned domains."""

import numpy as np

from recipes.data.sources import MemorySource
from recipes.image_translation.examples import TranslationExamples

MODALITIES = {
    "depth": {"channels": 1, "encoding": "log_depth", "invalid": 65535, "validity": True},
    "normal": {"channels": 3, "encoding": "uint8", "mirror_channels": (0,)},
    "edge": {"channels": 1, "encoding": "scaled", "maximum": 11584},
    "rgb": {"channels": 3, "encoding": "uint8"},
}
AUGMENTATION = {"resize": (10, 14), "size": (8, 12), "mirror": 0.5}


def examples(
    inputs=("depth", "normal"), target="rgb", modalities=MODALITIES, augmentation=AUGMENTATION
):
    return TranslationExamples(inputs, target, modalities, augmentation)


def arrays(count=5, height=16, width=24):
    generator = np.random.default_rng(0)
    depth = generator.integers(0, 9000, (count, height, width, 1)).astype("uint16")
    depth[:, 2:5, 3:9] = 65535
    return {
        "depth": depth,
        "normal": generator.integers(0, 256, (count, height, width, 3)).astype("uint8"),
        "edge": generator.integers(0, 20000, (count, height, width, 1)).astype("uint16"),
        "rgb": generator.integers(0, 256, (count, height, width, 3)).astype("uint8"),
        "id": np.array([f"room{index}" for index in range(count)]),
    }


def source(count=5, **changes):
    return MemorySource({**arrays(count), **changes})


def coordinates(height=20, width=30):
    """One example whose domains all hold their pixels' columns."""
    columns = np.broadcast_to(np.arange(width)[:, None], (height, width, 1))
    images = {"depth": columns.astype("uint16"), "edge": (columns * 100).astype("uint16")}
    for name in ("normal", "rgb"):
        images[name] = np.repeat(columns * 8, 3, axis=-1).astype("uint8")
    return images
