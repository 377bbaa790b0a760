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
_INITIALIZER = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"},
}


def ResNet(depth=50, width=64, input_shape=(None, None, 3), name=None):
    """ResNet encoder in torchvision's layout, written for one image.

    7x7/2 stem, 3x3/2 max-pooling padded on both sides, the stride on the 3x3 convolution of a
    bottleneck, no bias in front of a norm, epsilon 1e-5, momentum 0.9 (He et al. 2015,
    [arXiv 1512.03385](https://arxiv.org/abs/1512.03385)). Layers are named as in
    keras.applications and KerasHub: `stack2_block0_2_conv`, `..._2_bn`, `..._2_relu`.

    Args:
        depth: 18, 34, 50, 101 or 152.
        width: Channels of the stem; every other layer scales with it. 64 in the paper.
        input_shape: `(height, width, channels)`; height and width may be `None`.
        name: Name of the model, `"resnet50"` for depth 50 by default.

    Returns:
        Functional `keras.Model` whose outputs are the features of the four stages, at strides 4,
        8, 16 and 32.

    Raises:
        ValueError: If there is no ResNet of that depth.

    Example:

    >>> [x.shape[-1] for x in keras_asym.networks.ResNet(50).outputs]
    [256, 512, 1024, 2048]
    """
    if depth not in _BLOCKS:
        raise ValueError(f"`depth` must be one of {sorted(_BLOCKS)}. Received: depth={depth}")
    inputs = keras.Input(input_shape)
    return keras.Model(inputs, resnet_features(inputs, depth, width), name=name or f"resnet{depth}")


def resnet_features(x, depth, width=64):
    """The four stages' features of a ResNet applied to the symbolic image `x`."""
    blocks, bottleneck = _BLOCKS[depth]
    x = _convolution(x, width, 7, 2, "conv1_conv")
    x = _norm(x, "conv1_bn")
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)  # after a ReLU zeros are as good as -inf
    x = layers.MaxPooling2D(3, 2, name="pool1_pool")(x)
    features = []
    for stage, count in enumerate(blocks):
        for block in range(count):
            build = bottleneck_block if bottleneck else basic_block
            stride = 2 if stage > 0 and block == 0 else 1
            x = build(x, width * 2**stage, stride, f"stack{stage}_block{block}")
        features.append(x)
    return features


def bottleneck_block(x, filters, stride, name):
    """1x1, 3x3 and 1x1 convolution to `4 * filters` channels, added to `x`."""
    shortcut = _shortcut(x, 4 * filters, stride, name)
    x = _convolution(x, filters, 1, 1, f"{name}_1_conv")
    x = _norm(x, f"{name}_1_bn")
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = _convolution(x, filters, 3, stride, f"{name}_2_conv")
    x = _norm(x, f"{name}_2_bn")
    x = layers.ReLU(name=f"{name}_2_relu")(x)
    x = _convolution(x, 4 * filters, 1, 1, f"{name}_3_conv")
    x = _norm(x, f"{name}_3_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def basic_block(x, filters, stride, name):
    """Two 3x3 convolutions, added to `x`."""
    shortcut = _shortcut(x, filters, stride, name)
    x = _convolution(x, filters, 3, stride, f"{name}_1_conv")
    x = _norm(x, f"{name}_1_bn")
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = _convolution(x, filters, 3, 1, f"{name}_2_conv")
    x = _norm(x, f"{name}_2_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def _shortcut(x, filters, stride, name):
    if stride == 1 and x.shape[-1] == filters:
        return x
    x = _convolution(x, filters, 1, stride, f"{name}_0_conv")
    return _norm(x, f"{name}_0_bn")


def _convolution(x, filters, size, stride, name):
    if stride > 1 and size > 1:  # PyTorch pads both sides; "same" would pad one of them more
        x = layers.ZeroPadding2D(size // 2, name=name.replace("_conv", "_pad"))(x)
    return layers.Conv2D(
        filters,
        size,
        stride,
        padding="valid" if stride > 1 else "same",
        use_bias=False,
        kernel_initializer=keras.initializers.get(_INITIALIZER),
        name=name,
    )(x)


def _norm(x, name):
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)
