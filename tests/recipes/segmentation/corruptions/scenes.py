"""Small raw images with what corruptions act on: edges, texture, distance, holes, motion."""

import numpy as np

from recipes.segmentation.corruptions import Sensor

HEIGHT, WIDTH, FRAMES = 48, 64, 12

SENSORS = {
    "depth": Sensor("depth", "depth", 1000.0, 0),
    "rgb": Sensor("rgb", "rgb", 255.0),
    "generic": Sensor("thermal", "generic", 300.0, 0),
}


def frames(kind, dtype=None):
    """Frames of a scene in which something moves at an even pace."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    texture = rng.random((HEIGHT, WIDTH, 3))
    found = []
    for index in range(FRAMES):
        box = (np.abs(y - 24) < 12) & (np.abs(x - 8 - 3 * index) < 9)
        if kind == "depth":
            image = np.where(box, 1.4, 2.0 + 0.03 * y)[..., None] + 0.002 * texture[..., :1]
            image = np.rint(1000 * image)
            image[:3, :5] = 0
        elif kind == "rgb":
            wall = np.stack([x / WIDTH, y / HEIGHT, 0.4 + 0 * x], -1)
            image = np.where(box[..., None], (0.9, 0.5, 0.2), 0.2 + 0.5 * wall)
            image = np.rint(255 * np.clip(image + 0.15 * (texture - 0.5), 0, 1))
        else:
            image = np.where(box, 30300, 29300 + 4 * y)[..., None] + np.rint(60 * texture[..., :1])
            image[:3, :5] = 0
        found.append(image.astype(dtype or {"rgb": "uint8"}.get(kind, "uint16")))
    return found
