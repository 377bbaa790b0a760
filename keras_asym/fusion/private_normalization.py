import keras

from keras_asym.fusion.strategy import FusionStrategy, GraphEdits


@keras.saving.register_keras_serializable(package="keras_asym")
class PrivateNormalization(FusionStrategy):
    """A shared network with private normalization for each modality and no fusion in between.

    The modalities meet in the ensemble alone. It is the baseline that shows what channel exchange
    or shuffle and shift add (both papers; CEN,
    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005), Table 1).
    """

    def edits(self, network, modalities):
        return GraphEdits()
