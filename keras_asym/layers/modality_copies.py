import keras

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import fold, unfold


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityCopies(ModalityLayer):
    """A copy of a layer for each modality, which makes any layer private.

    The copies run one after the other, each on its modality's examples. The layer must treat
    examples alike, and keep no statistics over them.

    Args:
        modalities: Number of modalities M.
        layer: The layer. Its copies begin with their own initial weights.

    Call arguments:
        inputs: Folded tensor.

    Input shape:
        `(batch * modalities, ...)`.

    Output shape:
        What the layer makes of it, folded.

    Example:

    >>> copies = keras_asym.layers.ModalityCopies(2, keras.layers.LayerNormalization())
    >>> copies(keras.ops.ones((4, 16, 3))).shape
    (4, 16, 3)
    """

    mixes_modalities = False

    def __init__(self, modalities, layer, **kwargs):
        kwargs.setdefault("name", layer.name)
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(modalities, **kwargs)
        self.layer_config = _unshared(keras.saving.serialize_keras_object(layer))
        self.layer_config.pop("build_config", None)
        self.copies = [self._copy(row) for row in range(self.modalities)]

    def _copy(self, row):
        config = self.layer_config["config"]
        config = {**config, "name": f"{config['name']}_{row}"}
        return keras.saving.deserialize_keras_object({**self.layer_config, "config": config})

    def build(self, input_shape):
        for copy in self.copies:
            copy.build(input_shape)

    def call(self, inputs):
        pairs = zip(self.rows, unfold(inputs, self.count), strict=True)
        return fold([self.copies[row](x) for row, x in pairs])

    def compute_output_spec(self, inputs):
        return self.copies[0].compute_output_spec(inputs)

    def get_config(self):
        return {**super().get_config(), "layer": self.layer_config}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})


def _unshared(config):
    """A config without marks of shared objects, by which Keras would give one object twice.

    It makes them of the addresses of objects, and while a model is loaded a layer may get the
    address of one that is gone.
    """
    if isinstance(config, dict):
        return {key: _unshared(x) for key, x in config.items() if key != "shared_object_id"}
    return [_unshared(x) for x in config] if isinstance(config, list | tuple) else config
