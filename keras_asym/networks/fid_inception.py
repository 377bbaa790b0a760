import keras
from keras import layers

from keras_asym.networks.fid_preprocessing import FIDPreprocessing

_LOGITS = 1008


def FIDInception(width=32, logits=False, name="fid_inception"):
    """Inception network of the FID literature, in the layout of its PyTorch weight files.

    Heusel et al. 2017 ([arXiv 1706.08500](https://arxiv.org/abs/1706.08500)) take their features
    from TensorFlow's Inception graph of 2015, which is not the Inception-v3 of torchvision or
    keras.applications: 1008 logits, an average pooling that leaves the padding out, a *maximum*
    pooling in the last block, and a resizing of its own (`FIDPreprocessing`). It is frozen, and
    computes in float32 whatever the dtype policy. Layers are named as the parameters of the weight
    files: `Mixed_5b_branch5x5_1_conv`, `..._bn`, `..._relu`, and `Mixed_5b` for a block's output.
    `keras_asym.weights.load_fid_inception_checkpoint` reads the published weights; without them
    all features are zero.

    Args:
        width: Channels of the first layer, an even number; every other layer scales with it. 32 in
            the published network, the only one that its weights fit.
        logits: If `True`, the network has its last layer `fc` too, and the outputs are the features
            and the logits.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from images `(batch, height, width, 3)` of any size with values in
        [0, 255] to features `(batch, 2048)`, or to the pair of features and logits
        `(batch, 1008)`.

    Raises:
        ValueError: If `width` is not a positive even number.

    Example:

    >>> keras_asym.networks.FIDInception(width=2).output_shape
    (None, 128)
    """
    if not isinstance(width, int) or width < 2 or width % 2:
        raise ValueError(f"`width` must be a positive even number. Received: width={width!r}")
    inputs = keras.Input((None, None, 3), dtype="float32")
    x = FIDPreprocessing(name="preprocessing", dtype="float32")(inputs)
    for build, prefix, numbers in _STAGES:
        x = build(x, prefix, *[number * width // 32 for number in numbers])
    x = layers.GlobalAveragePooling2D(name="features", dtype="float32")(x)
    outputs = [x, layers.Dense(_LOGITS, name="fc", dtype="float32")(x)] if logits else x
    model = keras.Model(inputs, outputs, name=name)
    model.trainable = False
    return model


def _stem(x, prefix, c1, c2, c3):
    x = _unit(x, f"{prefix}_1a_3x3", c1, 3, 2)
    x = _unit(x, f"{prefix}_2a_3x3", c1, 3, padding="valid")
    x = _unit(x, f"{prefix}_2b_3x3", 2 * c1, 3)
    x = layers.MaxPooling2D(3, 2, name="MaxPool_1", dtype="float32")(x)
    x = _unit(x, f"{prefix}_3b_1x1", c2, 1)
    x = _unit(x, f"{prefix}_4a_3x3", c3, 3, padding="valid")
    return layers.MaxPooling2D(3, 2, name="MaxPool_2", dtype="float32")(x)


def _block_a(x, prefix, c1, c5, c3, pooled):
    """Branches of 1x1, 5x5 and two 3x3 convolutions, at stride 8."""
    double = _chain(x, f"{prefix}_branch3x3dbl", (c1, 1), (c3, 3), (c3, 3))
    return _join(
        prefix,
        _unit(x, f"{prefix}_branch1x1", c1, 1),
        _chain(x, f"{prefix}_branch5x5", (c5, 1), (c1, 5)),
        double,
        _unit(_average(x, prefix), f"{prefix}_branch_pool", pooled, 1),
    )


def _block_b(x, prefix, c3, c1, c3dbl):
    """From stride 8 to 16."""
    return _join(
        prefix,
        _unit(x, f"{prefix}_branch3x3", c3, 3, 2),
        _chain(x, f"{prefix}_branch3x3dbl", (c1, 1), (c3dbl, 3), (c3dbl, 3, 2)),
        layers.MaxPooling2D(3, 2, name=f"{prefix}_pool", dtype="float32")(x),
    )


def _block_c(x, prefix, c7, c1):
    """Branches of 7x7 convolutions, each as 1x7 and 7x1, at stride 16."""
    across, down = (1, 7), (7, 1)
    double = ((c7, 1), (c7, down), (c7, across), (c7, down), (c1, across))
    return _join(
        prefix,
        _unit(x, f"{prefix}_branch1x1", c1, 1),
        _chain(x, f"{prefix}_branch7x7", (c7, 1), (c7, across), (c1, down)),
        _chain(x, f"{prefix}_branch7x7dbl", *double),
        _unit(_average(x, prefix), f"{prefix}_branch_pool", c1, 1),
    )


def _block_d(x, prefix, c1, c3):
    """From stride 16 to 32."""
    seven = ((c1, 1), (c1, (1, 7)), (c1, (7, 1)), (c1, 3, 2))
    return _join(
        prefix,
        _chain(x, f"{prefix}_branch3x3", (c1, 1), (c3, 3, 2)),
        _chain(x, f"{prefix}_branch7x7x3", *seven),
        layers.MaxPooling2D(3, 2, name=f"{prefix}_pool", dtype="float32")(x),
    )


def _block_e(x, prefix, c1, c3, c3dbl, pooled, pool=None):
    """Branches whose last 3x3 convolution is a 1x3 and a 3x1 side by side, at stride 32."""
    three = _unit(x, f"{prefix}_branch3x3_1", c3, 1)
    double = _chain(x, f"{prefix}_branch3x3dbl", (c3dbl, 1), (c3, 3))
    return _join(
        prefix,
        _unit(x, f"{prefix}_branch1x1", c1, 1),
        _unit(three, f"{prefix}_branch3x3_2a", c3, (1, 3)),
        _unit(three, f"{prefix}_branch3x3_2b", c3, (3, 1)),
        _unit(double, f"{prefix}_branch3x3dbl_3a", c3, (1, 3)),
        _unit(double, f"{prefix}_branch3x3dbl_3b", c3, (3, 1)),
        _unit((pool or _average)(x, prefix), f"{prefix}_branch_pool", pooled, 1),
    )


def _last_block(x, prefix, *numbers):
    # The 2015 graph takes the maximum here: an error of its own that every published FID has.
    return _block_e(x, prefix, *numbers, pool=_maximum)


# How a stage is built, the prefix of its names, and its channels at the published width.
_STAGES = (
    (_stem, "Conv2d", (32, 80, 192)),
    (_block_a, "Mixed_5b", (64, 48, 96, 32)),
    (_block_a, "Mixed_5c", (64, 48, 96, 64)),
    (_block_a, "Mixed_5d", (64, 48, 96, 64)),
    (_block_b, "Mixed_6a", (384, 64, 96)),
    (_block_c, "Mixed_6b", (128, 192)),
    (_block_c, "Mixed_6c", (160, 192)),
    (_block_c, "Mixed_6d", (160, 192)),
    (_block_c, "Mixed_6e", (192, 192)),
    (_block_d, "Mixed_7a", (192, 320)),
    (_block_e, "Mixed_7b", (320, 384, 448, 192)),
    (_last_block, "Mixed_7c", (320, 384, 448, 192)),
)


def _join(prefix, *branches):
    return layers.Concatenate(name=prefix, dtype="float32")(branches)


def _chain(x, prefix, *units):
    for index, unit in enumerate(units, start=1):
        x = _unit(x, f"{prefix}_{index}", *unit)
    return x


def _unit(x, name, filters, size, stride=1, padding=None):
    x = layers.Conv2D(
        filters,
        size,
        stride,
        padding or ("same" if stride == 1 else "valid"),
        use_bias=False,
        kernel_initializer="zeros",
        name=f"{name}_conv",
        dtype="float32",
    )(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn", dtype="float32")(x)
    return layers.ReLU(name=f"{name}_relu", dtype="float32")(x)


def _average(x, prefix):
    # Keras' average leaves the padding out, as TensorFlow's does; PyTorch's counts it by default.
    return layers.AveragePooling2D(3, 1, "same", name=f"{prefix}_pool", dtype="float32")(x)


def _maximum(x, prefix):
    return layers.MaxPooling2D(3, 1, "same", name=f"{prefix}_pool", dtype="float32")(x)
