"""What every public layer must do, whatever it computes."""

import json

import keras
import numpy as np
import pytest

from tests.helpers import arrays, call_compiled, gradients, images, randomize, uneven_sum

CHANNELS = 13  # neither a multiple of five nor even


@pytest.mark.parametrize("modalities", [1, 2, 3])
class LayerContract:
    """Base of the contract test of one layer; subclasses say how it is made and called."""

    training = (None,)  # values of the call argument, where the layer takes it

    def make(self, modalities):
        raise NotImplementedError

    def inputs(self, modalities, height=5, width=6):
        return images(2 * modalities, height, width, CHANNELS)

    def test_config_round_trip(self, modalities):
        layer = self.make(modalities)
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
        text = json.dumps(keras.saving.serialize_keras_object(layer))
        loaded = keras.saving.deserialize_keras_object(json.loads(text))
        assert type(loaded) is type(layer) and loaded.get_config() == layer.get_config()

    def test_save_and_load(self, modalities, tmp_path):
        model = randomize(self._model(modalities))
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
        inputs = self.inputs(modalities)
        _assert_equal(loaded(inputs), model(inputs))
        assert [w.name for w in loaded.weights] == [w.name for w in model.weights]

    @pytest.mark.parametrize(
        ("policy", "tolerance"), [("mixed_bfloat16", 2e-2), ("mixed_float16", 3e-3)]
    )
    def test_mixed_precision(self, modalities, policy, tolerance):
        expected = arrays(self._layer(modalities)(self.inputs(modalities)))
        keras.config.set_dtype_policy(policy)
        try:
            layer = self._layer(modalities)
        finally:
            keras.config.set_dtype_policy("float32")
        outputs = layer(self.inputs(modalities))
        for output in keras.tree.flatten(outputs):
            assert keras.backend.standardize_dtype(output.dtype) == policy.removeprefix("mixed_")
        assert {w.dtype for w in layer.weights} <= {"float32"}
        for output, value in zip(arrays(outputs), expected, strict=True):
            np.testing.assert_allclose(output, value, rtol=tolerance, atol=2 * tolerance)

    def test_xla_equals_eager(self, modalities):
        for training in self.training:
            kwargs = {} if training is None else {"training": training}
            eager, compiled = self._layer(modalities), self._layer(modalities)
            inputs = self.inputs(modalities)
            expected = eager(inputs, **kwargs)
            _assert_equal(call_compiled(compiled, inputs, **kwargs), expected, 1e-5)
            _assert_equal(compiled.weights, eager.weights, 1e-6)

    def test_symbolic_shape_is_the_eager_one(self, modalities):
        inputs = self.inputs(modalities)
        fixed = self.make(modalities)(
            keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape), inputs)
        )
        outputs = self.make(modalities)(inputs)
        keras.tree.assert_same_structure(fixed, outputs)
        for symbolic, output in zip(*map(keras.tree.flatten, (fixed, outputs)), strict=True):
            assert symbolic.shape == tuple(output.shape)
            assert symbolic.dtype == keras.backend.standardize_dtype(output.dtype)

    def test_dynamic_height_and_width(self, modalities):
        model = randomize(self._model(modalities))
        for size in ((5, 6), (8, 3)):
            outputs = arrays(model(self.inputs(modalities, *size)))
            for output, symbolic in zip(outputs, model.outputs, strict=True):
                pairs = zip(output.shape, symbolic.shape, strict=True)
                assert all(known in (None, actual) for actual, known in pairs)
                assert symbolic.shape[-1] == output.shape[-1]

    def test_gradients_are_finite(self, modalities):
        layer = self._layer(modalities)
        of_weights, of_inputs = gradients(layer, self.inputs(modalities), uneven_sum)
        assert len(of_weights) == len(layer.trainable_variables)
        for value in (*of_weights.values(), *of_inputs):
            assert np.isfinite(value).all()

    def _layer(self, modalities):
        layer = self.make(modalities)
        layer(self.inputs(modalities))
        return randomize(layer)

    def _model(self, modalities):
        inputs = self._symbolic(self.inputs(modalities))
        return keras.Model(inputs, self.make(modalities)(inputs))

    @staticmethod
    def _symbolic(inputs):
        if isinstance(inputs, dict):
            return {
                name: keras.Input((None, None, x.shape[-1]), name=name)
                for name, x in inputs.items()
            }
        return keras.tree.map_structure(lambda x: keras.Input((None, None, x.shape[-1])), inputs)


def _assert_equal(actual, expected, tolerance=0.0):
    keras.tree.assert_same_structure(actual, expected)
    for x, y in zip(arrays(actual), arrays(expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)
