import keras
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer, only_rows


@keras.saving.register_keras_serializable(package="keras_asym")
class SharedNormalization(ModalityLayer):
    """A normalization that all modalities share, with one gamma, beta and statistics for all.

    The control for private normalization. An image of any modality counts as an example of one
    modality, and what is absent counts in no statistics.

    Args:
        modalities: Number of modalities M of the folded batch.
        layer: Private normalization for one modality, `ModalityBatchNormalization(1)` say.

    Call arguments:
        inputs: Folded tensor.
        training: Passed on to the normalization.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.

    Input shape:
        `(batch * modalities, ..., channels)`.

    Output shape:
        That of the input.

    Raises:
        ValueError: If `layer` is not for one modality.

    Example:

    >>> norm = keras_asym.layers.ModalityBatchNormalization(1)
    >>> keras_asym.layers.SharedNormalization(2, norm)(keras.ops.ones((4, 8, 8, 3))).shape
    (4, 8, 8, 3)
    """

    def __init__(self, modalities, layer, **kwargs):
        if getattr(layer, "modalities", None) != 1:
            raise ValueError(
                "`layer` must be a private normalization for one modality, such as "
                f"ModalityBatchNormalization(1). Received: layer={layer}"
            )
        kwargs.setdefault("name", layer.name)
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(modalities, **kwargs)
        self.layer = layer

    def build(self, input_shape):
        if not self.layer.built:  # it is when the layer is loaded
            self.layer.build(input_shape)
            self.layer.built = True

    def call(self, inputs, training=None, presence=None):
        if presence is not None:
            presence = ops.reshape(presence, (-1, 1))
        with only_rows((0,)):
            return self.layer(inputs, training=training, presence=presence)

    def get_config(self):
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})
