import keras
import pytest
from keras import layers

from keras_asym.keras_internals import nodes_of
from keras_asym.strides import strides_of


def strides(model):
    nodes = nodes_of(model)
    found = strides_of(model, [node.outputs[0] for node in nodes])
    return {node.operation.name: stride for node, stride in zip(nodes, found, strict=True)}


def pyramid(size, padding):
    x = inputs = keras.Input((*size, 3))
    for level in range(1, 6):
        x = layers.Conv2D(4, 3, strides=2, padding=padding, name=f"level{level}")(x)
    tokens = layers.Reshape((-1, 4), name="tokens")(x)
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="pooled")(x)
    bins = layers.Resizing(6, 6, name="bins")(x)
    classes = layers.Dense(4, name="classes")(layers.Flatten(name="flat")(pooled))
    return keras.Model(inputs, [tokens, bins, classes])


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("size", [(None, None), (97, 64)])
def test_maps_and_tokens_have_strides_and_what_is_pooled_has_none(size, padding):
    found = strides(pyramid(size, padding))
    expected = {f"level{level}": 2**level for level in range(1, 6)} | {"tokens": 32}
    assert found == {**expected, **dict.fromkeys(("pooled", "bins", "flat", "classes"))}


def test_a_model_that_takes_its_own_size_alone():
    x = inputs = keras.Input((40, 56, 3))
    x = layers.Conv2D(4, 3, strides=4, name="conv")(x)  # 10 x 14
    x = layers.Reshape((140, 4), name="tokens")(x)
    pooled = layers.GlobalAveragePooling1D(keepdims=True, name="pooled")(x)
    found = strides(keras.Model(inputs, layers.Add(name="add")([x, pooled])))
    assert found == {"conv": 4, "tokens": 4, "pooled": None, "add": 4}


def test_what_is_scaled_by_another_factor_has_none():
    inputs = keras.Input((None, None, 3))
    third = layers.MaxPooling2D(3, name="third")(inputs)
    tall = layers.MaxPooling2D((4, 2), name="tall")(inputs)
    large = layers.UpSampling2D(2, name="large")(inputs)
    same = layers.Conv2D(3, 1, name="same")(inputs)
    found = strides(keras.Model(inputs, [third, tall, large, same]))
    assert found == {"third": None, "tall": None, "large": None, "same": 1}
