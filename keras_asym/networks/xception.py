import keras
from keras import layers

from keras_asym.networks.units import separable_unit

# Entry flow as (stack, width, stride): a stack holds the modules of one resolution.
_ENTRY = ((0, 128, 2), (1, 256, 2), (2, 728, 2))
_LONG_ENTRY = ((0, 128, 2), (0, 256, 1), (1, 256, 2), (1, 728, 1), (2, 728, 2))
# Depth -> entry flow and number of modules in the middle flow.
_LAYOUTS = {41: (_ENTRY, 8), 65: (_ENTRY, 16), 71: (_LONG_ENTRY, 16)}
DEPTHS = tuple(_LAYOUTS)
_STRIDE_OF_STEM = 2
_NORM = {"momentum": 0.9997, "epsilon": 1e-3}


def Xception(depth=65, width=32, output_stride=16, input_shape=(None, None, 3), name=None):
    """Xception encoder of DeepLabv3+, written for one image.

    The modified Xception of Chen et al. 2018 ([arXiv 1802.02611](https://arxiv.org/abs/1802.02611))
    in the layout of its TensorFlow program, which differs from `keras.applications.Xception`
    (Chollet 2016, [arXiv 1610.02357](https://arxiv.org/abs/1610.02357)): a norm also between the
    depthwise and the pointwise convolution, strides in place of the max-poolings, a longer middle
    flow. A module is three times ReLU, depthwise 3x3, norm, pointwise, norm; its shortcut starts at
    the input *in front of* the first ReLU. Strided convolutions pad one pixel on each side; epsilon
    is 1e-3. Images are expected in [-1, 1].

    Layers are named as those of `ResNet`, `stack1_block0_2_depthwise_conv`, `..._2_depthwise_bn`,
    `..._2_conv` (pointwise), `..._2_bn`, so that the fusion strategies find their sites; a stack
    holds the modules of one resolution. The published programs of the fusion papers have no
    Xception: these sites are this package's choice.

    Args:
        depth: 65 or 71, or 41, which has half of the middle flow.
        width: Channels of the first convolution; every other layer scales with it. 32 in the paper.
        output_stride: 8, 16 or 32: where this stride is reached, convolutions are dilated in place
            of being strided.
        input_shape: `(height, width, channels)`; height and width may be `None`. Any size can be
            read; with `output_stride * k + 1` pixels the corner pixels of all features coincide.
        name: Name of the model, `"xception65"` for depth 65 by default.

    Returns:
        Functional `keras.Model` whose outputs are the features of four stages, at strides 4, 8, 16
        and 32, or no more than `output_stride`. That of stride 4, the decoder's low-level feature,
        is the second pointwise norm of the module that goes on to stride 8, before any ReLU.

    Raises:
        ValueError: If `depth` or `output_stride` is not one of those above.

    Example:

    >>> [x.shape[-1] for x in keras_asym.networks.Xception(41, width=8).outputs]
    [64, 64, 182, 512]
    """
    if depth not in _LAYOUTS:
        raise ValueError(f"`depth` must be one of {sorted(_LAYOUTS)}. Received: depth={depth}")
    if output_stride not in (8, 16, 32):
        raise ValueError(
            f"`output_stride` must be 8, 16 or 32. Received: output_stride={output_stride}"
        )
    inputs = keras.Input(input_shape)
    features = xception_features(inputs, depth, width, output_stride)
    return keras.Model(inputs, features, name=name or f"xception{depth}")


def xception_features(x, depth, width=32, output_stride=16):
    """The four stages' features of an Xception applied to the symbolic image `x`."""
    x = _stem(x, width)
    entry, middle = _LAYOUTS[depth]
    modules = [(stack, (channels,) * 3, stride) for stack, channels, stride in entry]
    modules += [(2, (728,) * 3, 1)] * middle
    modules += [(3, (728, 1024, 1024), 2)]
    features, blocks = [None] * 4, [0] * 4
    reached, dilation = _STRIDE_OF_STEM, 1
    for stack, channels, stride in modules:
        prefix = f"stack{stack}_block{blocks[stack]}"
        taken = stride if reached * stride <= output_stride else 1
        widths = [_scaled(number, width) for number in channels]
        x, second = module(x, widths, taken, dilation, prefix)
        if stack > 0:
            features[stack] = x
        if prefix == "stack1_block0":
            features[0] = second  # of stride 4, and not rectified
        # A stride that is not taken dilates what comes *after* the module, not the module.
        reached, dilation = reached * taken, dilation * stride // taken
        blocks[stack] += 1
    for index, number in enumerate((1536, 1536, 2048), start=1):
        name = f"stack3_block1_{index}"
        x = separable_unit(
            x, _scaled(number, width), name, _NORM, _initializers(), dilation=dilation
        )
    features[3] = x
    return features


def module(x, widths, stride, dilation, name):
    """Three separable convolutions, the last one strided, added to `x`; and the second's norm."""
    shortcut = x  # not rectified: the published PyTorch ports rectify it, in place
    if stride > 1 or x.shape[-1] != widths[-1]:
        shortcut = layers.Conv2D(
            widths[-1],
            1,
            stride,
            use_bias=False,
            kernel_initializer=_initializers()[1],
            name=f"{name}_0_conv",
        )(x)
        shortcut = layers.BatchNormalization(**_NORM, name=f"{name}_0_bn")(shortcut)
    outputs = []
    for index, filters in enumerate(widths, start=1):
        x = layers.ReLU(name=f"{name}_{index}_relu")(x)
        x = separable_unit(
            x,
            filters,
            f"{name}_{index}",
            _NORM,
            _initializers(),
            stride if index == 3 else 1,
            dilation,
            rectified=False,
        )
        outputs.append(x)
    return layers.Add(name=f"{name}_add")([shortcut, x]), outputs[1]


def _stem(x, width):
    for index, (factor, stride) in enumerate(((1, 2), (2, 1)), start=1):
        name = f"conv1_{index}"
        if stride > 1:
            x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
        x = layers.Conv2D(
            factor * width,
            3,
            stride,
            padding="valid" if stride > 1 else "same",
            use_bias=False,
            kernel_initializer=_initializers()[1],
            name=f"{name}_conv",
        )(x)
        x = layers.BatchNormalization(**_NORM, name=f"{name}_bn")(x)
        x = layers.ReLU(name=f"{name}_relu")(x)
    return x


def _scaled(channels, width):
    return max(1, round(channels * width / 32))


def _initializers():
    """Of a depthwise and a pointwise kernel; new ones, as each draws the same numbers again."""
    return tuple(keras.initializers.TruncatedNormal(stddev=0.09) for _ in range(2))
