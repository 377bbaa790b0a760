import dataclasses
import re
from collections.abc import Callable

import keras

from keras_asym.fusion.graph import normalizations
from keras_asym.keras_internals import nodes_of


@dataclasses.dataclass
class GraphEdits:
    """What a strategy changes while the graph of a plain network is cloned, by layer name.

    Attributes:
        normalization: Plain normalization's name -> function of the private norm that replaces
            it, which returns the layer to use.
        before: Layer name -> function of the layer's input, which returns what it is called on.
        after: Layer name -> function of the layer's output and of the input of its site, which
            returns what goes on. That input is what came to the site's first layer, in front of
            what `before` did to it.
        sites: Last layer of a site (a name in `after`) -> name of its first layer, where they
            differ: by default a site is one layer.
        merge: Layer name -> function of a folded tensor and a name for new layers, which returns
            one stream, an entry for each example. These layers and all that lead to them run on
            the folded modalities, all others on one stream: what crosses from one part to the other
            is merged, at other places than these by the first of the functions.
        shared: Names of normalizations that the modalities share, too.
        unshared: Names of layers with weights of which each modality gets its own.
    """

    normalization: dict[str, Callable] = dataclasses.field(default_factory=dict)
    before: dict[str, Callable] = dataclasses.field(default_factory=dict)
    after: dict[str, Callable] = dataclasses.field(default_factory=dict)
    sites: dict[str, str] = dataclasses.field(default_factory=dict)
    merge: dict[str, Callable] = dataclasses.field(default_factory=dict)
    shared: set[str] = dataclasses.field(default_factory=set)
    unshared: set[str] = dataclasses.field(default_factory=set)

    def site_of(self, name):
        """Name of the first layer of the site that ends with a layer."""
        return self.sites.get(name, name)


class FusionStrategy:
    """Says what `to_multimodal` adds to a shared network. Subclasses implement `edits`.

    The layers that it adds are `keras_asym.layers.ModalityLayer`s where they look at several
    modalities. With one modality a strategy changes nothing, nor, unless it merges, for an example
    that has one sensor; but for `TokenExchanging`, which scales what attention adds.
    """

    def edits(self, network, modalities):
        """Returns the `GraphEdits` for a plain flat functional network and M modalities."""
        raise NotImplementedError(f"{type(self).__name__} must implement edits()")

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def find_sites(network, pattern, kind):
    """Layers whose name is matched by the regular expression `pattern`.

    Args:
        network: Plain flat functional network, as `FusionStrategy.edits` gets it.
        pattern: Regular expression, searched in the names.
        kind: `"normalization"`, `"convolution"` or `"layer"`. A normalization inside of another
            layer has that layer's name and its place in it: `"block_3/attn.norm"`.

    Returns:
        Dictionary of name -> layer, in the network's order.

    Raises:
        ValueError: If nothing matches; lists some names that could be meant.
    """
    if kind == "normalization":
        candidates, what = normalizations(network), "normalization layer"
    elif kind == "convolution":
        candidates = {x.name: x for x in network.layers if isinstance(x, CONVOLUTIONS)}
        what = "convolution"
    else:
        candidates, what = {node.operation.name: node.operation for node in nodes_of(network)}, kind
    found = {name: layer for name, layer in candidates.items() if re.search(pattern, name)}
    if not found:
        names = list(candidates)
        shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        raise ValueError(
            f"`sites` must match the name of at least one {what} in the network '{network.name}'. "
            f"Received: sites={pattern!r}; its {what}s are: {shown or 'none'}"
        )
    return found


CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
