"""A convolution and its norm, as the segmentation networks are made of them."""

from keras import layers


def convolution_unit(x, filters, size, name, norm, initializer="glorot_uniform", dilation=1):
    """Convolution without bias, norm and ReLU: `{name}_conv`, `{name}_bn`, `{name}_relu`.

    Args:
        x: Features.
        filters: Channels of the result.
        size: Size of the kernel.
        name: First part of the layers' names.
        norm: Keyword arguments of the batch normalization.
        initializer: Of the kernel.
        dilation: Dilation of the kernel.
    """
    x = layers.Conv2D(
        filters,
        size,
        padding="same",
        dilation_rate=dilation,
        use_bias=False,
        kernel_initializer=initializer,
        name=f"{name}_conv",
    )(x)
    x = layers.BatchNormalization(**norm, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def separable_unit(x, filters, name, norm, initializers, stride=1, dilation=1, rectified=True):
    """Depthwise 3x3 convolution, norm, pointwise convolution to `filters` channels, norm.

    The layers are `{name}_depthwise_conv`, `{name}_depthwise_bn`, `{name}_conv` and `{name}_bn`,
    and with `rectified=True` a ReLU after each norm. A stride of 2 pads one pixel on each side, as
    TensorFlow's DeepLab does; "same" would put none in front where the size is even.

    Args:
        x: Features.
        filters: Channels of the result.
        name: First part of the layers' names.
        norm: Keyword arguments of the batch normalizations.
        initializers: Pair, of the depthwise and of the pointwise kernel.
        stride: Stride of the depthwise convolution.
        dilation: Dilation of the depthwise convolution.
        rectified: Whether each norm is followed by a ReLU.
    """
    if stride > 1:
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    x = layers.DepthwiseConv2D(
        3,
        stride,
        padding="valid" if stride > 1 else "same",
        dilation_rate=dilation,
        use_bias=False,
        depthwise_initializer=initializers[0],
        name=f"{name}_depthwise_conv",
    )(x)
    x = layers.BatchNormalization(**norm, name=f"{name}_depthwise_bn")(x)
    if rectified:
        x = layers.ReLU(name=f"{name}_depthwise_relu")(x)
    x = layers.Conv2D(
        filters,
        1,
        use_bias=False,
        kernel_initializer=initializers[1],
        name=f"{name}_conv",
    )(x)
    x = layers.BatchNormalization(**norm, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if rectified else x
