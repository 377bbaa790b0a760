import keras
from keras import layers

from keras_asym.layers import ResizeLike
from keras_asym.networks.backbones import encoder_of
from keras_asym.networks.units import convolution_unit, separable_unit

_NORM = {"momentum": 0.9, "epsilon": 1e-3}


def Realtime(
    backbone="efficientnet_lite0",
    num_classes=40,
    head_width=64,
    backbone_width=None,
    dropout=0.1,
    input_shape=(None, None, 3),
    name=None,
):
    """A light network for semantic segmentation on two CPU cores, written for one image.

    A mobile encoder and a top-down head of separable convolutions. The last features are reduced to
    `head_width` channels; at each finer stride they are resized, the encoder's features of that
    stride are added, reduced alike, and a separable 3x3 convolution follows (a feature pyramid, Lin
    et al. 2017, [arXiv 1612.03144](https://arxiv.org/abs/1612.03144), with separable convolutions;
    this package's choice of layers and widths). Every convolution has a norm and a ReLU behind it
    or none, no squeeze-and-excitation and no swish with the default encoder: what becomes int8
    without much loss, and what `keras_asym.export` puts into the kernels.

    Layers of the head: `decoder_stage4_conv` to `decoder_stage1_conv`, each with its `_bn`,
    `decoder_stage3_resize`, `..._add`, `decoder_stage3_smooth_depthwise_conv`, `..._smooth_conv`
    and likewise, `decoder_dropout`, `classifier`. 3,008,488 parameters with the default encoder and
    40 classes.

    Args:
        backbone: Name of an encoder as for `backbone`, such as `"efficientnet_lite0"` or
            `"MobileNetV3Small"`, or an encoder, a functional `keras.Model`: its layers become part
            of the network, with their weights.
        num_classes: Number of classes C, void not counted.
        head_width: Channels of the head.
        backbone_width: Channels of the encoder's first layer, for encoders of this package; smaller
            ones make a smaller encoder. `None` is the published one.
        dropout: Rate of the dropout of whole channels in front of the classifier.
        input_shape: `(height, width, channels)`; height and width may be `None`. An encoder that is
            given as a model has its own.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from images to logits of the finest stage's resolution, `(batch,
        ceil(height / 4), ceil(width / 4), num_classes)`, which `Segmenter` resizes to the image's.

    Raises:
        ValueError: If an argument is not one of those above.

    Example:

    >>> keras_asym.networks.Realtime(num_classes=13, backbone_width=8).output.shape
    (None, None, None, 13)
    """
    encoder, stages = encoder_of(backbone, None, 32, backbone_width, input_shape)
    x = None
    for index in range(len(stages), 0, -1):
        _, features = stages[index - 1]
        prefix = f"decoder_stage{index}"
        if x is None:
            x = convolution_unit(features, head_width, 1, prefix, _NORM, "he_normal")
            continue
        features = layers.Conv2D(
            head_width,
            1,
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{prefix}_conv",
        )(features)
        features = layers.BatchNormalization(**_NORM, name=f"{prefix}_bn")(features)
        x = ResizeLike(name=f"{prefix}_resize")([x, features])
        x = layers.Add(name=f"{prefix}_add")([x, features])
        x = separable_unit(x, head_width, f"{prefix}_smooth", _NORM, ("he_normal", "he_normal"))
    x = layers.SpatialDropout2D(dropout, name="decoder_dropout")(x)
    normal = keras.initializers.RandomNormal(stddev=0.02)
    x = layers.Conv2D(num_classes, 1, kernel_initializer=normal, name="classifier")(x)
    return keras.Model(encoder.inputs[0], x, name=name or f"realtime_{encoder.name}")
