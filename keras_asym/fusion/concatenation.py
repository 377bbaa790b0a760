import keras

from keras_asym.fusion.merging import Merging, convolution
from keras_asym.layers import ConcatenateModalities


@keras.saving.register_keras_serializable(package="keras_asym")
class Concatenation(Merging):
    """Merges the modalities by concatenation and a 1x1 convolution ("Concat" of both papers).

    The convolution has no bias and gives as many channels as one modality has; a normalization
    follows. The papers do not give the widths: these are this package's choice.

    Args:
        stage, sites: Where; see `Merging`.

    Raises:
        ValueError: If `stage` is none of these; in `to_multimodal`, if `sites` finds no layer.

    Example:

    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(18), {"rgb": 3, "depth": 1},
    ...     keras_asym.fusion.Concatenation("early"))
    >>> model.get_layer("stack0_block1_out_merge_conv").kernel.shape
    (1, 1, 128, 64)
    """

    def merge(self, x, name, modalities, norm):
        channels = x.shape[-1]
        x = ConcatenateModalities(modalities, name=f"{name}_concat")(x)
        if len(x.shape) == 4:
            x = convolution(channels, 1, f"{name}_conv")(x)
        else:  # tokens
            x = keras.layers.Dense(channels, use_bias=False, name=f"{name}_conv")(x)
        return norm(f"{name}_norm")(x)
