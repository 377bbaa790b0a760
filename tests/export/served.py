"""Tiny models as they are served: raw images in, preprocessing in the graph."""

import numpy as np
import tensorflow as tf

from keras_asym.export import export_saved_model

DTYPES = {"rgb": "uint8", "depth": "uint16"}


def dtype_of(name):
    return "uint16" if name == "depth" else "uint8"


def preprocess(name, image):
    return tf.cast(image, "float32") / (1000 if name == "depth" else 255)


def dtypes_of(model, files=True):
    """By modality name; without `files` the last one is of floats, which no file holds."""
    dtypes = {name: dtype_of(name) for name in model.modality_names}
    return dtypes if files else {**dtypes, model.modality_names[-1]: "float32"}


def raw(model, batch, height, width, seed=0, files=True):
    """Random images by modality name, as sensors store them."""
    dtypes = dtypes_of(model, files)
    generator = np.random.default_rng(seed)
    found = {}
    for name in model.modality_names:
        shape = (batch, height, width, model.network.input[name].shape[-1])
        largest = 5000 if name == "depth" else 256
        found[name] = generator.integers(0, largest, shape).astype(dtypes[name])
    return found


def export(model, base_path, files=True, **options):
    """Exports a model of `rgb`, `depth` and `normal` images.

    Without `files` there are no signatures that read them, which are half of an export's time.
    """
    return export_saved_model(model, base_path, dtypes_of(model, files), preprocess, **options)
