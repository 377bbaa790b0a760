"""Training on several hosts with TensorFlow.

Keras 3 does not support `tf.distribute.MultiWorkerMirroredStrategy`: its `fit` fails in two places,
and `tests/training/multi_worker_test.py` says so when Keras changes under it:

- `Model._maybe_symbolic_build` adds up the first batch over the replicas, which needs all of their
  shapes to be those of a variable; see `TensorFlowDistribution.prepare`.
- `reduce_per_replica` takes the mean of the logs over their axis 0, which scalars do not have; what
  is done about it stands here.
"""

import json
import os

from keras import ops

from keras_asym.training.distribution import TensorFlowDistribution


class MultiWorker(TensorFlowDistribution):
    """The hosts that the environment variable `TF_CONFIG` names.

    Raises:
        ValueError: If `TF_CONFIG` does not say who takes part.
    """

    def __init__(self):
        import tensorflow as tf

        config = _config()
        super().__init__(tf.distribute.MultiWorkerMirroredStrategy())
        self.hosts = len(config["cluster"]["worker"])
        self.is_chief = config["task"]["index"] == 0

    def dataset(self, make):
        return self.strategy.distribute_datasets_from_function(make)

    def prepare(self, model):
        super().prepare(model)
        adapt(model)

    def gather(self, value):
        import tensorflow as tf

        @tf.function
        def gathered(value):
            def of_replica():
                context = tf.distribute.get_replica_context()
                return context.all_gather(tf.reshape(value, (1,)), axis=0)

            return self.strategy.run(of_replica)

        found = self.strategy.experimental_local_results(gathered(tf.constant(value, "int64")))
        return sorted(set(found[0].numpy().tolist()))


def adapt(model):
    """Gives the logs of a compiled model's steps an axis that Keras can take the mean over."""
    for name in ("train_step", "test_step"):
        setattr(model, name, _with_logs_of_rank_one(getattr(type(model), name), model))
    model.train_function = model.test_function = None


def _with_logs_of_rank_one(step, model):
    def wrapped(data):
        logs = step(model, data)
        return {name: ops.reshape(value, (1,)) for name, value in logs.items()}

    return wrapped


def _config():
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text)
        if config["cluster"]["worker"] and config["task"]["type"] == "worker":
            config["task"]["index"] = int(config["task"]["index"])
            return config
    except (ValueError, KeyError, TypeError):
        pass
    example = {
        "cluster": {"worker": ["10.0.0.1:12345", "10.0.0.2:12345"]},
        "task": {"type": "worker", "index": 0},
    }
    raise ValueError(
        f"`TF_CONFIG` must name the hosts and which of them this is, such as "
        f"'{json.dumps(example)}'. Received: TF_CONFIG={text!r}"
    )
