import keras

from keras_asym.fusion.merging import Merging
from keras_asym.layers import AverageModalities


@keras.saving.register_keras_serializable(package="keras_asym")
class Averaging(Merging):
    """Merges the modalities by the mean of their features (baseline of both papers).

    Without parameters. An example that lacks a modality has the mean of the others.

    Args:
        stage, sites: Where; see `Merging`.

    Raises:
        ValueError: If `stage` is none of these; in `to_multimodal`, if `sites` finds no layer.

    Example:

    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(18), {"rgb": 3, "depth": 1},
    ...     keras_asym.fusion.Averaging("middle"))
    >>> list(model.output)
    ['ensemble']
    """

    def merge(self, x, name, modalities, norm):
        return AverageModalities(modalities, name=name)(x)
