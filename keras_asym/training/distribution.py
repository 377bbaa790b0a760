import contextlib

import keras

from keras_asym.keras_internals import replace_symbolic_build


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

    def prepare(self, model):
        """Keras builds a model from the first batch added up over the replicas, which is no way to
        take booleans, such as `"present"`: the batch of the first local replica serves as well."""

        def of_one_replica(build):
            def symbolic_build(iterator=None, data_batch=None):
                if iterator is not None:
                    for _, _, batches in iterator:
                        data_batch = keras.tree.map_structure(self._first_of, next(batches))
                        break
                build(data_batch=data_batch)

            return symbolic_build

        replace_symbolic_build(model, of_one_replica)

    def _first_of(self, value):
        return self.strategy.experimental_local_results(value)[0]


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
