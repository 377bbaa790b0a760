import keras
from keras import layers

from keras_asym.networks.atrous_pooling import (
    NORM,
    atrous_spatial_pyramid_pooling,
    classifier,
)
from keras_asym.networks.backbones import encoder_of
from keras_asym.networks.units import convolution_unit


def DeepLabV3(
    backbone="resnet101_deep",
    num_classes=19,
    output_stride=None,
    filters=256,
    backbone_width=None,
    last_convolution=False,
    dropout=0.1,
    input_shape=(None, None, 3),
    name=None,
):
    """DeepLabv3 for semantic segmentation, written for one image.

    A dilated encoder and atrous spatial pyramid pooling (Chen et al. 2017,
    [arXiv 1706.05587](https://arxiv.org/abs/1706.05587)), in the layout of its TensorFlow program:
    aligned corners, norms with epsilon 1e-5, nothing but the classifier behind the projection. The
    initializer of the head's convolutions, Glorot's, is this package's choice. The norm of the
    image pooling sees one value of each image: a training batch needs three images or more. With
    its deep stem the ResNet-101 has 58,163,923 trainable parameters for 19 classes, the published
    58.16 M.

    Args:
        backbone: Name of an encoder as for `backbone`, such as `"resnet101"` or
            `"MobileNetV3Large"`, or an encoder, a functional `keras.Model`: its layers become part
            of the network, with their weights.
        num_classes: Number of classes C, void not counted.
        output_stride: Stride of the encoder's last features, 8, 16 or 32. `None` is 16 for encoders
            of this package, and what other ones have.
        filters: Channels of each branch of the pooling.
        backbone_width: Channels of the encoder's first layer, for encoders of this package; smaller
            ones make a smaller encoder. `None` is the published one.
        last_convolution: Whether a 3x3 convolution stands between projection and classifier, as in
            torchvision.
        dropout: Rate of the dropout behind the pooling (torchvision: 0.5).
        input_shape: `(height, width, channels)`; height and width may be `None`. An encoder that is
            given as a model has its own.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from images to logits of the encoder's resolution, `(batch,
        ceil(height / output_stride), ceil(width / output_stride), num_classes)`, which `Segmenter`
        resizes to the image's. Any size can be read, as far as the encoder can; `output_stride * k
        + 1` pixels are those with which the corners of features and image coincide.

    Raises:
        ValueError: If an argument is not one of those above.

    Example:

    >>> keras_asym.networks.DeepLabV3("resnet18", 13, backbone_width=8).output.shape
    (None, None, None, 13)
    """
    encoder, stages = encoder_of(backbone, output_stride, 16, backbone_width, input_shape)
    stride, x = stages[-1]
    x = atrous_spatial_pyramid_pooling(x, filters, stride, separable=False)
    x = layers.Dropout(dropout, name="aspp_dropout")(x)
    if last_convolution:
        x = convolution_unit(x, filters, 3, "decoder", NORM)
    x = classifier(x, num_classes)
    return keras.Model(encoder.inputs[0], x, name=name or f"deeplab_v3_{encoder.name}")
