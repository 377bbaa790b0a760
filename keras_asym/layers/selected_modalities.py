import keras

from keras_asym.layers.modality_layer import ModalityLayer, only_rows


@keras.saving.register_keras_serializable(package="keras_asym")
class SelectedModalities(ModalityLayer):
    """A layer of a multimodal model on some of its modalities, with the weights of all.

    What `select` puts around a `ModalityLayer`: inside, the folded axis holds the modalities `rows`
    and no others.

    Args:
        layer: A `ModalityLayer`, whose weights are shared.
        rows: Indices of the modalities, in order.

    Call arguments:
        inputs: Folded tensor with the modalities `rows`.
        presence: Boolean `(batch, len(rows))`: which of them each example has; `None` for all.

    Input shape:
        `(batch * len(rows), ...)`.

    Output shape:
        What the layer makes of it.

    Raises:
        ValueError: If `rows` are not distinct indices of the layer's modalities.

    Example:

    >>> norm = keras_asym.layers.ModalityBatchNormalization(3)
    >>> norm.build((None, 8, 8, 5))
    >>> keras_asym.layers.SelectedModalities(norm, rows=(0, 2))(keras.ops.ones((4, 8, 8, 5))).shape
    (4, 8, 8, 5)
    """

    def __init__(self, layer, rows, **kwargs):
        kwargs.setdefault("name", layer.name)
        kwargs.setdefault("dtype", layer.dtype_policy)
        rows = tuple(rows)
        if not rows or len(set(rows)) < len(rows) or set(rows) - set(range(layer.modalities)):
            raise ValueError(
                f"`rows` must be distinct indices in 0..{layer.modalities - 1}. Received: {rows}"
            )
        super().__init__(len(rows), **kwargs)
        self.layer = layer
        self.selected = rows

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def call(self, inputs, *args, presence=None, **kwargs):
        with only_rows(self._rows_of_layer()):
            return self.layer(inputs, *args, **kwargs)

    def compute_output_spec(self, inputs, *args, presence=None, **kwargs):
        with only_rows(self._rows_of_layer()):
            return self.layer.compute_output_spec(inputs, *args, **kwargs)

    def _rows_of_layer(self):
        return [self.selected[row] for row in self.rows]  # some of them, inside of another one

    def get_config(self):
        config = super().get_config()
        config.pop("modalities")
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**config, "layer": layer, "rows": list(self.selected)}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})
