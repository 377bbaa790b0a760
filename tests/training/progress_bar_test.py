import keras
import numpy as np
import pytest

from keras_asym.training import ProgressBar, readable_time


def fit(bar, epochs=2):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mse"], jit_compile=False)
    x, y = np.ones((4, 3), "float32"), np.ones((4, 2), "float32")
    model.fit(x, y, epochs=epochs, batch_size=2, callbacks=[bar], verbose=0)


def test_losses_are_shown_and_other_logs_are_not(capsys):
    fit(ProgressBar())
    text = capsys.readouterr().out
    assert "Epoch 1/2" in text and "Epoch 2/2" in text
    assert "2/2" in text and "loss" in text
    assert "mse" not in text


def test_time_left_for_the_whole_run(capsys):
    """The first step ends at 100 s; after it each look at the clock is 10 s later."""
    now = [90.0]

    def clock():
        now[0] += 10.0
        return now[0]

    fit(ProgressBar(epochs=11, clock=clock), epochs=2)
    # One step after the first took 10 s; ten epochs of two steps are left.
    assert "Epoch 2/11, about 3 min 20 s left" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (75, "1 min 15 s"), (3700, "1 h 1 min"), (90000, "1 d 1 h")],
)
def test_readable_time(seconds, text):
    assert readable_time(seconds) == text
