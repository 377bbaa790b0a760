import keras
from keras import layers

# Blocks in each of the four stages, and whether they are bottlenecks.
_BLOCKS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
DEPTHS = tuple(_BLOCKS)
# Name, channels in multiples of the width, size and stride of the convolutions of each stem.
_STEMS = {
    "7x7": (("conv1", 1, 7, 2),),
    "deep": (("conv1_1", 1, 3, 2), ("conv1_2", 1, 3, 1), ("conv1_3", 2, 3, 1)),
}
_INITIALIZER = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"},
}


def ResNet(
    depth=50,
    width=64,
    stem="7x7",
    output_stride=32,
    input_shape=(None, None, 3),
    name=None,
):
    """ResNet encoder in torchvision's layout, written for one image.

    7x7/2 stem, 3x3/2 max-pooling padded on both sides, the stride on the 3x3 convolution of a
    bottleneck, no bias in front of a norm, epsilon 1e-5, momentum 0.9 (He et al. 2015,
    [arXiv 1512.03385](https://arxiv.org/abs/1512.03385)). Layers are named as in
    keras.applications and KerasHub: `stack2_block0_2_conv`, `..._2_bn`, `..._2_relu`.

    Args:
        depth: 18, 34, 50, 101 or 152.
        width: Channels of the stem; every other layer scales with it. 64 in the paper.
        stem: `"7x7"`, or `"deep"` for three 3x3 convolutions with `width`, `width` and `2 * width`
            channels in its place, as PSPNet has it (Zhao et al. 2016,
            [arXiv 1612.01105](https://arxiv.org/abs/1612.01105)).
        output_stride: 8, 16 or 32. Stages that would go beyond it keep their size; all of their 3x3
            convolutions are dilated, by 2 in the first such stage and by 4 in the second.
            (torchvision leaves the first block of a stage at the former dilation.)
        input_shape: `(height, width, channels)`; height and width may be `None`.
        name: Name of the model, `"resnet50"` for depth 50 by default.

    Returns:
        Functional `keras.Model` whose outputs are the features of the four stages, at strides 4,
        8, 16 and 32, or no more than `output_stride`: `ceil(height / stride)` pixels, for any size.
        With `output_stride * k + 1` pixels the corner pixels of all features coincide.

    Raises:
        ValueError: If there is no ResNet of that depth, stem or output stride.

    Example:

    >>> [x.shape[-1] for x in keras_asym.networks.ResNet(50).outputs]
    [256, 512, 1024, 2048]
    """
    if depth not in _BLOCKS:
        raise ValueError(f"`depth` must be one of {sorted(_BLOCKS)}. Received: depth={depth}")
    if stem not in ("7x7", "deep"):
        raise ValueError(f'`stem` must be "7x7" or "deep". Received: stem={stem!r}')
    if output_stride not in (8, 16, 32):
        raise ValueError(
            f"`output_stride` must be 8, 16 or 32. Received: output_stride={output_stride}"
        )
    inputs = keras.Input(input_shape)
    features = resnet_features(inputs, depth, width, stem, output_stride)
    return keras.Model(inputs, features, name=name or f"resnet{depth}")


def resnet_features(x, depth, width=64, stem="7x7", output_stride=32):
    """The four stages' features of a ResNet applied to the symbolic image `x`."""
    blocks, bottleneck = _BLOCKS[depth]
    for name, filters, size, stride in _STEMS[stem]:
        x = _convolution(x, filters * width, size, stride, f"{name}_conv")
        x = _norm(x, f"{name}_bn")
        x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)  # after a ReLU zeros are as good as -inf
    x = layers.MaxPooling2D(3, 2, name="pool1_pool")(x)
    features = []
    for stage, count in enumerate(blocks):
        dilation = max(1, 4 * 2**stage // output_stride)
        for block in range(count):
            build = bottleneck_block if bottleneck else basic_block
            stride = 2 if stage > 0 and block == 0 and dilation == 1 else 1
            x = build(x, width * 2**stage, stride, f"stack{stage}_block{block}", dilation)
        features.append(x)
    return features


def bottleneck_block(x, filters, stride, name, dilation=1):
    """1x1, 3x3 and 1x1 convolution to `4 * filters` channels, added to `x`."""
    shortcut = _shortcut(x, 4 * filters, stride, name)
    x = _convolution(x, filters, 1, 1, f"{name}_1_conv")
    x = _norm(x, f"{name}_1_bn")
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = _convolution(x, filters, 3, stride, f"{name}_2_conv", dilation)
    x = _norm(x, f"{name}_2_bn")
    x = layers.ReLU(name=f"{name}_2_relu")(x)
    x = _convolution(x, 4 * filters, 1, 1, f"{name}_3_conv")
    x = _norm(x, f"{name}_3_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def basic_block(x, filters, stride, name, dilation=1):
    """Two 3x3 convolutions, added to `x`."""
    shortcut = _shortcut(x, filters, stride, name)
    x = _convolution(x, filters, 3, stride, f"{name}_1_conv", dilation)
    x = _norm(x, f"{name}_1_bn")
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = _convolution(x, filters, 3, 1, f"{name}_2_conv", dilation)
    x = _norm(x, f"{name}_2_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def _shortcut(x, filters, stride, name):
    if stride == 1 and x.shape[-1] == filters:
        return x
    x = _convolution(x, filters, 1, stride, f"{name}_0_conv")
    return _norm(x, f"{name}_0_bn")


def _convolution(x, filters, size, stride, name, dilation=1):
    if stride > 1 and size > 1:  # PyTorch pads both sides; "same" would pad one of them more
        x = layers.ZeroPadding2D(size // 2, name=name.replace("_conv", "_pad"))(x)
    return layers.Conv2D(
        filters,
        size,
        stride,
        padding="valid" if stride > 1 else "same",
        dilation_rate=dilation,
        use_bias=False,
        kernel_initializer=keras.initializers.get(_INITIALIZER),
        name=name,
    )(x)


def _norm(x, name):
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)
