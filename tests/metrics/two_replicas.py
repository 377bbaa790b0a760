"""Figures of confidence on two logical devices; run by pixel_metric_test.py.

Prints `{"one": {name: figure}, "two": ...}`: those of one device, and those of two replicas of
which the first one's pixels are nearly all void.
"""

import json

import numpy as np
import tensorflow as tf

from tests.metrics.pixel_figures import METRICS, example


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    labels, logits = example(0, 4)
    labels[:2] = 255
    labels[0, 0, 0] = 1

    one = [metric_class() for metric_class in METRICS]
    for metric in one:
        metric.update_state(labels, logits)

    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        two = [metric_class() for metric_class in METRICS]

    def value_of(array):
        def half(context):
            start = 2 * context.replica_id_in_sync_group
            return tf.constant(array[start : start + 2])

        return strategy.experimental_distribute_values_from_function(half)

    @tf.function
    def run(labels, logits):
        for metric in two:
            strategy.run(metric.update_state, args=(labels, logits))

    run(value_of(labels), value_of(logits))
    results = {"one": one, "two": two}
    print(
        json.dumps(
            {k: {m.name: float(np.array(m.result())) for m in v} for k, v in results.items()}
        )
    )


if __name__ == "__main__":
    main()
