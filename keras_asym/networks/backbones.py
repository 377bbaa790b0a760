import re

import keras

from keras_asym.keras_internals import nodes_of
from keras_asym.networks.efficientnet_lite import EfficientNetLite0
from keras_asym.networks.mix_transformer import VARIANTS, MixTransformer
from keras_asym.networks.resnet import DEPTHS as RESNETS
from keras_asym.networks.resnet import ResNet
from keras_asym.networks.xception import DEPTHS as XCEPTIONS
from keras_asym.networks.xception import Xception
from keras_asym.optional import import_optional
from keras_asym.strides import strides_of

DILATED = tuple(
    [f"resnet{depth}" for depth in RESNETS]
    + [f"resnet{depth}_deep" for depth in RESNETS]
    + [f"xception{depth}" for depth in XCEPTIONS]
    + ["efficientnet_lite0"]
)
"""Encoders of this package that can be dilated."""
NAMES = DILATED + tuple(f"mit_{variant}" for variant in VARIANTS)
"""Encoders of this package."""
KERAS_HUB = "kerashub:"
"""What stands in front of the name of a preset of KerasHub."""
_STRIDES = (4, 8, 16, 32)
_BORDERS = (keras.layers.ZeroPadding2D, keras.layers.Cropping2D)


def backbone(name, output_stride=32, input_shape=(None, None, 3), width=None):
    """An encoder by its name.

    Args:
        name: `"resnet18"`, `"resnet34"`, `"resnet50"`, `"resnet101"` or `"resnet152"`; the same
            with `"_deep"` for a deep stem; `"xception41"`, `"xception65"` or `"xception71"`;
            `"efficientnet_lite0"`; `"mit_b0"` to `"mit_b5"`; or a class of `keras.applications`,
            such as `"MobileNetV3Large"`, or `"kerashub:"` and a preset of KerasHub, such as
            `"kerashub:resnet_50_imagenet"`, of which the config is downloaded; with random weights.
            Some of keras.applications scale their images themselves, as their documentation says.
        output_stride: 8, 16 or 32: the stride from which on convolutions are dilated in place of
            being strided. Mix Transformers and encoders of `keras.applications` have 32.
        input_shape: `(height, width, channels)`; height and width may be `None`.
        width: Channels of the first layer, for encoders of this package; `None` is the published
            one.

    Returns:
        Functional `keras.Model` whose outputs are features by ascending stride: one for each of 4,
        8, 16 and 32, as far as it has them, or, if it is dilated, for each of its four stages.

    Raises:
        ValueError: If there is no such encoder, or not with that stride or width.

    Example:

    >>> model = keras_asym.networks.backbone("MobileNetV3Small", input_shape=(64, 96, 3))
    >>> [x.shape[1:3] for x in model.outputs]
    [(16, 24), (8, 12), (4, 6), (2, 3)]
    """
    if name in NAMES:
        return _own(name, output_stride, input_shape, width)
    model = library_encoder(name, None, input_shape)
    if output_stride != 32 or width is not None:
        raise ValueError(
            "`output_stride` must be 32 and `width` None for encoders of keras.applications and "
            f"KerasHub. Received: output_stride={output_stride}, width={width} with {name!r}"
        )
    return keras.Model(model.inputs[0], list(feature_pyramid(model).values()), name=model.name)


def is_of_a_library(name):
    """Whether a name is that of a class of keras.applications, or begins as KerasHub's do."""
    if not isinstance(name, str):
        return False
    is_class = name[:1].isupper() and callable(getattr(keras.applications, name, None))
    return is_class or (name.startswith(KERAS_HUB) and name != KERAS_HUB)


def library_encoder(name, weights=None, input_shape=(None, None, 3)):
    """An encoder of keras.applications or KerasHub, as these libraries make it.

    Args:
        name: As for `backbone`, but for encoders of this package.
        weights: `None`, or `"imagenet"`: those that the library downloads; of a preset of KerasHub
            its own, whatever it was trained on.
        input_shape: As for `backbone`; a preset has its own.

    Raises:
        ValueError: If there is no such encoder.
        ImportError: If KerasHub is not installed.
    """
    if not is_of_a_library(name):
        raise ValueError(
            f"`backbone` must be one of {list(NAMES)}, a class of keras.applications such as "
            f'"MobileNetV3Large", "{KERAS_HUB}" and the name of a preset, or a functional '
            f"keras.Model. Received: backbone={name!r}"
        )
    if name.startswith(KERAS_HUB):
        hub = import_optional("keras_hub", "hub", f"The encoder '{name}' needs KerasHub")
        preset = name.removeprefix(KERAS_HUB)
        return hub.models.Backbone.from_preset(preset, load_weights=weights is not None)
    make = getattr(keras.applications, name)
    return make(include_top=False, weights=weights, input_shape=input_shape)


