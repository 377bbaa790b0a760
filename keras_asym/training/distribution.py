import contextlib

import tensorflow as tf

STRATEGIES = ("none", "mirrored")


def strategy_scope(name):
    """Chooses how a training run is spread over devices.

    Args:
        name: `"none"` for one device, `"mirrored"` for all GPUs of this machine (all logical CPU
            devices if there is no GPU).

    Returns:
        Pair of a context manager, inside of which models are built and compiled, and the number of
        replicas that share a global batch.

    Raises:
        ValueError: If there is no such strategy.
    """
    if name == "none":
        return contextlib.nullcontext(), 1
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
        return strategy.scope(), strategy.num_replicas_in_sync
    raise ValueError(f"`strategy` must be one of {STRATEGIES}. Received: strategy={name!r}")


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
