"""A private normalization beside Keras' own one, modality by modality."""

import keras
import numpy as np

from tests.helpers import gradients, images, randomize

TOLERANCE = 2e-6


def compare(layer, plain, shape, names=None):
    """Compares outputs and gradients of each modality with a plain layer of that row's weights.

    Args:
        layer: Private normalization of one, two or more modalities, not built.
        plain: The plain layer, not built.
        shape: `(batch, ...)` of one modality.
        names: Weight of the private layer -> that of the plain one; gamma and beta by default.
    """
    names = {"gamma": "gamma", "beta": "beta"} if names is None else names
    count, (batch, *rest) = layer.modalities, shape
    x = 2 * images(batch, count, *rest) + 0.5
    layer.build((None, *rest))
    plain.build((None, *rest))
    randomize(layer)
    y = np.reshape(layer(x.reshape(-1, *rest)), x.shape)
    for row in range(count):
        for private, own in names.items():
            if getattr(layer, private, None) is not None:
                getattr(plain, own).assign(getattr(layer, private)[row])
        np.testing.assert_allclose(y[:, row], plain(x[:, row]), atol=TOLERANCE, rtol=TOLERANCE)
        weights = images(*shape, seed=7)

        def of_row(outputs, row=row, weights=weights):
            outputs = keras.ops.reshape(outputs, x.shape)
            return keras.ops.mean(outputs[:, row] * weights)

        of_weights, (of_inputs,) = gradients(layer, x.reshape(-1, *rest), of_row)
        expected, (of_own_inputs,) = gradients(
            plain, x[:, row], lambda outputs, weights=weights: keras.ops.mean(outputs * weights)
        )
        of_inputs = of_inputs.reshape(x.shape)
        np.testing.assert_allclose(of_inputs[:, row], of_own_inputs, atol=TOLERANCE)
        expected = {name.split("/")[-1]: value for name, value in expected.items()}
        assert len(of_weights) == len(expected)
        for name, value in of_weights.items():
            name = names[name.split("/")[-1]]
            np.testing.assert_allclose(value[row], expected[name], atol=TOLERANCE)
            value[row] = 0.0
            assert not value.any()
        of_inputs[:, row] = 0.0
        assert not of_inputs.any()
