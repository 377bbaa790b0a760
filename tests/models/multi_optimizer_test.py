import keras
import numpy as np
import pytest

from keras_asym.models.multi_optimizer import MultiOptimizer


@pytest.fixture
def optimizer():
    decay = keras.optimizers.schedules.PolynomialDecay(0.4, 4, 0.0)
    others = {"encoder": keras.optimizers.SGD(0.1, name="encoder")}
    default = keras.optimizers.SGD(decay, name="decoder")
    return MultiOptimizer(keras.optimizers.OptimizerMap(default, others))


def test_the_rate_is_that_of_the_default_optimizer(optimizer, tmp_path):
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(2, name="encoder"),
            keras.layers.Dense(1, name="decoder"),
        ]
    )
    model.compile(optimizer, "mse")
    assert float(optimizer.learning_rate) == pytest.approx(0.4)
    model.fit(np.ones((4, 3)), np.ones((4, 1)), batch_size=2, verbose=0)
    assert float(optimizer.learning_rate) == pytest.approx(0.2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").optimizer
    assert type(loaded) is MultiOptimizer
    assert float(loaded.learning_rate) == pytest.approx(0.2)
    assert [one.name for one in loaded.optimizers] == ["encoder", "decoder"]


def test_it_cannot_be_set(optimizer):
    with pytest.raises(AttributeError, match="individual sub-optimizers"):
        optimizer.learning_rate = 0.1