def feature_pyramid(model):
    """The features of a functional encoder by their stride.

    They are taken from the model's outputs, if it has several; from its `pyramid_outputs`, as
    KerasHub's backbones have them; otherwise they are the results of the last layer at each stride
    through which everything passes that follows, such as a block's end or the expansion in front of
    a strided convolution. Where no layer is like that (NASNet), it is the last one. Strides are
    found by the shapes of an image, whatever the layers' names are.

    Args:
        model: Functional `keras.Model` with one image input.

    Returns:
        Dictionary of stride, 4, 8, 16 and 32 as far as there are, to symbolic tensor of the model.

    Raises:
        ValueError: If `model` is no such model, or has no features with one of these strides.

    Example:

    >>> model = keras.applications.MobileNetV2(
    ...     include_top=False, weights=None, input_shape=(64, 64, 3))
    >>> {stride: x.shape[-1] for stride, x in keras_asym.networks.feature_pyramid(model).items()}
    {4: 144, 8: 192, 16: 576, 32: 1280}
    """
    return dict(feature_stages(model))


def feature_stages(model):
    """Pairs of stride and features by ascending stride; those of a dilated encoder repeat one."""
    if len(getattr(model, "inputs", None) or ()) != 1 or len(model.inputs[0].shape) != 4:
        raise ValueError(
            "`backbone` must be a functional keras.Model with one image input (batch, height, "
            f"width, channels). Received: {type(model).__name__} '{getattr(model, 'name', model)}'"
        )
    chosen = getattr(model, "pyramid_outputs", None)
    if len(model.outputs) > 1 or chosen:
        tensors = list(model.outputs if len(model.outputs) > 1 else chosen.values())
        found = list(zip(strides_of(model, tensors), tensors, strict=True))
        found = sorted((x for x in found if x[0] in _STRIDES), key=lambda pair: pair[0])
    else:
        found = _last_of_each_stride(model)
    if not found:
        raise ValueError(
            f"`backbone` must have features at one of the strides {list(_STRIDES)}. "
            f"Received: '{model.name}' without any"
        )
    return found


def encoder_of(backbone_or_model, output_stride, default_stride, width, input_shape):
    """The model of a network's argument `backbone`, and its `feature_stages`.

    Args:
        backbone_or_model: Name or functional model.
        output_stride: What the user wants; `None` for the default, or what the model has.
        default_stride: Output stride in that network of encoders that can be dilated.
        width: As for `backbone`.
        input_shape: As for `backbone`.
    """
    model = backbone_or_model
    if not isinstance(model, keras.Model):
        stride = output_stride or (default_stride if model in DILATED else 32)
        model = backbone(model, stride, input_shape, width)
    elif width is not None:
        raise ValueError(
            "`backbone_width` must be None for an encoder that is given as a model. "
            f"Received: backbone_width={width}, backbone='{model.name}'"
        )
    stages = feature_stages(model)
    if output_stride not in (None, stages[-1][0]):
        raise ValueError(
            f"`output_stride` must be that of the encoder, {stages[-1][0]}, or None. "
            f"Received: output_stride={output_stride}, backbone='{model.name}'"
        )
    return model, stages


def _own(name, output_stride, input_shape, width):
    if name not in DILATED:
        if output_stride != 32:
            raise ValueError(
                "`output_stride` must be 32 for Mix Transformers, which cannot be dilated. "
                f"Received: output_stride={output_stride} with {name!r}"
            )
        return MixTransformer(name.removeprefix("mit_"), width, input_shape=input_shape)
    options = {"output_stride": output_stride, "input_shape": input_shape, "name": name}
    if width is not None:
        options["width"] = width
    if name == "efficientnet_lite0":
        return EfficientNetLite0(**options)
    kind, depth, deep = re.fullmatch(r"([a-z]+)(\d+)(_deep)?", name).groups()
    if kind == "xception":
        return Xception(int(depth), **options)
    return ResNet(int(depth), stem="deep" if deep else "7x7", **options)


def _last_of_each_stride(model):
    nodes = nodes_of(model)
    tensors = [tensor for node in nodes for tensor in node.outputs]
    place = {id(x): -1 for x in model.inputs}
    place |= {id(x): index for index, node in enumerate(nodes) for x in node.outputs}
    reach, passed_by_all = -1, set()
    last_use = dict.fromkeys(range(-1, len(nodes)), -1)
    for index, node in enumerate(nodes):
        for tensor in node.input_tensors:
            last_use[place[id(tensor)]] = index
    # In topological order nothing goes around a node if nothing before it is used after it.
    for index in range(len(nodes)):
        reach = max(reach, last_use[index - 1])
        if reach <= index:
            passed_by_all.add(index)
    found, any_layer = {}, {}
    for stride, tensor in zip(strides_of(model, tensors), tensors, strict=True):
        index = place[id(tensor)]
        if stride in _STRIDES and not isinstance(nodes[index].operation, _BORDERS):
            any_layer[stride] = tensor
            if index in passed_by_all:
                found[stride] = tensor
    return sorted({**any_layer, **found}.items(), key=lambda pair: pair[0])
