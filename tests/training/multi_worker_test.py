"""What multi_worker.py leans on. tests/distribution_test.py trains over two processes with it."""

import inspect

import keras
import numpy as np
from keras.src.backend.tensorflow import trainer

from keras_asym.training.multi_worker import adapt


def test_keras_is_as_the_overrides_expect():
    """Where this fails, look whether `fit` now works without them."""
    build = inspect.signature(keras.Model._maybe_symbolic_build)
    assert list(build.parameters) == ["self", "iterator", "data_batch"]
    assert "self.distribute_strategy.reduce(" in inspect.getsource(
        keras.Model._maybe_symbolic_build
    )
    assert 'strategy.reduce("MEAN", v, axis=0)' in inspect.getsource(trainer.reduce_per_replica)
    assert "self._make_function(self.train_step)" in inspect.getsource(
        keras.Model.make_train_function
    )


def test_logs_have_an_axis_to_take_the_mean_over():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    adapt(model)
    x = np.ones((4, 2), "float32")
    (logs,) = [model.train_step((x, x[:, :1]))]
    assert logs["loss"].shape == (1,)
    assert model.test_step((x, x[:, :1]))["loss"].shape == (1,)
    assert model.evaluate(x, x[:, :1], verbose=0, return_dict=True)["loss"] >= 0
