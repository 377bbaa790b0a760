import keras
import numpy as np
import pytest

from keras_asym.training import ImagesPerSecond, ProgressBar


class Clock:
    """Seconds that pass where a test says so."""

    now = 0.0

    def __call__(self):
        return self.now


class Work(keras.callbacks.Callback):
    """The first step takes 100 s, each other one 2 s, and what follows an epoch 50 s."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def on_train_batch_begin(self, batch, logs=None):
        self.clock.now += 2.0 if self.clock.now else 100.0

    def on_epoch_end(self, epoch, logs=None):
        self.clock.now += 50.0


def fit(steps, epochs, *more):
    clock = Clock()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse", jit_compile=False)
    speed, seen = ImagesPerSecond(8, clock), []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs)))
    x, y = np.ones((2 * steps, 3), "float32"), np.ones((2 * steps, 2), "float32")
    callbacks = [Work(clock), speed, *(make(speed) for make in more), look]
    model.fit(x, y, epochs=epochs, batch_size=2, callbacks=callbacks, verbose=0)
    return [logs["images_per_second"] for logs in seen]


def test_neither_the_first_step_nor_what_follows_an_epoch_counts():
    assert fit(3, 2) == pytest.approx([4.0, 4.0])  # 8 images in 2 s


def test_an_epoch_of_one_step():
    assert fit(1, 2) == pytest.approx([0.08, 4.0])


def test_the_progress_bar_shows_it(capsys):
    fit(3, 1, lambda speed: ProgressBar(speed=speed))
    assert "images_per_second: 4.0000" in capsys.readouterr().out


def test_nothing_is_logged_before_a_step():
    logs = {}
    ImagesPerSecond(8).on_epoch_end(0, logs)
    assert logs == {}
