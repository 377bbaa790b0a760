import re

import keras
import numpy as np
import pytest

from keras_asym.networks import ResNet
from tests.helpers import images, randomize_norms, run

# torchvision's trainable parameters, with a classifier of 1000 classes.
TORCHVISION = {
    18: 11_689_512,
    34: 21_797_672,
    50: 25_557_032,
    101: 44_549_160,
    152: 60_192_808,
}


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


@pytest.mark.parametrize("depth", TORCHVISION)
def test_number_of_parameters(depth):
    with keras.StatelessScope(initialize_variables=False):  # shapes are enough
        network = ResNet(depth)
    width = 512 if depth < 50 else 2048
    classifier = 1000 * width + 1000
    assert count(network.trainable_weights) == TORCHVISION[depth] - classifier
    assert network.output_names and network.name == f"resnet{depth}"


@pytest.mark.parametrize(
    ("depth", "widths"), [(18, (64, 128, 256, 512)), (50, (256, 512, 1024, 2048))]
)
@pytest.mark.parametrize("size", [(65, 97), (64, 40), (33, 1)])
def test_features_at_strides_4_to_32(depth, widths, size):
    with keras.StatelessScope(initialize_variables=False):
        fixed, free = (
            ResNet(depth, input_shape=(*size, 3)),
            ResNet(depth, input_shape=(None, None, 4)),
        )
    for output, stride, width in zip(fixed.outputs, (4, 8, 16, 32), widths, strict=True):
        assert output.shape == (None, -(-size[0] // stride), -(-size[1] // stride), width)
    assert [x.shape for x in free.outputs] == [(None, None, None, width) for width in widths]


@pytest.mark.parametrize("depth", [18, 50])
def test_layers_are_named_as_in_the_ecosystem(depth):
    with keras.StatelessScope(initialize_variables=False):
        network = ResNet(depth)
    pattern = (
        r"conv1_(pad|conv|bn|relu)|pool1_(pad|pool)|"
        r"stack\d_block\d_(\d_(pad|conv|bn|relu)|add|out)"
    )
    for layer in network.layers[1:]:
        assert re.fullmatch(pattern, layer.name), layer.name
    last = "stack3_block1_2_conv" if depth == 18 else "stack3_block2_3_conv"
    assert network.get_layer(last).use_bias is False


def test_settings_of_the_published_program():
    with keras.StatelessScope(initialize_variables=False):
        network = ResNet(50)
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert len(norms) == 53 and {(x.epsilon, x.momentum) for x in norms} == {(1e-5, 0.9)}
    strided = {x.name for x in network.layers if getattr(x, "strides", (1, 1)) != (1, 1)}
    blocks = {f"stack{stage}_block0_{index}_conv" for stage in (1, 2, 3) for index in (0, 2)}
    assert strided == {"conv1_conv", "pool1_pool", *blocks}


def test_width():
    with keras.StatelessScope(initialize_variables=False):
        network = ResNet(50, width=8)
    assert [x.shape[-1] for x in network.outputs] == [32, 64, 128, 256]
    assert network.get_layer("conv1_conv").filters == 8


# Depth -> trainable parameters without a classifier, and the norms of a further modality.
DEEP = {50: (23_631_808, 53_504), 101: (42_623_936, 105_728), 152: (58_267_584, 151_808)}


@pytest.mark.parametrize("depth", DEEP)
def test_deep_stem(depth):
    with keras.StatelessScope(initialize_variables=False):
        network = ResNet(depth, stem="deep")
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    of_norms = sum(count(x.trainable_weights) for x in norms)
    assert (count(network.trainable_weights), of_norms) == DEEP[depth]
    assert [x.shape[-1] for x in network.outputs] == [256, 512, 1024, 2048]
    stem = [network.get_layer(f"conv1_{i}_conv") for i in (1, 2, 3)]
    assert [(x.filters, x.kernel_size, x.strides) for x in stem] == [
        (64, (3, 3), (2, 2)),
        (64, (3, 3), (1, 1)),
        (128, (3, 3), (1, 1)),
    ]
    assert network.get_layer("conv1_1_pad").padding == ((1, 1), (1, 1))


@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.parametrize(
    ("output_stride", "dilations"), [(8, (1, 1, 2, 4)), (16, (1, 1, 1, 2)), (32, (1, 1, 1, 1))]
)
def test_output_stride(depth, output_stride, dilations):
    """All 3x3 convolutions of a stage have its dilation, those of the first block too."""
    with keras.StatelessScope(initialize_variables=False):
        network = ResNet(depth, 4, output_stride=output_stride, input_shape=(65, 33, 3))
    convolutions = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
    for stage, dilation in enumerate(dilations):
        inside = [x for x in convolutions if x.name.startswith(f"stack{stage}_")]
        found = {x.dilation_rate for x in inside if x.kernel_size == (3, 3)}
        assert found == {(dilation, dilation)}
        assert {x.strides for x in inside if dilation > 1} <= {(1, 1)}
    strides = [min(stride, output_stride) for stride in (4, 8, 16, 32)]
    assert [x.shape[1:3] for x in network.outputs] == [
        (64 // stride + 1, 32 // stride + 1) for stride in strides
    ]


def test_stem_pads_both_sides():
    """A 7x7/2 convolution that reads the pixel in its centre gives the even pixels."""
    network = ResNet(18, input_shape=(None, None, 1))
    kernel = np.zeros((7, 7, 1, 64), "float32")
    kernel[3, 3] = 1
    network.get_layer("conv1_conv").kernel.assign(kernel)
    stem = keras.Model(network.input, network.get_layer("conv1_conv").output)
    x = images(1, 9, 12, 1)
    np.testing.assert_allclose(run(stem, x)[..., :1], x[:, ::2, ::2], atol=1e-6)


def test_saved_and_loaded(tmp_path):
    network = randomize_norms(ResNet(18))
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    x = images(1, 33, 40, 3)
    for value, expected in zip(run(loaded, x), run(network, x), strict=True):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("depth", [20, "50", None])
def test_wrong_depth(depth):
    with pytest.raises(ValueError, match=r"`depth` must be one of \[18, 34, 50, 101, 152\]"):
        ResNet(depth)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"stem": "3x3"}, r'`stem` must be "7x7" or "deep".*stem=\'3x3\''),
        ({"output_stride": 4}, "`output_stride` must be 8, 16 or 32.*output_stride=4"),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ResNet(18, **kwargs)
