import functools

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_asym.fusion import ChannelExchanging, to_multimodal
from keras_asym.layers import ModalityBatchNormalization
from keras_asym.models import Segmenter
from keras_asym.networks import AdapNetPP
from tests.helpers import distance, images, randomize_norms, run
from tests.networks.adapnet_encoder_test import before, path_to

CLASSES = 5
TINY = {"width": 4, "decoder_width": 8, "skip_width": 8}
TRAINABLE = {12: 30_145_366, 19: 30_133_030 + 260 * 19 + 64 * 19**2}


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


def norms(network):
    return [x for x in network.layers if isinstance(x, layers.BatchNormalization)]


@functools.cache
def published(num_classes=12, auxiliary=False, decoder="adapnet"):
    with keras.StatelessScope(initialize_variables=False):  # shapes are enough
        return AdapNetPP(num_classes, auxiliary, decoder)


@functools.cache
def tiny(decoder="ssma", size=(None, None)):
    network = AdapNetPP(CLASSES, True, decoder, **TINY, input_shape=(*size, 3))
    return randomize_norms(network)


class TestCounts:
    @pytest.mark.parametrize("num_classes", TRAINABLE)
    def test_parameters(self, num_classes):
        network = published(num_classes)
        assert count(network.trainable_weights) == TRAINABLE[num_classes]
        private = sum(count(x.trainable_weights) for x in norms(network))
        assert private == 52_838 + 4 * num_classes

    def test_with_moving_statistics(self):
        assert count(published().weights) == 30_198_252

    def test_auxiliary_outputs_and_decoder(self):
        auxiliary = count(published(auxiliary=True).trainable_weights)
        assert auxiliary - TRAINABLE[12] == 2 * (256 * 12 + 2 * 12)
        ssma = count(published(decoder="ssma").trainable_weights)
        assert ssma - TRAINABLE[12] == 2 * (256 * 24 + 2 * 24)

    def test_of_ssma(self):
        """Two of what stands in front of its three fusions, these, and its decoder."""
        network = published(decoder="ssma")
        fused = ("input", "conv1", "stack", "easpp", "skip")
        parts = [x for x in network.layers if x.name.startswith(fused)]
        encoder = count(w for x in parts for w in x.trainable_weights)
        gates = [9 * (c * r + r * c) + r + c for c, r in ((512, 32), (48, 8), (48, 8))]
        outputs = [512 * 256 + 2 * 256, *2 * [9 * 48 * 24 + 24]]
        decoder = count(network.trainable_weights) - encoder
        assert encoder == 25_562_918
        assert 2 * encoder + sum(gates) + sum(outputs) + decoder == 56_182_428

    @pytest.mark.parametrize("modalities", [2, 3])
    def test_of_a_further_modality(self, modalities):
        network = tiny()
        channels = {f"modality{index}": 3 for index in range(modalities)}
        model = to_multimodal(network, channels, check=False)
        private = sum(count(x.trainable_weights) for x in norms(network))
        more = count(model.trainable_weights) - count(network.trainable_weights)
        assert more == (modalities - 1) * private

    @pytest.mark.slow
    def test_of_a_further_modality_as_published(self):
        network = AdapNetPP(12)
        model = to_multimodal(network, {"rgb": 3, "depth": 3}, check=False)
        assert count(model.trainable_weights) == 30_145_366 + 52_838 + 4 * 12


