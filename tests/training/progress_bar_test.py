import keras
import numpy as np

from keras_asym.training import ProgressBar


def test_losses_are_shown_and_other_logs_are_not(capsys):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mse"], jit_compile=False)
    x, y = np.ones((4, 3), "float32"), np.ones((4, 2), "float32")
    model.fit(x, y, epochs=2, batch_size=2, callbacks=[ProgressBar()], verbose=0)
    text = capsys.readouterr().out
    assert "Epoch 1/2" in text and "Epoch 2/2" in text
    assert "2/2" in text and "loss" in text
    assert "mse" not in text
