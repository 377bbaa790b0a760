"""What Segmenter and Translator have in common."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.fusion import ChannelExchanging
from tests.helpers import distance
from tests.models import tiny, tiny_translator

TENSORFLOW = keras.backend.backend() == "tensorflow"
MODELS = {
    "segmenter": lambda: (tiny.tiny_segmenter(2, ChannelExchanging()), tiny.batch(2)[0]),
    "translator": lambda: (
        tiny_translator.tiny_translator(2, depth=2, dropout_at_test=False),
        tiny_translator.batch(2)[0],
    ),
}


@pytest.mark.skipif(not TENSORFLOW, reason="Keras exports it from other backends by TensorFlow")
@pytest.mark.parametrize("kind", MODELS)
def test_export_of_keras(kind, tmp_path):
    """A model that was never called; batch and size are free."""
    import tensorflow as tf

    model, x = MODELS[kind]()
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    for part in (x, {name: image[:1, :8, :8] for name, image in x.items()}):
        outputs = served.serve(part)
        expected = model(part)
        assert sorted(outputs) == sorted(expected)
        for key, value in expected.items():
            assert distance(outputs[key], value) < 1e-6


@pytest.mark.parametrize("kind", MODELS)
def test_config(kind):
    model, _ = MODELS[kind]()
    model.trainable = False
    policy = keras.dtype_policies.serialize(keras.DTypePolicy("mixed_bfloat16"))
    again = type(model).from_config({**model.get_config(), "dtype": policy})
    assert again.dtype_policy.name == "mixed_bfloat16"
    assert not again.trainable and again.name == model.name
    assert keras.dtype_policies.deserialize(model.get_config()["dtype"]).name == "float32"


def test_penalties_have_the_precision_of_the_losses():
    keras.config.set_dtype_policy("bfloat16")
    try:
        model = tiny.tiny_segmenter(2, ChannelExchanging(l1=0.1))
    finally:
        keras.config.set_dtype_policy("float32")
    penalty = sum(ops.convert_to_numpy(x) for x in model.losses)
    assert penalty.dtype == "float32" and np.isfinite(penalty)
