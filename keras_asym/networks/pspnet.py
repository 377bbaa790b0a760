import keras
from keras import layers

from keras_asym.layers import AdaptiveAveragePool, ResizeLike
from keras_asym.networks.backbones import encoder_of
from keras_asym.networks.units import convolution_unit

_NORM = {"momentum": 0.9, "epsilon": 1e-5}


def PSPNet(
    backbone="resnet101_deep",
    num_classes=19,
    output_stride=None,
    filters=512,
    bins=(1, 2, 3, 6),
    backbone_width=None,
    auxiliary=False,
    auxiliary_filters=256,
    dropout=0.1,
    input_shape=(None, None, 3),
    name=None,
):
    """PSPNet for semantic segmentation, written for one image.

    A dilated encoder and pyramid pooling: averages of the image's parts, resized with aligned
    corners and put beside the features (Zhao et al. 2016,
    [arXiv 1612.01105](https://arxiv.org/abs/1612.01105)), in the layout of its authors' later
    program; norms with epsilon 1e-5. Trainable parameters for 19 classes with ResNet-50, 101 and
    152 of deep stem: 46,715,347, 65,707,475 and 81,351,123. The initializer of the head, that of
    the ResNet, is this package's choice. The norm of the coarsest branch sees one value of each
    image: a training batch needs three images or more.

    Args:
        backbone: Name of an encoder as for `backbone`, such as `"resnet101_deep"` or
            `"MobileNetV3Large"`, or an encoder, a functional `keras.Model`: its layers become part
            of the network, with their weights.
        num_classes: Number of classes C, void not counted.
        output_stride: Stride of the encoder's last features, 8, 16 or 32. `None` is 8 for encoders
            of this package, and what other ones have.
        filters: Channels of each pooled branch and of the head.
        bins: Numbers of parts of height and width, one for each branch.
        backbone_width: Channels of the encoder's first layer, for encoders of this package; smaller
            ones make a smaller encoder. `None` is the published one.
        auxiliary: Whether there are further logits for training, from the encoder's last stage but
            one; their loss weighs 0.4 in the paper.
        auxiliary_filters: Channels of the convolution in front of these.
        dropout: Rate of the dropout of whole channels in front of the classifiers.
        input_shape: `(height, width, channels)`; height and width may be `None`. An encoder that is
            given as a model has its own.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from images to logits of the encoder's resolution, `(batch,
        ceil(height / output_stride), ceil(width / output_stride), num_classes)`, which `Segmenter`
        resizes to the image's; with `auxiliary=True` to the list of these and of the auxiliary
        logits. Any size can be read, as far as the encoder can; `output_stride * k + 1` pixels (713
        in the paper) are those with which the corners of features and image coincide.

    Raises:
        ValueError: If an argument is not one of those above, or an encoder has one stage alone and
            `auxiliary` is asked for.

    Example:

    >>> network = keras_asym.networks.PSPNet("resnet18", 13, backbone_width=8, auxiliary=True)
    >>> [logits.shape for logits in network.outputs]
    [(None, None, None, 13), (None, None, None, 13)]
    """
    encoder, stages = encoder_of(backbone, output_stride, 8, backbone_width, input_shape)
    features = stages[-1][1]
    branches = [features]
    for size in bins:
        prefix = f"pyramid{size}"
        x = AdaptiveAveragePool(size, name=f"{prefix}_pool")(features)
        x = convolution_unit(x, filters, 1, prefix, _NORM, _initializer())
        branches.append(ResizeLike(align_corners=True, name=f"{prefix}_resize")([x, features]))
    x = layers.Concatenate(name="pyramid_concat")(branches)
    logits = _head(x, filters, num_classes, dropout, "pyramid_projection", "classifier")
    if auxiliary:
        if len(stages) < 2:
            raise ValueError(
                "`auxiliary` must be False for an encoder with one stage. "
                f"Received: auxiliary={auxiliary}, backbone='{encoder.name}'"
            )
        x = stages[-2][1]
        names = "auxiliary", "auxiliary_classifier"
        logits = [logits, _head(x, auxiliary_filters, num_classes, dropout, *names)]
    return keras.Model(encoder.inputs[0], logits, name=name or f"pspnet_{encoder.name}")


def _head(x, filters, num_classes, dropout, prefix, classifier):
    """3x3 convolution, dropout of whole channels, and 1x1 convolution to the logits."""
    x = convolution_unit(x, filters, 3, prefix, _NORM, _initializer())
    x = layers.SpatialDropout2D(dropout, name=f"{prefix}_dropout")(x)
    return layers.Conv2D(num_classes, 1, kernel_initializer=_initializer(), name=classifier)(x)


def _initializer():
    return keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
