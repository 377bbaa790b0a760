"""Training on several devices and hosts with JAX."""

import os

import keras

from keras_asym.training.distribution import Distribution

VARIABLES = ("KERAS_DISTRIBUTION_JOB_ADDRESSES", "KERAS_DISTRIBUTION_NUM_PROCESSES")


class DataParallel(Distribution):
    """All devices of JAX, over `keras.distribution.DataParallel`.

    Where one of the environment variables `KERAS_DISTRIBUTION_JOB_ADDRESSES` and
    `KERAS_DISTRIBUTION_NUM_PROCESSES` is set, other processes take part (`jax.distributed`). On a
    pod of TPUs set the latter alone: its runtime knows the rest.
    """

    def __init__(self):
        if any(os.environ.get(name) for name in VARIABLES):
            keras.distribution.initialize()
        import jax

        # Every process makes its own part of a global batch.
        self.distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
        self.replicas = jax.device_count()
        self.hosts = jax.process_count()
        self.process = jax.process_index()
        self.is_chief = self.process == 0

    def scope(self):
        return self.distribution.scope()

    def dataset(self, make):
        if self.hosts == 1:
            return make(None)
        import tensorflow as tf

        # On each host, Keras spreads one batch over the devices.
        return make(tf.distribute.InputContext(self.hosts, self.process, self.hosts))

    def gather(self, value):
        if self.hosts == 1:
            return [value]
        from jax.experimental import multihost_utils

        found = multihost_utils.process_allgather(value)
        return sorted({int(x) for x in found})


def leave_devices_to_jax():
    """Keeps TensorFlow, which reads the data, from taking memory of a GPU."""
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
