"""The networks that a config can name, on any encoder.

| `config.network.name` | network | settings of `config.network` that it reads |
|---|---|---|
| `refinenet` | `RefineNet` | `decoder`, `decoder_widths`, `dropout` |
| `deeplabv3plus` | `DeepLabV3Plus` | `output_stride`, `filters`, `skip_filters`, `dropout` |
| `deeplabv3` | `DeepLabV3` | `output_stride`, `filters`, `dropout` |
| `pspnet` | `PSPNet` | `output_stride`, `filters`, `dropout` |
| `segformer` | `SegFormer` | `filters` (the head's width), `dropout` |
| `realtime` | `Realtime` | `filters` (the head's width), `dropout` |
| `adapnet_pp` | `AdapNetPP` | `decoder`, `filters`, `skip_filters`, `dropout` |

All but the last one also read `backbone` and `weights`; `backbone_width` is read by the encoders of
this package, where they have no ImageNet weights.
"""

import inspect
import os
import re
import typing

import keras

from keras_asym import networks, weights
from keras_asym.layers import SurfaceNormals
from keras_asym.networks.backbones import DILATED, KERAS_HUB, NAMES, is_of_a_library
from keras_asym.optional import check_optional
from keras_asym.weights.efficientnet_lite import EXTRA, NEEDS, PACKAGE
from keras_asym.weights.imagenet_backbone import OF_A_PACKAGE
from recipes.data.values import linear_of

_OF_ADAPNET = re.compile(r"input_bn|conv1_|stack\d")
_TORCHVISION = re.compile(r"resnet\d+")
_MIX_TRANSFORMER = re.compile(r"mit_b\d")
_KERAS_FILES = (".h5", ".keras")


class Network(typing.NamedTuple):
    """How a network is made of `config.network`.

    Attributes:
        make: Function of `keras_asym.networks`.
        arguments: Setting -> its argument. A setting that is `None` has the published value.
        stride: Output stride of this package's encoders where none is set; `None` for a network
            that has its own encoder.
        auxiliary: Number of auxiliary outputs that it can have.
        decoders: What `config.network.decoder` can be.
    """

    make: typing.Callable
    arguments: dict
    stride: int | None
    auxiliary: int = 0
    decoders: tuple = ()


_POOLED = {"filters": "filters", "dropout": "dropout"}
NETWORKS = {
    "refinenet": Network(
        networks.RefineNet,
        {"decoder": "decoder", "decoder_widths": "decoder_widths", "dropout": "dropout"},
        32,
        decoders=("full", "light"),
    ),
    "deeplabv3plus": Network(
        networks.DeepLabV3Plus, {**_POOLED, "skip_filters": "low_level_filters"}, 16
    ),
    "deeplabv3": Network(networks.DeepLabV3, _POOLED, 16),
    "pspnet": Network(networks.PSPNet, _POOLED, 8, auxiliary=1),
    "segformer": Network(networks.SegFormer, {"filters": "head_width", "dropout": "dropout"}, 32),
    "realtime": Network(networks.Realtime, {"filters": "head_width", "dropout": "dropout"}, 32),
    "adapnet_pp": Network(
        networks.AdapNetPP,
        {
            "decoder": "decoder",
            "backbone_width": "width",
            "filters": "decoder_width",
            "skip_filters": "skip_width",
            "dropout": "dropout",
        },
        None,
        auxiliary=2,
        decoders=("adapnet", "ssma"),
    ),
}
"""Name -> `Network`."""
DECODERS = tuple(name for network in NETWORKS.values() for name in network.decoders)


def is_backbone(name):
    """Whether an encoder has this name: one of this package, of keras.applications or KerasHub."""
    return name in NAMES or is_of_a_library(name)


def stems(specs):
    """How each modality comes to the network, as `to_multimodal` takes it.

    Args:
        specs: Modality name -> spec, whose `stem` says it; normals take the spec's mean and
            standard deviation back.
    """
    found = {name: spec["stem"] for name, spec in specs.items() if spec.get("stem")}
    for name, stem in found.items():
        if stem == "normals":
            _, mean, std = (float(x[0]) for x in linear_of(specs[name]))
            found[name] = SurfaceNormals(mean, std, name=f"{name}_normals", dtype="float32")
    return found


def build_network(config, num_classes):
    """A network for one image, and which of its layers are the encoder's.

    Args:
        config: The run's config: `network`, `pretrained`.
        num_classes: Number of classes.

    Returns:
        Pair of the functional `keras.Model` and a regular expression for the paths of the encoder's
        variables, also after `to_multimodal`. What a fusion strategy adds is not the encoder's.
    """
    net, entry = config.network, NETWORKS[config.network.name]
    options = {name: net[key] for key, name in entry.arguments.items() if net[key] is not None}
    if entry.auxiliary:
        options["auxiliary"] = len(net.auxiliary_weights) > 0
    if entry.stride is None:
        network = entry.make(num_classes, **options)
        names = [layer.name for layer in network.layers if _OF_ADAPNET.match(layer.name)]
    else:
        encoder = _encoder(net, entry.stride)
        names = list(_layer_names(encoder))
        pretrained = os.path.expanduser(config.pretrained)
        if pretrained.endswith(_KERAS_FILES):
            _load(encoder, pretrained, net.backbone)
        if net.weights is None:
            _without_scaling(encoder)
        network = entry.make(encoder, num_classes, **options)
        if pretrained and not pretrained.endswith(_KERAS_FILES):
            _load_published(network, pretrained, net.backbone)
    # A strategy may have put a layer into another one: "X_bn_exchange/X_bn/gamma".
    return network, f"(.*/)?({'|'.join(map(re.escape, names))})/.*"


