"""Tiny models as they are served: raw images in, preprocessing in the graph."""

import numpy as np
import tensorflow as tf

from keras_asym.export import export_saved_model

DTYPES = {"rgb": "uint8", "depth": "uint16"}


def dtype_of(name):
    return "uint16" if name == "depth" else "uint8"


def preprocess(name, image):
    return tf.cast(image, "float32") / (1000 if name == "depth" else 255)


def raw(model, batch, height, width, seed=0):
    """Random images by modality name, as sensors store them."""
    generator = np.random.default_rng(seed)
    found = {}
    for name in model.modality_names:
        shape = (batch, height, width, model.network.input[name].shape[-1])
        largest = 5000 if name == "depth" else 256
        found[name] = generator.integers(0, largest, shape).astype(dtype_of(name))
    return found


def export(model, base_path, **options):
    """Exports a model of `rgb`, `depth` and `normal` images."""
    dtypes = {name: dtype_of(name) for name in model.modality_names}
    return export_saved_model(model, base_path, dtypes, preprocess, **options)
