"""Moving averages of the weights, which Keras' optimizers keep (`use_ema=True`)."""

import contextlib

import keras
import numpy as np
from keras import ops


def keeps_averages(model):
    """Whether an optimizer of a compiled model keeps moving averages."""
    outer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    return any(optimizer.use_ema for optimizer in getattr(outer, "optimizers", [outer]))


@contextlib.contextmanager
def averaged_weights(model):
    """Inside, the weights of a model are their moving averages, if it keeps any."""
    if not keeps_averages(model) or not model.optimizer.built:
        yield
        return
    raw = _read(model)
    model.optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        _assign(model, raw)


class ValidateAverages(keras.callbacks.Callback):
    """Validates the moving averages of the weights and trains on with the weights themselves.

    Keras' `SwapEMAWeights` does not know `MultiOptimizer`, and `fit` leaves the averages in the
    model at its end: with it, a second `fit` would go on from them.
    """

    def __init__(self):
        super().__init__()
        self._raw = None
        self._averages = contextlib.ExitStack()

    def on_test_begin(self, logs=None):
        self._averages.enter_context(averaged_weights(self.model))

    def on_test_end(self, logs=None):
        self._averages.close()

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.params["epochs"] and keeps_averages(self.model):
            self._raw = _read(self.model)

    def on_train_end(self, logs=None):
        if self._raw is not None:
            _assign(self.model, self._raw)
            self._raw = None


def _read(model):
    return [np.array(ops.convert_to_numpy(variable)) for variable in model.trainable_variables]


def _assign(model, values):
    for variable, value in zip(model.trainable_variables, values, strict=True):
        variable.assign(value)
