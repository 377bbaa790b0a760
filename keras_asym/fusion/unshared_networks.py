import re

import keras

from keras_asym.fusion.normalizations import normalization_of
from keras_asym.fusion.strategy import FusionStrategy, GraphEdits


@keras.saving.register_keras_serializable(package="keras_asym")
class UnsharedNetworks(FusionStrategy):
    """A network of its own for each modality: nothing is shared, convolutions neither.

    The control for shared convolutions. It starts with the plain network's weights in each. With
    others in `Combined` it gives them unshared networks: `Combined([UnsharedNetworks(),
    GatedFusion()])` has an encoder for each modality and one decoder.

    Args:
        sites: Regular expression, searched in the names of the layers: of these each modality gets
            its own; `None` for all.

    Raises:
        ValueError: In `to_multimodal`, if `sites` finds no layer with weights.

    Example:

    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(18), {"rgb": 3, "depth": 3},
    ...     keras_asym.fusion.UnsharedNetworks())
    >>> model.count_params() / keras_asym.networks.ResNet(18).count_params()
    2.0
    """

    def __init__(self, sites=None):
        self.sites = sites

    def edits(self, network, modalities):
        names = [x.name for x in network.layers if x.weights and normalization_of(x) is None]
        found = {name for name in names if self.sites is None or re.search(self.sites, name)}
        if not found:
            raise ValueError(
                "`sites` must match the name of at least one layer with weights in the network "
                f"'{network.name}'. Received: sites={self.sites!r}; its layers are: "
                f"{', '.join(names[:8])}"
            )
        return GraphEdits() if modalities == 1 else GraphEdits(unshared=found)

    def get_config(self):
        return {"sites": self.sites}
