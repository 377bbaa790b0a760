"""Trains on one device and on two replicas and prints the results; run by distribution_test.py.

The number of logical devices is fixed for a process, hence a program of its own.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_asym.fusion import ChannelExchanging
from keras_asym.networks import ENCODER_VARIABLES
from keras_asym.training.coupled_sgd import CoupledSGD
from tests.models import tiny_translator as translator
from tests.models.tiny import VOID, batch, tiny_segmenter

STEPS, BATCH = 5, 4


def data(size, void):
    x, y = batch(2, size=size, seed=size, void=0.0)
    rng = np.random.default_rng(2)
    share = np.resize(void, size)[:, None, None]  # of void pixels, by example
    y[rng.uniform(size=y.shape) < share] = VOID
    return x, y


def train(strategy, loss):
    """History, evaluation and weights after `STEPS` global batches."""
    x, y = data(STEPS * BATCH, [0.95, 0.6, 0.1, 0.0])  # the first replica sees mostly void
    with strategy.scope():
        fusion = ChannelExchanging(l1=0.1)
        model = tiny_segmenter(2, fusion, synchronized=True)
        rates = {ENCODER_VARIABLES: CoupledSGD(0.05, 0.9, 1e-3)}
        optimizer = keras.optimizers.OptimizerMap(CoupledSGD(0.1, 0.9, 1e-3), rates)
        if loss == "keras":
            loss = keras.losses.SparseCategoricalCrossentropy(True, ignore_class=VOID)
        else:
            loss = None
        model.compile(keras.optimizers.MultiOptimizer(optimizer), loss=loss)
    history = model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0).history
    x, y = data(2 * BATCH + 2, [0.9, 0.2, 0.5])  # the last batch is smaller
    return {
        "fit": {key: values[0] for key, values in history.items()},
        "evaluate": model.evaluate(x, y, batch_size=BATCH, verbose=0, return_dict=True),
        "weights": {v.path: v.numpy().tolist() for v in model.weights},
        "matrix": model.confusion[-1].matrix.numpy().tolist(),
        "jit_compile": model.jit_compile,
    }


def train_translator(strategy):
    """History, evaluation and weights of a Translator after `STEPS` global batches."""
    x, y = translator.batch(2, size=STEPS * BATCH)
    with strategy.scope():
        fusion = ChannelExchanging(threshold=1e-2, l1=0.1, sites=r"down\d+_norm$")
        model = translator.tiny_translator(2, fusion)
        model.compile(keras.optimizers.SGD(1e-3, 0.9), keras.optimizers.SGD(1e-2, 0.9))
    history = model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0).history
    x, y = translator.batch(2, size=2 * BATCH + 2, seed=3)
    return {
        "fit": {key: values[0] for key, values in history.items()},
        "evaluate": model.evaluate(x, y, batch_size=BATCH, verbose=0, return_dict=True),
        "weights": {v.path: v.numpy().tolist() for v in model.weights},
        "jit_compile": model.jit_compile,
    }


def main(loss):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategies = {
        "one": tf.distribute.get_strategy(),
        "two": tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]),
    }
    assert strategies["two"].num_replicas_in_sync == 2
    results = {}
    for name, strategy in strategies.items():
        keras.utils.clear_session()
        results[name] = train_translator(strategy) if loss == "gan" else train(strategy, loss)
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
