import keras
from keras import layers

from keras_asym.layers import ResizeLike
from keras_asym.networks.atrous_pooling import (
    NORM,
    atrous_spatial_pyramid_pooling,
    classifier,
    separable_initializers,
)
from keras_asym.networks.backbones import encoder_of
from keras_asym.networks.units import convolution_unit, separable_unit


def DeepLabV3Plus(
    backbone="xception65",
    num_classes=19,
    output_stride=None,
    filters=256,
    low_level_filters=48,
    backbone_width=None,
    dropout=0.1,
    input_shape=(None, None, 3),
    name=None,
):
    """DeepLabv3+ for semantic segmentation, written for one image.

    A dilated encoder, atrous spatial pyramid pooling, and a decoder that joins it with the
    encoder's features of stride 4 (Chen et al. 2018,
    [arXiv 1802.02611](https://arxiv.org/abs/1802.02611)), in the layout of its TensorFlow program:
    separable convolutions in the pooling and in the decoder, features resized with aligned
    corners, norms with epsilon 1e-5. That program's L2 penalty of 4e-5 on all but depthwise kernels
    is left to the training. The initializer of the head's 1x1 convolutions, Glorot's, is this
    package's choice. The norm of the image pooling sees one value of each image: a training batch
    needs three images or more. Trainable parameters for 19 classes: 41,054,899 with `"xception65"`,
    43,477,323 with `"xception71"`, which the literature quotes as 43.48 M of an Xception-65.

    Args:
        backbone: Name of an encoder as for `backbone`, such as `"xception65"`, `"resnet101"` or
            `"MobileNetV3Large"`, or an encoder, a functional `keras.Model` with features of stride
            4: its layers become part of the network, with their weights.
        num_classes: Number of classes C, void not counted.
        output_stride: Stride of the encoder's last features, 8, 16 or 32. `None` is 16 for encoders
            of this package, and what other ones have.
        filters: Channels of each branch of the pooling and of the decoder.
        low_level_filters: Channels to which the features of stride 4 are reduced.
        backbone_width: Channels of the encoder's first layer, for encoders of this package; smaller
            ones make a smaller encoder. `None` is the published one.
        dropout: Rate of the dropout behind the pooling.
        input_shape: `(height, width, channels)`; height and width may be `None`. An encoder that is
            given as a model has its own.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from images to logits of the decoder's resolution, `(batch,
        ceil(height / 4), ceil(width / 4), num_classes)`, which `Segmenter` resizes to the image's.
        Any size can be read, as far as the encoder can; 16 k + 1 pixels (513, 769, 1025 x 2049 in
        the papers) are those with which the corners of all features and of the image coincide.

    Raises:
        ValueError: If an argument is not one of those above, or the encoder has no such features.

    Example:

    >>> keras_asym.networks.DeepLabV3Plus("resnet18", 13, backbone_width=8).output.shape
    (None, None, None, 13)
    """
    encoder, stages = encoder_of(backbone, output_stride, 16, backbone_width, input_shape)
    pyramid, (stride, x) = dict(stages), stages[-1]
    if 4 not in pyramid:
        raise ValueError(
            "`backbone` must have features of stride 4, which the decoder reads. "
            f"Received: '{encoder.name}' with strides {list(pyramid)}"
        )
    x = atrous_spatial_pyramid_pooling(x, filters, stride, separable=True)
    x = layers.Dropout(dropout, name="aspp_dropout")(x)
    low = convolution_unit(pyramid[4], low_level_filters, 1, "decoder_low_level", NORM)
    x = ResizeLike(align_corners=True, name="decoder_resize")([x, low])
    x = layers.Concatenate(name="decoder_concat")([x, low])
    for index in (1, 2):
        x = separable_unit(x, filters, f"decoder{index}", NORM, separable_initializers())
    x = classifier(x, num_classes)
    return keras.Model(encoder.inputs[0], x, name=name or f"deeplab_v3_plus_{encoder.name}")
