import itertools

import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityDropout


def draw(layer, presence):
    return np.array(layer(keras.ops.convert_to_tensor(presence), training=True))


def test_each_modality_is_left_out_at_its_rate():
    rates = (0.1, 0.4, 0.7)
    found = draw(ModalityDropout(3, rates, seed=0), np.ones((20000, 3), "bool"))
    assert found.any(1).all()
    # All three gone: 0.028, of which each keeps some; the rates below 1 / (1 - 0.028) of theirs.
    lacking = 1 - found.mean(0)
    np.testing.assert_allclose(lacking, rates, atol=0.03)
    assert (lacking <= np.array(rates) + 0.01).all()


def test_uniform_over_all_subsets_but_the_empty_one():
    found = draw(ModalityDropout(3, "uniform", seed=1), np.ones((14000, 3), "bool"))
    subsets = [s for s in itertools.product((False, True), repeat=3) if any(s)]
    counts = [(found == s).all(1).sum() for s in subsets]
    assert sum(counts) == 14000 and len(subsets) == 7
    np.testing.assert_allclose(counts, 2000, atol=200)


@pytest.mark.parametrize("rate", [0.0, 0.6, "uniform"])
def test_what_an_example_lacks_does_not_come_back(rate):
    presence = np.array([[True, False], [False, True], [True, True], [False, False]] * 50)
    layer = ModalityDropout(2, rate, seed=2)
    found = draw(layer, presence)
    assert not (found & ~presence).any()
    np.testing.assert_array_equal(found.any(1), presence.any(1))
    np.testing.assert_array_equal(layer(presence), presence)  # not in training
    if rate == 0.0:
        np.testing.assert_array_equal(found, presence)


def test_the_seed_and_its_state_say_what_is_drawn():
    presence = np.ones((64, 2), "bool")
    one, two = (ModalityDropout(2, 0.5, seed=3) for _ in range(2))
    first = draw(one, presence)
    np.testing.assert_array_equal(first, draw(two, presence))
    again = ModalityDropout.from_config(one.get_config())
    again.generator.state.assign(one.generator.state)
    later = draw(one, presence)
    assert (later != first).any()
    np.testing.assert_array_equal(later, draw(again, presence))


@pytest.mark.parametrize("rate", [1.0, -0.1, (0.1, 0.2, 0.3), "never", True, ()])
def test_wrong_rate(rate):
    with pytest.raises(ValueError, match="`rate` must be a probability"):
        ModalityDropout(2, rate)
