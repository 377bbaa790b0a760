import keras
from keras import layers

from keras_asym.layers import ResizeLike
from keras_asym.networks.backbones import encoder_of
from keras_asym.networks.mix_transformer import VARIANTS, linear
from keras_asym.networks.units import convolution_unit

_NORM = {"momentum": 0.9, "epsilon": 1e-5}
_WIDE = ("mit_b2", "mit_b3", "mit_b4", "mit_b5")


def SegFormer(
    backbone="b0",
    num_classes=19,
    head_width=None,
    backbone_width=None,
    dropout=0.1,
    input_shape=(None, None, 3),
    name=None,
):
    """SegFormer for semantic segmentation, written for one image.

    Layers of the head: `decoder_stage4_proj` and `decoder_stage4_resize` to `decoder_stage1_proj`,
    `decoder_concat`, `decoder_conv`, `decoder_bn`, `decoder_relu`, `decoder_dropout`,
    `classifier`; those of the encoder stand at `MixTransformer`.

    A Mix Transformer, or any other encoder with several stages, and a head of linear layers: each
    stage is projected to one width and resized to the finest one's resolution; a 1x1 convolution
    joins them (Xie et al. 2021, [arXiv 2105.15203](https://arxiv.org/abs/2105.15203)). In the
    layout of its published program: half-pixel centres, the coarsest stage first, norm with epsilon
    1e-5, dropout of whole channels. The head's initializers, those of the encoder and a standard
    deviation of 0.02 for the classifier, are this package's choice. Parameters for 150 classes:
    3,752,694 (b0), 13,715,798 (b1), 27,461,974 (b2), 47,337,814 (b3), 64,108,374 (b4) and
    84,708,694 (b5). TokenFusion has a head width of 256 with each of them.

    Args:
        backbone: `"b0"` to `"b5"` for a `MixTransformer`; the name of another encoder as for
            `backbone`, such as `"resnet50"` or `"MobileNetV3Large"`; or an encoder, a functional
            `keras.Model`: its layers become part of the network, with their weights.
        num_classes: Number of classes C, void not counted.
        head_width: Channels to which each stage is projected. `None` is 768 with b2 to b5 and 256
            with every other encoder.
        backbone_width: Channels of the encoder's first layer, for encoders of this package; smaller
            ones make a smaller encoder. `None` is the published one.
        dropout: Rate of the dropout in front of the classifier.
        input_shape: `(height, width, channels)`; height and width may be `None`. An encoder that is
            given as a model has its own.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from images to logits of the finest stage's resolution, `(batch,
        ceil(height / 4), ceil(width / 4), num_classes)`, which `Segmenter` resizes to the image's.

    Raises:
        ValueError: If an argument is not one of those above.

    Example:

    >>> keras_asym.networks.SegFormer("b0", num_classes=13, backbone_width=8).output.shape
    (None, None, None, 13)
    """
    if backbone in VARIANTS:
        backbone = f"mit_{backbone}"
    if head_width is None:
        head_width = 768 if backbone in _WIDE else 256
    encoder, stages = encoder_of(backbone, None, 32, backbone_width, input_shape)
    finest, projected = None, []
    for index, (_, features) in enumerate(stages):
        prefix = f"decoder_stage{index + 1}"
        x = linear(head_width, f"{prefix}_proj")(features)
        if finest is None:
            finest = x
        else:
            x = ResizeLike(name=f"{prefix}_resize")([x, finest])
        projected.insert(0, x)  # the coarsest stage first
    x = layers.Concatenate(name="decoder_concat")(projected) if len(stages) > 1 else finest
    initializer = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
    x = convolution_unit(x, head_width, 1, "decoder", _NORM, initializer)
    x = layers.SpatialDropout2D(dropout, name="decoder_dropout")(x)
    normal = keras.initializers.RandomNormal(stddev=0.02)
    x = layers.Conv2D(num_classes, 1, kernel_initializer=normal, name="classifier")(x)
    return keras.Model(encoder.inputs[0], x, name=name or f"segformer_{encoder.name}")
