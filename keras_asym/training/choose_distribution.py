"""The choice of how a training run is spread over devices."""

import keras

from keras_asym.training.data_parallel import DataParallel, leave_devices_to_jax
from keras_asym.training.distribution import Distribution, TensorFlowDistribution
from keras_asym.training.multi_worker import MultiWorker

STRATEGIES = ("none", "mirrored", "multi_worker", "tpu", "data_parallel")


def choose_distribution(name):
    """Chooses how a training run is spread over devices. Call it before anything else of Keras.

    Args:
        name: `"none"` for one device. On the TensorFlow backend `"mirrored"` for all GPUs of this
            machine (all logical CPU devices if there is no GPU), `"multi_worker"` for the hosts of
            `TF_CONFIG`, `"tpu"` for the TPU of this machine. On the JAX backend `"data_parallel"`
            for all devices, those of other hosts included where `KERAS_DISTRIBUTION_...` or a TPU
            runtime names them.

    Returns:
        A `Distribution`.

    Raises:
        ValueError: If there is no such strategy, or not on this backend.
    """
    if name not in STRATEGIES:
        raise ValueError(f"`strategy` must be one of {STRATEGIES}. Received: strategy={name!r}")
    backend = keras.backend.backend()
    if name != "none" and (name == "data_parallel") != (backend == "jax"):
        needed = "jax" if name == "data_parallel" else "tensorflow"
        raise ValueError(
            f"`strategy={name}` must be used with KERAS_BACKEND={needed}. "
            f"Received: KERAS_BACKEND={backend}"
        )
    if backend == "jax":
        leave_devices_to_jax()
        return Distribution() if name == "none" else DataParallel()
    if name == "none":
        return Distribution()
    if name == "multi_worker":
        return MultiWorker()
    import tensorflow as tf

    if name == "tpu":
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(tpu="local")
        return TensorFlowDistribution(tf.distribute.TPUStrategy(resolver))
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return TensorFlowDistribution(
        tf.distribute.MirroredStrategy([device.name for device in devices])
    )
