import contextlib

import keras

STRATEGIES = ("none", "mirrored", "multi_worker", "tpu", "data_parallel")


class Distribution:
    """How a training run is spread over devices and hosts; this one uses a single device.

    Attributes:
        replicas: Number of devices that share a global batch.
        hosts: Number of processes that take part.
        is_chief: Whether this process writes the files of the run.
        accumulates: Whether Keras' optimizers can accumulate gradients here; under
            `tf.distribute` they cannot (`merge_call` inside of a condition).
    """

    replicas = 1
    hosts = 1
    is_chief = True
    accumulates = True

    def scope(self):
        """Context manager, inside of which models are built, compiled and trained."""
        return contextlib.nullcontext()

    def dataset(self, make):
        """The batches of this process.

        Args:
            make: Function of a `tf.distribute.InputContext`, or of `None` for global batches, to a
                `tf.data.Dataset`.
        """
        return make(None)

    def prepare(self, model):
        """What a compiled model needs before `fit`."""

    def gather(self, value):
        """An integer of each process; returns when all have come here."""
        return [value]

    def chief_first(self, function):
        """Calls a function on the chief, and on the others when the chief is through."""
        if not self.is_chief:
            self.gather(0)
        result = function()
        if self.is_chief:
            self.gather(0)
        return result


class TensorFlowDistribution(Distribution):
    """A `tf.distribute.Strategy` of this process alone.

    Args:
        strategy: The strategy.
    """

    accumulates = False

    def __init__(self, strategy):
        self.strategy = strategy
        self.replicas = strategy.num_replicas_in_sync

    def scope(self):
        return self.strategy.scope()


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
        from keras_asym.training.data_parallel import DataParallel, leave_devices_to_jax

        leave_devices_to_jax()
        return Distribution() if name == "none" else DataParallel()
    if name == "none":
        return Distribution()
    if name == "multi_worker":
        from keras_asym.training.multi_worker import MultiWorker

        return MultiWorker()
    import tensorflow as tf

    if name == "tpu":
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(tpu="local")
        return TensorFlowDistribution(tf.distribute.TPUStrategy(resolver))
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return TensorFlowDistribution(
        tf.distribute.MirroredStrategy([device.name for device in devices])
    )


def per_replica_batch_size(batch_size, replicas):
    """Examples of a global batch on each replica.

    Raises:
        ValueError: If the global batch cannot be shared evenly.
    """
    if batch_size % replicas:
        raise ValueError(
            f"`batch_size` is the global batch size and must be a multiple of the {replicas} "
            f"replicas. Received: batch_size={batch_size}"
        )
    return batch_size // replicas
