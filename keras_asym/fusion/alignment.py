import keras

from keras_asym.fusion.stages import STAGES, end_of_stage
from keras_asym.fusion.strategy import FusionStrategy, GraphEdits, find_sites
from keras_asym.layers import ModalityAlignment


@keras.saving.register_keras_serializable(package="keras_asym")
class Alignment(FusionStrategy):
    """A loss draws the modalities' features together; they are not mixed ("Align").

    The maximum mean discrepancy of the features, pooled over height and width, at the ends of the
    encoder's stages (`keras_asym.layers.ModalityAlignment`). The papers compare with a network of
    its own for each modality and such a loss (Song et al. 2020, Modality Compensation Network):
    `Combined([UnsharedNetworks(), Alignment()])`. Kernel, weight and places are not known; these
    are this package's choice.

    Args:
        weight: Weight of the loss at each site.
        sites: Regular expression, searched in the names of layers; `None` for the ends of the
            encoder's early, middle and late stage.

    Raises:
        ValueError: If `weight` is negative; in `to_multimodal`, if `sites` finds no layer.

    Example:

    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(18), {"rgb": 3, "depth": 1},
    ...     keras_asym.fusion.Alignment(0.1))
    >>> sum("align" in layer.name for layer in model.layers)
    3
    """

    def __init__(self, weight=1.0, sites=None):
        if not weight >= 0:
            raise ValueError(f"`weight` must not be negative. Received: weight={weight}")
        self.weight = weight
        self.sites = sites

    def edits(self, network, modalities):
        if self.sites is None:
            names = dict.fromkeys(end_of_stage(network, stage) for stage in STAGES)
        else:
            names = find_sites(network, self.sites, "layer")
        if modalities == 1:
            return GraphEdits()

        def align(name):
            layer_name = f"{name}_align"
            return lambda x, _: ModalityAlignment(modalities, self.weight, name=layer_name)(x)

        return GraphEdits(after={name: align(name) for name in names})

    def get_config(self):
        return {"weight": self.weight, "sites": self.sites}
