import dataclasses
import re
from collections.abc import Callable

import keras


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
    """

    normalization: dict[str, Callable] = dataclasses.field(default_factory=dict)
    before: dict[str, Callable] = dataclasses.field(default_factory=dict)
    after: dict[str, Callable] = dataclasses.field(default_factory=dict)
    sites: dict[str, str] = dataclasses.field(default_factory=dict)

    def site_of(self, name):
        """Name of the first layer of the site that ends with a layer."""
        return self.sites.get(name, name)


class FusionStrategy:
    """Says what `to_multimodal` adds to a shared network. Subclasses implement `edits`."""

    def edits(self, network, modalities):
        """Returns the `GraphEdits` for a plain functional network and M modalities."""
        raise NotImplementedError(f"{type(self).__name__} must implement edits()")

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def find_sites(network, pattern, kinds, what):
    """Layers of `kinds` whose name is matched by the regular expression `pattern`.

    Raises:
        ValueError: If nothing matches; lists some names that could be meant.
    """
    candidates = [layer for layer in network.layers if isinstance(layer, kinds)]
    found = [layer for layer in candidates if re.search(pattern, layer.name)]
    if not found:
        names = [layer.name for layer in candidates]
        shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        raise ValueError(
            f"`sites` must match the name of at least one {what} in the network '{network.name}'. "
            f"Received: sites={pattern!r}; its {what}s are: {shown or 'none'}"
        )
    return found


NORMALIZATIONS = (keras.layers.BatchNormalization, keras.layers.GroupNormalization)
CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
