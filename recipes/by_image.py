"""The file of a run with what its metrics are made of, image by image."""

import io

import numpy as np

from keras_asym.files import write_atomically

NAME = "by_image.npz"


def write_by_image(folder, by_image):
    """Keeps `{output: array (images, parts)}` in a run's folder, beside `results.json`."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **by_image)
    write_atomically(folder / NAME, buffer.getvalue())


def read_by_image(folder):
    """What `write_by_image` has kept; `{}` of a run that has not."""
    path = folder / NAME
    if not path.is_file():
        return {}
    with np.load(path) as file:
        return dict(file)
