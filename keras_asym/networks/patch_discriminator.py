import keras
from keras import layers

from keras_asym.networks.unet_generator import KERNELS, SLOPE, instance_normalization

_STRIDES = (2, 2, 2, 1, 1)


def PatchDiscriminator(filters=64, input_channels=6, name="patch_discriminator"):
    """Patch discriminator of pix2pix: one decision for each patch of 70x70 pixels.

    Five 4x4 convolutions with instance normalization on the middle three (Isola et al. 2017,
    [arXiv 1611.07004](https://arxiv.org/abs/1611.07004), as used by both papers). It sees an input
    image and, behind it in the channels, a real or generated target.

    Args:
        filters: Channels of the first convolution; they double up to eight times as many.
        input_channels: Channels of the input image and the target together.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from images `(batch, height, width, input_channels)` to *logits*
        `(batch, height / 8 - 2, width / 8 - 2, 1)`: the published network's decisions are their
        sigmoid, which `Translator` leaves to its loss.

    Example:

    >>> keras_asym.networks.PatchDiscriminator(filters=8).output.shape
    (None, None, None, 1)
    """
    inputs = x = keras.Input((None, None, input_channels))
    last = len(_STRIDES)
    for block, strides in enumerate(_STRIDES, start=1):
        width = 1 if block == last else filters * 2 ** (block - 1)
        # One pixel on each side, as in PyTorch; "same" pads a stride of 1 unevenly.
        x = layers.ZeroPadding2D(1, name=f"patch{block}_pad")(x)
        x = layers.Conv2D(
            width, 4, strides, kernel_initializer=KERNELS.clone(), name=f"patch{block}_conv"
        )(x)
        if 1 < block < last:
            x = instance_normalization(f"patch{block}_norm")(x)
        if block < last:
            x = layers.LeakyReLU(SLOPE, name=f"patch{block}_leaky_relu")(x)
    return keras.Model(inputs, x, name=name)
