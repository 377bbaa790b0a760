import keras
from keras import layers

from keras_asym.layers import ResizeLike
from keras_asym.networks.units import convolution_unit, separable_unit

NORM = {"momentum": 0.9997, "epsilon": 1e-5}
"""Batch normalizations of the DeepLab heads; the backbones have others."""
_RATES = (6, 12, 18)  # at output stride 16


def atrous_spatial_pyramid_pooling(x, filters, stride, separable):
    """Atrous spatial pyramid pooling (ASPP) of the DeepLabs, and its projection.

    Image pooling, a 1x1 convolution and three 3x3 ones with dilations 6, 12 and 18 at output
    stride 16 (twice that at 8, half of it at 32), concatenated in this order (Chen et al. 2017,
    [arXiv 1706.05587](https://arxiv.org/abs/1706.05587)).

    Args:
        x: Features of the backbone.
        filters: Channels of each branch and of the result.
        stride: Output stride of the features.
        separable: Whether the dilated convolutions are separable, as in DeepLabv3+.
    """
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="aspp_pool")(x)
    pooled = convolution_unit(pooled, filters, 1, "aspp_pool", NORM)
    branches = [
        ResizeLike(align_corners=True, name="aspp_pool_resize")([pooled, x]),
        convolution_unit(x, filters, 1, "aspp0", NORM),
    ]
    for index, rate in enumerate(_RATES, start=1):
        name, dilation = f"aspp{index}", max(1, rate * 16 // stride)
        if separable:
            branch = separable_unit(
                x, filters, name, NORM, separable_initializers(), dilation=dilation
            )
        else:
            branch = convolution_unit(x, filters, 3, name, NORM, dilation=dilation)
        branches.append(branch)
    x = layers.Concatenate(name="aspp_concat")(branches)
    return convolution_unit(x, filters, 1, "aspp_projection", NORM)


def classifier(x, num_classes):
    """1x1 convolution to the logits."""
    return layers.Conv2D(
        num_classes,
        1,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.01),
        name="classifier",
    )(x)


def separable_initializers():
    """Of the depthwise and the pointwise kernels of DeepLabv3+'s head."""
    return tuple(keras.initializers.TruncatedNormal(stddev=stddev) for stddev in (0.33, 0.06))
