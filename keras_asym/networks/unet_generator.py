import keras
from keras import layers

from keras_asym.layers import PersistentDropout

KERNELS = keras.initializers.RandomNormal(stddev=0.02)
"""N(0, 0.02), with which pix2pix starts."""
SLOPE = 0.2  # of the leaky ReLU
_DROPOUTS = 3  # decoder blocks with dropout


def UNetGenerator(
    filters=64,
    depth=8,
    output_channels=3,
    dropout=0.5,
    dropout_at_test=True,
    input_shape=(None, None, 3),
    name=None,
):
    """U-Net generator of pix2pix, written for one image.

    `depth` convolutions halve the size, as many transposed ones double it again, each of these on
    the encoder's features of equal size beside its input (Isola et al. 2017,
    [arXiv 1611.07004](https://arxiv.org/abs/1611.07004), as used by both papers). Encoder blocks 2
    to `depth - 1` and all decoder blocks but the last are instance-normalized:
    `GroupNormalization(groups=-1)`, which `to_multimodal` makes private to each modality.

    Args:
        filters: Channels of the first block; they double up to eight times as many.
        depth: Number of down-sampling blocks, 8 in the papers, at least 2.
        output_channels: Channels of the result.
        dropout: Rate of the dropout in the first three decoder blocks.
        dropout_at_test: Whether the dropout stays on at test time, as in the papers.
        input_shape: `(height, width, channels)`; height and width may be `None` and must be
            multiples of `2**depth`.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from images to images `(batch, height, width, output_channels)` in
        [-1, 1].

    Raises:
        ValueError: If `depth` or the size of the input cannot be used.

    Example:

    >>> keras_asym.networks.UNetGenerator(filters=8, depth=5).output.shape
    (None, None, None, 3)
    """
    if depth < 2:
        raise ValueError(f"`depth` must be at least 2. Received: depth={depth}")
    if any(size is not None and size % 2**depth for size in input_shape[:2]):
        raise ValueError(
            f"`input_shape` must have a height and width that are multiples of 2**depth = "
            f"{2**depth}. Received: input_shape={tuple(input_shape)}, depth={depth}"
        )
    inputs = keras.Input(input_shape)
    x, skips = inputs, []
    for block in range(1, depth + 1):
        prefix = f"down{block}"
        if block > 1:
            x = layers.LeakyReLU(SLOPE, name=f"{prefix}_leaky_relu")(x)
        x = _convolution(layers.Conv2D, _width(filters, block), f"{prefix}_conv")(x)
        if 1 < block < depth:
            x = instance_normalization(f"{prefix}_norm")(x)
        skips.append(x)
    skips.pop()  # the innermost block's output is the decoder's input
    for block in range(1, depth):
        prefix = f"up{block}"
        x = layers.ReLU(name=f"{prefix}_relu")(x)
        width = _width(filters, depth - block)
        x = _convolution(layers.Conv2DTranspose, width, f"{prefix}_conv")(x)
        x = instance_normalization(f"{prefix}_norm")(x)
        if block <= _DROPOUTS and dropout:
            x = PersistentDropout(dropout, dropout_at_test, name=f"{prefix}_dropout")(x)
        x = layers.Concatenate(name=f"{prefix}_concat")([x, skips.pop()])
    x = layers.ReLU(name=f"up{depth}_relu")(x)
    x = _convolution(layers.Conv2DTranspose, output_channels, f"up{depth}_conv")(x)
    x = layers.Activation("tanh", name="tanh")(x)
    return keras.Model(inputs, x, name=name or f"unet_generator{depth}")


def instance_normalization(name):
    """Instance normalization with gamma and beta; epsilon as in PyTorch."""
    return layers.GroupNormalization(groups=-1, epsilon=1e-5, name=name)


def _width(filters, block):
    return filters * min(2 ** (block - 1), 8)


def _convolution(kind, filters, name):
    # With this padding and an even size, a border of one pixel on each side.
    return kind(
        filters, 4, strides=2, padding="same", kernel_initializer=KERNELS.clone(), name=name
    )
