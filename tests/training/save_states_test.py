import keras
import numpy as np
import pytest

from keras_asym.training import RunStates, SaveStates, StopOnNaN, assign_variables, read_variables
from keras_asym.training.save_states import SECONDS, SHARE

X = np.ones((8, 3), "float32")


def build():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dropout(0.5, seed=1)]
    )
    model.compile(keras.optimizers.SGD(0.1, 0.9), "mse", metrics=["mae"], jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def fit(model, epochs, *callbacks, begin=0, steps=4, validate=False):
    history = model.fit(
        X[: 2 * steps], X[: 2 * steps, :2], batch_size=2, epochs=epochs, initial_epoch=begin,
        verbose=0, shuffle=False, callbacks=list(callbacks),
        validation_data=(X, X[:, :2]) if validate else None,
    )  # fmt: skip
    return history.history


class Recorded:
    """Takes the place of the files."""

    def __init__(self):
        self.positions = []

    def save(self, arrays, position):
        self.positions.append((position["step"], position["epochs"], position.get("logs")))


def places(states):
    return [position[:2] for position in states.positions]


@pytest.mark.usefixtures("without_graphs")
def test_every_so_many_steps_and_epochs_and_at_the_end():
    states = Recorded()
    fit(build(), 3, SaveStates(states, 4, 3, every_steps=3, every_epochs=2))
    assert places(states) == [(3, 0), (6, 1), (8, 2), (9, 2), (12, 2), (12, 3)]


@pytest.mark.usefixtures("without_graphs")
def test_before_each_validation_with_the_logs():
    states = Recorded()
    saver = SaveStates(states, 4, 2, every_steps=99, every_epochs=99, validates=lambda e: e == 0)
    history = fit(build(), 2, saver, validate=True)
    assert places(states) == [(4, 0), (8, 2)]
    logs = states.positions[0][2]
    assert logs["loss"] == history["loss"][0] and logs["mae"] == history["mae"][0]


def test_without_a_number_of_steps_their_cost_decides():
    now = [0.0]

    class Slow(Recorded):
        def save(self, arrays, position):
            super().save(arrays, position)
            now[0] += 30.0  # seconds

    class Step(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            now[0] += 61.0

    states = Slow()
    fit(build(), 1, Step(), SaveStates(states, 16, 2, every_epochs=9, clock=lambda: now[0]))
    assert SECONDS < 61 and SHARE * 30 == 600
    assert places(states) == [(1, 0)]
    fit(build(), 3, Step(), saver := SaveStates(states, 4, 9, 0, 9, clock=lambda: now[0]))
    assert saver.step == 12 and places(states)[1:] == [(1, 0), (11, 2)]


@pytest.mark.usefixtures("without_graphs")
def test_goes_on_exactly(tmp_path):
    whole = build()
    history = fit(whole, 2)
    states = RunStates(tmp_path)
    fit(build(), 1, SaveStates(states, 4, 2, every_steps=99))
    arrays, position = states.load()
    again = build()
    assign_variables(again, arrays)
    found = fit(again, 2, begin=position["epochs"])
    assert found["loss"] == history["loss"][1:]
    expected = read_variables(whole)
    assert any(name.startswith("non_trainable") for name in expected)  # the dropout's seed
    for name, value in read_variables(again).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


@pytest.mark.usefixtures("without_graphs")
def test_the_log_of_an_interrupted_epoch_is_that_of_the_whole_one(tmp_path):
    history = fit(build(), 1)

    class Crash(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise KeyboardInterrupt

    states = RunStates(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(build(), 1, SaveStates(states, 4, 1, every_steps=1), Crash())
    arrays, position = start = states.load()
    assert position["step"] == 2
    again = build()
    assign_variables(again, arrays)
    found = fit(again, 1, SaveStates(None, 4, 1, start=start), steps=2)
    assert found == history


def test_another_model_is_refused():
    arrays = read_variables(build())
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5)])
    other.compile("sgd", "mse")
    other.optimizer.build(other.trainable_variables)
    with pytest.raises(ValueError, match=r"must be of the same model.*Has the code changed"):
        assign_variables(other, arrays)


@pytest.mark.usefixtures("without_graphs")
def test_a_broken_model_is_not_saved(tmp_path):
    states = RunStates(tmp_path)
    states.save({"trainable/00000": np.zeros(1)}, {"step": 0, "epochs": 0})
    model = build()
    model.optimizer.learning_rate = float("inf")
    saver = SaveStates(states, 4, 1, every_steps=1, keys=lambda step: [f"a{step}", "b"])
    with pytest.raises(RuntimeError, match=r"After step 1 .*'.*' is not finite.*batch: a0, b\."):
        fit(model, 1, StopOnNaN(), saver)
    assert states.load()[1]["step"] == 0