def _layer_names(model):
    """Names that the layers of an encoder can have in a multimodal network, which is flat."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            for name in _layer_names(layer):
                yield from (name, f"{layer.name}_{name}")  # the second where the first was taken
        elif layer.weights:
            yield layer.name


def _encoder(net, stride):
    stride = net.output_stride or (stride if net.backbone in DILATED else 32)
    if net.weights is not None:
        return weights.imagenet_backbone(net.backbone, stride)
    if net.backbone in NAMES:
        return networks.backbone(net.backbone, stride, width=net.backbone_width)
    if net.backbone.startswith(KERAS_HUB):
        return networks.backbone(net.backbone)
    make = getattr(keras.applications, net.backbone)
    options = {"include_top": False, "weights": None, "input_shape": (None, None, 3)}
    if "include_preprocessing" in inspect.signature(make).parameters:
        options["include_preprocessing"] = False
    return make(**options)


def _without_scaling(encoder):
    """Takes away an encoder's own scaling of images: they are normalized as the config says."""
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.Rescaling):
            layer.scale, layer.offset = 1.0, 0.0
        elif isinstance(layer, keras.layers.Normalization):
            layer.adapt_mean.assign(keras.ops.zeros_like(layer.adapt_mean))
            layer.adapt_variance.assign(keras.ops.ones_like(layer.adapt_variance))
            layer.finalize_state()


def _load_published(network, path, backbone):
    """ImageNet weights of the encoder from a file of PyTorch's."""
    if _MIX_TRANSFORMER.fullmatch(backbone):
        weights.load_mix_transformer_checkpoint(network, path)
    else:
        weights.load_imagenet_checkpoint(network, path)


def _load(encoder, path, name):
    """Weights that Keras has written of the same encoder."""
    try:
        if path.endswith(".keras"):
            encoder.set_weights(keras.models.load_model(path, compile=False).get_weights())
        else:
            encoder.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(
            f"`config.pretrained` must hold the weights of {_file_of(name)}. "
            f"Received: {path}, of which Keras says: {error}"
        ) from error


def _file_of(name):
    if name in NAMES or name.startswith(KERAS_HUB):
        return f'keras_asym.networks.backbone("{name}") in a .weights.h5 or .keras file'
    return f"keras.applications.{name}(include_top=False) in a .h5, .weights.h5 or .keras file"


def check_network(net, pretrained):
    """Raises `ValueError` where settings of `config.network` do not fit the chosen network.

    Args:
        net: `config.network`, each value of which is right by itself.
        pretrained: `config.pretrained`.
    """
    entry = NETWORKS[net.name]
    if entry.decoders and net.decoder is not None and net.decoder not in entry.decoders:
        raise ValueError(
            f"`config.network.decoder` must be one of {entry.decoders} or None with the network "
            f"'{net.name}'. Received: decoder={net.decoder!r}"
        )
    if len(net.auxiliary_weights) not in (0, entry.auxiliary):
        raise ValueError(
            "`config.network.auxiliary_weights` must be empty, or one number for each auxiliary "
            f"output, of which '{net.name}' can have {entry.auxiliary}. Received: "
            f"auxiliary_weights={tuple(net.auxiliary_weights)}"
        )
    dilated = entry.stride not in (None, 32) and net.backbone in DILATED
    if net.output_stride is not None and not dilated:
        raise ValueError(
            "`config.network.output_stride` must be None with refinenet, with adapnet_pp and with "
            "encoders of other libraries, which are not dilated. Received: "
            f"output_stride={net.output_stride} with {net.name} and {net.backbone}"
        )
    if pretrained:
        _check_pretrained(net, pretrained)
    if net.weights is not None:
        _check_weights(net, pretrained)


def _check_weights(net, pretrained):
    own = net.backbone in NAMES and net.backbone != OF_A_PACKAGE
    if pretrained or own or NETWORKS[net.name].stride is None:
        raise ValueError(
            "`config.network.weights` must be None with `config.pretrained`, with adapnet_pp, and "
            f"with encoders of this package but {OF_A_PACKAGE}, whose weights are files "
            "(`config.pretrained`). Encoders of keras.applications, such as ResNet50, and of "
            f"KerasHub, such as {KERAS_HUB}resnet_50_imagenet, have ImageNet weights. Received: "
            f"weights={net.weights!r} with {net.name}, {net.backbone} and pretrained={pretrained!r}"
        )
    if net.backbone == OF_A_PACKAGE:
        check_optional(PACKAGE, EXTRA, NEEDS)


def _check_pretrained(net, path):
    if NETWORKS[net.name].stride is None:
        raise ValueError(
            f"`config.pretrained` must be empty with '{net.name}', for whose encoder there is no "
            "such file; `config.init` begins with the weights of a run. Received: "
            f"pretrained={path}"
        )
    published = _TORCHVISION.fullmatch(net.backbone) or _MIX_TRANSFORMER.fullmatch(net.backbone)
    if not path.endswith(_KERAS_FILES) and not published:
        raise ValueError(
            "`config.pretrained` must be a torchvision file for resnet18 to resnet152 alone, and a "
            "published mit_b*.pth for Mix Transformers. For "
            f"{net.backbone} it is the weights of {_file_of(net.backbone)}. Received: {path}"
        )


def unread_settings(net, default):
    """Settings of `config.network` that were set, and that the chosen network does not read.

    Args:
        net: `config.network`.
        default: That of the default config.
    """
    entry = NETWORKS[net.name]
    read = {"name", "auxiliary_weights", "output_stride", *entry.arguments}
    if entry.stride is not None:
        read |= {"backbone", "weights"}
    if entry.stride is not None and net.backbone in NAMES and net.weights is None:
        read.add("backbone_width")
    return [key for key in net if key not in read and net[key] != default[key]]
