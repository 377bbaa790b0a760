import keras
import numpy as np
import pytest

from keras_asym.training import learning_rate, optimizer_options
from keras_asym.training.optimizers import WarmUp


def rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


def test_a_constant_rate_is_a_number():
    assert learning_rate(0.1, 100) == 0.1


def test_polynomial_decay_by_its_formula():
    schedule = learning_rate(0.2, 10, "polynomial", power=2.0)
    expected = [0.2 * (1 - step / 10) ** 2 for step in (0, 3, 10)]
    np.testing.assert_allclose(rates(schedule, (0, 3, 10)), expected, rtol=1e-5, atol=1e-8)


def test_cosine_decay_ends_at_0():
    assert rates(learning_rate(0.2, 10, "cosine"), (0, 5, 10)) == pytest.approx([0.2, 0.1, 0.0])


@pytest.mark.parametrize("decay", ["none", "cosine", "polynomial"])
def test_the_rate_rises_linearly_and_is_then_the_schedules(decay):
    warm = learning_rate(0.2, 100, decay, warmup_steps=4)
    plain = learning_rate(0.2, 100, decay)
    for step in (0, 1, 3, 4, 50):
        expected = plain if decay == "none" else float(plain(step))
        assert float(warm(step)) == pytest.approx(expected * min((step + 1) / 4, 1), rel=1e-5)


def test_a_warm_up_is_saved_with_its_schedule():
    schedule = WarmUp(keras.optimizers.schedules.CosineDecay(0.1, 20), 5)
    config = keras.saving.serialize_keras_object(schedule)
    again = keras.saving.deserialize_keras_object(config)
    assert rates(again, (0, 3, 10)) == rates(schedule, (0, 3, 10))


def test_unknown_decay():
    with pytest.raises(ValueError, match=r"`decay` must be one of.*'linear'"):
        learning_rate(0.1, 10, "linear")
    with pytest.raises(ValueError, match="`steps` must be at least 1"):
        WarmUp(0.1, 0)


def test_accumulation_and_averages_are_options_of_the_optimizers():
    assert optimizer_options() == {}
    options = optimizer_options(gradient_accumulation=2, weight_average=0.81)
    assert options["gradient_accumulation_steps"] == 2
    assert options["use_ema"] and options["ema_momentum"] == pytest.approx(0.9)
    for key, value in (("gradient_accumulation", 0), ("weight_average", 1.0)):
        with pytest.raises(ValueError, match=f"`config.{key}` must be.*{key}={value}"):
            optimizer_options(**{key: value})


@pytest.mark.parametrize("kind", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_gradients_are_clipped(kind):
    optimizer = keras.optimizers.SGD(1.0, **optimizer_options(**{kind: 0.5}))
    variable = keras.Variable(np.zeros(1, "float32"))
    optimizer.apply([keras.ops.convert_to_tensor([3.0])], [variable])
    assert float(variable[0]) == pytest.approx(-0.5)


def test_one_way_of_clipping():
    with pytest.raises(ValueError, match="at most one of clipnorm"):
        optimizer_options(clipnorm=1.0, clipvalue=1.0)
    with pytest.raises(ValueError, match="a positive number"):
        optimizer_options(clipnorm=-1.0)
