import keras
from keras import layers

from keras_asym.layers import ResizeLike
from keras_asym.networks.backbones import encoder_of

# PyTorch's default for convolutions, with which the published decoder starts.
_INITIALIZER = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1 / 3, "mode": "fan_in", "distribution": "uniform"},
}
_POOLING_ROUNDS = 4
# Variables of this package's encoders, by their path: what the papers train at the lower rate.
ENCODER_VARIABLES = r"(conv1|stack\d+|stage\d)_.*"
# What this package's networks put behind any encoder.
HEAD_VARIABLES = r"(refine\d|aspp|decoder|pyramid|auxiliary|classifier).*"


def RefineNet(
    backbone="resnet101",
    num_classes=40,
    decoder="full",
    decoder_widths=(512, 256, 256, 256),
    backbone_width=None,
    dropout=0.5,
    input_shape=(None, None, 3),
    name=None,
):
    """RefineNet for semantic segmentation, written for one image.

    An encoder, a ResNet in the papers, and four refinement stages from coarse to fine, joined by
    bilinear upsampling with aligned corners (Lin et al. 2016,
    [arXiv 1611.06612](https://arxiv.org/abs/1611.06612), as used by both papers).

    Args:
        backbone: Name of an encoder as for `backbone`, such as `"resnet18"`, `"resnet34"`,
            `"resnet50"`, `"resnet101"`, `"resnet152"` or `"MobileNetV3Large"`; or an encoder, a
            functional `keras.Model` with features of strides 4, 8, 16 and 32: its layers become
            part of the network, with their weights.
        num_classes: Number of classes C, void not counted.
        decoder: `"full"`, or `"light"` for the light-weight RefineNet, which has 1x1 convolutions
            in place of the 3x3 ones and no residual convolution units (Nekrasov et al. 2018,
            [arXiv 1810.03272](https://arxiv.org/abs/1810.03272)).
        decoder_widths: Channels of the refinement stages for stride 32, 16, 8 and 4. A stage hands
            the width of the next one over.
        backbone_width: Channels of the encoder's first layer, for encoders of this package; smaller
            ones make a smaller encoder. `None` is the published one, 64 for a ResNet.
        dropout: Rate of the dropout on the features of strides 32 and 16 and in front of the
            classifier.
        input_shape: `(height, width, channels)`; height and width may be `None`. An encoder that is
            given as a model has its own.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from images to logits `(batch, ceil(height / 4),
        ceil(width / 4), num_classes)`, for images of any size that the encoder can read.

    Raises:
        ValueError: If an argument is not one of those above, or the encoder lacks a stride.

    Example:

    >>> keras_asym.networks.RefineNet("resnet18", 13, "light", (64, 64, 64, 64)).output.shape
    (None, None, None, 13)
    """
    if decoder not in ("full", "light"):
        raise ValueError(f'`decoder` must be "full" or "light". Received: decoder={decoder!r}')
    if len(decoder_widths) != 4:
        raise ValueError(
            "`decoder_widths` must be four widths, for strides 32, 16, 8 and 4. "
            f"Received: decoder_widths={decoder_widths}"
        )
    size, units = (3, True) if decoder == "full" else (1, False)
    encoder, stages = encoder_of(backbone, None, 32, backbone_width, input_shape)
    features = dict(stages)
    if list(features) != [4, 8, 16, 32]:
        raise ValueError(
            "`backbone` must have features of the strides 4, 8, 16 and 32. "
            f"Received: '{encoder.name}' with strides {list(features)}"
        )
    coarser = None
    for index, width in enumerate(decoder_widths):
        stage = 4 - index
        prefix = f"refine{stage}"
        x = features[2 ** (stage + 1)]
        if stage >= 3:
            x = layers.Dropout(dropout, name=f"{prefix}_dropout")(x)
        x = _convolution(x, width, size, f"{prefix}_adapt_conv")
        if units:
            x = residual_units(x, 2, f"{prefix}_adapt")
        if coarser is not None:
            x = _convolution(x, width, size, f"{prefix}_joint_conv")
            coarser = ResizeLike(align_corners=True, name=f"{prefix}_resize")([coarser, x])
            x = layers.Add(name=f"{prefix}_joint_add")([x, coarser])
        x = layers.ReLU(name=f"{prefix}_relu")(x)
        x = chained_residual_pooling(x, size, prefix)
        if units:
            x = residual_units(x, 3, f"{prefix}_output")
        if stage > 1:
            coarser = _convolution(x, decoder_widths[index + 1], size, f"{prefix}_output_conv")
    x = layers.Dropout(dropout, name="classifier_dropout")(x)
    x = _convolution(x, num_classes, 3, "classifier", use_bias=True)
    return keras.Model(encoder.inputs[0], x, name=name or f"refinenet_{encoder.name}")


def residual_units(x, count, prefix):
    """`count` residual convolution units, each `x <- relu(x); x + conv(relu(conv(x)))`.

    The published program rectifies in place: the *rectified* input is what is added.
    """
    width = x.shape[-1]
    for unit in range(count):
        name = f"{prefix}_unit{unit}"
        x = layers.ReLU(name=f"{name}_relu")(x)
        y = _convolution(x, width, 3, f"{name}_1_conv", use_bias=True)
        y = layers.ReLU(name=f"{name}_1_relu")(y)
        y = _convolution(y, width, 3, f"{name}_2_conv")
        x = layers.Add(name=f"{name}_add")([x, y])
    return x


def chained_residual_pooling(x, size, prefix):
    """Rounds of 5x5 max-pooling and convolution, each added to the running sum."""
    top = x
    for index in range(_POOLING_ROUNDS):
        name = f"{prefix}_pool{index}"
        top = layers.MaxPooling2D(5, 1, padding="same", name=f"{name}_pool")(top)
        top = _convolution(top, x.shape[-1], size, f"{name}_conv")
        x = layers.Add(name=f"{name}_add")([x, top])
    return x


def _convolution(x, filters, size, name, use_bias=False):
    return layers.Conv2D(
        filters,
        size,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=keras.initializers.get(_INITIALIZER),
        name=name,
    )(x)
