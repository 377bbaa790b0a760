import numpy as np

from keras_asym.ops import place_among_replicas, sum_over_replicas


def test_one_device_has_the_sum_already():
    np.testing.assert_array_equal(sum_over_replicas(np.array([1.0, 2.0])), [1, 2])


def test_one_device_is_the_first_of_one():
    """Of several: `tests/models/random_presence_test.py`."""
    assert place_among_replicas() == (0, 1)