class TestLayout:
    def test_pooling(self):
        network, end = published(), "stack3_out_relu"
        branches = ["easpp0_relu", *(f"easpp{i}_4_relu" for i in (1, 2, 3)), "easpp_pool_resize"]
        assert before(network, "easpp_concat") == branches
        assert path_to(network, "easpp0_relu", end)[1:] == [f"easpp0_{x}" for x in UNIT]
        for index, rate in ((1, 3), (2, 6), (3, 12)):
            names = [f"easpp{index}_{i}" for i in (1, 2, 3, 4)]
            expected = [f"{name}_{x}" for name in names for x in UNIT]
            assert path_to(network, expected[-1], end) == [end, *expected]
            found = [network.get_layer(f"{name}_conv") for name in names]
            assert [x.kernel_size[0] for x in found] == [1, 3, 3, 1]
            assert [x.dilation_rate[0] for x in found] == [1, rate, rate, 1]
            assert [x.filters for x in found] == [64, 64, 64, 256]
        pooled = ["easpp_pool", *(f"easpp_pool_{x}" for x in UNIT)]
        assert path_to(network, "easpp_pool_relu", end) == [end, *pooled]
        assert before(network, "easpp_pool_resize") == ["easpp_pool_relu", end]

    @pytest.mark.parametrize("decoder", ["adapnet", "ssma"])
    def test_decoder_without_relu_behind_pooling_and_skips(self, decoder):
        network = published(decoder=decoder)
        start = "easpp_concat"
        for stride, tap in ((8, "stack1_out_relu"), (4, "stack0_out_relu")):
            skip = [tap, f"skip{stride}_conv", f"skip{stride}_bn"]
            assert path_to(network, skip[-1], tap) == skip
            assert network.get_layer(skip[1]).filters == 24
            name = f"decoder{stride}"
            up, other = before(network, f"{name}_crop")
            pooling = ["easpp_conv", "easpp_bn"] if stride == 8 else []
            assert path_to(network, up, start) == [
                start,
                *pooling,
                f"{name}_up_conv",
                f"{name}_up_bn",
            ]
            assert other == skip[-1]
            joined = f"{name}_multiply" if decoder == "ssma" else skip[-1]
            assert before(network, f"{name}_concat") == [f"{name}_crop", joined]
            end = f"{name}_2_relu"
            expected = [f"{name}_{i}_{x}" for i in (1, 2) for x in UNIT]
            assert path_to(network, end, f"{name}_concat")[1:] == expected
            start = end
        up, image = before(network, "classifier_crop")
        expected = [*(f"classifier_{x}" for x in UNIT), "classifier_up_conv", "classifier_up_bn"]
        assert path_to(network, up, start) == [start, *expected]
        assert image == network.inputs[0]._keras_history.operation.name
        assert network.output.shape == (None, None, None, 12)

    def test_transposed_convolutions(self):
        found = {
            x.name: (x.kernel_size[0], x.strides[0], x.filters)
            for x in published().layers
            if isinstance(x, layers.Conv2DTranspose)
        }
        assert found == {
            "decoder8_up_conv": (4, 2, 256),
            "decoder4_up_conv": (4, 2, 256),
            "classifier_up_conv": (8, 4, 12),
        }
        kernel = published().get_layer("classifier_up_conv").kernel_initializer
        assert kernel.stddev == pytest.approx((2 / (64 * 12)) ** 0.5)

    def test_auxiliary_outputs(self):
        network = published(auxiliary=True)
        assert len(network.outputs) == 3
        for output, stride in zip(network.outputs[1:], (4, 8), strict=True):
            end, start = f"auxiliary{stride}_bn", f"decoder{stride}_crop"
            assert output._keras_history.operation.name == end
            assert path_to(network, end, start) == [start, f"auxiliary{stride}_conv", end]

    def test_every_convolution_is_without_bias(self):
        network = published(auxiliary=True, decoder="ssma")
        convolutions = [x for x in network.layers if hasattr(x, "kernel_size")]
        assert not any(x.use_bias for x in convolutions)
        assert all(x.padding == "same" for x in convolutions)
        assert {(x.momentum, x.epsilon) for x in norms(network)} == {(0.99, 1e-5)}


UNIT = ("conv", "bn", "relu")


