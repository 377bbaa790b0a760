import keras
import numpy as np
import pytest
from keras import layers

from keras_asym.fusion import ChannelExchanging, PrivateNormalization
from keras_asym.keras_internals import nodes_of
from keras_asym.models import Segmenter
from keras_asym.models.checkpointing import LAYERS, _cuts, checkpointed
from keras_asym.networks import RefineNet
from tests.helpers import ON_JAX, arrays, randomize
from tests.models.tiny import CHANNELS, CLASSES, batch

BLOCKS = 3


def deep_network(extra=None):
    """Residual blocks with norms, which are exchanged, and dropout; logits at half size."""
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, 2, padding="same", use_bias=False, name="conv1_conv")(inputs)
    for block in range(BLOCKS):
        name, shortcut = f"stack0_block{block}", x
        for index in (1, 2):
            x = layers.Conv2D(8, 3, padding="same", use_bias=False, name=f"{name}_{index}_conv")(x)
            x = layers.BatchNormalization(momentum=0.9, name=f"{name}_{index}_bn")(x)
            x = layers.ReLU(name=f"{name}_{index}_relu")(x)
        x = layers.Dropout(0.3, name=f"{name}_dropout")(x)
        if extra is not None and block == 0:
            x = extra(x)
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    x = layers.Conv2D(CLASSES, 1, name="classifier")(x)
    return keras.Model(inputs, x)


def model(checkpoint_gradients, fusion=None, count=2, extra=None, **kwargs):
    keras.utils.set_random_seed(3)
    modalities = dict(list(CHANNELS.items())[:count])
    fusion = fusion or ChannelExchanging(threshold=0.3, sites="_2_bn$")
    made = Segmenter(
        deep_network(extra),
        modalities,
        fusion,
        checkpoint_gradients=checkpoint_gradients,
        **kwargs,
    )
    return randomize(made)


def trained(made, steps=3, rate=0.05, **kwargs):
    made.compile(keras.optimizers.SGD(rate, momentum=0.9), **{"jit_compile": ON_JAX, **kwargs})
    losses = [float(made.train_on_batch(*batch())[0]) for _ in range(steps)]
    return losses, arrays(made.variables)


@pytest.mark.parametrize(
    "kwargs",
    [{}, {"freeze_statistics": True, "modality_dropout": 0.4}],
    ids=["batch_statistics", "absent_modalities"],
)
def test_training_is_the_same(kwargs):
    """Also of the moving statistics, the seeds and the confusion matrices."""
    (losses, plain), (found, values) = (trained(model(x, **kwargs)) for x in (False, True))
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    assert len(set(losses)) == len(losses)
    for value, expected in zip(values, plain, strict=True):
        np.testing.assert_allclose(value, expected, atol=2e-5, rtol=1e-5)


def test_segments_end_where_one_tensor_goes_on():
    network = model(True).training_network
    cuts = _cuts(network)
    assert len(cuts) >= 2
    assert np.diff([0, *cuts]).min() >= LAYERS


def test_what_a_decoder_reads_of_the_encoder_does_not_join_the_segments():
    network = RefineNet("resnet50", 5, decoder_widths=(8, 8, 8, 8), backbone_width=4)
    cuts = _cuts(network)
    assert len(cuts) >= 18
    assert np.diff([0, *cuts, len(nodes_of(network))]).max() <= 4 * LAYERS


class Counting(layers.Layer):
    calls = 0

    def call(self, inputs):
        Counting.calls += 1
        return inputs * 1.0


@pytest.mark.skipif(ON_JAX, reason="JAX runs what it has traced a second time by itself")
def test_the_second_run_is_in_the_backward_pass():
    import tensorflow as tf

    network = model(False, extra=Counting(name="counting")).training_network
    x = batch()[0]
    for call, forward, backward in ((network, 1, 1), (checkpointed(network), 1, 2)):
        Counting.calls = 0
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(call(x, training=True)["rgb"])
        assert Counting.calls == forward
        found = tape.gradient(loss, [v.value for v in network.trainable_variables])
        assert Counting.calls == backward
        assert any(g is not None and np.any(g) for g in found)


class Losing(layers.Layer):
    def call(self, inputs):
        self.add_loss(keras.ops.mean(inputs))
        return inputs


def test_layers_that_add_a_loss_are_refused():
    made = model(True, PrivateNormalization(), extra=Losing(name="losing"))
    with pytest.raises(ValueError, match="not for layers that add a loss"):
        trained(made, steps=1)


@pytest.mark.usefixtures("without_graphs")
def test_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        (losses, _), (found, _) = (trained(model(x), steps=2) for x in (False, True))
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(found, losses, rtol=2e-2)


@pytest.mark.slow
@pytest.mark.skipif(ON_JAX, reason="compiled there anyway")
def test_compiled_by_xla():
    (losses, _), (found, _) = (trained(model(x), steps=2, jit_compile=True) for x in (False, True))
    np.testing.assert_allclose(found, losses, rtol=1e-4)


def test_the_setting_is_saved():
    assert Segmenter.from_config(model(True).get_config()).checkpoint_gradients
    assert not Segmenter.from_config(model(False).get_config()).checkpoint_gradients
