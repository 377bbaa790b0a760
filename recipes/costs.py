"""What one image costs a trained model: parameters, multiply-accumulates, milliseconds."""

import importlib.metadata
import math
import os
import statistics
import time

import keras
import tensorflow as tf

from keras_asym.profile.counts import count_macs
from recipes.data.batches import evaluation_batches

WARM_UP = 3
REPETITIONS = 20


def measure(task, model, source):
    """The cost of one image of a split, as an evaluation hands it to the model.

    Args:
        task: `recipes.task.Task` of the model.
        model: The trained model.
        source: `recipes.data.sources.Source` of the split; its first example gives the size.

    Returns:
        `dict` for `results.json`: `trainable_parameters` of the network that answers (a
        discriminator is not counted); `macs` of the ensemble's answer, `None` on JAX, whose graphs
        are not counted; `milliseconds`, the median of `repetitions` predictions of a batch of one
        after `WARM_UP` others, the way to the device and back included; `size`, height and width;
        `device`.
    """
    batch = next(evaluation_batches(source, task.examples, 1).as_numpy_iterator())
    images = {name: batch[0][name] for name in model.modality_names}
    size = [int(side) for side in next(iter(images.values())).shape[1:3]]
    weights = model.network.trainable_weights
    counted = keras.backend.backend() == "tensorflow"
    for _ in range(WARM_UP):
        model.predict_on_batch(images)
    seconds = [_seconds(model, images) for _ in range(REPETITIONS)]
    return {
        "trainable_parameters": sum(math.prod(weight.shape) for weight in weights),
        "macs": count_macs(model, *size).total if counted else None,
        "milliseconds": 1e3 * statistics.median(seconds),
        "repetitions": REPETITIONS,
        "size": size,
        "device": device(),
    }


def _seconds(model, images):
    begin = time.perf_counter()
    model.predict_on_batch(images)
    return time.perf_counter() - begin


def machine():
    """What trained a model, in words: backend, its version and the device."""
    backend = keras.backend.backend()
    version = tf.__version__ if backend == "tensorflow" else importlib.metadata.version(backend)
    return f"{backend} {version}, Keras {keras.__version__}, {device()}"


def device():
    """The device that predicts, in words."""
    if keras.backend.backend() == "jax":
        import jax

        kind = jax.devices()[0].device_kind
        return _processor() if kind == "cpu" else kind
    found = tf.config.list_physical_devices("GPU")
    if not found:
        return _processor()
    details = tf.config.experimental.get_device_details(found[0])
    return details.get("device_name", "GPU")


def _processor():
    return f"CPU with {os.cpu_count()} cores"
