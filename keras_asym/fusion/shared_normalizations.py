import keras

from keras_asym.fusion.strategy import FusionStrategy, GraphEdits, find_sites


@keras.saving.register_keras_serializable(package="keras_asym")
class SharedNormalizations(FusionStrategy):
    """Normalizations that the modalities share, as they share the convolutions.

    The control for private normalization. With others in `Combined`, or with `sites`, some norms
    are shared: `sites="^(aspp|decoder)"` leaves those of a DeepLab's encoder private.

    Args:
        sites: Regular expression, searched in the names of the normalization layers; `None` for
            all.

    Raises:
        ValueError: In `to_multimodal`, if `sites` finds no normalization.

    Example:

    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(18), {"rgb": 3, "depth": 3},
    ...     keras_asym.fusion.SharedNormalizations())
    >>> model.count_params() == keras_asym.networks.ResNet(18).count_params()
    True
    """

    def __init__(self, sites=None):
        self.sites = sites

    def edits(self, network, modalities):
        found = find_sites(network, self.sites or "", "normalization")
        return GraphEdits() if modalities == 1 else GraphEdits(shared=set(found))

    def get_config(self):
        return {"sites": self.sites}
