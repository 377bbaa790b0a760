"""Trains with random presence, void spread unevenly; run by random_presence_test.py.

    python -m tests.models.random_presence_run PROGRAM

Prints the weights, as lists: "replicas" those of one device and of two, by Keras' backend; "told"
those after a step that is told which modalities each example has. The number of logical devices is
fixed for a process, hence a program of its own.
"""

import json
import sys

import keras
import numpy as np

from keras_asym.fusion import ChannelExchanging, UnsharedNetworks
from keras_asym.training import Distribution, choose_distribution
from tests.helpers import ON_JAX, arrays
from tests.models import tiny
from tests.models.tiny import VOID, tiny_segmenter

BATCH, STEPS = 4, 3
SHARES = (0.95, 0.6, 0.1, 0.0)  # of void pixels, by example
PRESENT = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 1], [0, 0, 1]], "bool")


def data(steps):
    x, y = tiny.batch(3, size=steps * BATCH, void=0.0)
    rng = np.random.default_rng(2)
    y[rng.uniform(size=y.shape) < np.resize(SHARES, len(y))[:, None, None]] = VOID
    return x, y


def segmenter(modality_dropout="uniform", distillation=0.5, fusion=None, **kwargs):
    keras.utils.set_random_seed(0)
    kwargs |= {"modality_dropout": modality_dropout, "distillation": distillation}
    fusion = ChannelExchanging(l1=0.1) if fusion is None else fusion
    return tiny_segmenter(3, fusion, ensemble="pixel", **kwargs)


def told():
    """Weights after one step."""
    model = segmenter(0.0, 0.0)
    model.compile(keras.optimizers.SGD(0.1, 0.9), jit_compile=ON_JAX)
    x, y = data(1)
    model.train_on_batch({**x, "present": PRESENT}, y)
    return arrays(model.weights)


def trained(distribution, **kwargs):
    """Weights after some steps on global batches, of which the replicas have a part each."""
    keras.utils.clear_session()
    with distribution.scope():
        model = segmenter(synchronized=None if ON_JAX else True, **kwargs)
        model.compile(keras.optimizers.SGD(0.1, 0.9), jit_compile=ON_JAX)
    distribution.prepare(model)

    def batches(context):
        import tensorflow as tf

        return tf.data.Dataset.from_tensor_slices(data(STEPS)).batch(BATCH)

    model.fit(distribution.dataset(batches), shuffle=False, verbose=0)
    return arrays(model.weights)


def replicas():
    if ON_JAX:
        strategy = "data_parallel"
    else:
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
        strategy = "mirrored"
    many = choose_distribution(strategy)
    assert many.replicas == 2
    of_ensemble = {"distillation": 0.0, "fusion": UnsharedNetworks()}
    return [
        trained(Distribution()) + trained(Distribution(), **of_ensemble),
        trained(many) + trained(many, **of_ensemble),
    ]


if __name__ == "__main__":
    found = {"told": told, "replicas": replicas}[sys.argv[1]]()
    print(json.dumps(keras.tree.map_structure(lambda x: x.tolist(), found)))
