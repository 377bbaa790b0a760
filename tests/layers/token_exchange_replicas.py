"""Token exchange on two logical devices; run by token_exchange_test.py.

Trains two residual branches, of which one penalizes the sum of its scores and one their mean, with
sensors that fail on the first replica alone. Prints the logs and the weights of two steps on one
device and on two, `{"one": {"loss": ..., "weights": {path: array}}, "two": ...}`. The number of
devices is fixed for a process, hence a program of its own.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from keras_asym.fusion import TokenExchanging
from keras_asym.keras_internals import sublayers
from keras_asym.layers import TokenExchange, TokenScores
from keras_asym.models import Segmenter
from keras_asym.training import Distribution, choose_distribution
from tests.fusion.examples import branches
from tests.models.tiny import batch

PRESENT = np.array([[True, False], [False, True], [True, True], [True, True]])
STEPS = 2


def train(distribution):
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    with distribution.scope():
        model = Segmenter(
            branches(), {"rgb": 3, "depth": 1}, TokenExchanging(0.5, l1=1.0, sites="proj")
        )
        first, second = (x for x in sublayers(model.network) if isinstance(x, TokenExchange))
        first.l1, first.reduction, second.l1 = 1e-3, "sum", 1.0
        for layer in sublayers(model.network):
            if isinstance(layer, TokenScores):  # scores far from the threshold, on both sides
                layer.kernels[0].assign(30 * np.array(layer.kernels[0]))
                layer.kernels[-1].assign(100 * np.array(layer.kernels[-1]))
        model.compile(keras.optimizers.SGD(0.1))
        distribution.prepare(model)  # with which it takes booleans
        x, y = batch(2, size=len(PRESENT) * STEPS)
        x["present"] = np.tile(PRESENT, (STEPS, 1))
        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(len(PRESENT))
        history = model.fit(distribution.dataset(lambda context: data), verbose=0).history
    return {
        **{key: float(values[0]) for key, values in history.items()},
        "weights": {v.path: np.array(v).tolist() for v in model.weights},
    }


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    two = train(choose_distribution("mirrored"))
    print(json.dumps({"one": train(Distribution()), "two": two}))


if __name__ == "__main__":
    main()
