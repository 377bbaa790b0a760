import keras
import numpy as np

from keras_asym.training import EarlyStopping, ModelCheckpoint


def run(folder, values, patience, first=0):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    checkpoint = ModelCheckpoint(folder, "score")
    stopping = EarlyStopping(checkpoint, patience)
    for epoch, value in enumerate(values, first):
        for callback in (checkpoint, stopping):
            callback.set_model(model)
            callback.on_epoch_end(epoch, {} if value is None else {"score": np.float32(value)})
        if stopping.stopped:
            assert model.stop_training
            return epoch + 1
    return None


def test_stops_so_many_epochs_after_the_best(tmp_path):
    assert run(tmp_path / "a", [0.1, 0.5, 0.4, 0.3, 0.2], patience=2) == 4
    assert run(tmp_path / "b", [0.1, 0.5, 0.4, 0.6, 0.5], patience=2) is None
    assert run(tmp_path / "c", [0.5, 0.1, 0.1, 0.1], patience=0) is None


def test_epochs_without_validation_do_not_stop(tmp_path):
    assert run(tmp_path, [0.5, None, None, None, 0.4], patience=2) == 5


def test_a_resumed_run_remembers_the_best_epoch(tmp_path):
    assert run(tmp_path, [0.5, 0.4], patience=3) is None
    assert run(tmp_path, [0.3, 0.2], patience=3, first=2) == 4


def test_values_that_are_no_numbers(tmp_path):
    nan = float("nan")
    assert run(tmp_path / "a", [nan, nan, nan, nan], patience=3) == 3
    assert run(tmp_path / "b", [nan, 0.1, nan, 0.2, nan], patience=2) is None
