import keras
import numpy as np
import pytest

from keras_asym.training import ModelCheckpoint, ValidateAverages, averaged_weights

X = np.ones((4, 1), "float32")


def optimizer(momentum=0.5, count=None):
    return keras.optimizers.SGD(
        0.1, use_ema=True, ema_momentum=momentum, gradient_accumulation_steps=count
    )


def build(optimizer):
    """y = w * x, whose loss is w**2."""
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((1,)), dense])
    model.compile(optimizer, "mse", jit_compile=False)
    return model


def multi():
    optimizer_map = keras.optimizers.OptimizerMap(optimizer(), {"nothing": optimizer()})
    return keras.optimizers.MultiOptimizer(optimizer_map)


class Seen(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.weights, self.losses = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(weight(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["val_loss"])


def weight(model):
    return float(model.trainable_variables[0].numpy().item())


def fit(model, epochs, seen):
    model.fit(
        X, 0 * X, batch_size=2, epochs=epochs, verbose=0, validation_data=(X, 0 * X),
        callbacks=[ValidateAverages(), seen],
    )  # fmt: skip


@pytest.mark.parametrize("make", [optimizer, multi])
def test_averages_are_validated_and_the_weights_are_trained(make):
    model, seen = build(make()), Seen()
    fit(model, 1, seen)
    fit(model, 1, seen)  # goes on from the weights
    # w = 0.8 w in each step of 0.1 * 2 w
    np.testing.assert_allclose(seen.weights, 0.8 ** np.arange(1, 5), rtol=1e-5)
    average, losses = 0.8, []
    for step, value in enumerate(seen.weights):
        average = value if step == 0 else 0.5 * average + 0.5 * value
        losses.append(average**2)
    np.testing.assert_allclose(seen.losses, losses[1::2], rtol=1e-5)
    assert weight(model) == pytest.approx(0.8**4)
    with averaged_weights(model):
        assert weight(model) == pytest.approx(average)
    assert weight(model) == pytest.approx(0.8**4)


def test_the_saved_model_has_the_averages(tmp_path):
    model = build(multi())
    callbacks = [ValidateAverages(), ModelCheckpoint(tmp_path, "loss", "min")]
    model.fit(X, 0 * X, batch_size=2, verbose=0, callbacks=callbacks)
    saved = keras.models.load_model(tmp_path / "last.keras", compile=False)
    assert weight(saved) == pytest.approx(0.5 * 0.8 + 0.5 * 0.64)
    assert weight(model) == pytest.approx(0.64)


def test_without_averages_nothing_changes():
    model = build(keras.optimizers.SGD(0.1))
    seen = Seen()
    fit(model, 1, seen)
    assert weight(model) == seen.weights[-1]
    assert seen.losses[0] == pytest.approx(weight(model) ** 2)


def test_accumulated_gradients_make_one_update():
    model, seen = build(optimizer(count=2)), Seen()
    fit(model, 2, seen)
    np.testing.assert_allclose(seen.weights, [1, 0.8, 0.8, 0.64], rtol=1e-5)
