import keras
from keras import layers

from keras_asym.layers import CropLike, ResizeLike
from keras_asym.networks.adapnet_encoder import adapnet_features, unit, upsampling

_RATES = (3, 6, 12)


def AdapNetPP(
    num_classes=12,
    auxiliary=False,
    decoder="adapnet",
    width=64,
    decoder_width=256,
    skip_width=24,
    dropout=0.7,
    input_shape=(None, None, 3),
    name=None,
):
    """AdapNet++ for semantic segmentation, written for one image.

    A ResNet-50 with pre-activation and multiscale units, an efficient atrous spatial pyramid
    pooling (eASPP) and a decoder with two skip connections (Valada et al. 2018,
    [arXiv 1808.03833](https://arxiv.org/abs/1808.03833)). With 12 classes, void among them, it has
    30,145,366 trainable parameters, and 30,198,252 with the moving statistics: the published
    30.20 M. Images are raw, 0 to 255: the first layer is a norm.

    A strategy that merges modalities does it where SSMA does at the norms `"easpp_bn"`,
    `"skip4_bn"` and `"skip8_bn"`, which no ReLU follows.

    This package's choice, where sources leave it open: the shortcut of the first bottleneck starts
    behind the norm and ReLU of its first convolution, and auxiliary outputs behind the norms of the
    transposed convolutions; odd sizes are cropped in the decoder. Both halves of the last stack's
    3x3 convolutions have dilation 2, and so are one convolution.

    Args:
        num_classes: Number of classes C.
        auxiliary: Whether there are auxiliary outputs, for training: logits of the decoder's
            upsampled features at strides 4 and 8, with the published weights 0.6 and 0.5.
        decoder: `"adapnet"`, or `"ssma"`, SSMA's, which multiplies each skip connection by a vector
            of weights of its channels: the global mean of the decoder's upsampled features, 1x1
            convolution, norm, ReLU.
        width: Channels of the stem; smaller ones make a smaller encoder.
        decoder_width: Channels of the eASPP and of the decoder, a multiple of 4.
        skip_width: Channels of a skip connection.
        dropout: Rate of the dropout in the encoder's last bottleneck.
        input_shape: `(height, width, channels)`; height and width may be `None`.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from images to logits `(batch, height, width, num_classes)`; with
        `auxiliary=True` to the list of these, of `(batch, ceil(height / 4), ceil(width / 4),
        num_classes)` and of `(batch, ceil(height / 8), ceil(width / 8), num_classes)`. Any size can
        be read; only multiples of 16 are read as published.

    Raises:
        ValueError: If an argument is not one of those above.

    Example:

    >>> network = keras_asym.networks.AdapNetPP(5, width=8, decoder_width=16, skip_width=4)
    >>> network.output.shape
    (None, None, None, 5)
    """
    if decoder not in ("adapnet", "ssma"):
        raise ValueError(f'`decoder` must be "adapnet" or "ssma". Received: decoder={decoder!r}')
    if decoder_width < 4 or decoder_width % 4:
        raise ValueError(
            f"`decoder_width` must be a multiple of 4. Received: decoder_width={decoder_width}"
        )
    inputs = keras.Input(input_shape)
    *taps, x = adapnet_features(inputs, width, dropout)
    x = efficient_pyramid_pooling(x, decoder_width)
    others = []
    for stride, tap in ((8, taps[1]), (4, taps[0])):
        skip = unit(tap, skip_width, 1, f"skip{stride}", rectified=False)
        stage = f"decoder{stride}"
        x = upsampling(x, decoder_width, 4, 2, f"{stage}_up")
        x = CropLike(name=f"{stage}_crop")([x, skip])
        if auxiliary:
            others.insert(0, unit(x, num_classes, 1, f"auxiliary{stride}", rectified=False))
        if decoder == "ssma":
            weights = layers.GlobalAveragePooling2D(keepdims=True, name=f"{stage}_pool")(x)
            weights = unit(weights, skip_width, 1, f"{stage}_weights")
            skip = layers.Multiply(name=f"{stage}_multiply")([skip, weights])
        x = layers.Concatenate(name=f"{stage}_concat")([x, skip])
        for index in (1, 2):
            x = unit(x, decoder_width, 3, f"{stage}_{index}")
    x = unit(x, num_classes, 1, "classifier")
    x = upsampling(x, num_classes, 8, 4, "classifier_up")
    x = CropLike(name="classifier_crop")([x, inputs])
    return keras.Model(inputs, [x, *others] if auxiliary else x, name=name or "adapnet_pp")


def efficient_pyramid_pooling(x, filters):
    """Atrous spatial pyramid pooling whose dilated convolutions stand in bottlenecks (eASPP).

    A 1x1 convolution, three branches with two 3x3 convolutions of dilation 3, 6 and 12 each, and
    the global mean, concatenated in this order; no ReLU follows the last norm.

    Args:
        x: Features of the encoder.
        filters: Channels of each branch and of the result; a quarter of them inside.
    """
    branches = [unit(x, filters, 1, "easpp0")]
    for index, rate in enumerate(_RATES, start=1):
        y = unit(x, filters // 4, 1, f"easpp{index}_1")
        y = unit(y, filters // 4, 3, f"easpp{index}_2", dilation=rate)
        y = unit(y, filters // 4, 3, f"easpp{index}_3", dilation=rate)
        branches.append(unit(y, filters, 1, f"easpp{index}_4"))
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="easpp_pool")(x)
    pooled = unit(pooled, filters, 1, "easpp_pool")
    branches.append(ResizeLike(name="easpp_pool_resize")([pooled, x]))
    x = layers.Concatenate(name="easpp_concat")(branches)
    return unit(x, filters, 1, "easpp", rectified=False)
