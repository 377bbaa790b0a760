"""Trains on one device and on several and prints the results; run by distribution_test.py.

    python -m tests.distribution_run STRATEGY [LOSS [DEVICES [MODELS]]]

STRATEGY is one of `keras_asym.training.STRATEGIES`, or "xla": one device whose step XLA compiles.
MODELS are "segmenter", "translator", or both by default; of the loss "keras" the segmenter alone.
The number of logical devices is fixed for a process, hence a program of its own.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_asym.fusion import ChannelExchanging
from keras_asym.losses import ValidPixelCrossentropy
from keras_asym.networks import ENCODER_VARIABLES
from keras_asym.training import CoupledSGD, Distribution, choose_distribution
from tests.models import tiny_translator as translator
from tests.models.tiny import VOID, batch, tiny_segmenter

STEPS, BATCH = 3, 4


def data(size, void):
    x, y = batch(2, size=size, seed=size, void=0.0)
    rng = np.random.default_rng(2)
    share = np.resize(void, size)[:, None, None]  # of void pixels, by example
    y[rng.uniform(size=y.shape) < share] = VOID
    return x, y


def batches(arrays, distribution):
    """Global batches, or this host's share of them."""

    def make(context):
        dataset = tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH)
        if context is None:
            return dataset
        share = BATCH // context.num_input_pipelines
        first = share * context.input_pipeline_id
        return dataset.map(
            lambda *batch: tf.nest.map_structure(lambda x: x[first : first + share], batch)
        )

    return distribution.dataset(make)


def fit_and_evaluate(model, distribution, train, test):
    distribution.prepare(model)
    history = model.fit(batches(train, distribution), shuffle=False, verbose=0).history
    values = model.evaluate(batches(test, distribution), verbose=0, return_dict=True)
    return {
        "fit": {key: float(values[0]) for key, values in history.items()},
        "evaluate": {key: float(value) for key, value in values.items()},
        "weights": {v.path: ops.convert_to_numpy(v).tolist() for v in model.weights},
        "jit_compile": model.jit_compile,
    }


def train_segmenter(distribution, loss, jit_compile, size):
    """Logs, evaluation and weights after `STEPS` global batches."""
    jax = keras.backend.backend() == "jax"
    with distribution.scope():
        fusion = ChannelExchanging(l1=0.1)
        model = tiny_segmenter(2, fusion, synchronized=None if jax else True, ensemble="pixel")
        rates = {ENCODER_VARIABLES: CoupledSGD(0.05, 0.9, 1e-3)}
        optimizer = keras.optimizers.OptimizerMap(CoupledSGD(0.1, 0.9, 1e-3), rates)
        if loss == "keras":
            loss = keras.losses.SparseCategoricalCrossentropy(True, ignore_class=VOID)
        else:
            # Weighted and not, so that each way of dividing is compared.
            weights = [0.1, 4.0, 0.0, 1.0, 0.5]
            weighted = ValidPixelCrossentropy(class_weights=weights)
            regions = ValidPixelCrossentropy(VOID, weights, focal_gamma=2.0, dice_weight=0.5)
            loss = {"rgb": ValidPixelCrossentropy(), "depth": weighted, "ensemble": regions}
        model.compile(keras.optimizers.MultiOptimizer(optimizer), loss, jit_compile)
        # The first replica sees mostly void.
        train = data(STEPS * BATCH, [0.95, 0.6, 0.1, 0.0])
        test = data(size, [0.9, 0.2, 0.5])
        results = fit_and_evaluate(model, distribution, train, test)
        matrix = ops.convert_to_numpy(model.confusion[-1].matrix)
    return {**results, "matrix": matrix.tolist()}


def train_translator(distribution, jit_compile, size):
    """Logs, evaluation and weights of a Translator after `STEPS` global batches."""
    with distribution.scope():
        fusion = ChannelExchanging(threshold=1e-2, l1=0.1, sites=r"down\d+_norm$")
        model = translator.tiny_translator(2, fusion)
        optimizers = keras.optimizers.SGD(1e-3, 0.9), keras.optimizers.SGD(1e-2, 0.9)
        model.compile(*optimizers, jit_compile=jit_compile)
        train = translator.batch(2, size=STEPS * BATCH)
        test = translator.batch(2, size=size, seed=3)
        return fit_and_evaluate(model, distribution, train, test)


def main(strategy, loss="ours", devices="2", models="segmenter,translator"):
    if strategy == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * int(devices)
        tf.config.set_logical_device_configuration(cpu, parts)
    distribution = choose_distribution("none" if strategy == "xla" else strategy)
    # The last batch is smaller where each replica still has an example.
    size = 2 * BATCH + (2 if distribution.replicas <= 2 and distribution.hosts == 1 else 0)
    places = {"many": (distribution, strategy == "xla" or "auto")}
    if distribution.is_chief:
        # XLA takes long and is compared with the plain step by "xla" alone.
        jax = keras.backend.backend() == "jax"
        places["one"] = Distribution(), "auto" if jax else False
    results = {"replicas": distribution.replicas}
    for name, (place, jit_compile) in places.items():
        results[name] = {}
        if "segmenter" in models:
            keras.utils.clear_session()
            results[name]["segmenter"] = train_segmenter(place, loss, jit_compile, size)
        if "translator" in models and loss == "ours":
            keras.utils.clear_session()
            results[name]["translator"] = train_translator(place, jit_compile, size)
    distribution.gather(0)
    print(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
