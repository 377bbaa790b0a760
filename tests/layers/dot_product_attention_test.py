import keras
import numpy as np
import pytest

from keras_asym.layers import DotProductAttention
from keras_asym.testing import layer_checks
from tests.helpers import ON_JAX, images
from tests.layers.contract import ONE_TO_THREE, LayerContract

CHANNELS = 12


class TestContract(LayerContract):
    def make(self, modalities):
        return DotProductAttention(num_heads=3)

    def inputs(self, modalities, height=5, width=6):
        batch = 2 * modalities
        return [
            images(batch, height, width, CHANNELS),
            images(batch, height // 2, 2, 2 * CHANNELS),
        ]

    @ONE_TO_THREE
    def test_precision(self, modalities, monkeypatch):
        if ON_JAX:  # whose fused attention has no float16 on CPUs
            for policy in ("mixed_float16", "float16"):
                monkeypatch.delitem(layer_checks.POLICIES, policy)
        super().test_precision(modalities)


def plain(queries, keys_values, heads):
    """Equation 1 of the paper for each head."""
    queries, keys_values = queries.astype("float64"), keys_values.astype("float64")
    result = np.zeros_like(queries)
    channels = queries.shape[-1]
    size = channels // heads
    keys, values = keys_values[..., :channels], keys_values[..., channels:]
    for example in range(len(queries)):
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            q = queries[example, ..., part].reshape(-1, size)
            k = keys[example, ..., part].reshape(-1, size)
            v = values[example, ..., part].reshape(-1, size)
            weights = np.exp(q @ k.T / np.sqrt(size))
            y = weights / weights.sum(1, keepdims=True) @ v
            result[example, ..., part] = y.reshape(*queries.shape[1:3], size)
    return result


@pytest.mark.parametrize("heads", [1, 3, 12])
def test_is_the_plain_formula(heads):
    queries, keys_values = 2 * images(2, 7, 5, CHANNELS), 2 * images(2, 3, 2, 2 * CHANNELS)
    y = DotProductAttention(heads)([queries, keys_values])
    np.testing.assert_allclose(y, plain(queries, keys_values, heads), atol=1e-5)


def test_by_hand():
    """A score of 0 is the mean of the values; one of log(3) makes a weight of 3 / 4."""
    queries = np.array([0, np.log(3)], "float32").reshape(1, 1, 2, 1)
    keys_values = np.array([[1, 4], [0, 8]], "float32").reshape(1, 2, 1, 2)
    y = DotProductAttention(1)([queries, keys_values])
    np.testing.assert_allclose(np.ravel(y), [6, 5], rtol=1e-6)


@pytest.mark.parametrize(
    ("heads", "shapes", "message"),
    [
        (5, [(1, 2, 2, 12), (1, 2, 2, 24)], r"`num_heads` must divide.*num_heads=5 with 12"),
        (3, [(1, 2, 2, 12), (1, 2, 2, 12)], r"twice as many channels.*\(1, 2, 2, 12\) and"),
    ],
)
def test_wrong_inputs(heads, shapes, message):
    with pytest.raises(ValueError, match=message):
        DotProductAttention(heads)([keras.ops.ones(shape) for shape in shapes])


@pytest.mark.parametrize("heads", [0, -1])
def test_wrong_number_of_heads(heads):
    with pytest.raises(ValueError, match=f"`num_heads` must be positive.*num_heads={heads}"):
        DotProductAttention(heads)
