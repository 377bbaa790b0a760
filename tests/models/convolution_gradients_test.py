import keras
import numpy as np
import pytest
from keras import layers

from keras_asym.keras_internals import sublayers
from keras_asym.models import Segmenter
from keras_asym.models.convolution_gradients import faster_gradients
from tests.helpers import images
from tests.models.tiny import batch

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
KNOWN = {"odd", "of_model"}


class Own(layers.Conv2D):
    """A layer that may compute something else."""


def network():
    x = inputs = keras.Input((10, 8, 3))
    x = layers.Conv2D(4, (3, 5), padding="same", name="odd")(x)
    x = layers.Conv2D(6, 1, padding="same", use_bias=False, activation="tanh", name="one")(x)
    x = layers.Conv2D(4, 1, name="one_valid")(x)
    x = layers.Conv2D(4, 2, padding="same", name="even")(x)
    x = layers.Conv2D(4, 3, padding="same", groups=2, name="groups")(x)
    x = layers.Conv2D(4, 3, padding="same", dilation_rate=2, name="dilated")(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = Own(4, 3, padding="same", name="own")(x)
    inner = keras.Input((10, 8, 4))
    outer = layers.Conv2D(5, 3, padding="same", name="of_model")(inner)
    x = keras.Model(inner, outer)(x)
    x = layers.Conv2D(4, 3, name="valid")(x)
    x = layers.Conv2D(4, 3, 2, padding="same", name="strided")(x)
    return keras.Model(inputs, x)


def replaced(model):
    return {x.name for x in sublayers(model) if "convolution_op" in vars(x)}


@pytest.mark.skipif(not ON_TENSORFLOW, reason="the gradients are for TensorFlow")
def test_the_gradients_are_those_of_tensorflow():
    import tensorflow as tf

    model, x = network(), tf.constant(images(2, 10, 8, 3))

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = model(x, training=True)
            loss = tf.reduce_sum(y * tf.cos(tf.range(4, dtype="float32")) + y * y)
        return tape.gradient(loss, [x, *model.trainable_variables])

    expected = gradients.python_function()
    with faster_gradients(model):
        found = gradients()
    kinds = [x.type for x in gradients.get_concrete_function().graph.get_operations()]
    # Of nine layers (that with groups is a function), two kernels' gradients are not TensorFlow's.
    assert kinds.count("Conv2DBackpropInput") == 9 and kinds.count("Conv2DBackpropFilter") == 7
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max())


def test_what_is_replaced_and_for_how_long():
    model = network()
    known = KNOWN if ON_TENSORFLOW else set()
    with faster_gradients(model):
        assert replaced(model) == known
        with faster_gradients(model):  # a second replica
            pass
        assert replaced(model) == known
    with pytest.raises(ZeroDivisionError), faster_gradients(model):
        raise ZeroDivisionError
    assert not replaced(model)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="the gradients are for TensorFlow")
def test_a_segmenter_trains_with_them():
    models, seen = [], []

    class Spy(layers.Layer):
        def call(self, x, training=None):
            seen.extend((bool(training), bool(replaced(x.training_network))) for x in models)
            return 1.0 * x

    inputs = keras.Input((None, None, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(inputs))
    plain = keras.Model(inputs, layers.Conv2D(5, 1)(Spy()(x)))
    model = Segmenter(plain, {"rgb": 3, "depth": 1})
    models.append(model)
    data, labels = batch(2)
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    model.train_on_batch(data, labels)
    model.predict_on_batch(data)
    assert set(seen) == {(True, True), (False, False)}
