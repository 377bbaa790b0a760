"""The encoder of AdapNet++: bottlenecks with pre-activation and multiscale units."""

import math

import keras
from keras import layers

_UNITS = (3, 4, 6, 3)
_MULTISCALE = {(1, 3), (2, 2), (2, 3), (2, 4), (2, 5)}  # (stack, block), counted from 0


def adapnet_features(x, width=64, dropout=0.7):
    """Rectified features of AdapNet++'s encoder at strides 4, 8 and 16.

    A norm on the image's channels; 7x7/2 stem; 3x3/2 max-pooling; four stacks of 3, 4, 6 and 3
    bottlenecks with pre-activation, the last one dilated in place of being strided (Valada et al.
    2018, [arXiv 1808.03833](https://arxiv.org/abs/1808.03833)).

    Args:
        x: Symbolic image.
        width: Channels of the stem; the stacks have `4 * width` to `32 * width`.
        dropout: Rate of the dropout in the last bottleneck.
    """
    x = norm(x, "input_bn")
    x = unit(x, width, 7, "conv1", stride=2)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1_pool")(x)
    features = []
    for stack, count in enumerate(_UNITS):
        for block in range(count):
            dilations = (2,) if stack == 3 else (1, 2) if (stack, block) in _MULTISCALE else (1,)
            shortcut = None if block else "first" if stack == 0 else "input"
            x = bottleneck(
                x,
                width * 2**stack,
                f"stack{stack}_block{block}",
                stride=2 if block == 0 and stack in (1, 2) else 1,
                dilations=dilations,
                shortcut=shortcut,
                activate=block > 0 or stack == 3,  # what the other first ones get is rectified
                dropout=dropout if (stack, block) == (3, 2) else 0.0,
            )
        if stack != 2:
            x = activation(x, f"stack{stack}_out")
            features.append(x)
    return features


def bottleneck(
    x, filters, name, stride=1, dilations=(1,), shortcut=None, activate=True, dropout=0.0
):
    """Norm and ReLU, 1x1, 3x3 and 1x1 convolution to `4 * filters` channels, added to `x`.

    No norm follows the last convolution, nor the shortcut's.

    Args:
        x: Features.
        filters: Channels inside.
        name: First part of the layers' names.
        stride: Stride of the 3x3 convolution and of the shortcut.
        dilations: Dilations of the equal parts of the 3x3 convolution's filters.
        shortcut: `None` adds `x` as it is. `"input"`: a 1x1 convolution of what the first
            convolution gets; `"first"`: of what its unit (convolution, norm, ReLU) gives.
        activate: Whether norm and ReLU come first.
        dropout: Rate of the dropout on what is added.
    """
    y = activation(x, f"{name}_preact") if activate else x
    first = unit(y, filters, 1, f"{name}_1")
    if shortcut is not None:
        source = first if shortcut == "first" else y
        x = convolution(source, 4 * filters, 1, f"{name}_0_conv", stride)
    if len(dilations) == 1:
        y = convolution(first, filters, 3, f"{name}_2_conv", stride, dilations[0])
    else:
        share = filters // len(dilations)
        parts = [
            convolution(first, share, 3, f"{name}_2_dilation{d}_conv", stride, d) for d in dilations
        ]
        y = layers.Concatenate(name=f"{name}_2_concat")(parts)
    y = activation(y, f"{name}_2")
    y = convolution(y, 4 * filters, 1, f"{name}_3_conv")
    if dropout:
        y = layers.Dropout(dropout, name=f"{name}_dropout")(y)
    return layers.Add(name=f"{name}_add")([x, y])


def unit(x, filters, size, name, stride=1, dilation=1, rectified=True):
    """Convolution, norm and, if `rectified`, ReLU."""
    x = convolution(x, filters, size, f"{name}_conv", stride, dilation)
    return activation(x, name) if rectified else norm(x, f"{name}_bn")


def upsampling(x, filters, size, stride, name):
    """Transposed convolution and norm."""
    x = layers.Conv2DTranspose(
        filters,
        size,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(size, x.shape[-1]),
        name=f"{name}_conv",
    )(x)
    return norm(x, f"{name}_bn")


def convolution(x, filters, size, name, stride=1, dilation=1):
    return layers.Conv2D(
        filters,
        size,
        stride,
        padding="same",
        dilation_rate=dilation,
        use_bias=False,
        kernel_initializer=_initializer(size, x.shape[-1]),
        name=name,
    )(x)


def activation(x, name):
    """Norm and ReLU."""
    return layers.ReLU(name=f"{name}_relu")(norm(x, f"{name}_bn"))


def norm(x, name):
    return layers.BatchNormalization(momentum=0.99, epsilon=1e-5, name=name)(x)


def _initializer(size, channels):
    # Not VarianceScaling, which makes up for what the truncation takes.
    return keras.initializers.TruncatedNormal(stddev=math.sqrt(2 / (size * size * channels)))
