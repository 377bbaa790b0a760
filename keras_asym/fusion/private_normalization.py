import keras

from keras_asym.fusion.strategy import FusionStrategy, GraphEdits


@keras.saving.register_keras_serializable(package="keras_asym")
class PrivateNormalization(FusionStrategy):
    """A shared network with private normalization for each modality and no fusion in between.

    The modalities meet in the ensemble alone. It is the baseline that shows what channel exchange
    or shuffle and shift add (both papers; CEN,
    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005), Table 1).

    Example:

    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(18),
    ...     {"rgb": 3, "depth": 1},
    ...     keras_asym.fusion.PrivateNormalization(),
    ... )
    >>> model.get_layer("conv1_bn").gamma.shape
    (2, 64)
    """

    def edits(self, network, modalities):
        return GraphEdits()
