import re

import keras

from keras_asym.fusion.strategy import FusionStrategy, GraphEdits, find_sites
from keras_asym.keras_internals import nodes_of
from keras_asym.layers import ChannelShuffle, PixelShift

_ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
)
_BLOCK = re.compile(r"(?P<stage>.*)block(?P<block>\d+)_(2|ffn_depthwise)_conv$")


@keras.saving.register_keras_serializable(package="keras_asym")
class AsymmetricFusion(FusionStrategy):
    """Channel shuffle and pixel shift around chosen convolutions (AsymFusion).

    [arXiv 2108.05009](https://arxiv.org/abs/2108.05009). At each site, with x the input of the
    convolution: the convolution, its norm and its activation run on the *shuffled* x; the shift of
    the *other* modality's x is added to their output; the sum is shuffled once more. "The other"
    is the next modality in cyclic order. Free of parameters; with one modality nothing changes.

    Where the branch of the convolution reaches a merge (an addition, say) before any activation,
    as in the basic blocks of ResNet-18 and -34, the sum is taken in front of the merge.

    Args:
        sites: Regular expression, searched in the names of the convolutions; these must keep
            height, width and channels, unless `shift_source="output"`. `None` finds the second
            convolution of the last block of every ResNet stage, in the naming of this package,
            keras.applications and KerasHub, and in a `MixTransformer` the depthwise one, which
            sees the tokens as a map.
        shift_source: `"input"`, the paper's: the convolution's input is what is shifted;
            `"output"`: the result of the convolution, its norm and its activation is, which also
            fits convolutions that change the size, such as a U-Net's. The paper does not fix where
            its operations stand in a U-Net. With two modalities choose sites that do not follow
            one another directly: the second of two shuffles would undo the first.
        shuffle: Whether channels are shuffled.
        addition: What of the other modality is added: `"shifted"`, the paper's; `"plain"`, all its
            features as they are; `"none"`. With `shuffle=False` the second is the symmetric
            operation.
        receivers: Indices of the modalities that receive channels and features of the next one;
            `None` for all. `(0,)` is fusion in one direction only.

    Raises:
        ValueError: If an argument is none of these, or nothing is left to be done; in
            `to_multimodal`, if `sites` finds no convolution, one that is called twice, or one that
            changes height, width or channels where it must not.

    Example:

    >>> fusion = keras_asym.fusion.AsymmetricFusion()
    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(18), {"rgb": 3, "depth": 1}, fusion)
    >>> [layer.name for layer in model.layers if "shift" in layer.name][0]
    'stack0_block1_2_conv_shift'
    """

    def __init__(
        self, sites=None, shift_source="input", shuffle=True, addition="shifted", receivers=None
    ):
        if shift_source not in ("input", "output"):
            raise ValueError(
                '`shift_source` must be "input" or "output". '
                f"Received: shift_source={shift_source!r}"
            )
        if addition not in ("shifted", "plain", "none") or (addition == "none" and not shuffle):
            raise ValueError(
                '`addition` must be "shifted", "plain" or, with shuffle=True, "none". '
                f"Received: addition={addition!r}, shuffle={shuffle}"
            )
        self.sites = sites
        self.shift_source = shift_source
        self.shuffle = shuffle
        self.addition = addition
        self.receivers = receivers

    def edits(self, network, modalities):
        edits = GraphEdits()
        nodes = nodes_of(network)
        for convolution in self._convolutions(network):
            if modalities > 1:
                node = _node_of(convolution, nodes, network)
                if self.shift_source == "input" and self.addition != "none":
                    self._check(convolution, node.input_tensors[0].shape[-1])
                end = _end_of_branch(node, nodes, network)
                self._add_site(edits, convolution.name, end.name, modalities)
        return edits

    def _convolutions(self, network):
        pattern = _BLOCK.pattern if self.sites is None else self.sites
        found = list(find_sites(network, pattern, "convolution").values())
        if self.sites is not None:
            return found
        last = {}
        for layer in found:
            match = _BLOCK.match(layer.name)
            stage, block = match["stage"], int(match["block"])
            if stage not in last or block > last[stage][0]:
                last[stage] = block, layer
        return [layer for _, layer in last.values()]

    def _check(self, convolution, channels):
        shape = (1, 32, 32, channels)
        output_shape = tuple(convolution.compute_output_shape(shape))
        if output_shape != shape:
            raise ValueError(
                "`sites` must match convolutions that keep height, width and channels: their input "
                "is shifted and added to their output. Choose other sites or "
                'shift_source="output". Received: '
                f"sites={self.sites!r}, which finds '{convolution.name}' with "
                f"strides={convolution.strides}, padding={convolution.padding!r}, "
                f"{channels} channels in and {output_shape[-1]} out"
            )

    def _add_site(self, edits, name, end, count):
        def shuffled(x, ending):
            if not self.shuffle:
                return x
            return ChannelShuffle(count, self.receivers, name=f"{name}_{ending}")(x)

        def after(y, x):
            if self.addition != "none":
                source = x if self.shift_source == "input" else y
                add = PixelShift(
                    count,
                    shifted=self.addition == "shifted",
                    receivers=self.receivers,
                    name=f"{name}_shift",
                )
                y = add(y, source=source)  # step 3
            return shuffled(y, "unshuffle")  # step 4

        edits.before[name] = lambda x: shuffled(x, "shuffle")  # step 1
        edits.after[end] = after
        edits.sites[end] = name

    def get_config(self):
        return {
            "sites": self.sites,
            "shift_source": self.shift_source,
            "shuffle": self.shuffle,
            "addition": self.addition,
            "receivers": self.receivers,
        }


def _node_of(layer, nodes, network):
    """Where the network calls a layer."""
    found = [node for node in nodes if node.operation is layer]
    if len(found) > 1:
        raise ValueError(
            "`sites` must match convolutions that are called once. Received: "
            f"'{layer.name}', which network '{network.name}' calls {len(found)} times"
        )
    return found[0]


def _end_of_branch(node, nodes, network):
    """The activation that follows the convolution, or the last layer in front of a merge."""
    results = {id(tensor) for tensor in network.outputs}
    while True:
        made = {id(tensor) for tensor in node.outputs}
        users = [x for x in nodes if made & {id(tensor) for tensor in x.input_tensors}]
        if len(users) != 1 or len(users[0].input_tensors) != 1 or made & results:
            return node.operation
        node = users[0]
        if isinstance(node.operation, _ACTIVATIONS):
            return node.operation
