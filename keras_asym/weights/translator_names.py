"""How published names of the image translation network map to this package's layers.

The published generator names a convolution `conv2.conv.module.weight` and the private norm of
modality m `conv2.insnorm_conv.insnorm_m.weight`, likewise `deconv2.deconv` and `insnorm_deconv`;
the discriminator's shared norm is `conv2.insnorm.module.weight`.
"""

import re

from keras_asym.weights.names import NORM_WEIGHTS, Place

_CONVOLUTIONS = [
    (r"generator\.conv(?P<block>\d+)\.conv\.module", "down{block}_conv"),
    (r"generator\.deconv(?P<block>\d+)\.deconv\.module", "up{block}_conv"),
    (r"discriminator\.conv(?P<block>\d+)\.conv\.module", "patch{block}_conv"),
]
_NORMS = [
    (r"generator\.conv(?P<block>\d+)\.insnorm_conv\.insnorm_(?P<modality>\d+)", "down{block}_norm"),
    (
        r"generator\.deconv(?P<block>\d+)\.insnorm_deconv\.insnorm_(?P<modality>\d+)",
        "up{block}_norm",
    ),
    (r"discriminator\.conv(?P<block>\d+)\.insnorm\.module", "patch{block}_norm"),
]


def locate_translator(name):
    """Finds the place of a published parameter.

    Args:
        name: Published name, with the prefix `generator.` or `discriminator.`.

    Returns:
        `Place`, or `None` for a name that is not known. The layer of `alpha` is `"ensemble"`.
    """
    if name in ("alpha", "generator.alpha"):
        return Place("ensemble", "alpha")
    stem, _, kind = name.rpartition(".")
    for patterns, weights in (
        (_CONVOLUTIONS, {"weight": "kernel", "bias": "bias"}),
        (_NORMS, NORM_WEIGHTS),
    ):
        for pattern, layer in patterns:
            match = re.fullmatch(pattern, stem)
            if match and kind in weights:
                modality = match.groupdict().get("modality")
                layer = layer.format(block=match["block"])
                return Place(layer, weights[kind], None if modality is None else int(modality))
    return None


def is_unused(place, variables):
    """Whether a published parameter is one that no forward pass of the published program uses.

    Those are the norms of the outermost and innermost blocks, whose convolutions are there, and
    running statistics of instance normalizations.

    Args:
        place: Result of `locate_translator`.
        variables: `{(layer name, weight name): variable}` of the model.
    """
    if place is None or not place.layer.endswith("_norm"):
        return False
    convolution = Place(f"{place.layer.removesuffix('_norm')}_conv", "kernel")
    has_norm = Place(place.layer, "gamma").variable in variables
    moving = place.weight.startswith("moving_")
    return convolution.variable in variables and (not has_norm or moving)
