import keras
import numpy as np
import pytest

from keras_asym.training import LearningRates


def logs_of(optimizer):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
    model.compile(optimizer, "mse", jit_compile=False)
    x, y = np.ones((4, 3), "float32"), np.ones((4, 2), "float32")
    callbacks = [LearningRates(), keras.callbacks.History()]
    return model.fit(x, y, batch_size=2, callbacks=callbacks, epochs=2, verbose=0).history


def sgd(rate, **kwargs):
    decay = keras.optimizers.schedules.PolynomialDecay(rate, 4, 0.0)
    return keras.optimizers.SGD(decay, **kwargs)


def test_one_optimizer():
    assert logs_of(sgd(0.4))["learning_rate"] == pytest.approx([0.2, 0.0])


def test_a_scaled_loss():
    found = logs_of(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5)))
    assert found["learning_rate"] == pytest.approx([0.5, 0.5])


def test_several_by_name():
    others = {".*kernel": sgd(0.1, name="kernels")}
    found = logs_of(
        keras.optimizers.MultiOptimizer(
            keras.optimizers.OptimizerMap(sgd(0.4, name="others"), others)
        )
    )
    assert found["learning_rate_others"] == pytest.approx([0.2, 0.0])
    assert found["learning_rate_kernels"] == pytest.approx([0.05, 0.0])
    assert "learning_rate" not in found
