import keras
import numpy as np
import pytest

from keras_asym.layers import PixelShift, SelectedModalities
from keras_asym.ops import shift_pixels
from tests.helpers import gradients, images, uneven_sum
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    identity = True

    def make(self, modalities):
        return PixelShift(modalities, reverse=modalities == 3)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("modalities", [2, 3])
def test_the_next_modalitys_shift_is_added(modalities, reverse):
    x, source = images(2, modalities, 4, 5, 13, seed=1), images(2, modalities, 4, 5, 13)
    folded = (v.reshape(-1, 4, 5, 13) for v in (x, source))
    layer = PixelShift(modalities, reverse)
    y = np.reshape(layer(next(folded), source=next(folded)), x.shape)
    for m in range(modalities):
        other = source[:, (m + 1) % modalities]
        expected = x[:, m] + np.asarray(shift_pixels(other, reverse))
        np.testing.assert_allclose(y[:, m], expected, atol=1e-6)


def test_source_is_the_input_by_default():
    x = images(4, 4, 5, 13)
    np.testing.assert_array_equal(PixelShift(2)(x), PixelShift(2)(x, source=x))


def test_one_modality_gets_nothing_added():
    x = images(4, 4, 5, 13)
    np.testing.assert_array_equal(PixelShift(1)(x, source=2 * x), x)
    np.testing.assert_array_equal(SelectedModalities(PixelShift(3), (1,))(x), x)


def test_selected_modalities_add_to_each_other():
    x = images(4, 4, 5, 13)
    y = SelectedModalities(PixelShift(3), (0, 2))(x)
    np.testing.assert_array_equal(y, PixelShift(2)(x))


def test_modalities_of_an_example_add_to_each_other():
    x, source = images(6, 4, 5, 13), images(6, 4, 5, 13, seed=1)
    presence = np.array([[True, False, True], [False, True, False]])
    y = np.asarray(PixelShift(3)(x, source=source, presence=presence))
    expected = PixelShift(2)(x[[0, 2]], source=source[[0, 2]])
    np.testing.assert_array_equal(y[[0, 2]], expected)
    np.testing.assert_array_equal(y[4], x[4])


def test_gradient_comes_from_both_modalities():
    _, (of_inputs,) = gradients(PixelShift(2), images(2, 4, 5, 13), lambda y: uneven_sum(y[0]))
    assert (of_inputs[0] != 0).all()
    assert (of_inputs[1, 1:-1, 1:-1, :8] != 0).all() and (of_inputs[1, ..., 8:] == 0).all()


def test_shapes_must_agree():
    x, source = images(4, 2, 3, 13), images(4, 4, 5, 13)
    for convert in (lambda x: x, lambda x: keras.KerasTensor(x.shape)):
        with pytest.raises(ValueError, match=r"'shift' .* needs both inputs of one shape"):
            PixelShift(2, name="shift")(convert(x), source=convert(source))