class TestCall:
    @pytest.mark.parametrize("size", [(64, 96), (33, 47), (8, 1)])
    def test_any_size_can_be_read(self, size):
        outputs = run(tiny(), images(2, *size, 3))
        for output, stride in zip(outputs, (1, 4, 8), strict=True):
            assert output.shape == (2, *(-(-x // stride) for x in size), CLASSES)
            assert np.isfinite(np.asarray(output)).all()

    def test_known_sizes(self):
        with keras.StatelessScope(initialize_variables=False):
            network = AdapNetPP(CLASSES, **TINY, input_shape=(49, 64, 1))
        assert network.input.shape == (None, 49, 64, 1)
        assert network.output.shape == (None, 49, 64, CLASSES)

    @pytest.mark.parametrize("stride", [4, 8])
    def test_skips_of_ssma_are_weighted_by_channel(self, stride):
        network, name = tiny(), f"decoder{stride}"
        ends = [f"{name}_multiply", f"skip{stride}_bn", f"{name}_crop"]
        inner = keras.Model(network.input, [network.get_layer(x).output for x in ends])
        product, skip, features = (np.asarray(x) for x in run(inner, images(2, 32, 32, 3)))
        mean = features.mean((1, 2))
        kernel = np.asarray(network.get_layer(f"{name}_weights_conv").kernel)[0, 0]
        norm = network.get_layer(f"{name}_weights_bn")
        scale = np.asarray(norm.gamma) / np.sqrt(np.asarray(norm.moving_variance) + 1e-5)
        shift = np.asarray(norm.beta) - np.asarray(norm.moving_mean) * scale
        weights = np.maximum(mean @ kernel * scale + shift, 0)
        assert weights.any()
        np.testing.assert_allclose(product, skip * weights[:, None, None], rtol=1e-4, atol=1e-5)

    def test_mixed_precision(self):
        exact = tiny("adapnet")
        try:
            keras.config.set_dtype_policy("mixed_bfloat16")
            network = AdapNetPP(CLASSES, True, "adapnet", **TINY)
        finally:
            keras.config.set_dtype_policy("float32")
        network.set_weights(exact.get_weights())
        x = images(1, 32, 48, 3)
        for y, expected in zip(run(network, x), run(exact, x), strict=True):
            assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
            assert distance(ops.cast(y, "float32"), expected) < 0.1

    def test_saved_and_loaded(self, tmp_path):
        network = tiny()
        network.save(tmp_path / "network.keras")
        loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
        x = images(1, 40, 33, 3)
        for y, expected in zip(run(loaded, x), run(network, x), strict=True):
            np.testing.assert_array_equal(y, expected)
        assert network.name == "adapnet_pp"


def test_in_a_segmenter():
    fusion = ChannelExchanging(sites="(easpp|skip4|skip8)_bn$")
    weights = {"auxiliary_weights": (0.6, 0.5), "freeze_statistics": True}
    model = Segmenter(tiny(), {"rgb": 3, "depth": 1}, fusion, **weights)
    assert isinstance(model.network.get_layer("input_bn"), ModalityBatchNormalization)
    for name in ("easpp_bn", "skip4_bn", "skip8_bn"):
        assert isinstance(
            model.network.get_layer(f"{name}_exchange").layer, ModalityBatchNormalization
        )
    assert not any("auxiliary" in x.name for x in model.network.layers)
    model.compile("sgd")
    x = {"rgb": images(1, 40, 33, 3), "depth": images(1, 40, 33, 1)}
    outputs = model(x, training=True)
    auxiliary = {f"{name}/auxiliary_{i}" for name in x for i in (1, 2)}
    assert set(outputs) == {*x, "ensemble", *auxiliary}
    assert {value.shape for value in outputs.values()} == {(1, 40, 33, CLASSES)}
    losses = [
        float(model.compute_loss(x, np.zeros((1, 40, 33), "int32"), y))
        for y in (outputs, {key: outputs[key] for key in (*x, "ensemble")})
    ]
    assert np.isfinite(losses).all() and losses[0] > losses[1]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"decoder": "light"},
            '`decoder` must be "adapnet" or "ssma". Received: decoder=\'light\'',
        ),
        ({"decoder_width": 6}, "`decoder_width` must be a multiple of 4"),
        ({"decoder_width": 0}, "`decoder_width` must be a multiple of 4"),
        ({"dropout": 1.5}, "rate"),
        ({"num_classes": 0}, "`filters`.*strictly positive"),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        AdapNetPP(**{**TINY, **kwargs})
