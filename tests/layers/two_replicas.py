"""Synchronized statistics on two logical devices; run by modality_batch_normalization_test.py.

Prints what the layer gives for a batch of which each replica has one half, with its moving
statistics, and the same of one device: `{"one": [...], "two": [...]}`. The number of devices is
fixed for a process, hence a program of its own.
"""

import json

import numpy as np
import tensorflow as tf

from keras_asym.layers import ModalityBatchNormalization
from tests.helpers import arrays, images, randomize

# The first replica has more of modality 0, only the second one has modality 2, nobody modality 1.
PRESENCE = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 1], [0, 0, 1]], bool)
HALF = len(PRESENCE) // 2


def layer():
    made = ModalityBatchNormalization(3, momentum=0.8, synchronized=True)
    made.build((None, 2, 3, 4))
    return randomize(made)


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    x = images(len(PRESENCE), 3, 2, 3, 4)
    weights = images(*x.shape, seed=1)

    def step(norm, x, presence, weights):
        """Outputs, and gradients of their weighed sum with respect to the inputs."""
        x = tf.reshape(x, (-1, 2, 3, 4))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = norm(x, training=True, presence=presence)
            present = tf.reshape(presence, (-1, 1, 1, 1))
            loss = tf.reduce_sum(tf.where(present, y, 0.0) * tf.reshape(weights, tf.shape(x)))
        return tf.where(present, y, 0.0), tape.gradient(loss, x)

    one = layer()
    results = {"one": [*step(one, x, PRESENCE, weights), *one.non_trainable_variables]}

    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        two = layer()

    def value_of(array):
        def half(context):
            start = HALF * context.replica_id_in_sync_group
            return tf.constant(array[start : start + HALF])

        return strategy.experimental_distribute_values_from_function(half)

    @tf.function
    def run(*values):
        return strategy.run(lambda *values: step(two, *values), args=values)

    outputs = run(value_of(x), value_of(PRESENCE), value_of(weights))
    joined = [tf.concat(strategy.experimental_local_results(value), 0) for value in outputs]
    results["two"] = [*joined, *two.non_trainable_variables]
    print(json.dumps({name: [a.tolist() for a in arrays(x)] for name, x in results.items()}))


if __name__ == "__main__":
    main()
