import keras
import numpy as np
import pytest

from keras_asym.training import ModelCheckpoint, StopOnNaN, read_state


def test_a_broken_model_is_not_saved(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e30), "mse", jit_compile=False)
    x = np.ones((8, 1), "float32")
    with pytest.raises(RuntimeError, match=r"loss is (nan|inf) in epoch 1, step [2-4] of the run"):
        model.fit(x, x, batch_size=2, verbose=0, callbacks=[StopOnNaN(), ModelCheckpoint(tmp_path)])
    assert read_state(tmp_path) is None


def test_a_sound_model_goes_on():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    x = np.ones((8, 1), "float32")
    history = model.fit(x, x, verbose=0, callbacks=[StopOnNaN()])
    assert len(history.history["loss"]) == 1


def test_the_examples_are_named():
    callback = StopOnNaN(start=7, keys=lambda step: [f"{step}a", f"{step}b"])
    callback.on_epoch_begin(2)
    callback.on_train_batch_end(0, {"loss": 1.0})
    with pytest.raises(
        RuntimeError,
        match=r"nan in epoch 3, step 9 of the run. The batch: 8a, 8b. The one before: 7a, 7b.",
    ):
        callback.on_train_batch_end(1, {"loss": float("nan")})
