import keras
from keras import layers

# (repeats, kernel size, stride, expansion, channels) of each stack, with a stem of 32 channels.
_STACKS = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
REPEATS = tuple(repeats for repeats, *_ in _STACKS)
"""Number of blocks of each stack."""
_ENDS = (1, 2, 4, 6)  # the last stacks at strides 4, 8, 16 and 32
_WIDTH, _HEAD = 32, 1280
_INITIALIZER = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"},
}


def EfficientNetLite0(
    width=_WIDTH,
    output_stride=32,
    num_classes=None,
    input_shape=(None, None, 3),
    name="efficientnet_lite0",
):
    """EfficientNet-Lite0 encoder in the layout of its TensorFlow program, written for one image.

    EfficientNet-B0 (Tan and Le 2019, [arXiv 1905.11946](https://arxiv.org/abs/1905.11946)) without
    squeeze-and-excitation and with ReLU6 in place of swish: 16 inverted bottlenecks, TensorFlow's
    "same" padding, norms with epsilon 1e-3, no bias in front of a norm. 2,958,848 parameters
    without and 4,652,008 with the head, statistics not counted.
    `keras_asym.weights.load_efficientnet_lite_checkpoint` brings the published ImageNet weights.

    Layers are named as those of `ResNet`, so that the fusion strategies find their sites:
    `stack2_block1_1_conv` (expansion), `..._2_conv` (depthwise), `..._3_conv` (projection), each
    with its `_bn`. Channels are exchanged after the depthwise convolution: as in a bottleneck of a
    ResNet it is the one that looks at neighbours, on the block's own channels, and ReLU6 follows.
    The norm of the projection is part of the residual stream and has no activation behind it.

    This package's choices: momentum 0.9 of the norms, as in its other encoders (0.99 published),
    features at the end of a stack and not of the wider expansion behind it, and no stochastic
    depth.

    Args:
        width: Channels of the stem; every other layer scales with it. 32 is the published one.
        output_stride: 8, 16 or 32. Stacks that would go beyond it keep their size; all of their
            depthwise convolutions are dilated, by 2 from the first such stack on and by 4 from the
            second.
        num_classes: With a number, the published head follows, with its convolution to 1280
            channels (at the published width), and the output is logits `(batch, num_classes)`.
        input_shape: `(height, width, channels)`; height and width may be `None`.
        name: Name of the model.

    Returns:
        Functional `keras.Model` whose outputs are features of 24, 40, 112 and 320 channels at
        strides 4, 8, 16 and 32, or no more than `output_stride`: `ceil(height / stride)` pixels.
        The published weights expect pixels `(x - 127) / 128` of `x` in 0..255.

    Raises:
        ValueError: If `output_stride` is none of these.

    Example:

    >>> [x.shape[-1] for x in keras_asym.networks.EfficientNetLite0().outputs]
    [24, 40, 112, 320]
    """
    if output_stride not in (8, 16, 32):
        raise ValueError(
            f"`output_stride` must be 8, 16 or 32. Received: output_stride={output_stride}"
        )
    x = inputs = keras.Input(input_shape)
    x = layers.Conv2D(
        width,
        3,
        2,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(),
        name="conv1_conv",
    )(x)
    x = _norm(x, "conv1")
    features, reached, dilation = [], 2, 1
    for stack, (repeats, size, stride, expansion, channels) in enumerate(_STACKS):
        if reached * stride > output_stride:
            stride, dilation = 1, dilation * stride
        reached *= stride
        filters = _scaled(channels, width)
        for block in range(repeats):
            prefix = f"stack{stack}_block{block}"
            x = inverted_bottleneck(
                x, filters, size, stride if block == 0 else 1, expansion, prefix, dilation
            )
        if stack in _ENDS:
            features.append(x)
    if num_classes is None:
        return keras.Model(inputs, features, name=name)
    x = _pointwise(x, _scaled(_HEAD, width), "head")
    x = layers.GlobalAveragePooling2D(name="head_pool")(_norm(x, "head"))
    return keras.Model(inputs, layers.Dense(num_classes, name="classifier")(x), name=name)


def inverted_bottleneck(x, filters, size, stride, expansion, name, dilation=1):
    """1x1 convolution to `expansion` times the channels, depthwise convolution, and 1x1 convolution
    to `filters` channels, added to `x` where size and channels allow it."""
    shortcut = x
    if expansion > 1:
        x = _norm(_pointwise(x, expansion * x.shape[-1], f"{name}_1"), f"{name}_1")
    x = layers.DepthwiseConv2D(
        size,
        stride,
        padding="same",
        dilation_rate=dilation,
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{name}_2_conv",
    )(x)
    x = _norm(x, f"{name}_2")
    x = _norm(_pointwise(x, filters, f"{name}_3"), f"{name}_3", rectified=False)
    if stride == 1 and shortcut.shape[-1] == filters:
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def _pointwise(x, filters, name):
    return layers.Conv2D(
        filters, 1, use_bias=False, kernel_initializer=_initializer(), name=f"{name}_conv"
    )(x)


def _norm(x, name, rectified=True):
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.ReLU(max_value=6, name=f"{name}_relu")(x) if rectified else x


def _scaled(channels, width):
    return max(1, round(channels * width / _WIDTH))


def _initializer():
    return keras.initializers.get(_INITIALIZER)
