"""How published parameter names map to this package's layers.

Published segmentation networks name a convolution `layer1.0.conv2.module.weight` and the private
norm of modality m `layer1.0.bn2.bn_m.weight`; torchvision names them `layer1.0.conv2.weight` and
`layer1.0.bn2.weight`.
"""

import re
from typing import NamedTuple

_BLOCK = r"layer(?P<stage>\d)\.(?P<block>\d+)\."
NORM_WEIGHTS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


class Place(NamedTuple):
    """Where a published parameter goes.

    Attributes:
        layer: Name of the layer.
        weight: Name of the layer's weight; `None` if it has none of that kind.
        modality: Row of a private norm's weight; `None` for a weight without rows, or for all.
    """

    layer: str
    weight: str | None
    modality: int | None = None

    @property
    def variable(self):
        """Key of the variable: names of the layer and the weight."""
        return self.layer, self.weight


def locate(name):
    """Finds the place of a published parameter.

    Args:
        name: Published name, without the prefix `module.`.

    Returns:
        `Place`, or `None` for a name that is not known. The layer of `alpha` is `"ensemble"`.
    """
    if name == "alpha":
        return Place("ensemble", "alpha")
    stem, _, kind = name.rpartition(".")
    norm = re.fullmatch(r"(?P<layer>.*)\.bn_(?P<modality>\d+)", stem)
    if norm:
        layer = _encoder_layer(norm["layer"])
        return layer and Place(layer, NORM_WEIGHTS.get(kind), int(norm["modality"]))
    stem = stem.removesuffix(".module")
    layer = _encoder_layer(stem)
    if layer and layer.endswith("_bn"):
        return Place(layer, NORM_WEIGHTS.get(kind))
    layer = layer or _decoder_layer(stem)
    return layer and Place(layer, {"weight": "kernel", "bias": "bias"}.get(kind))


def _encoder_layer(stem):
    if stem in ("conv1", "bn1"):
        return {"conv1": "conv1_conv", "bn1": "conv1_bn"}[stem]
    match = re.fullmatch(_BLOCK + r"(?P<kind>conv|bn)(?P<index>\d)", stem)
    if match:
        return f"{_prefix(match)}_{match['index']}_{match['kind']}"
    match = re.fullmatch(_BLOCK + r"downsample\.(?P<index>[01])", stem)
    if match:
        return f"{_prefix(match)}_0_{'bn' if match['index'] == '1' else 'conv'}"
    return None


def _prefix(match):
    return f"stack{int(match['stage']) - 1}_block{match['block']}"


# Published decoder stages count from coarse (1, stride 32) to fine (4, stride 4), ours by stage.
_DECODER = [
    (r"p_ims1d2_outl(?P<k>\d)_dimred", "refine{s}_adapt_conv"),
    (r"adapt_stage(?P<k>\d)_b\.0\.(?P<u>\d)_conv", "refine{s}_adapt_unit{u}_1_conv"),
    (
        r"adapt_stage(?P<k>\d)_b\.0\.(?P<u>\d)_conv_relu_varout_dimred",
        "refine{s}_adapt_unit{u}_2_conv",
    ),
    (r"adapt_stage(?P<k>\d)_b2_joint_varout_dimred", "refine{s}_joint_conv"),
    (r"mflow_conv_g(?P<k>\d)_pool\.0\.(?P<u>\d)_outvar_dimred", "refine{s}_pool{u}_conv"),
    (r"mflow_conv_g(?P<k>\d)_b\.0\.(?P<u>\d)_conv", "refine{s}_output_unit{u}_1_conv"),
    (
        r"mflow_conv_g(?P<k>\d)_b\.0\.(?P<u>\d)_conv_relu_varout_dimred",
        "refine{s}_output_unit{u}_2_conv",
    ),
    (r"mflow_conv_g(?P<k>\d)_b3_joint_varout_dimred", "refine{s}_output_conv"),
    (r"clf_conv", "classifier"),
]


def _decoder_layer(stem):
    for pattern, layer in _DECODER:
        match = re.fullmatch(pattern, stem)
        if match:
            groups = {key: int(value) for key, value in match.groupdict().items()}
            return layer.format(s=5 - groups.get("k", 0), u=groups.get("u", 0) - 1)
    return None
